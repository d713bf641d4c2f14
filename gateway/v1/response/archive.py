"""The ZIP of a render: the same bytes for the same parts, and no name in it that could surprise whoever unpacks it."""

from __future__ import annotations

import io
import re
import zipfile
from typing import TYPE_CHECKING

from gateway.model.jobs import Format
from gateway.v1.request.file_names import find_fault
from gateway.v1.response.documents import ArchivedFigure, ArchivedFile, ArchivedPicture, ArchiveManifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gateway.v1.response.documents import RenderDocument
    from gateway.v1.response.rendering import Rendering

#: The earliest date that the format knows; the true one would make every archive another.
DATE = (1980, 1, 1, 0, 0, 0)

#: An ordinary file that its owner may change, in the upper half as Unix has it.
MODE = 0o100644 << 16

#: What doesn't get smaller is not packed again.
_PACKED_ALREADY = {f".{name}" for name in (Format.PNG, Format.JPEG, Format.WEBP, "jpg", "gif", "zip", "gz", "mp4")}

_UNSAFE = re.compile(r"[^\w.,=+@ -]")


def write_archive(rendering: Rendering, document: RenderDocument) -> bytes:
    """Return a ZIP of all that came of a render.

    Args:
        rendering: Where the bytes are.
        document: What is told about them.
    """
    picture_names = [
        f"figure-{number}.{picture.format.value}"
        for number, figure in enumerate(rendering.result.figures, 1)
        for picture in figure.pictures
    ]
    file_names = archive_names([file.name for file in rendering.result.files])
    manifest = _manifest(document, picture_names, file_names)
    members: list[tuple[str, bytes]] = [
        *zip(picture_names, (picture.data for picture in rendering.pictures), strict=True),
        *zip(file_names, (file.data for file in rendering.result.files), strict=True),
        ("stdout.txt", document.stdout.text.encode()),
        ("stderr.txt", document.stderr.text.encode()),
        ("manifest.json", manifest.model_dump_json(indent=1).encode() + b"\n"),
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = MODE
            info.create_system = 3  # Unix, wherever we run
            stored = any(name.endswith(ending) for ending in _PACKED_ALREADY)
            info.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return packed.getvalue()


def archive_names(names: list[str]) -> list[str]:
    """Return what files of a job are called in an archive: below `files/`, safe everywhere, and all different."""
    found: list[str] = []
    taken: set[str] = set()
    for name in names:
        safe = "files/" + "/".join(_safe(part) for part in name.split("/") if part not in ("", "."))
        number = 2
        distinct = safe
        while distinct.casefold() in taken:
            distinct = f"{safe}-{number}"
            number += 1
        taken.add(distinct.casefold())
        found.append(distinct)
    return found


def _safe(part: str) -> str:
    """Return one part of a path, changed where unpacking it could do something else than make a file of this name."""
    if find_fault(part) is None and not _UNSAFE.search(part):
        return part
    changed = _UNSAFE.sub("_", part).strip(". ")[:64]
    return changed if find_fault(changed) is None else f"_{changed}"


def _manifest(document: RenderDocument, picture_names: list[str], file_names: list[str]) -> ArchiveManifest:
    names: Iterator[str] = iter(picture_names)
    return ArchiveManifest(
        **document.manifest.model_dump(),
        figures=[
            ArchivedFigure(
                number=figure.number,
                label=figure.label,
                pictures=[
                    ArchivedPicture(**picture.model_dump(exclude={"data"}), name=next(names))
                    for picture in figure.pictures
                ],
            )
            for figure in document.figures
        ],
        files=[
            ArchivedFile(**file.model_dump(exclude={"data"}), archived_as=name)
            for file, name in zip(document.files, file_names, strict=True)
        ],
        files_truncated=document.files_truncated,
        warnings=document.warnings,
    )
