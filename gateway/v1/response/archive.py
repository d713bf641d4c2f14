"""The ZIP of a render: the same bytes for the same parts, and names that are safe to unpack anywhere."""

from __future__ import annotations

import io
import json
import re
import zipfile
from typing import TYPE_CHECKING

from gateway.model.jobs import Format
from gateway.v1.request.file_names import find_name_error

if TYPE_CHECKING:
    from gateway.v1.response.documents import RenderDocument
    from gateway.v1.response.rendering import Rendering

#: The earliest date that the format has; the true one would make each archive different.
DATE = (1980, 1, 1, 0, 0, 0)

#: Mode of an ordinary file that its owner may change, in the upper half as on Unix.
MODE = 0o100644 << 16

#: Files that are stored as they are, because compressing them again gains nothing.
_COMPRESSED = tuple(f".{name}" for name in (Format.PNG, Format.JPEG, Format.WEBP, "jpg", "gif", "zip", "gz", "mp4"))

_UNSAFE = re.compile(r"[^\w.,=+@ -]")


def write_archive(rendering: Rendering, document: RenderDocument) -> bytes:
    """Return a ZIP of a render's pictures, files and text, with a manifest made from its document."""
    result = rendering.result
    picture_names = [
        f"figure-{number}.{picture.format.value}"
        for number, figure in enumerate(result.figures, 1)
        for picture in figure.pictures
    ]
    file_names = archive_names([file.name for file in result.files])
    manifest = json.dumps(_manifest(document, picture_names, file_names), indent=1, ensure_ascii=False)
    members = [
        *zip(picture_names, (picture.data for picture in rendering.pictures), strict=True),
        *zip(file_names, (file.data for file in result.files), strict=True),
        ("stdout.txt", result.stdout.text.encode()),
        ("stderr.txt", result.stderr.text.encode()),
        ("manifest.json", manifest.encode() + b"\n"),
    ]
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, data in members:
            info = zipfile.ZipInfo(name, DATE)
            info.external_attr = MODE
            info.create_system = 3  # Unix, whatever the gateway runs on
            info.compress_type = zipfile.ZIP_STORED if name.endswith(_COMPRESSED) else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return packed.getvalue()


def archive_names(names: list[str]) -> list[str]:
    """Return the names of a job's files in an archive: below `files/`, safe everywhere, and all different."""
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
    """Return one part of a path, changed if unpacking it could do anything but make a file of this name."""
    if find_name_error(part) is None and not _UNSAFE.search(part):
        return part
    changed = _UNSAFE.sub("_", part).strip(". ")[:64]
    return changed if find_name_error(changed) is None else f"_{changed}"


def _manifest(document: RenderDocument, picture_names: list[str], file_names: list[str]) -> dict[str, object]:
    """Return the manifest of a render, with what else its document says, names in the archive instead of bytes."""
    described = document.model_dump(mode="json", include={"figures", "files", "files_truncated", "warnings"})
    pictures = (picture for figure in described["figures"] for picture in figure["pictures"])
    for picture, name in zip(pictures, picture_names, strict=True):
        del picture["data"]
        picture["name"] = name
    for file, name in zip(described["files"], file_names, strict=True):
        del file["data"]
        file["archived_as"] = name
    return {**document.manifest.model_dump(mode="json"), **described}
