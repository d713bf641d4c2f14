"""One check: what is compared with what, what has to be drawn for that, and what became of each figure."""

from __future__ import annotations

import asyncio
import glob
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from figbox.check.errors import CheckError
from figbox.check.lock import NAME, Lock, read_lock
from figbox.check.pictures import NEEDED, can_measure
from figbox.check.state import LastCheck, State
from figbox.check.verdicts import Judged, Verdict
from figbox.cli.batch.data import DATA_LIMIT_MIB, MiB
from figbox.cli.batch.run import Batch
from figbox.cli.check.base import export_base
from figbox.cli.check.halves import Half, Pictures, Preparation, Side
from figbox.cli.check.judging import SETTLED, Known, judge, known_of, within_tolerance
from figbox.cli.check.memory import Memory
from figbox.cli.check.settled import settled
from figbox.cli.check.sources import find_sources, is_named, locked_sources
from figbox.cli.check.words import Words
from figbox.cli.connection import explained
from figbox.cli.terminal import one_line
from figbox.errors import FigboxError
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from figbox.check.accepted import AcceptedPictures
    from figbox.check.config import Config
    from figbox.check.facts import Figure
    from figbox.cli.batch.results import Result
    from figbox.cli.batch.scripts import Script
    from figbox.cli.check.reports.lines import CheckReporter
    from figbox.cli.check.sources import Source
    from figbox.cli.connection import Connection
    from figbox.client import AsyncClient

DATA_LIMIT_BYTES = DATA_LIMIT_MIB * MiB


