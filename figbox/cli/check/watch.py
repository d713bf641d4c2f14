"""`figbox check --watch`: a check after every save.

Every round is a whole check, which hashes what figures are made of, and draws those that are made of something else
than last time (`Memory`). So it needn't know which file belongs to which figure, and an edited data file, a changed
configuration, new and deleted scripts, and `figbox accept` in another terminal are all the same to it. The system only
tells when there is a reason to look.

Folders are watched one by one, not with all below them: the system's own way to do that would follow symbolic links,
which may lead anywhere, and descend into virtual environments. What is saved during a round is told after it. When
folders have come or gone, watching begins anew, with a round, since what was saved in between isn't told.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from rich.text import Text

from figbox.check.config import FILE, PYPROJECT
from figbox.check.errors import CheckError
from figbox.check.lock import NAME as LOCK
from figbox.check.verdicts import Verdict
from figbox.cli.batch.results import Status
from figbox.cli.batch.scripts import is_passed_over
from figbox.cli.check.base import folder_of
from figbox.cli.check.memory import Memory
from figbox.cli.check.reports.lines import WIDTH, CheckReporter, tally
from figbox.cli.check.sources import OF_A_FILE
from figbox.cli.exits import ScriptProblem, ServiceProblem
from figbox.cli.terminal import one_line
from figbox.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from figbox.check.config import Config
    from figbox.check.verdicts import Judged
    from figbox.cli.batch.results import Result
    from figbox.cli.check.flow import Checked

    #: One check: takes the project, what is checked of it, what is known from earlier checks and what tells people.
    Round = Callable[[Config, Sequence[str], Memory, CheckReporter], Checked]

#: A burst of saves has ended if nothing was saved for so long, in milliseconds; but it lasts no longer than the second.
QUIET_MS = 80
BURST_LIMIT_MS = 1600

#: Milliseconds after which the watch lets us look, although nothing was saved: for what was saved before it began, and
#: whether it is time to ask a service again that failed.
LOOK_MS = 250

#: Seconds until a service that failed is asked again: at first, and at most.
PAUSE_S = 2.0
PAUSE_LIMIT_S = 30.0

#: Most folders that are watched; a project with more is rarely meant as a whole.
FOLDERS_LIMIT = 5000


class RoundReporter(CheckReporter):
    """Reports how one of many checks goes; of what is as it was after the last, nothing."""

    def __init__(self, memory: Memory, said: set[str], *, quiet: bool, verbose: bool) -> None:
        """Take what is known from earlier checks, and what was said in them."""
        super().__init__(0, quiet=quiet, verbose=verbose)
        self._last = dict(memory.judged)
        self._said = said

    def say(self, text: str) -> None:
        """Print a line, unless quiet, or one of these checks said so before."""
        if text not in self._said:
            self._said.add(text)
            super().say(text)

    def finished(self, result: Result) -> None:
        """Report a failure; that of a script that can't be sent, and so isn't remembered, only once."""
        last = self._last.get(result.script.shown)
        again = isinstance(result.error, ScriptProblem) and last is not None and last.verdict is Verdict.FAILED
        if again and result.status is Status.FAILED:
            self.advance()
        else:
            super().finished(result)

    def news(self, figures: Sequence[Judged]) -> bool:
        """Print a line for each figure that isn't as in the last check; tell whether there are such."""
        fresh = [judged for judged in figures if self._last.get(judged.name) != judged]
        self.verdicts(fresh, same=bool(self._last))
        gone = sorted(self._last.keys() - {judged.name for judged in figures})
        for name in gone:
            self._console.print(Text(f"{'gone':<{WIDTH}} {one_line(name)}"))
        return bool(fresh or gone)

    def note(self, text: str) -> None:
        """Print a line with the time of day."""
        now = datetime.now().astimezone().strftime("%H:%M:%S")
        self._console.print(Text(f"{now}  {one_line(text)}"))


