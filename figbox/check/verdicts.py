"""What became of each figure."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from figbox.check.facts import Figure, Inputs
    from figbox.comparison.described import Box, Finding


class Verdict(StrEnum):
    """What became of a figure, beginning with what needs most attention.

    Attributes:
        FAILED: Its code failed, or what it drew can't be taken.
        NOT_RUN: The service failed, so nothing is known.
        CHANGED: Its picture differs from the one before.
        MISSING: It was there before, and isn't now.
        NEW: It wasn't there before.
        RENDERER_CHANGED: Its picture differs, made of the same code, data and options by another image.
        SAME: Its picture looks the same.
    """

    FAILED = "failed"
    NOT_RUN = "not run"
    CHANGED = "changed"
    MISSING = "missing"
    NEW = "new"
    RENDERER_CHANGED = "renderer changed"
    SAME = "same"


#: What can be accepted.
TAKEN = frozenset({Verdict.CHANGED, Verdict.NEW, Verdict.RENDERER_CHANGED})


@dataclass(frozen=True, slots=True)
class Boxes:
    """What a sentence is about, as parts of both pictures in pixels; None where that isn't there, or is all of it."""

    before: Box | None = None
    after: Box | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A figure and what became of it.

    Attributes:
        name: The figure's name; the source's if no figure of it is known.
        source: What draws it.
        verdict: What became of it.
        before: As it was accepted, or as it is in the git state that is compared with.
        after: As it is drawn now; None if it wasn't drawn.
        note: What else there is to say, in a sentence without a full stop.
        rms: Distance of the two pictures, if it was measured.
        words: What changed, in sentences.
        boxes: For each of these, what it is about; empty if there are none.
        findings: What a reader would stumble over in the figure as it is drawn now, if it was described.
        alt_text: What that shows, for those who can't see it; likewise.
    """

    name: str
    source: str
    verdict: Verdict
    before: Figure | None = None
    after: Figure | None = None
    note: str = ""
    rms: float | None = None
    words: tuple[str, ...] = ()
    boxes: tuple[Boxes, ...] = ()
    findings: tuple[Finding, ...] = ()
    alt_text: str = ""

    @property
    def undescribed(self) -> Judged:
        """The same without what was said of it when it was described."""
        return replace(self, words=(), boxes=(), findings=(), alt_text="")


def in_order(figures: Iterable[Judged]) -> list[Judged]:
    """Return figures beginning with what needs most attention; those of one verdict stay in their order."""
    ranks = {verdict: rank for rank, verdict in enumerate(Verdict)}
    return sorted(figures, key=lambda judged: ranks[judged.verdict])


def counts(figures: Iterable[Judged]) -> dict[Verdict, int]:
    """Return how many figures there are of each verdict, in the same order."""
    found = Counter(judged.verdict for judged in figures)
    return {verdict: found[verdict] for verdict in Verdict}


def verdict_on(before: Figure | None, after: Figure) -> Verdict:
    """Return what became of a figure that was drawn."""
    if before is None:
        return Verdict.NEW
    if before.picture == after.picture:
        return Verdict.SAME
    if before.image != after.image and before.inputs == after.inputs:
        return Verdict.RENDERER_CHANGED
    return Verdict.CHANGED


def is_settled(before: tuple[Figure, ...], inputs: Inputs, image: str) -> bool:
    """Tell whether the figures of a source needn't be drawn again, since the same would come.

    Args:
        before: Those that are known; a source of which only some are known is drawn.
        inputs: What they would be made of now.
        image: What would draw them now.
    """
    return bool(before) and all(
        figure.of == len(before) and figure.inputs == inputs and figure.image == image for figure in before
    )
