"""What the page shows of each figure, as the template takes it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from figbox.cli.check.reports.page.differences import Difference

if TYPE_CHECKING:
    from markupsafe import Markup

    from figbox.check.verdicts import Judged
    from figbox.comparison import Box


@dataclass(frozen=True, slots=True)
class Mark:
    """A box over a picture.

    Attributes:
        kind: `change`, `finding`, or `region` for all pixels that differ.
        numbers: Of the sentences that it belongs to; none for a region.
        at: Where these are written: left and upper edge.
    """

    kind: str
    box: Box
    numbers: tuple[str, ...] = ()
    at: tuple[float, float] = (0.0, 0.0)

    @property
    def label(self) -> str:
        """The numbers as they are written."""
        return ", ".join(self.numbers)


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture on the page.

    Attributes:
        side: `before`, `after` or `difference`.
        alt: What it shows, in a sentence.
        uri: The picture itself.
        text_size: Height of the numbers of boxes, in its pixels.
    """

    side: str
    width: int
    height: int
    alt: str
    uri: Markup = field(repr=False)
    marks: tuple[Mark, ...] = ()
    text_size: float = 0.0


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a figure is made of, before and after; empty where that isn't known."""

    name: str
    before: str
    after: str

    @property
    def is_other(self) -> bool:
        """Whether it changed."""
        return bool(self.before and self.after) and self.before != self.after


@dataclass(frozen=True, slots=True)
class Said:
    """What the code of a source said.

    Attributes:
        error: Why it failed, often a traceback.
        hint: What helps to mend it.
        stdout: What it printed.
        stderr: What it wrote to standard error.
        warnings: Python's warnings.
    """

    error: str = ""
    hint: str = ""
    stdout: str = ""
    stderr: str = ""
    warnings: tuple[str, ...] = ()

    @property
    def anything(self) -> bool:
        """Whether there is anything."""
        return any((self.error, self.stdout, self.stderr, self.warnings))


@dataclass(frozen=True, slots=True)
class Card:
    """One figure on the page.

    Attributes:
        reason: Why a picture isn't there, in a sentence without a full stop.
        command: What accepts it; empty if nothing does.
    """

    judged: Judged
    anchor: str
    pictures: tuple[Picture, ...] = ()
    difference: Difference = field(default_factory=Difference)
    reason: str = ""
    facts: tuple[Fact, ...] = ()
    said: Said = field(default_factory=Said)
    command: str = ""

    @property
    def numbers(self) -> frozenset[str]:
        """The numbers of the sentences that have a box over a picture."""
        return frozenset(number for picture in self.pictures for mark in picture.marks for number in mark.numbers)
