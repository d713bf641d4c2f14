"""Files that a pattern matches, found in time in proportion to the files that there are.

`glob` goes through symbolic links, so that two links to their own folder give 2^40 paths, and it looks at a folder once
for each way in which several `**` can match it. Patterns and folders may both be a stranger's.
"""

from __future__ import annotations

import glob
import os
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

#: Stands for any number of folders.
ANY_FOLDERS = "**"


def fixed_part(pattern: Path) -> Path:
    """Return the parts of a pattern before the first one with a wildcard, but for the file's name."""
    parts = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def files_matching(root: Path, pattern: Path, passed_over: Callable[[Path], bool]) -> list[Path]:
    """Return the files that a pattern matches, in order, but for links; see `paths_matching`."""
    found = paths_matching(root, pattern, passed_over)
    return [path for path in found if not path.is_symlink() and path.is_file()]


def paths_matching(root: Path, pattern: Path, passed_over: Callable[[Path], bool]) -> list[Path]:
    """Return the files and folders that a pattern matches, in order; what is behind a link isn't found.

    Hidden ones match only what begins with a dot itself.

    Args:
        root: What the pattern is relative to, unless it is absolute.
        pattern: With wildcards.
        passed_over: Tells a folder in which nothing is looked for.
    """
    fixed = fixed_part(pattern)
    base, wild = root / fixed, pattern.parts[len(fixed.parts) :]
    found = []
    for parent, folders, files in os.walk(base):
        parts = Path(parent).relative_to(base).parts
        is_deep = len(parts) + 1 >= len(wild) and ANY_FOLDERS not in wild
        here = (name for name in (*folders, *files) if not name.startswith(".") or wild[-1].startswith("."))
        found += [Path(parent, name) for name in here if fits((*parts, name), wild)]
        folders[:] = [] if is_deep else [name for name in folders if not passed_over(Path(parent, name))]
    return sorted(found, key=str)


def fits(parts: Iterable[str], pattern: Sequence[str], *, or_below: bool = False) -> bool:
    """Tell whether a path's parts are what those of a pattern match, or if wanted a path below that."""
    places = _with_skipped({0}, pattern)
    for part in parts:
        if or_below and len(pattern) in places:
            return True
        stays = {at for at in places if at < len(pattern) and pattern[at] == ANY_FOLDERS}
        goes = {at + 1 for at in places - stays if at < len(pattern) and fnmatch(part, pattern[at])}
        places = _with_skipped(stays | goes, pattern)
    return len(pattern) in places


def _with_skipped(places: set[int], pattern: Sequence[str]) -> set[int]:
    """Return places in a pattern with those behind each `**` there, which matches no folder, too."""
    found = set(places)
    for at in range(len(pattern)):
        if at in found and pattern[at] == ANY_FOLDERS:
            found.add(at + 1)
    return found
