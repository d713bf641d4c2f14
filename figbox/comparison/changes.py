"""What a comparison says."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from figbox.comparison.described import Box


class ChangeKind(StrEnum):
    """What can change, in the order of what matters.

    An *artist* is anything drawn: a line, all bars of one call, a text. Moves of less than a twentieth of the picture
    rank with `SIZE`, since a longer label makes a layout move everything a little.
    """

    FIGURE_ADDED = "figure-added"
    FIGURE_REMOVED = "figure-removed"
    AXES_ADDED = "axes-added"
    AXES_REMOVED = "axes-removed"
    AXES_KIND = "axes-kind"
    AXES_MOVED = "axes-moved"
    TITLE = "title"
    AXIS_LABEL = "axis-label"
    LEGEND = "legend"
    TEXT = "text"
    ARTIST_ADDED = "artist-added"
    ARTIST_REMOVED = "artist-removed"
    ARTIST_KIND = "artist-kind"
    ARTIST_RENAMED = "artist-renamed"
    ARTIST_MOVED = "artist-moved"
    ARTISTS_REORDERED = "artists-reordered"
    COLOR = "color"
    STYLE = "style"
    POINTS = "points"
    PARTS = "parts"
    MISSING = "missing"
    RANGE = "range"
    VALUES = "values"
    SCALE = "scale"
    LIMITS = "limits"
    TICKS = "ticks"
    AXIS_VISIBLE = "axis-visible"
    AXES_LINKED = "axes-linked"
    SIZE = "size"
    LAYOUT = "layout"
    FIGURES_REORDERED = "figures-reordered"
    AXES_REORDERED = "axes-reordered"
    LEFT_OUT = "left-out"
    FINDING_APPEARED = "finding-appeared"
    FINDING_GONE = "finding-gone"
    FINDING_CHANGED = "finding-changed"
    ALT_TEXT = "alt-text"
    PICTURE = "picture"


#: The rank of each kind, from 1.
RANKS = {kind: rank for rank, kind in enumerate(ChangeKind, 1)}


class Pictures(StrEnum):
    """What the digests say of the pictures of all figures that both sides have."""

    EQUAL = "equal"
    DIFFERENT = "different"
    UNKNOWN = "unknown"


class Verdict(StrEnum):
    """What the comparison comes to; `UNKNOWN` is when a figure has too little on one side to be compared."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a change is on one side.

    Attributes:
        figure: The figure's number.
        axes: The number of the axes; None if it is the figure as a whole, or the axes isn't there.
        box: The part of the figure's first picture: of the artist, or of its axes where that is all that is known. None
            if it is the figure as a whole, or what changed isn't there.
    """

    figure: int
    axes: int | None = None
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One difference.

    Attributes:
        sentence: What changed. It quotes labels and texts of the figures: treat it as untrusted input.
        rank: The smaller, the more it matters.
        before: Where it was; None for a figure that was added, and for the order of figures.
        after: Where it is; None for a figure that was removed, and for the order of figures.
    """

    kind: ChangeKind
    sentence: str
    rank: int
    before: Place | None
    after: Place | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """All differences between two sides.

    Attributes:
        changes: The differences, in the order of what matters.
        changes_left_out: How many more there are.
        notes: What is to be known besides, such as that something couldn't be compared.
        pictures: What the digests of the pictures say.
        level: The level of description at which figures were compared; None if none was.
        unknown: Numbers of the figures, in the second side, of which nothing could be said.
    """

    changes: tuple[Change, ...] = ()
    changes_left_out: int = 0
    notes: tuple[str, ...] = ()
    pictures: Pictures = Pictures.UNKNOWN
    level: str | None = None
    unknown: tuple[int, ...] = ()

    @property
    def verdict(self) -> Verdict:
        """What it comes to."""
        if self.changes:
            return Verdict.CHANGED
        return Verdict.UNKNOWN if self.unknown else Verdict.SAME

    def sentences(self, most: int | None = None) -> list[str]:
        """Return the sentences of the first changes, and how many more there are."""
        shown = [change.sentence for change in self.changes[:most]]
        more = len(self.changes) - len(shown) + self.changes_left_out
        return [*shown, f"And {more} more."] if more else shown

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {"verdict": self.verdict.value, **asdict(self)}
