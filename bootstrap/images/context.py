"""The build context as a reproducible tarball: equal files give equal bytes, so layers are reused."""

from __future__ import annotations

import hashlib
import tarfile
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

#: Time of every file, in seconds since 1970 (1 January 2025), so that equal files give an equal tarball.
FIXED_TIME = 1_735_689_600

#: Folders that don't belong to the runner image; each environment is an image of its own.
IGNORED = frozenset({"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", "environments"})


def files(folder: Path, parts: Collection[str] = ()) -> Iterator[tuple[str, Path]]:
    """Yield a folder's files with their relative names, sorted, without caches and hidden files.

    Args:
        folder: Where they are.
        parts: Files and folders in it; if there are any, all others are left out.
    """
    found = {path for part in parts for path in ((folder / part), *(folder / part).rglob("*"))}
    for path in sorted(found if parts else folder.rglob("*")):
        names = path.relative_to(folder).parts
        if path.is_file() and not IGNORED.intersection(names) and not any(n.startswith(".") for n in names):
            yield "/".join(names), path


def digest(folder: Path, parts: Collection[str] = ()) -> str:
    """Return a hash of the names and contents of a folder's files, as 64 hex digits; see `files` for the arguments."""
    whole = hashlib.sha256()
    for name, path in files(folder, parts):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        whole.update(f"{name}\0{content}\n".encode())
    return whole.hexdigest()


def pack(folder: Path, made: Mapping[str, Path], target: IO[bytes], parts: Collection[str] = ()) -> None:
    """Write the build context: a folder's files, and what was made for it on the host.

    The owner is root, times are fixed and modes are 644, so that it doesn't matter who checked the files out and when.

    Args:
        folder: Holds the Dockerfile and what it copies.
        made: Folders that go in whole, by their names there.
        target: Where it is written.
        parts: See `files`.
    """
    with tarfile.open(fileobj=target, mode="w:", format=tarfile.GNU_FORMAT) as tar:
        for name, path in files(folder, parts):
            _add(tar, name, path)
        for name, top in made.items():
            for path in sorted(top.rglob("*")):
                if path.is_file():
                    _add(tar, f"{name}/{path.relative_to(top).as_posix()}", path)


def _add(tar: tarfile.TarFile, name: str, path: Path) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mtime, entry.mode = path.stat().st_size, FIXED_TIME, 0o644
    with path.open("rb") as content:
        tar.addfile(entry, content)
