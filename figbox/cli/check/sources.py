"""What a check looks at: scripts, notebooks, and Python fences in Markdown, by their names in the project."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import click

from figbox.check.errors import CheckError
from figbox.check.facts import is_of_a_test, is_plain
from figbox.check.fences import fences_of, is_markdown
from figbox.cli.batch.patterns import files_matching, fits
from figbox.cli.batch.scripts import STDIN, Script, is_excluded, is_passed_over, is_skipped, walk
from figbox.cli.batch.text_notebooks import is_text_notebook
from figbox.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from figbox.check.lock import Lock

#: Between the name of a Markdown file and that of a fence in it.
OF_A_FILE = "#"


@dataclass(frozen=True, slots=True)
class Source:
    """Something that draws figures.

    Attributes:
        name: Its path in the project, of a fence with its name behind it: `docs/guide.md#trend`.
        script: How it is sent.
        counts: Whether it is an error if it draws nothing, which a fence without a name may.
    """

    name: str
    script: Script
    counts: bool = True


def project_paths(root: Path, paths: Sequence[str]) -> tuple[str, ...]:
    """Return paths and patterns of the command line, which are relative to the working directory, as the project's.

    Raises:
        click.UsageError: One leads out of the project.
    """
    found = []
    for text in paths:
        if text == STDIN:
            raise click.UsageError("standard input has no name that a figure could be compared by")
        path = os.path.relpath(os.path.realpath(text), root.resolve())
        if Path(path).parts[:1] == (os.pardir,):
            raise _refusal(f"{text} is outside of {root}: run figbox in the folder of its project")
        found.append(Path(path).as_posix())
    return tuple(found)


def find_sources(root: Path, paths: Sequence[str], exclude: Sequence[str], left_out: Path | None) -> dict[str, Source]:
    """Return the sources below paths and patterns by name, in order; what doesn't exist has none.

    Args:
        root: The project's folder, or one with another state of it.
        paths: Relative to it.
        exclude: Patterns for names of files, or for paths, that are left out.
        left_out: A folder without sources: that of the accepted pictures.

    Raises:
        click.UsageError: Two sources would give figures of the same name, or a name can't be used.
    """
    found: dict[str, Source] = {}
    stems: dict[PurePosixPath, str] = {}
    for text in paths:
        for path in _files_of(root, text, left_out):
            relative = PurePosixPath(path.relative_to(root).as_posix())
            if not is_inside(path, root):
                raise _refusal(f"{relative} is a link that leads out of {root}")
            if is_excluded(relative.with_suffix(""), path, exclude):
                continue
            for source in _sources_of(path, relative):
                if any(fnmatchcase(source.name, pattern) for pattern in exclude):
                    continue
                if not is_plain(source.name):
                    raise _refusal(f"{source.name!r} can't be the name of a figure: rename the file")
                other = stems.setdefault(source.script.stem, source.name)
                if other != source.name:
                    raise _refusal(f"{other} and {source.name} would give figures of the same name: rename one")
                found.setdefault(source.name, source)
    return found


def is_named(source: str, paths: Sequence[str]) -> bool:
    """Tell whether a source, which may be gone, is one that paths or patterns mean."""
    parts = PurePosixPath(source.partition(OF_A_FILE)[0]).parts
    return any(fits(parts, PurePosixPath(path).parts, or_below=True) for path in paths)


def locked_sources(lock: Lock, paths: Sequence[str]) -> set[str]:
    """Return the sources of accepted figures that paths or patterns mean; without any, all.

    What tests draw under names of their own is theirs to check.
    """
    found = {figure.source for figure in lock.figures.values() if not is_of_a_test(figure.source)}
    return {source for source in found if is_named(source, paths)} if paths else found


def is_inside(path: Path, root: Path) -> bool:
    """Tell whether a file is below a folder, links followed: what isn't is nobody's to send."""
    return path.resolve().is_relative_to(root.resolve())


def _files_of(root: Path, text: str, left_out: Path | None) -> Iterator[Path]:
    path = root / text
    if path.is_dir():
        yield from walk(path, left_out)
    elif path.is_file():
        yield path
    elif glob.has_magic(text):
        for file in files_matching(root, Path(text), is_passed_over):
            if not is_skipped(file.relative_to(root)):
                yield file


def _sources_of(path: Path, relative: PurePosixPath) -> Iterator[Source]:
    name = str(relative)
    if not is_markdown(name):
        yield Source(name, Script(path, name, relative.with_suffix("")))
        return
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _refusal(f"{name} can't be read: {getattr(error, 'strerror', None) or 'not UTF-8'}") from error
    if is_text_notebook(name, text):
        yield Source(name, Script(path, name, relative.with_suffix("")))
        return
    try:
        fences = fences_of(text)
    except CheckError as error:
        raise _refusal(f"{name}: {error}") from error
    for fence in fences:
        full = f"{name}{OF_A_FILE}{fence.name}"
        script = Script(path, full, relative / fence.name, fence.code, lines_before=fence.line - 1, file=name)
        yield Source(full, script, counts=fence.is_named)


def _refusal(text: str) -> click.UsageError:
    """Return an error that quotes names, which may be anybody's."""
    return click.UsageError(one_line(text))
