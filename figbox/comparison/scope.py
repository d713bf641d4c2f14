"""Where a change is, and how sentences begin: which figure, which axes, which artist."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from figbox.comparison.changes import RANKS, Change, ChangeKind, Place
from figbox.comparison.likeness import TEXTS
from figbox.comparison.wording import capital, noun_of, quote

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figbox.comparison.described import Artist, Axes, Box

#: What an axes without a title is called, by its role.
ROLES = {"colorbar": "colour bar", "twin": "twin", "inset": "inset"}


@dataclass(frozen=True, slots=True)
class Scope:
    """A figure or an axes on both sides.

    Attributes:
        figures: Numbers of the figure; None on a side where it isn't.
        axes: Numbers of the axes, likewise; both None for the figure as a whole.
        boxes: Frames of the axes, likewise.
        begin: What each sentence begins with, as "Figure 2, axes 1"; empty where there is only one.
        unit: Unit of boxes, in the singular.
    """

    figures: tuple[int | None, int | None]
    axes: tuple[int | None, int | None] = (None, None)
    boxes: tuple[Box | None, Box | None] = (None, None)
    begin: str = ""
    unit: str = "pixel"

    def change(
        self,
        kind: ChangeKind,
        text: str,
        before: Box | None = None,
        after: Box | None = None,
        *,
        rank_of: ChangeKind | None = None,
    ) -> Change:
        """Return a change.

        Args:
            kind: Its kind.
            text: What changed: a sentence without capital and full stop.
            before: Where it was; None for the frame of the axes.
            after: Where it is; likewise.
            rank_of: The kind that it ranks with, if not its own.
        """
        return self._change(kind, text, before or self.boxes[0], after or self.boxes[1], RANKS[rank_of or kind])

    def appeared(self, kind: ChangeKind, text: str, box: Box | None) -> Change:
        """Return that something is there which wasn't."""
        return self._change(kind, text, None, box or self.boxes[1], RANKS[kind])

    def went(self, kind: ChangeKind, text: str, box: Box | None) -> Change:
        """Return that something was there which isn't."""
        return self._change(kind, text, box or self.boxes[0], None, RANKS[kind])

    def _change(self, kind: ChangeKind, text: str, before: Box | None, after: Box | None, rank: int) -> Change:
        sentence = f"{self.begin}: {text}." if self.begin else f"{capital(text)}."
        places = [
            Place(figure, axes, box) if figure is not None else None
            for figure, axes, box in zip(self.figures, self.axes, (before, after), strict=True)
        ]
        return Change(kind, sentence, rank, *places)

    def of_axes(self, before: Axes | None, after: Axes | None, *, named: bool) -> Scope:
        """Return the scope of an axes of the figure."""
        axes = after or before
        begin = self.begin
        if named and axes is not None:
            begin = f"{begin}, {axes_name(axes)}" if begin else capital(axes_name(axes))
        numbers = (before.number if before else None, after.number if after else None)
        boxes = (before.box if before else None, after.box if after else None)
        return replace(self, axes=numbers, boxes=boxes, begin=begin)


def axes_name(axes: Axes) -> str:
    """Return what an axes is called: its number, and its title or its role."""
    about = quote(axes.title) if axes.title else ROLES.get(axes.role, "")
    return f"axes {axes.number} ({about})" if about else f"axes {axes.number}"


@dataclass(frozen=True, slots=True)
class Subject:
    """What an artist is called in sentences.

    Attributes:
        name: As "the line 'signal'" or "line 2".
        part: What it has several of.
        plural: Whether verbs are in the plural.
    """

    name: str
    part: str
    plural: bool

    def verb(self, singular: str, plural: str) -> str:
        """Return the name with the verb that fits."""
        return f"{self.name} {plural if self.plural else singular}"


def subject_of(artist: Artist, place: int, others: Sequence[Artist]) -> Subject:
    """Return what an artist is called.

    Args:
        artist: The artist.
        place: Its place among the others, counted from 0.
        others: All artists of its axes, itself included; those of its kind are numbered where its name isn't enough.
    """
    noun = noun_of(artist.kind)
    name = artist.text if artist.kind in TEXTS else artist.label
    alike = [at for at, other in enumerate(others) if other.kind == artist.kind]
    same_name = [at for at in alike if (others[at].text if artist.kind in TEXTS else others[at].label) == name]
    numbered = len(alike) > 1 and (not name or len(same_name) > 1)
    called = f"{noun.name} {alike.index(place) + 1}" if numbered else f"the {noun.name}"
    if name:
        called += f" {quote(name)}"
    return Subject(called, noun.part, noun.plural)
