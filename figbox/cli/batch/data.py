"""Which files go along with a script.

The rule: a file goes along if it lies in the script's own folder and the script's text has its name, or imports it as
a module; the same holds for the text of such a module. Hidden files and symbolic links don't. What the rule can't
see, because a name is put together at run time or the file lies elsewhere, is named with `--data`.
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

#: The service's bounds on data files: how many, and how long a name.
COUNT_LIMIT = 64
NAME_LIMIT = 128
NAME_LIMIT_BYTES = 255

#: A file with it is a module, which goes along when it is imported, not when its name occurs.
MODULE_SUFFIX = ".py"

#: What may not stand beside a name in the text: then it is part of a longer one.
_NAME_PART = r"[\w.-]"


def named_files(patterns: Sequence[str]) -> dict[str, Path]:
    """Return the files of `--data`, by the name under which they go along.

    Raises:
        click.UsageError: No such file, or two of one name.
    """
    found: dict[str, Path] = {}
    for pattern in patterns:
        matches = [pattern] if Path(pattern).is_file() else sorted(glob.glob(pattern))  # noqa: PTH207 - a text as typed
        files = [Path(match) for match in matches if Path(match).is_file()]
        if not files:
            raise click.UsageError(f"--data: no such file: {pattern}")
        for path in files:
            name = _sent_name(path)
            fault = name_fault(name)
            if fault is not None:
                raise click.UsageError(f"--data: {path} can't go along: {fault}")
            if found.setdefault(name, path).resolve() != path.resolve():
                raise click.UsageError(f"--data: {found[name]} and {path} have the same name")
    return found


def files_beside(script: Script, code: str) -> dict[str, Path]:
    """Return the files beside a script that go along with it, by name.

    Raises:
        ScriptProblem: Such a file has a name that the service doesn't take.
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
            fault = name_fault(name)
            if fault is not None:
                raise ScriptProblem(f"{beside[name]} can't go along: {fault}")
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
    """Return the names of the modules that source imports, packages by their first part; none if it doesn't parse."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what is odd about the code is for whoever runs it to say
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()  # the service will say what is wrong with it
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None and not node.level:
            found.add(node.module.partition(".")[0])
    return frozenset(found)


def occurs(name: str, text: str) -> bool:
    """Tell whether a text has a file's name in it, not as part of a longer name."""
    if name not in text:
        return False
    return re.search(rf"(?<!{_NAME_PART}){re.escape(name)}(?!{_NAME_PART})", text) is not None


def read_files(paths: Mapping[str, Path], limit_bytes: int) -> dict[str, bytes]:
    """Return the contents of data files by name.

    Raises:
        ScriptProblem: Too many, too large together, or not readable.
    """
    if len(paths) > COUNT_LIMIT:
        raise ScriptProblem(f"{len(paths)} data files would go along, and at most {COUNT_LIMIT} can")
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
                f"data file {path} is {_mib(path.stat().st_size)}, and a script's data may come to {_mib(limit_bytes)}"
            )
        if total > limit_bytes:
            raise ScriptProblem(
                f"the data files come to more than {_mib(limit_bytes)} together; the largest is {largest(contents)}"
            )
    return contents


def largest(contents: Mapping[str, bytes]) -> str:
    """Return name and size of the largest file."""
    name = max(contents, key=lambda key: len(contents[key]))
    return f"{name} with {_mib(len(contents[name]))}"


def name_fault(name: str) -> str | None:
    """Return what is wrong with a data file's name by the service's rules, or None."""
    if not 0 < len(name) <= NAME_LIMIT or len(name.encode("utf-8", "surrogatepass")) > NAME_LIMIT_BYTES:
        return f"its name is longer than {NAME_LIMIT} characters or {NAME_LIMIT_BYTES} bytes"
    if name.startswith((".", " ")) or name.endswith((".", " ")):
        return "its name begins or ends with a dot or a space"
    if "/" in name or "\\" in name or not name.isprintable():
        return "its name has characters that are not taken"
    if name.casefold() == "plot.py":
        return "its name is that of the script in the sandbox"
    if is_device(name):
        return "its name is that of a device on some systems"
    return None


def _sent_name(path: Path) -> str:
    return unicodedata.normalize("NFC", path.name)


def _mib(size: int) -> str:
    return f"{size / MiB:.1f} MiB"