@dataclass(slots=True)
class Watch:
    """Checks again and again, until it is interrupted.

    Attributes:
        project: Reads the configuration, which may have changed; returns it with what is checked.
        round: Makes a check.
        done: Takes what a check found if that is something new, and the seconds that it took.
        quiet: See `CheckReporter`.
        verbose: See `CheckReporter`.
    """

    project: Callable[[], tuple[Config, Sequence[str]]]
    round: Round
    done: Callable[[Checked, float], None]
    quiet: bool = False
    verbose: bool = False
    _memory: Memory = field(default_factory=Memory)
    _said: set[str] = field(default_factory=set)
    _wanted: Collection[str] = ()
    _trouble: str = ""
    _pause_s: float = 0.0
    _checked_at: float = 0.0

    def run(self) -> NoReturn:
        """Check, and check again after every save, until KeyboardInterrupt.

        Raises:
            click.ClickException: The first check can't be made as it is named, or the service refuses the key.
            CheckError: Likewise; or there is too much to watch.
        """
        folders = watched_folders(*self.project())
        self._check(first=True)
        self._reporter().say("watching for what is saved; Ctrl-C ends it")
        while True:
            folders = self._watch(folders)

    def _watch(self, folders: frozenset[Path]) -> frozenset[Path]:
        """Check at once and after every save; return the folders to watch when they are others."""
        from watchfiles import watch  # noqa: PLC0415 - of the extra `ci`

        changes = watch(
            *folders,
            watch_filter=lambda _, path: matters(path),
            debounce=BURST_LIMIT_MS,
            step=QUIET_MS,
            rust_timeout=LOOK_MS,
            yield_on_timeout=True,
            recursive=False,
            ignore_permission_denied=True,
        )
        has_looked = False
        try:
            for saved in changes:
                is_due = self._pause_s > 0 and time.monotonic() - self._checked_at >= self._pause_s
                if not saved and has_looked and not is_due:
                    continue
                has_looked = True
                self._check(saved=[path for _, path in saved])
                if (now := self._folders(folders)) != folders:
                    return now
        except OSError as error:
            if all(folder.is_dir() for folder in folders):
                raise CheckError(f"the folders can't be watched: {error}") from error
        return self._folders(folders)  # one of them went before it was watched

    def _folders(self, last: frozenset[Path]) -> frozenset[Path]:
        """Return the folders to watch; the last ones, as far as they are there, while the configuration is broken."""
        try:
            return watched_folders(*self.project())
        except (CheckError, click.UsageError):
            return frozenset(folder for folder in last if folder.is_dir())

    def _check(self, *, first: bool = False, saved: Sequence[str] = ()) -> None:
        """Make a check and tell what is new; if it can't be made, tell why, and leave it to the next save."""
        began = time.monotonic()
        with self._reporter() as reporter:
            try:
                config, paths = self.project()
                checked = self.round(config, paths, self._memory, reporter)
            except (click.UsageError, CheckError) as error:
                if first:
                    raise
                self._cannot(reporter, error.message if isinstance(error, click.UsageError) else str(error))
                return
            except ServiceProblem as error:
                if isinstance(error.__cause__, Refused):
                    raise
                self._cannot(reporter, f"{error.message}: waiting for the service")
                self._wait()
                return
        self._trouble = ""
        self._checked_at = time.monotonic()
        seconds = self._checked_at - began
        is_news = reporter.news(checked.figures)
        if first or is_news or any(Path(path) in self._sources(config) for path in saved):
            reporter.note(f"{tally(checked.figures)} in {seconds:.1f} s")
        self._wanted = {judged.source.partition(OF_A_FILE)[0] for judged in checked.figures}
        self._pause_s = 0.0
        if any(judged.verdict is Verdict.NOT_RUN for judged in checked.figures):
            self._wait()
        if first or is_news:
            self.done(checked, seconds)

    def _sources(self, config: Config) -> set[Path]:
        """Return the files after whose saving a person expects a word."""
        return {config.root / name for name in (*self._wanted, FILE, PYPROJECT, LOCK)}

    def _cannot(self, reporter: RoundReporter, text: str) -> None:
        """Tell why there is no check, once as long as that is the reason."""
        if text != self._trouble:
            reporter.note(text)
        self._trouble = text

    def _wait(self) -> None:
        """Ask the service again after a while, or at the next save."""
        self._checked_at = time.monotonic()
        self._pause_s = min(max(PAUSE_S, 2 * self._pause_s), PAUSE_LIMIT_S)

    def _reporter(self) -> RoundReporter:
        return RoundReporter(self._memory, self._said, quiet=self.quiet, verbose=self.verbose)


def watched_folders(config: Config, paths: Sequence[str]) -> frozenset[Path]:
    """Return the folders with what a check may depend on: configuration and lock, sources, data, accepted pictures.

    Hidden folders, caches, virtual environments and symbolic links aren't among them: nothing in these is sent.

    Raises:
        CheckError: There are too many.
    """
    tops = {config.root / folder_of(config.root, text) for text in (*(paths or config.include), *config.data)}
    found = {config.root}
    for top in (*sorted(tops), config.root / config.folder):
        for folder in _below(top):
            found.add(folder)
            if len(found) > FOLDERS_LIMIT:
                raise CheckError(f"there are more than {FOLDERS_LIMIT} folders to watch: name what to check")
    return frozenset(found)


def _below(top: Path) -> Iterator[Path]:
    """Yield a folder, if it is one, and those below it."""
    for parent, folders, _ in os.walk(top):
        yield Path(parent)
        folders[:] = [name for name in folders if not is_passed_over(Path(parent, name))]


def matters(path: str) -> bool:
    """Tell whether a file may be one that is sent, by its name: not hidden, and no editor's copy."""
    name = Path(path).name
    return not name.startswith(".") and not name.endswith("~")
