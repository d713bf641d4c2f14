"""Which data files are sent along with a script.

A file is sent along if it is below the script's folder and the script's text contains its name and those of the folders
that lead to it, or imports it as a module; the same goes for the text of such a module, and for the files below its own
folder. A `matplotlibrc` beside the script counts in a direct run without being named, so it is sent. Hidden files and
symbolic links aren't sent. Files that this rule misses, because a name is composed at run time or a file is elsewhere,
can be named with `--data`.
"""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from figbox.cli.batch.imports import imported_files
from figbox.cli.batch.outputs import INVISIBLE_TEXT, is_device
from figbox.cli.batch.patterns import ANY_FOLDERS, paths_matching
from figbox.cli.batch.scripts import is_passed_over
from figbox.cli.exits import ScriptProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from figbox.cli.batch.scripts import Script

KiB = 1024
MiB = 1024 * KiB

#: Largest size of a script's data files, in MiB, if the user doesn't set it. Bytes that aren't text are sent as base64,
#: which is a third longer, and a service accepts bodies of 10 MiB by default.
DATA_LIMIT_MIB = 7

#: The service's limits on data files: how many, how long each part of a name in characters and bytes, and how long and
#: deep the whole name.
COUNT_LIMIT = 64
NAME_LIMIT = 128
NAME_LIMIT_BYTES = 255
PATH_LIMIT = 255
DEPTH_LIMIT = 8

#: Files and folders that are looked at for one text; a script whose folder has more is rarely meant to use them.
ENTRY_LIMIT = 10_000

#: What Matplotlib reads by itself.
PARAMETERS_FILE = "matplotlibrc"

#: Suffix of modules, which are sent along when they are imported, not when their name occurs.
MODULE_SUFFIX = ".py"

#: A character that makes a name part of a longer one.
_NAME_PART = r"[\w.-]"


def named_files(
    patterns: Sequence[str], root: Path = Path(), *, told_by: str = "--data", may_lack: bool = False
) -> dict[str, Path]:
    """Return the files of `--data`, by the names under which they are sent.

    A folder stands for all files below it that aren't hidden, and keeps its own name.

    Args:
        patterns: Paths and patterns.
        root: The folder that they are relative to.
        told_by: Where they come from, for messages.
        may_lack: Whether one may mean no file.

    Raises:
        click.UsageError: A file doesn't exist or can't be sent, or two have the same name.
    """
    found: dict[str, Path] = {}
    for pattern in patterns:
        files = [pair for match in _matches(root, pattern) for pair in _named(match)]
        if not files and not may_lack:
            raise click.UsageError(f"{told_by}: no such file: {pattern}")
        for name, path in files:
            problem = name_problem(name)
            if problem is not None:
                raise click.UsageError(f"{told_by}: {path} can't be sent: {problem}")
            if found.setdefault(name, path).resolve() != path.resolve():
                raise click.UsageError(f"{told_by}: {found[name]} and {path} have the same name")
    return found


def _matches(root: Path, pattern: str) -> list[Path]:
    """Return the files and folders that a path or a pattern means; a `**` in it is one folder, as `*`."""
    path = Path(pattern)
    if (root / path).exists():
        return [root / path]
    one_by_one = Path(*("*" if part == ANY_FOLDERS else part for part in path.parts))
    return paths_matching(root, one_by_one, is_passed_over)


def _named(path: Path) -> Iterator[tuple[str, Path]]:
    """Yield the files that a path of `--data` stands for, with their names."""
    if path.is_file():
        yield _sent_name(path.name), path
    elif path.is_dir() and path.name not in ("", ".."):
        for parent, folders, files in os.walk(path):
            here = Path(parent)
            folders[:] = sorted(folder for folder in folders if not is_passed_over(here / folder))
            for file in sorted(files):
                if not file.startswith(".") and not (here / file).is_symlink():
                    yield _sent_name(f"{path.name}/{(here / file).relative_to(path).as_posix()}"), here / file


