"""The ZIP of a render: the same bytes for the same parts, and names that are safe to unpack anywhere."""

from __future__ import annotations

import io
import json
import re
import unicodedata
import zipfile
from typing import TYPE_CHECKING

from gateway.v1.request.file_names import find_part_error
from gateway.v1.response.rendering import UNEXPLAINED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.v1.response.documents import RenderDocument
    from gateway.v1.response.rendering import Rendering

#: The earliest date that the format has; the true one would make each archive different.
DATE = (1980, 1, 1, 0, 0, 0)

#: Mode of an ordinary file that its owner may change, in the upper half as on Unix.
MODE = 0o100644 << 16

#: Endings of films.
FILMS = ("avi", "mkv", "mov", "mp4", "webm")

#: Files that are stored as they are, because compressing them again gains nothing.
_COMPRESSED = tuple(f".{name}" for name in ("png", "apng", "jpeg", "jpg", "webp", "gif", "zip", "gz", *FILMS))

#: Longest part of a name in bytes of UTF-8: file systems allow 255, and a number may be added.
PART_LIMIT_BYTES = 200

#: Members of a document that are in the manifest.
_DESCRIBED = {"figures", "figures_truncated", "files", "files_truncated", "warnings"}

#: What the manifest has in place of the members of an explanation, which are put there as they are.
_UNEXPLAINED = ",\n   ".join(f'"{name}": null' for name in UNEXPLAINED).encode()

#: What some system refuses in names, and what is replaced in a name that can't stay as it is.
_REFUSED = re.compile(r'[<>:"|?*]')
_UNSAFE = re.compile(r"[^\w.,=+@ -]")


def write_archive(rendering: Rendering, document: RenderDocument) -> bytes:
    """Return a ZIP of a render's pictures, files and text, with a manifest made from its document."""
    result = rendering.result
    picture_names = [
        f"figure-{number}.{picture.format.ending}"
        for number, figure in enumerate(result.figures, 1)
        for picture in figure.pictures
    ]
    file_names = archive_names([file.name for file in result.files])
    manifest = json.dumps(_manifest(document, picture_names, file_names), indent=1, ensure_ascii=False).encode() + b"\n"
    members = [
        *zip(picture_names, (picture.data for picture in rendering.pictures), strict=True),
        *zip(file_names, (file.data for file in result.files), strict=True),
        ("stdout.txt", result.stdout.text.encode()),
        ("stderr.txt", result.stderr.text.encode()),
        ("manifest.json", _explained(manifest, rendering.explanations)),
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
    """Return the names of a job's files in an archive: below `files/`, and safe to unpack anywhere.

    All differ, also where upper and lower case, or two ways to write a letter, are the same, and none is a folder of
    another one. Files of one folder stay in one, and those of two folders in two.
    """
    places = _Places()
    return [places.take(name) for name in names]


class _Places:
    """Which names are taken, and what became of a job's folders."""

    def __init__(self) -> None:
        #: Each by its folder's place, and by what its own part is the same as: of a path of 120 folders, comparing all
        #: of it for each of them takes 6 ms.
        self._taken: set[tuple[str, str]] = set()
        #: By a name that is taken, the number that the next one gets.
        self._next_numbers: dict[tuple[str, str], int] = {}
        self._folders: dict[tuple[str, ...], str] = {(): "files"}

    def take(self, name: str) -> str:
        """Return the place of a file of this name."""
        parts = tuple(part for part in name.split("/") if part not in ("", "."))
        return self._claim(self._folder(parts[:-1]), parts[-1] if parts else "")

    def _folder(self, parts: tuple[str, ...]) -> str:
        for depth in range(1, len(parts) + 1):
            if parts[:depth] not in self._folders:
                self._folders[parts[:depth]] = self._claim(self._folders[parts[: depth - 1]], parts[depth - 1])
        return self._folders[parts]

    def _claim(self, folder: str, part: str) -> str:
        wanted = distinct = _safe(part)
        key = taken = (folder, _same_as(wanted))
        while taken in self._taken:
            number = self._next_numbers.get(key, 2)
            self._next_numbers[key] = number + 1
            distinct = f"{wanted}-{number}"
            taken = (folder, _same_as(distinct))
        self._taken.add(taken)
        return f"{folder}/{distinct}"


def _same_as(name: str) -> str:
    """Return a text that is the same for names that some file system takes for one."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def _safe(part: str) -> str:
    """Return one part of a path, changed if unpacking it could do anything but make a file of this name."""
    part = unicodedata.normalize("NFC", part)
    if find_part_error(part) is None and not _REFUSED.search(part) and len(part.encode()) <= PART_LIMIT_BYTES:
        return part
    changed = _UNSAFE.sub("_", part).strip(". ")[:64].encode()[:PART_LIMIT_BYTES].decode(errors="ignore")
    return changed if find_part_error(changed) is None else f"_{changed}"


def _manifest(document: RenderDocument, picture_names: list[str], file_names: list[str]) -> dict[str, object]:
    """Return the manifest of a render, with what else its document says, names in the archive instead of bytes."""
    described = document.model_dump(mode="json", include=_DESCRIBED)
    pictures = (picture for figure in described["figures"] for picture in figure["pictures"])
    for picture, name in zip(pictures, picture_names, strict=True):
        del picture["data"]
        picture["name"] = name
    for file, name in zip(described["files"], file_names, strict=True):
        del file["data"]
        file["archived_as"] = name
    return {**document.manifest.model_dump(mode="json"), **described}


def _explained(manifest: bytes, explanations: Sequence[bytes | None]) -> bytes:
    """Return a manifest with what is said of its figures; only their objects have those members in a row."""
    first, *others = manifest.split(_UNEXPLAINED)
    said = [_UNEXPLAINED if each is None else memoryview(each)[1:-1] for each in explanations]  # copied once
    return b"".join((first, *(part for pair in zip(said, others, strict=True) for part in pair)))
