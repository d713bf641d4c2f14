"""Archives as engines take and give them, written and changed piece by piece: none is whole in memory or on disk."""

from __future__ import annotations

import copy
import fnmatch
import posixpath
import tarfile
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, cast

from bootstrap.images.context import FIXED_TIME

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

#: Bytes that are sent or read at once.
PIECE = 1 << 20

FOLDER_MODE, FILE_MODE = 0o755, 0o644

#: What of a member's PAX records is kept; the others repeat its fields.
KEPT_RECORDS = "SCHILY.xattr."


class CopyError(Exception):
    """What was to be copied isn't there, or can't be copied; its text says why, as a part of a sentence."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to copy to.

    Attributes:
        path: Absolute.
        is_folder: Whether it is a folder, or is to be one; otherwise what a single file becomes.
        missing: Folders on the way that aren't there yet, outermost first; with `is_folder`, the target itself, too.
    """

    path: str
    is_folder: bool
    missing: tuple[str, ...]

    def of_file(self, name: str) -> str:
        """Return what a file of this name becomes."""
        return posixpath.join(self.path, name) if self.is_folder else self.path


def selected(files: Mapping[str, Path], sources: Iterable[str]) -> dict[str, Path | None]:
    """Return what COPY takes from the context, by its name in the target; None for folders, which come first.

    Of a folder it takes what is in it; the target itself, whose name in itself is empty, is then a folder, too. A
    pattern may find nothing, as long as another source finds something.

    Args:
        files: The context's.
        sources: Names and patterns, a star not beyond a slash.

    Raises:
        CopyError: There is nothing, or a name without a pattern isn't there.
    """
    found: dict[str, Path | None] = {}
    for source in sources:
        pattern = [part for part in source.split("/") if part not in {"", "."}]
        before = len(found)
        for name, path in files.items():
            parts = name.split("/")
            if len(parts) >= len(pattern) and all(map(fnmatch.fnmatchcase, parts, pattern)):
                inner = parts[len(pattern) :]
                found |= {"/".join(inner[:depth]): None for depth in range(len(inner))}
                found["/".join(inner) or parts[-1]] = path
        if len(found) == before and not set(source) & set("*?["):
            raise CopyError(f"there is no {source}")
    if not found:
        raise CopyError("nothing has such a name")
    return found


def packed(members: Mapping[str, Path | None], target: Target) -> Iterator[bytes]:
    """Yield an archive, to be unpacked at the root, of files of this host.

    The owner is root, times are fixed and modes are 644, or 755 for folders, so that it doesn't matter who checked the
    files out and when.

    Raises:
        CopyError: The target is one file, but these are several.
    """
    if not target.is_folder and len(members) > 1:
        raise CopyError(f"{target.path} isn't a folder; put a slash at its end")
    return _batched(_packed(members, target))


def _packed(members: Mapping[str, Path | None], target: Target) -> Iterator[bytes]:
    yield from _missing(target)
    for name, path in members.items():
        if path is None:
            if name:  # the target itself is among those that are missing, or it stays as it is
                yield _header(_folder(posixpath.join(target.path, name)))
            continue
        with path.open("rb") as content:
            entry = tarfile.TarInfo(target.of_file(name).lstrip("/"))
            entry.size, entry.mode, entry.mtime = path.stat().st_size, FILE_MODE, FIXED_TIME
            yield _header(entry)
            yield from _content(content, entry.size)
    yield bytes(2 * tarfile.BLOCKSIZE)


def moved(archive: Iterable[bytes], target: Target) -> Iterator[bytes]:
    """Yield an archive that an engine gave of a file or a folder, changed so that COPY's target comes of it.

    Everything belongs to root. A target that is there keeps its own mode.

    Raises:
        CopyError: It is neither a file nor a folder, or it is a folder for a target that is a file. Raised while the
            archive is read.
    """
    return _batched(_moved(archive, target))


def _moved(archive: Iterable[bytes], target: Target) -> Iterator[bytes]:
    with tarfile.open(fileobj=cast("IO[bytes]", _Pieces(archive)), mode="r|", bufsize=PIECE) as tar:
        root = tar.next()
        if root is None or not (root.isdir() or root.isreg()):
            raise CopyError("it is neither a file nor a folder")
        where = target.path if root.isdir() else target.of_file(posixpath.basename(root.name))
        # A folder that is new is made as it was.
        parents = [folder for folder in target.missing if folder != where]
        yield from _missing(Target(target.path, target.is_folder, tuple(parents)))
        top = root.name.rstrip("/")
        member: tarfile.TarInfo | None = root
        while member is not None:
            name = _below(where, member.name, top)
            if member is not root or root.isreg() or where in target.missing:
                entry = copy.copy(member)
                entry.name = name
                if entry.islnk():
                    entry.linkname = _below(where, entry.linkname, top)
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                entry.mtime = int(entry.mtime)
                entry.pax_headers = {k: v for k, v in entry.pax_headers.items() if k.startswith(KEPT_RECORDS)}
                yield _header(entry)
                if member.isreg():
                    yield from _content(cast("IO[bytes]", tar.extractfile(member)), member.size)
            member = tar.next()
    yield bytes(2 * tarfile.BLOCKSIZE)


def _below(where: str, name: str, top: str) -> str:
    return (where + name.rstrip("/").removeprefix(top)).strip("/")


def _missing(target: Target) -> Iterator[bytes]:
    for folder in target.missing:
        yield _header(_folder(folder))


def _folder(path: str) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path.strip("/"))
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, FOLDER_MODE, FIXED_TIME
    return entry


def _header(entry: tarfile.TarInfo) -> bytes:
    return entry.tobuf(tarfile.PAX_FORMAT)


def _content(content: IO[bytes], size: int) -> Iterator[bytes]:
    left = size
    while left:
        piece = content.read(min(PIECE, left))
        if not piece:
            raise CopyError("it became shorter while it was read")
        left -= len(piece)
        yield piece
    yield bytes(-size % tarfile.BLOCKSIZE)


def _batched(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the same bytes in pieces of at least `PIECE`, as each that is sent costs calls of the system."""
    batch = bytearray()
    for piece in pieces:
        batch += piece
        if len(batch) >= PIECE:
            yield bytes(batch)
            batch.clear()
    if batch:
        yield bytes(batch)


class _Pieces:
    """A file of pieces that come one after another, as far as `tarfile` needs it."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._rest = memoryview(b"")

    def read(self, size: int) -> bytes:
        """Return at most so many bytes; none at the end."""
        while not self._rest:
            piece = next(self._pieces, None)
            if piece is None:
                return b""
            self._rest = memoryview(piece)
        found, self._rest = self._rest[:size], self._rest[size:]
        return bytes(found)