def files_beside(script: Script, code: str) -> dict[str, Path]:
    """Return the files below a script's folder that are sent along with it, by name.

    Raises:
        ScriptProblem: Such a file has a name that the service doesn't accept.
    """
    if script.path is None:
        return {}
    root = script.path.parent
    found: dict[str, Path] = {}
    texts = [(code, PurePosixPath())]
    while texts:
        text, folder = texts.pop()
        paths = {*imported_files(root, folder, text), *_mentioned(root, PurePosixPath(), text)}
        if folder.parts:
            paths.update(_mentioned(root, folder, text))
        for path in sorted(paths - {PurePosixPath(script.path.name)}):
            name = _sent_name(str(path))
            if name in found:
                continue
            problem = name_problem(name)
            if problem is not None:
                raise ScriptProblem(f"{root / path} can't be sent: {problem}")
            found[name] = root / path
            if name.endswith(MODULE_SUFFIX):
                texts.append((found[name].read_text("utf-8", errors="replace"), path.parent))
    if PARAMETERS_FILE not in found and _is_plain_file(root / PARAMETERS_FILE):
        found[PARAMETERS_FILE] = root / PARAMETERS_FILE
    return found


def _mentioned(root: Path, folder: PurePosixPath, text: str) -> Iterator[PurePosixPath]:
    """Yield the files below a folder that a text names, with the folders between; modules aren't among them.

    Args:
        root: The script's folder.
        folder: Where to look, relative to it.
        text: What may name them.
    """
    composed = unicodedata.normalize("NFC", text)
    pending = [folder]
    left = ENTRY_LIMIT
    while pending and left > 0:
        here = pending.pop()
        with os.scandir(root / here) as entries:
            for entry in entries:
                left -= 1
                name = entry.name
                if name.startswith(".") or not occurs(_sent_name(name), composed):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    if len(here.parts) + 1 < DEPTH_LIMIT and not is_passed_over(root / here / name):
                        pending.append(here / name)
                elif entry.is_file(follow_symlinks=False) and not name.endswith(MODULE_SUFFIX):
                    yield here / name


def _is_plain_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def occurs(name: str, text: str) -> bool:
    """Tell whether a text contains a file's name, and not only as part of a longer name."""
    if name not in text:
        return False
    return re.search(rf"(?<!{_NAME_PART}){re.escape(name)}(?!{_NAME_PART})", text) is not None


def read_files(paths: Mapping[str, Path], limit_bytes: int) -> dict[str, bytes]:
    """Return the contents of data files by name.

    Raises:
        ScriptProblem: They are too many or too large, or one can't be read.
    """
    if len(paths) > COUNT_LIMIT:
        raise ScriptProblem(f"it needs {len(paths)} data files, and at most {COUNT_LIMIT} can be sent")
    contents: dict[str, bytes] = {}
    total = 0
    for name, path in paths.items():
        try:
            with path.open("rb") as file:
                contents[name] = file.read(limit_bytes + 1)
        except OSError as error:
            raise ScriptProblem(f"data file {path} can't be read: {error.strerror}") from error
        size = len(contents[name])
        total += size
        if size > limit_bytes:
            raise ScriptProblem(
                f"data file {path} has {_mib(path.stat().st_size)}, and the limit for a script is {_mib(limit_bytes)}"
            )
        if total > limit_bytes:
            raise ScriptProblem(
                f"the data files have more than {_mib(limit_bytes)} together; the largest is {largest(contents)}"
            )
    return contents


def largest(contents: Mapping[str, bytes]) -> str:
    """Return the name and the size of the largest file."""
    name = max(contents, key=lambda key: len(contents[key]))
    return f"{name} with {_mib(len(contents[name]))}"


def name_problem(name: str) -> str | None:
    """Return what the service would reject in a data file's name, or None."""
    parts = name.split("/")
    if len(name) > PATH_LIMIT or len(parts) > DEPTH_LIMIT:
        return f"its name has more than {PATH_LIMIT} characters or {DEPTH_LIMIT} parts"
    if parts[0].casefold() == "plot.py":
        return "its name is the script's name in the sandbox"
    return next((problem for part in parts if (problem := _part_problem(part)) is not None), None)


def _part_problem(name: str) -> str | None:
    """Return what the service would reject in one part of a name, or None."""
    if not 0 < len(name) <= NAME_LIMIT or len(name.encode("utf-8", "surrogatepass")) > NAME_LIMIT_BYTES:
        return f"its name is longer than {NAME_LIMIT} characters or {NAME_LIMIT_BYTES} bytes"
    if name.startswith((".", " ")) or name.endswith((".", " ")):
        return "its name begins or ends with a dot or a space"
    if "\\" in name or not name.translate(INVISIBLE_TEXT).isprintable():
        return "its name has characters that aren't allowed"
    if is_device(name):
        return "its name is reserved on Windows"
    return None


def _sent_name(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _mib(size: int) -> str:
    return f"{size / MiB:.1f} MiB"
