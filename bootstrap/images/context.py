"""What an image is built from: the files of a folder and what was made for it on the host, and their hash."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

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


def contents(folder: Path, made: Mapping[str, Path], parts: Collection[str] = ()) -> dict[str, Path]:
    """Return the build context by the names that a Dockerfile uses: a folder's files, and what was made on the host.

    Args:
        folder: Holds the Dockerfile and what it copies.
        made: Folders that go in whole, by their names there.
        parts: See `files`.
    """
    found = dict(files(folder, parts))
    for name, top in made.items():
        for path in sorted(top.rglob("*")):
            if path.is_file():
                found[f"{name}/{path.relative_to(top).as_posix()}"] = path
    return found
