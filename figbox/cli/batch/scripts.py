"""Which scripts the paths on the command line mean, and the names of their pictures."""

from __future__ import annotations

import glob
import io
import os
import sys
import tokenize
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from figbox.cli.batch.notebooks import code_of, is_notebook
from figbox.cli.batch.patterns import files_matching, fixed_part
from figbox.cli.batch.text_notebooks import code_of_marked, code_of_text, is_marked, is_text_notebook
from figbox.cli.exits import ScriptProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"

#: Folders without scripts of the user, besides hidden ones and virtual environments.
SKIPPED = frozenset({"__pycache__", "node_modules"})

#: A file that marks a virtual environment. Source: PEP 405.
VENV_MARK = "pyvenv.cfg"

#: Python, but not a script.
PACKAGE_MARK = "__init__.py"


@dataclass(frozen=True, slots=True)
class Script:
    """A script to be rendered.

    Attributes:
        path: Its file; None for standard input.
        shown: Its name in messages and in the report.
        stem: Path of its pictures in the output folder, without the figure's number and the suffix.
        text: Its code, if that is only a part of its file; None for the whole.
        lines_before: Lines of the file before that part.
        file: The file's name in messages; empty if it is `shown`.
    """

    path: Path | None
    shown: str
    stem: PurePosixPath
    text: str | None = field(default=None, repr=False)
    lines_before: int = 0
    file: str = ""


def find_scripts(paths: Sequence[str], *, exclude: Sequence[str], output: Path | None) -> list[Script]:
    """Return the scripts in a stable order, each file once.

    A file is a script whatever its name; a folder stands for every `*.py` below it; a pattern for the files that it
    matches. Folders and patterns skip hidden names, `__pycache__`, virtual environments, `__init__.py`, symbolic links
    and the output folder.

    Args:
        paths: As on the command line; `-` is standard input.
        exclude: Patterns for names, or for paths below a folder, of scripts that are left out.
        output: The output folder, if there is one.

    Raises:
        click.UsageError: A path doesn't lead to a script, or two scripts would give pictures of the same name.
    """
    found: dict[PurePosixPath, Script] = {}
    for text in paths:
        scripts: list[Script] = list(_scripts_of(text, output))
        if not scripts:
            raise click.UsageError(f"no scripts in {text}")
        for script in scripts:
            if script.path is not None and is_excluded(script.stem, script.path, exclude):
                continue
            other = found.setdefault(script.stem, script)
            if other is not script and not _same_file(other, script):
                raise click.UsageError(
                    f"{other.shown} and {script.shown} would both give {script.stem}: "
                    "name the folder above them instead, and its layout is kept"
                )
    if not found:
        raise click.UsageError("every script is excluded")
    return list(found.values())


def read_script(script: Script) -> str:
    """Return a script's text, decoded as Python does; that of a notebook is the code in it.

    Raises:
        ScriptProblem: It can't be read or decoded.
    """
    if script.text is not None:
        return script.text
    try:
        data = sys.stdin.buffer.read() if script.path is None else script.path.read_bytes()
    except OSError as error:
        raise ScriptProblem(f"can't be read: {error.strerror}") from error
    return decoded(data, script.shown)


def decoded(data: bytes, shown: str) -> str:
    """Return the text of a script, or the code of a notebook, from its bytes.

    Raises:
        ScriptProblem: They can't be decoded.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        text = data.decode(encoding)
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise ScriptProblem(f"is not Python source: {error}") from error
    if is_notebook(shown, text):
        return code_of(text)
    if is_text_notebook(shown, text):
        return code_of_text(shown, text)
    return code_of_marked(text) if is_marked(text) else text


def _scripts_of(text: str, output: Path | None) -> Iterator[Script]:
    path = Path(text)
    if text == STDIN:
        yield Script(None, "<stdin>", PurePosixPath("stdin"))
    elif path.is_dir():
        for file in walk(path, output):
            yield _below(file, path)
    elif path.is_file():
        yield _below(path, path.parent)
    elif glob.has_magic(text):
        base = fixed_part(path)
        for file in files_matching(Path(), path, is_passed_over):
            if not is_skipped(file.relative_to(base)):
                yield _below(file, base)
    else:
        raise click.UsageError(f"no such file or folder: {text}")


def _below(file: Path, base: Path) -> Script:
    return Script(file, file.as_posix(), PurePosixPath(file.relative_to(base).with_suffix("").as_posix()))


def walk(folder: Path, output: Path | None) -> Iterator[Path]:
    """Yield the scripts below a folder, in order, outside of the output folder."""
    left_out = output.resolve() if output is not None else None
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(
            name for name in folders if not is_passed_over(here / name) and (here / name).resolve() != left_out
        )
        for name in sorted(files):
            file = here / name
            if name.endswith(".py") and not is_skipped(Path(name)) and not file.is_symlink():
                yield file


def is_passed_over(folder: Path) -> bool:
    """Tell whether a folder has nothing of the user: hidden ones, caches, and virtual environments."""
    return folder.name.startswith(".") or folder.name in SKIPPED or (folder / VENV_MARK).exists()


def is_skipped(path: Path) -> bool:
    """Tell whether a file, by its path below what was named, is hidden, a cache's or only marks a package."""
    return path.name == PACKAGE_MARK or any(part.startswith(".") or part in SKIPPED for part in path.parts)


def is_excluded(stem: PurePosixPath, path: Path, patterns: Sequence[str]) -> bool:
    """Tell whether a pattern fits a script's name, or its path below what was named."""
    return any(fnmatch(name, pattern) for name in (f"{stem}{path.suffix}", path.name) for pattern in patterns)


def _same_file(one: Script, other: Script) -> bool:
    if one.path is None or other.path is None:
        return one.path is other.path
    return one.path.resolve() == other.path.resolve()
