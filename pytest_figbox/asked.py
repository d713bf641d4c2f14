"""What a test asks for: which script, under which name, with which options; and the source that it means."""

from __future__ import annotations

import os
import re
import textwrap
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from figbox.check.config import check_options
from figbox.check.errors import CheckError
from figbox.check.facts import is_plain
from figbox.cli.batch.scripts import Script
from figbox.cli.check.sources import OF_A_FILE, Source, find_sources, is_inside

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

    from figbox.check.config import Config

#: Suffixes of files that can be named; a text with one, on one line, is hardly code.
SUFFIXES = (".py", ".ipynb", ".md")

WHERE = "figbox"

#: What pytest-mpl replaces in names of pictures, and what no file's name should have.
_UNFIT = re.compile(r'[\[\]/\\:*?"<>|#\s]')


@dataclass(frozen=True, slots=True)
class Asked:
    """What a test asks for.

    Attributes:
        script: Code, or the path of a file.
        name: The figure's name; None for the script's own, or the test's.
        options: Of the render, and `tolerance`.
    """

    script: object
    name: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def of_a_mark(mark: pytest.Mark, returned: object) -> Asked:
    """Return what a marked test asks for, by its marker and by what it returned.

    Raises:
        CheckError: Neither names a script, or both do.
    """
    if len(mark.args) > 1:
        raise CheckError("the marker takes one script; the rest are keywords")
    given = dict(mark.kwargs)
    name = given.pop("name", None)
    script = given.pop("script", None)
    if mark.args:
        if script is not None:
            raise CheckError("the marker names two scripts")
        script = mark.args[0]
    if script is not None and returned is not None:
        raise CheckError("the marker names a script, and the test returns one, too: keep one")
    if script is None and hasattr(returned, "savefig"):
        raise CheckError(
            "the test returned a figure. A figure that is made in the test's process can't be drawn in the sandbox: "
            "return the script that makes it, or run the suite for pytest-mpl by `figbox pytest`"
        )
    if script is None and returned is None:
        raise CheckError("there is no script: name one in the marker, or return its code, or its path, from the test")
    return Asked(Path(script) if isinstance(script, str) else script if script is not None else returned, name, given)


def sources_of(asked: Asked, item: pytest.Item, config: Config) -> tuple[dict[str, Source], Config]:
    """Return the sources that a test means, and the configuration with its options.

    A file without a name or options of its own is that of `figbox check`, with the same accepted figures. Everything
    else belongs to the test, and is named by it.

    Raises:
        CheckError: There is no such script, or an option is wrong.
        click.UsageError: A name can't be used.
    """
    tolerance = {"tolerance": asked.options.get("tolerance")} if asked.options.get("tolerance") is not None else {}
    options = {name: value for name, value in asked.options.items() if name != "tolerance"}
    check_options(WHERE, {**options, **tolerance})
    found = {} if _is_code(asked.script) else _files(asked.script, config.root)
    if not found or asked.name is not None or options:
        found = _owned(found, asked, item, config.root)
    rule = {**options, **tolerance}
    if rule:
        names = {re.sub(r"([*?\[])", r"[\1]", name): rule for name in found}
        config = replace(config, figures={**config.figures, **names})
    return found, config


def _is_code(script: object) -> bool:
    """Tell code from a path; raise CheckError for what is neither, or looks like the other."""
    if isinstance(script, os.PathLike):
        return False
    if not isinstance(script, str):
        raise CheckError(
            f"a script is code (a str) or a path (a Path), and this is of the type {type(script).__name__}"
        )
    if "\n" not in script and script.strip().endswith(SUFFIXES):
        raise CheckError(f"a str is taken as code: for the file, give Path({script.strip()!r})")
    return True


def _files(script: Any, root: Path) -> dict[str, Source]:
    """Return the sources that a path means, relative to the project's folder; several for a Markdown file."""
    text, mark, fence = os.fspath(script).partition(OF_A_FILE)
    path = root / text
    if not path.is_file():
        raise CheckError(f"there is no script {text} in {root}")
    if not is_inside(path, root):
        raise CheckError(f"{text} is outside of the project {root}")
    relative = path.resolve().relative_to(root.resolve()).as_posix()
    found = find_sources(root, [relative], (), None)
    if mark:
        found = {name: source for name, source in found.items() if name == f"{relative}{OF_A_FILE}{fence}"}
    if not found:
        raise CheckError(f"there is no Python to draw in {os.fspath(script)}")
    return found


def _owned(found: Mapping[str, Source], asked: Asked, item: pytest.Item, root: Path) -> dict[str, Source]:
    """Return a source under the test's name."""
    if len(found) > 1:
        raise CheckError("options and a name are for one script, and this file has several: name one, as FILE.md#NAME")
    file = PurePosixPath(os.path.relpath(item.path, root.resolve()).replace(os.sep, "/"))
    if ".." in file.parts:
        raise CheckError(f"the test is outside of the project {root}")
    name = _UNFIT.sub("_", asked.name if asked.name is not None else _name_of(item))
    if not name.strip(".") or not is_plain(name):
        raise CheckError(f"{asked.name!r} can't be the name of a figure")
    full = f"{file}{OF_A_FILE}{name}"
    if found:
        (old,) = found.values()
        script = replace(old.script, shown=full, stem=file / name)
    else:
        code = textwrap.dedent(str(asked.script))
        script = Script(item.path, full, file / name, code, file=str(file))
    return {full: Source(full, script)}


def _name_of(item: pytest.Item) -> str:
    """Return a test's name with that of its classes before it."""
    return ".".join(item.nodeid.split("::")[1:]) or item.name
