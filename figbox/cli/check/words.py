"""What changed in figures, in words: both states are drawn once more, and described.

Nothing is kept for that beside the lock: the state that was accepted is drawn again from git. It is in the newest
commit that brought the picture's digest into the lock, if that has the code and the data that the lock says. Where it
isn't, for instance in a shallow clone, or where the service fails now, there are no words, and the verdict stands.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from figbox.check.errors import CheckError
from figbox.check.lock import NAME
from figbox.check.pictures import NotAPicture, look_at
from figbox.check.revision import Repository
from figbox.check.verdicts import Boxes, Judged, Verdict
from figbox.cli.batch.data import DATA_LIMIT_MIB, MiB
from figbox.cli.batch.outputs import picture_name
from figbox.cli.batch.run import Batch
from figbox.cli.check.base import folder_of
from figbox.cli.check.halves import Half, Preparation, Side
from figbox.cli.check.sources import OF_A_FILE, find_sources
from figbox.cli.exits import ScriptProblem
from figbox.comparison import Verdict as Compared
from figbox.comparison import compare
from figbox.comparison.reading import read
from figbox.errors import BadDocument, Refused
from figbox.options import Options
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack
    from pathlib import PurePosixPath

    from figbox.check.config import Config
    from figbox.check.state import State
    from figbox.cli.batch.results import Result
    from figbox.cli.batch.scripts import Script
    from figbox.cli.check.sources import Source
    from figbox.cli.connection import Connection
    from figbox.comparison import Change

#: Sources that are described; more at once are rarely read.
SOURCES_LIMIT = 50

#: Sentences on a figure.
SENTENCES_LIMIT = 5

#: What is said where the pictures differ and the descriptions don't.
NOTHING = "Nothing that its description has changed."

#: What a description is asked for by; and findings, which a figure may fail on, are no reason not to describe it.
OPTION = "describe"
MORE = {name: value for name, value in ((OPTION, "full"), ("fail_on", None)) if name in Options.__annotations__}


@dataclass(slots=True)
class Descriptions:
    """What the service says of figures, by what drew them; `Sink` of a batch.

    Attributes:
        state: Where pictures of accepted figures are kept, if they are those that were accepted.
        accepted: The digests of these, by name.
    """

    state: State
    accepted: Mapping[str, str]
    preparation: Preparation
    found: dict[Script, list[Any]] = field(default_factory=dict)

    def write(self, script: Script, name: PurePosixPath, data: bytes) -> None:
        """Keep what is said of a source's figures, in their order. Raises `ScriptProblem`."""
        if name.suffix == ".json":
            self.found[script] = json.loads(data)["figures"]
            return
        figure = str(name).removesuffix(".png")
        if self.preparation.of(script)[0].side is Side.BEFORE and figure in self.accepted:
            try:
                if look_at(data).digest == self.accepted[figure]:
                    self.state.keep(Side.BEFORE, figure, data)
            except NotAPicture as error:
                raise ScriptProblem(f"no picture: {error}") from error
            except OSError as error:
                raise ScriptProblem(f"the picture can't be kept: {error.strerror}") from error


@dataclass(slots=True)
class Silent:
    """What a batch tells of progress, of which only the reason why nothing is described matters; a `Watcher`."""

    refused: bool = False

    def finished(self, result: Result) -> None:
        """Note whether the service knows the option."""
        errors = result.error.errors if isinstance(result.error, Refused) else ()
        self.refused = self.refused or any(error.option == OPTION for error in errors)

    def waiting(self, _: str, __: float) -> None:
        """Wait in silence."""


