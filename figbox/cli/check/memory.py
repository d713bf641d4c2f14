"""What one check leaves for the next in the same process, so that only what is affected is drawn again."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from figbox.check.accepted import AcceptedPictures
from figbox.cli.batch.results import Status
from figbox.errors import RenderFailed

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from pathlib import Path

    from figbox.check.facts import Inputs
    from figbox.check.pictures import Seen
    from figbox.check.state import State
    from figbox.check.verdicts import Judged
    from figbox.cli.batch.results import Result
    from figbox.cli.batch.scripts import Script
    from figbox.cli.check.halves import Half, Pictures, Preparation, Side
    from figbox.cli.check.sources import Source


@dataclass(frozen=True, slots=True)
class Drawn:
    """A source as it was drawn, or failed, last.

    Attributes:
        inputs: What it was made of.
        image: What drew it.
        result: What became of it.
        seen: The pictures that came, by the names of their figures.
    """

    inputs: Inputs
    image: str
    result: Result
    seen: Sequence[tuple[str, Seen]]


@dataclass(slots=True)
class Memory:
    """What is known of sources and figures from earlier checks; of none before the first.

    Attributes:
        judged: What became of each figure in the last check, by name.
    """

    judged: dict[str, Judged] = field(default_factory=dict)
    _drawn: dict[tuple[Side, str], Drawn] = field(default_factory=dict)
    _accepted: AcceptedPictures | None = None
    _has_begun: bool = False

    def begin(self, state: State) -> None:
        """Empty the folder of the last check, if that wasn't one of these. Raises `CheckError`."""
        if not self._has_begun:
            state.begin()
        self._has_begun = True

    def accepted(self, folder: Path) -> AcceptedPictures:
        """Return the accepted pictures in a folder."""
        if self._accepted is None or self._accepted.folder != folder:
            self._accepted = AcceptedPictures(folder)
        return self._accepted

    def recall(
        self, preparation: Preparation, pictures: Pictures, images: Mapping[str, str], settled: Collection[str]
    ) -> dict[Script, Result]:
        """Return what became of sources that would draw what they drew last; forget the others, with their pictures."""
        found: dict[Script, Result] = {}
        if not self._drawn:
            return found
        kept: dict[tuple[Side, str], Drawn] = {}
        for half, source in _sources(preparation.halves):
            drawn = self._drawn.get((half.side, source.name))
            if drawn is None or source.name in settled:
                continue
            image = images[preparation.environment(half, source)]
            inputs = preparation.inputs.get(source.script) or preparation.inputs_now(source)
            if (drawn.inputs, drawn.image) == (inputs, image):
                kept[half.side, source.name] = drawn
                found[source.script] = replace(drawn.result, script=source.script)
                pictures.recall(source.script, drawn.seen)
        for (side, name), drawn in self._drawn.items():
            if (side, name) not in kept:
                pictures.state.forget(side, [figure for figure, _ in drawn.seen])
        self._drawn = kept
        return found

    def keep(
        self,
        preparation: Preparation,
        pictures: Pictures,
        images: Mapping[str, str],
        results: Mapping[Script, Result],
    ) -> None:
        """Keep what was drawn now; what the service failed at is drawn again."""
        for half, source in _sources(preparation.halves):
            result = results.get(source.script)
            if result is None or not (result.status is Status.RENDERED or isinstance(result.error, RenderFailed)):
                continue
            image = images[preparation.environment(half, source)]
            seen = pictures.seen(source.script)
            self._drawn[half.side, source.name] = Drawn(preparation.inputs[source.script], image, result, seen)

    def known_words(self, figures: Iterable[Judged]) -> tuple[list[Judged], list[Judged]]:
        """Return figures that are as in the last check, with what was said of them, and the others."""
        as_before, others = [], []
        for judged in figures:
            last = self.judged.get(judged.name)
            if last is not None and last.undescribed == judged:
                as_before.append(last)
            else:
                others.append(judged)
        return as_before, others


def _sources(halves: Sequence[Half]) -> Iterable[tuple[Half, Source]]:
    return ((half, source) for half in halves for source in half.sources.values())
