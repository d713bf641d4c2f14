"""Which modules and packages below a script's folder a program imports."""

from __future__ import annotations

import ast
import warnings
from functools import lru_cache
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Longest chain of packages that is followed.
DEPTH_LIMIT = 8

PACKAGE_MARK = "__init__.py"


def imported_files(root: Path, folder: PurePosixPath, text: str) -> Iterator[PurePosixPath]:
    """Yield the files of the modules that a program imports, with those of the packages that they are in.

    Args:
        root: The script's folder, where imports are looked up.
        folder: The program's own folder relative to it, where relative imports begin.
        text: The program.
    """
    for level, name in imported_names(text):
        package = folder.parts
        if level:
            if level > len(package):
                continue  # beyond the script's folder, where there is no package
            start = package[: len(package) - level + 1]
        else:
            start = ()
        yield from _files_of(root, (*start, *(part for part in name.split(".") if part)))


@lru_cache(maxsize=64)
def imported_names(text: str) -> frozenset[tuple[int, str]]:
    """Return the names that a program imports, each with its number of leading dots; none if it can't be parsed.

    Of `from a import b` both `a` and `a.b` are among them, since `b` may be a module.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of the code are the service's to report
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()  # the service will report it
    found: set[tuple[int, str]] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {(0, alias.name) for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            found.add((node.level, module))
            found |= {(node.level, f"{module}.{alias.name}") for alias in node.names}
    return frozenset(found)


def _files_of(root: Path, parts: tuple[str, ...]) -> Iterator[PurePosixPath]:
    """Yield the files that importing a module runs: its own, and those of its packages."""
    here = PurePosixPath()
    for part in parts[:DEPTH_LIMIT]:
        module = here / f"{part}.py"
        here /= part
        if _is_folder(root / here):
            if _is_file(root / here / PACKAGE_MARK):
                yield here / PACKAGE_MARK
        else:
            if _is_file(root / module):
                yield module
            return


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _is_folder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()
