"""Which scripts the paths on the command line mean, and what their pictures will be called."""

from __future__ import annotations

import glob
import io
import os
import sys
import tokenize
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from figbox.cli.exits import ScriptProblem

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDIN = "-"

#: Folders that hold no scripts of the user's, beside hidden ones and virtual environments.
PASSED_OVER = frozenset({"__pycache__", "node_modules"})

#: Its presence makes a folder a virtual environment. Source: PEP 405.
VENV_MARK = "pyvenv.cfg"

#: Not a script, though it is Python.
PACKAGE_MARK = "__init__.py"


@dataclass(frozen=True, slots=True)
class Script:
    """A script to be rendered.

    Attributes:
        path: Its file, None for standard input.
        shown: Its name for people and in the report.
        stem: Where its pictures go, below the output folder and without figure number and suffix.
    """

    path: Path | None
    shown: str
    stem: PurePosixPath


def find_scripts(paths: Sequence[str], *, exclude: Sequence[str], output: Path | None) -> list[Script]:
    """Return the scripts in a stable order, each file once.

    A file gives one script whatever its name; a folder gives every `*.py` below it; a pattern gives the files that
    it matches. Folders and patterns pass over hidden names, `__pycache__`, virtual environments, `__init__.py` and
    symbolic links, and never look into the output folder.

    Args:
        paths: As on the command line; `-` is standard input.
        exclude: Patterns for paths below a folder, or for names, of scripts that are left out.
        output: The output folder; None where there is none.

    Raises:
        click.UsageError: A path gives no script, or two scripts would give pictures of the same name.
    """
    found: dict[PurePosixPath, Script] = {}
    for text in paths:
        scripts: list[Script] = list(_scripts_of(text, output))
        if not scripts:
            raise click.UsageError(f"no scripts in {text}")
        for script in scripts:
            if script.path is not None and _excluded(script.stem, script.path, exclude):
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
    """Return a script's text, decoded as Python would.

    Raises:
        ScriptProblem: It can't be read or decoded.
    """
    try:
        data = sys.stdin.buffer.read() if script.path is None else script.path.read_bytes()
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
        return data.decode(encoding)
    except OSError as error:
        raise ScriptProblem(f"can't be read: {error.strerror}") from error
    except (SyntaxError, UnicodeDecodeError, LookupError) as error:
        raise ScriptProblem(f"is not Python source: {error}") from error


def _scripts_of(text: str, output: Path | None) -> Iterator[Script]:
    path = Path(text)
    if text == STDIN:
        yield Script(None, "<stdin>", PurePosixPath("stdin"))
    elif path.is_dir():
        for file in _walk(path, output):
            yield _below(file, path)
    elif path.is_file():
        yield _below(path, path.parent)
    elif glob.has_magic(text):
        base = _fixed_part(path)
        for match in sorted(glob.glob(text, recursive=True)):  # noqa: PTH207 - hidden names are passed over
            file = Path(match)
            if file.is_file() and not file.is_symlink() and not _passed_over(file.relative_to(base)):
                yield _below(file, base)
    else:
        raise click.UsageError(f"no such file or folder: {text}")


def _below(file: Path, base: Path) -> Script:
    return Script(file, file.as_posix(), PurePosixPath(file.relative_to(base).with_suffix("").as_posix()))


def _walk(folder: Path, output: Path | None) -> Iterator[Path]:
    left_out = output.resolve() if output is not None else None
    for parent, folders, files in os.walk(folder):
        here = Path(parent)
        folders[:] = sorted(
            name
            for name in folders
            if not name.startswith(".")
            and name not in PASSED_OVER
            and not (here / name / VENV_MARK).exists()
            and (here / name).resolve() != left_out
        )
        for name in sorted(files):
            file = here / name
            if name.endswith(".py") and not _passed_over(Path(name)) and not file.is_symlink():
                yield file


def _passed_over(path: Path) -> bool:
    return path.name == PACKAGE_MARK or any(part.startswith(".") or part in PASSED_OVER for part in path.parts)


def _fixed_part(pattern: Path) -> Path:
    """Return the folder that a pattern looks into: its parts before the first with a wildcard."""
    parts = []
    for part in pattern.parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return Path(*parts)


def _excluded(stem: PurePosixPath, path: Path, patterns: Sequence[str]) -> bool:
    return any(fnmatch(name, pattern) for name in (f"{stem}{path.suffix}", path.name) for pattern in patterns)


def _same_file(one: Script, other: Script) -> bool:
    if one.path is None or other.path is None:
        return one.path is other.path
    return one.path.resolve() == other.path.resolve()
