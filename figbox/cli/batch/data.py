"""Which data files are sent along with a script.

A file is sent along if it is in the script's folder and the script's text contains its name, or imports it as a module;
the same goes for the text of such a module. Hidden files and symbolic links aren't sent. Files that this rule misses,
because a name is composed at run time or a file is elsewhere, can be named with `--data`.
"""

from __future__ import annotations

import ast
import glob
import os
import re
import unicodedata
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import click

from figbox.cli.batch.outputs import is_device
from figbox.cli.exits import ScriptProblem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from figbox.cli.batch.scripts import Script

KiB = 1024
MiB = 1024 * KiB

#: The service's limits on data files: how many, and how long a name in characters and bytes.
COUNT_LIMIT = 64
NAME_LIMIT = 128
NAME_LIMIT_BYTES = 255

#: Suffix of modules, which are sent along when they are imported, not when their name occurs.
MODULE_SUFFIX = ".py"

#: A character that makes a name part of a longer one.
_NAME_PART = r"[\w.-]"


def named_files(patterns: Sequence[str]) -> dict[str, Path]:
    """Return the files of `--data`, by the names under which they are sent.

    Raises:
        click.UsageError: A file doesn't exist or can't be sent, or two have the same name.
    """
    found: dict[str, Path] = {}
    for pattern in patterns:
        matches = [pattern] if Path(pattern).is_file() else sorted(glob.glob(pattern))  # noqa: PTH207 - the pattern can be absolute
        files = [Path(match) for match in matches if Path(match).is_file()]
        if not files:
            raise click.UsageError(f"--data: no such file: {pattern}")
        for path in files:
            name = _sent_name(path)
            problem = name_problem(name)
            if problem is not None:
                raise click.UsageError(f"--data: {path} can't be sent: {problem}")
            if found.setdefault(name, path).resolve() != path.resolve():
                raise click.UsageError(f"--data: {found[name]} and {path} have the same name")
    return found


def files_beside(script: Script, code: str) -> dict[str, Path]:
    """Return the files beside a script that are sent along with it, by name.

    Raises:
        ScriptProblem: Such a file has a name that the service doesn't accept.
    """
    if script.path is None:
        return {}
    with os.scandir(script.path.parent) as entries:
        names = {entry.name for entry in entries if entry.is_file(follow_symlinks=False)}
    beside = {_sent_name(path): path for path in (script.path.parent / name for name in names - {script.path.name})}
    found: dict[str, Path] = {}
    texts = [code]
    while texts:
        text = texts.pop()
        wanted = {name for name in beside.keys() - found.keys() if _is_wanted(name, text)}
        for name in sorted(wanted):
            problem = name_problem(name)
            if problem is not None:
                raise ScriptProblem(f"{beside[name]} can't be sent: {problem}")
            found[name] = beside[name]
            if name.endswith(MODULE_SUFFIX):
                texts.append(found[name].read_text("utf-8", errors="replace"))
    return found


def _is_wanted(name: str, text: str) -> bool:
    if name.startswith("."):
        return False
    if name.endswith(MODULE_SUFFIX):
        return name.removesuffix(MODULE_SUFFIX) in imported_modules(text)
    return occurs(name, unicodedata.normalize("NFC", text))


@lru_cache(maxsize=64)
def imported_modules(text: str) -> frozenset[str]:
    """Return the top-level names of the modules that a program imports; empty if it can't be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # those of the code are the service's to report
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()  # the service will report it
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


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
    if not 0 < len(name) <= NAME_LIMIT or len(name.encode("utf-8", "surrogatepass")) > NAME_LIMIT_BYTES:
        return f"its name is longer than {NAME_LIMIT} characters or {NAME_LIMIT_BYTES} bytes"
    if name.startswith((".", " ")) or name.endswith((".", " ")):
        return "its name begins or ends with a dot or a space"
    if "/" in name or "\\" in name or not name.isprintable():
        return "its name has characters that aren't allowed"
    if name.casefold() == "plot.py":
        return "its name is the script's name in the sandbox"
    if is_device(name):
        return "its name is reserved on Windows"
    return None


def _sent_name(path: Path) -> str:
    return unicodedata.normalize("NFC", path.name)


def _mib(size: int) -> str:
    return f"{size / MiB:.1f} MiB"
