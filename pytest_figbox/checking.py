"""One check, of what one test draws: by the core of `figbox check`, with what it says put into the test's report."""

from __future__ import annotations

import contextlib
import functools
import io
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from figbox.check.config import Config, find_config
from figbox.check.errors import CheckError
from figbox.check.lock import NAME, read_lock
from figbox.check.state import FOLDER, State
from figbox.check.verdicts import TAKEN, Judged, Verdict
from figbox.cli import COMMANDS
from figbox.cli.check.flow import Check, Checked, Wish
from figbox.cli.check.halves import Half, Side
from figbox.cli.check.reports.lines import CheckReporter
from figbox.cli.connection import LOCAL_VARIABLE, Connection, find_connection
from figbox.cli.settings import defaults, find_project
from figbox.cli.terminal import one_line
from pytest_figbox.asked import Asked, sources_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from contextlib import ExitStack

    import pytest

    from figbox.cli.check.sources import Source

#: How a file's name begins that isn't kept.
PREFIX = "figbox-pytest-"

ACCEPT = "if that is meant, accept it: run this test again with --figbox-accept"
PRUNE = "if that is meant, remove it after this run: figbox accept --prune"


def check(
    item: pytest.Item, ask: Callable[[], Asked], before: Sequence[str], *, accept: bool
) -> tuple[dict[str, Any] | None, str]:
    """Check the figures that a test asks for.

    Args:
        item: The test.
        ask: Returns what it asks for, or raises CheckError.
        before: Sources that this test has had checked.
        accept: Whether they are accepted when the run ends.

    Returns:
        What the end of the run needs, None if nothing was drawn; and why the test fails, empty if it doesn't.
    """
    try:
        config = _project(item)
        sources, config = sources_of(ask(), item, config)
        _refuse_twice(sources, before)
        connection = _connection(item.config.rootpath)
        told = Told()
        wish = Wish(paths=tuple(sources), words=not accept, patience_s=_patience(item))
        with _scratch() as scratch:
            checked = OneCheck(connection, config, wish, told, sources=sources, scratch=scratch).run()
    except CheckError as error:
        return None, one_line(str(error))
    except click.ClickException as error:
        return None, one_line(error.format_message())
    entry = {
        "source": next(iter(sources)),
        "test": item.nodeid,
        "root": str(config.root),
        "scratch": str(scratch),
        "service": f"{connection.url} ({connection.url_source})",
    }
    wrong = [
        judged
        for judged in checked.figures
        if judged.verdict is not Verdict.SAME and not (accept and judged.verdict in TAKEN)
    ]
    return entry, told.of(checked, wrong, config) if wrong else ""


@contextlib.contextmanager
def _scratch() -> Iterator[Path]:
    """Make a folder that stays until the run ends, but not if nothing comes of the check."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _refuse_twice(sources: Iterable[str], before: Sequence[str]) -> None:
    """Raise CheckError if a test has had a source checked."""
    for name in sources:
        if name in before:
            raise CheckError(f"{name} was checked in this test before: give the second one a name of its own")


def _project(item: pytest.Item) -> Config:
    """Return the configuration nearest to a test; without any, the project is where pytest's own is."""
    config = find_config(item.path.parent)
    known = config.file or (config.root / NAME).is_file()
    return config if known else Config(item.config.rootpath.resolve())


@functools.cache
def _context(folder: Path) -> click.Context:
    """Return the context of `figbox check` without arguments: its options from the environment and the project."""
    project = find_project(folder)
    found = defaults(COMMANDS, project) if project is not None else {}
    return COMMANDS["check"].make_context("check", [], default_map=found.get("check", {}))


def _connection(folder: Path) -> Connection:
    connection = find_connection(_context(folder))
    if connection.home is not None:
        raise click.UsageError(
            f'{LOCAL_VARIABLE} would start a service for each test: unset it, and run eval "$(figbox up)" before pytest'
        )
    connection.require_key()
    return connection


def _patience(item: pytest.Item) -> float:
    return float(_context(item.config.rootpath).params["patience"])


@dataclass(slots=True)
class OneCheck(Check):
    """A check of given sources, kept in a folder of its own until the run ends.

    Attributes:
        sources: What is checked, by name.
        scratch: Where its pictures are kept.
    """

    sources: Mapping[str, Source] = field(default_factory=dict)
    scratch: Path = Path()

    def _halves(self, paths: Sequence[str], stack: ExitStack) -> list[Half]:  # noqa: ARG002 - as in the base
        self.lock = read_lock(self.config.root / NAME)
        return [Half(Side.AFTER, self.config.root, self.sources, self.wish.environment, self.wish.cache)]

    def _check_named(self, paths: Sequence[str], halves: Sequence[Half]) -> None:
        """Do nothing: what there is was looked up before."""

    def _state(self) -> State:
        state = State(self.scratch)
        state.folder = self.scratch / FOLDER
        return state


class Told(CheckReporter):
    """Keeps what `figbox check` would print, for a test's report."""

    def __init__(self) -> None:
        super().__init__(0)
        self._text = io.StringIO()
        self._console = Console(
            file=self._text, highlight=False, markup=False, emoji=False, soft_wrap=True, color_system=None
        )

    def of(self, checked: Checked, wrong: Sequence[Judged], config: Config) -> str:
        """Return all that is to be said of figures that aren't the same."""
        self.verdicts(wrong)
        for judged in wrong:
            places = list(_places(judged, checked, config))
            if places:
                self._note(f"pictures of {judged.name}: {', '.join(places)}")
        found = {judged.verdict for judged in wrong}
        if found & TAKEN:
            self._note(ACCEPT)
        if Verdict.MISSING in found:
            self._note(PRUNE)
        return self._text.getvalue().rstrip()


def _places(judged: Judged, checked: Checked, config: Config) -> list[str]:
    """Return where a figure's pictures are once the run has ended."""
    kept = State(config.root)
    found = []
    for side, path in zip((Side.BEFORE, Side.AFTER), checked.pictures[judged.name], strict=True):
        if path is not None:
            place = path if path.is_relative_to(config.root) else kept.picture(side, judged.name)
            found.append(f"{side} {place.relative_to(config.root).as_posix()}")
    return found