@dataclass(frozen=True, slots=True)
class Wish:
    """What the command line says.

    Attributes:
        paths: What to check, relative to the project; none for what the configuration includes.
        exclude: Patterns for what is left out, besides those of the configuration.
        base: The git state to compare with; None for accepted figures.
        environment: The environment for every figure; empty for those of the configuration.
        environment_before: Likewise for the git state.
        draw_all: Whether also those are drawn that must come out the same.
        cache: Whether pictures may come from the service's cache; None for the service's default.
        jobs: See `Throttle`.
        patience_s: How long each script may wait for a busy service.
        words: Whether what changed is said in words.
    """

    paths: tuple[str, ...]
    exclude: tuple[str, ...] = ()
    base: str | None = None
    environment: str = ""
    environment_before: str = ""
    draw_all: bool = False
    cache: bool | None = None
    jobs: int | None = None
    patience_s: float = 0.0
    words: bool = True


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found.

    Attributes:
        base: The commit that it compared with; empty for accepted figures.
        figures: What became of each figure, by name.
        results: What became of the sources that were sent.
        pictures: The pictures of each figure, before and after; None where there is none.
        latest: What became of each source that was sent as it is now, by name.
    """

    base: str
    figures: tuple[Judged, ...]
    results: tuple[Result, ...]
    pictures: Mapping[str, tuple[Path | None, Path | None]]
    latest: Mapping[str, Result] = field(default_factory=dict)


@dataclass(slots=True)
class Check:
    """One check of a project.

    Attributes:
        connection: How the service is reached.
        config: What the project wants.
        wish: What the command line says.
        reporter: What people see.
        memory: What is known from earlier checks in the same process.
    """

    connection: Connection
    config: Config
    wish: Wish
    reporter: CheckReporter
    memory: Memory = field(default_factory=Memory)
    lock: Lock = field(default_factory=Lock)
    _base: str = ""

    @property
    def _accepted(self) -> AcceptedPictures:
        """The accepted pictures."""
        return self.memory.accepted(self.config.root / self.config.folder)

    def run(self) -> Checked:
        """Check, keep what was found for `figbox accept`, and return it.

        Raises:
            click.UsageError: Nothing can be checked as it was named.
            CheckError: A file of the project, or git, can't be used.
            ServiceProblem: The service can't be asked for its environments.
        """
        if self.config.has_tolerance and not can_measure():
            raise CheckError(f"the configuration has a tolerance, which needs Pillow: {NEEDED}")
        paths = self.wish.paths or self.config.include
        if not paths:
            raise click.UsageError("name what to check, or list it as `include` in figbox.toml")
        with ExitStack() as stack:
            halves = self._halves(paths, stack)
            self._check_named(paths, halves)
            preparation = Preparation(self.config, halves, DATA_LIMIT_BYTES)
            state = self._state()
            self.memory.begin(state)
            pictures = Pictures(preparation, state)
            same, results = asyncio.run(self._render(preparation, pictures))
            found = [
                within_tolerance(judged, self.config, lambda it: self._pictures_of(it, state))
                for judged in self._judge(preparation, pictures, same, results)
            ]
            if self.wish.words:
                as_before, others = self.memory.known_words(found)
                found = as_before + self._with_words(others, halves, state, stack)
        figures = tuple(sorted(found, key=lambda judged: judged.name))
        self.memory.judged = {judged.name: judged for judged in figures}
        state.end(LastCheck(self._base, self.wish.environment, figures))
        files = {judged.name: self._pictures_of(judged, state) for judged in figures}
        sources = halves[-1].sources.values()
        latest = {source.name: results[source.script] for source in sources if source.script in results}
        return Checked(self._base, figures, tuple(results.values()), files, latest)

    def _state(self) -> State:
        """Return the folder that is kept of this check."""
        return State(self.config.root)

    def _with_words(
        self, figures: list[Judged], halves: Sequence[Half], state: State, stack: ExitStack
    ) -> list[Judged]:
        """Return figures with what changed in them."""
        words = Words(self.connection, self.config, state, halves, self.wish.patience_s, self.wish.jobs)
        found, reason = asyncio.run(words.of(figures, stack))
        if reason:
            self.reporter.say(reason)
        return found

    def _halves(self, paths: Sequence[str], stack: ExitStack) -> list[Half]:
        """Return the half as it is, and with a base that before it."""
        exclude = (*self.config.exclude, *self.wish.exclude)
        root = self.config.root
        sources = find_sources(root, paths, exclude, root / self.config.folder)
        halves = [Half(Side.AFTER, root, sources, self.wish.environment, self.wish.cache)]
        if self.wish.base is None:
            self.lock = read_lock(root / NAME)
            return halves
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="figbox-")))
        self._base = export_base(self.config, self.wish.base, paths, folder, self.reporter.say)
        sources = find_sources(folder, paths, exclude, folder / self.config.folder)
        environment = self.wish.environment_before or self.wish.environment
        return [Half(Side.BEFORE, folder, sources, environment, self.wish.cache), *halves]

    def _check_named(self, paths: Sequence[str], halves: Sequence[Half]) -> None:
        """Raise click.UsageError if a path means nothing, neither now nor before; a file can be without figures."""
        names = {name for half in halves for name in half.sources}
        names |= {figure.source for figure in self.lock.figures.values()}
        for path in paths:
            if not (self.config.root / path).is_file() and not any(is_named(name, [path]) for name in names):
                raise click.UsageError(one_line(f"nothing to check in {path}: {self._why_none(path)}"))

    def _why_none(self, path: str) -> str:
        """Return why a path means nothing."""
        if (self.config.root / path).is_dir():
            return "of a folder, its *.py are checked; name notebooks and other files themselves"
        return "no file fits it" if glob.has_magic(path) else "there is no such file or folder"

    async def _render(self, preparation: Preparation, pictures: Pictures) -> tuple[set[str], dict[Script, Result]]:
        """Return the sources that need no drawing, and what became of the others."""
        async with self.connection.client(Retries(budget_s=0)) as client:
            images = await self._images(client)
            for half in preparation.halves:
                for source in half.sources.values():
                    name = preparation.environment(half, source)
                    if name not in images:
                        text = f"the service has no environment {name!r}, which {source.name} needs"
                        raise click.UsageError(one_line(text))
            accepted = self._accepted if self.config.pictures else None
            same = set() if self.wish.draw_all else settled(preparation, images, self.lock, accepted)
            recalled = self.memory.recall(preparation, pictures, images, same)
            scripts = [
                source.script
                for half in preparation.halves
                for source in half.sources.values()
                if source.name not in same and source.script not in recalled
            ]
            self.reporter.begin(len(scripts), preparation)
            retries = Retries(budget_s=self.wish.patience_s)
            batch = Batch(client, preparation, pictures, self.reporter, retries, self.wish.jobs)
            results = recalled | {result.script: result for result in await batch.run(scripts)}
        self.memory.keep(preparation, pictures, images, results)
        return same, results

    async def _images(self, client: AsyncClient) -> dict[str, str]:
        """Return the image of each environment."""
        try:
            found = await client.environments()
        except FigboxError as error:
            raise explained(error, self.connection) from error
        return {environment.name: environment.image for environment in found}

    def _is_kept(self, figure: Figure) -> bool:
        """Tell whether the accepted picture is the one that the lock has, if pictures are kept."""
        return not self.config.pictures or self._accepted.picture(figure) is not None

    def _pictures_of(self, judged: Judged, state: State) -> tuple[Path | None, Path | None]:
        """Return a figure's pictures before and after, as far as there are any."""
        before, after = (state.picture(side, judged.name) for side in (Side.BEFORE, Side.AFTER))
        accepted = self._accepted.picture(judged.before) if judged.before is not None and not self._base else None
        return accepted or (before if before.is_file() else None), after if after.is_file() else None

    def _judge(
        self,
        preparation: Preparation,
        pictures: Pictures,
        settled: set[str],
        results: Mapping[Script, Result],
    ) -> list[Judged]:
        """Return what became of the figures of all sources."""

        def known(source: Source | None) -> Known | None:
            if source is None:
                return None
            result = results[source.script]
            return known_of(result, pictures.figures(source, result) if result.render else (), source)

        *before, after = preparation.halves
        names = set(after.sources)
        if before:
            names |= set(before[0].sources)
        else:
            names |= locked_sources(self.lock, self.wish.paths)
        found: list[Judged] = []
        for name in sorted(names):
            if name in settled:
                known_figures = self.lock.of_source(name)
                found += [
                    Judged(figure.name, name, Verdict.SAME, figure, figure, SETTLED) for figure in known_figures
                ] or [Judged(name, name, Verdict.SAME, note=SETTLED)]
                continue
            earlier = known(before[0].sources.get(name)) if before else Known(self.lock.of_source(name))
            found += [self._checked_picture(judged) for judged in judge(name, earlier, known(after.sources.get(name)))]
        return found

    def _checked_picture(self, judged: Judged) -> Judged:
        """Return a figure as changed if it is the same, but the picture that was accepted isn't there."""
        figure = judged.before
        if self._base or judged.verdict is not Verdict.SAME or figure is None or self._is_kept(figure):
            return judged
        note = f"{self.config.folder}/{figure.name}.png isn't the picture that {NAME} has"
        return replace(judged, verdict=Verdict.CHANGED, note=note)