@dataclass(frozen=True, slots=True)
class Words:
    """Finds words for figures that changed.

    Attributes:
        connection: How the service is reached.
        config: What the project wants.
        state: The folder of this check.
        halves: Both halves, or the later one, of this check.
        patience_s: How long each script may wait for a busy service.
        jobs: See `Throttle`.
    """

    connection: Connection
    config: Config
    state: State
    halves: Sequence[Half]
    patience_s: float
    jobs: int | None

    async def of(self, figures: Sequence[Judged], stack: ExitStack) -> tuple[list[Judged], str]:
        """Return figures with what changed in those that did, and why there are no words if there are none."""
        changed = [judged for judged in figures if judged.verdict is Verdict.CHANGED and judged.before and judged.after]
        names = sorted({judged.source for judged in changed})[:SOURCES_LIMIT]
        if not names:
            return list(figures), ""
        *before, after = self.halves
        if before:
            old = [replace(before[0], sources=_some(before[0].sources, names))]
        else:
            old = self._accepted([judged for judged in changed if judged.source in names], stack)
        names = [name for name in names if any(name in half.sources for half in old)]
        halves = [*old, replace(after, sources=_some(after.sources, names))]
        preparation = Preparation(self.config, halves, DATA_LIMIT_MIB * MiB, document=True, more=MORE)
        accepted = {judged.name: judged.before.picture for judged in changed if judged.before and not before}
        said = Descriptions(self.state, accepted, preparation)
        silent = Silent()
        async with self.connection.client(Retries(budget_s=0)) as client:
            batch = Batch(client, preparation, said, silent, Retries(budget_s=self.patience_s), self.jobs)
            await batch.run([source.script for half in halves for source in half.sources.values()])
        if silent.refused:
            return list(figures), "what changed can't be said in words: this service doesn't describe figures"
        return [self._with_words(judged, halves, said) for judged in figures], ""

    def _with_words(self, judged: Judged, halves: Sequence[Half], said: Descriptions) -> Judged:
        """Return a figure with what changed in it, if both its states were described."""
        if judged.verdict is not Verdict.CHANGED:
            return judged
        *before, after = halves
        new = _description(after, judged, said)
        old = next((found for half in before if (found := _description(half, judged, said)) is not None), None)
        if old is None or new is None or not _is_as_drawn(after, judged, said):
            return judged
        try:
            found = compare(old, new)
            (figure,) = read(new, "what the service says").figures
        except BadDocument:
            return judged
        words = [NOTHING] if found.verdict is Compared.SAME else found.sentences(SENTENCES_LIMIT)
        boxes = [_boxes(change) for change in found.changes[:SENTENCES_LIMIT]]
        return replace(
            judged,
            words=tuple(words),
            boxes=(*boxes, *[Boxes()] * (len(words) - len(boxes))),
            findings=figure.findings,
            alt_text=figure.alt_text or "",
        )

    def _accepted(self, changed: Sequence[Judged], stack: ExitStack) -> list[Half]:
        """Return the sources of accepted figures as they were accepted, as far as git has them."""
        try:
            repository = Repository(self.config.root)
            commits: dict[str, set[str]] = {}
            for judged in changed:
                commit = repository.commit_that_added(judged.before.picture, NAME) if judged.before else None
                if commit is not None:
                    commits.setdefault(commit, set()).add(judged.source)
            return [self._as_accepted(repository, commit, names, changed, stack) for commit, names in commits.items()]
        except (CheckError, click.UsageError):
            return []

    def _as_accepted(
        self, repository: Repository, commit: str, names: set[str], changed: Sequence[Judged], stack: ExitStack
    ) -> Half:
        """Return sources as they are in a commit, if they are those that the lock knows."""
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="figbox-")))
        files = sorted({name.partition(OF_A_FILE)[0] for name in names})
        below = [folder_of(folder, path) for path in (*files, *self.config.data)]
        repository.export(commit, folder, below, DATA_LIMIT_MIB * MiB)
        half = Half(
            Side.BEFORE, folder, _some(find_sources(folder, files, (), None), names), self.halves[-1].environment
        )
        preparation = Preparation(self.config, [half], DATA_LIMIT_MIB * MiB)
        known = {judged.source: judged.before.inputs for judged in changed if judged.before is not None}
        fitting = {}
        for name, source in half.sources.items():
            inputs = preparation.inputs_now(source)
            if inputs is not None and (inputs.code, inputs.data) == (known[name].code, known[name].data):
                fitting[name] = source
        return replace(half, sources=fitting)


def _some(sources: Mapping[str, Source], names: Sequence[str] | set[str]) -> dict[str, Source]:
    return {name: sources[name] for name in names if name in sources}


def _description(half: Half, judged: Judged, said: Descriptions) -> Any:
    """Return what is said of a figure on one side; None if nothing is."""
    source = half.sources.get(judged.source)
    if source is None:
        return None
    for position, figure in enumerate(said.found.get(source.script, ()), 1):
        if str(picture_name(source.script.stem, position, "png")) == f"{judged.name}.png":
            return figure if figure.get("description") is not None else None
    return None


def _boxes(change: Change) -> Boxes:
    """Return what a change is about in both pictures."""
    return Boxes(*(place.box if place is not None else None for place in (change.before, change.after)))


def _is_as_drawn(half: Half, judged: Judged, said: Descriptions) -> bool:
    """Tell whether a source is still what the check drew, and wasn't edited meanwhile."""
    inputs = said.preparation.inputs[half.sources[judged.source].script]
    drawn = judged.after.inputs if judged.after is not None else None
    return drawn is not None and (inputs.code, inputs.data) == (drawn.code, drawn.data)
