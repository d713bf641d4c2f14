"""Figures as a document describes them, read and bounded: what is compared.

`docs/descriptions.md` says what each field means. A list that a document doesn't have is None where that differs from
an empty one. Nothing here is longer than the limits below, whatever a document holds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

#: Figures of a document, axes of a figure, artists of an axes or of a figure itself, findings of a figure. A service
#: gives no more; what goes beyond them isn't compared.
FIGURES_LIMIT = 100
AXES_LIMIT = 50
ARTISTS_LIMIT = 100
FINDINGS_LIMIT = 50

#: Artists of a document altogether, which bounds what matching them costs. A service gives fewer than half of them,
#: since its descriptions of a job may have 2 MiB.
ARTISTS_OF_A_DOCUMENT_LIMIT = 5000

#: Legends of a figure itself, pictures of a figure, names in a list, points of an artist.
LEGENDS_LIMIT = 20
PICTURES_LIMIT = 16
NAMES_LIMIT = 50
POINTS_LIMIT = 500

#: Characters of any text.
TEXT_LIMIT = 600

#: Value on an axis; a text is a date or a category.
Value = float | str | None

#: Levels of description, each with all that is in those before it.
LEVELS = ("summary", "full", "data")


@dataclass(frozen=True, slots=True)
class Box:
    """A part of a picture, from its upper left corner: in pixels, or in points for SVG and PDF."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Extent:
    """The first, last, least and greatest value along an axis."""

    first: Value = None
    last: Value = None
    least: Value = None
    greatest: Value = None


@dataclass(frozen=True, slots=True)
class Data:
    """The values of an artist's points: all of them, or `total` thinned."""

    total: int = 0
    x: tuple[Value, ...] = ()
    y: tuple[Value, ...] = ()
    z: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()

    @property
    def points(self) -> tuple[tuple[Value, ...], ...]:
        """The values by point; those of a coordinate that the artist doesn't have are left out."""
        lists = [each for each in (self.x, self.y, self.z, self.values) if each]
        return tuple(zip(*lists, strict=False))


@dataclass(frozen=True, slots=True)
class Artist:
    """Something drawn."""

    kind: str
    label: str = ""
    text: str = ""
    parts: tuple[str, ...] = ()
    arrangement: str = ""
    points: int = 0
    missing: int = 0
    infinite: int = 0
    color: str | None = None
    colormap: str | None = None
    style: str = ""
    marker: str = ""
    x: Extent | None = None
    y: Extent | None = None
    z: Extent | None = None
    values: Extent | None = None
    box: Box | None = None
    data: Data | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of an axes."""

    label: str = ""
    scale: str = "linear"
    values: str = "numbers"
    begin: Value = None
    end: Value = None
    inverted: bool = False
    ticks: tuple[str, ...] = ()
    visible: bool = True


@dataclass(frozen=True, slots=True)
class Legend:
    """A legend."""

    title: str = ""
    entries: tuple[str, ...] = ()
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Axes:
    """One axes of a figure."""

    number: int
    kind: str
    role: str
    box: Box | None = None
    title: str = ""
    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    z: Axis | None = None
    belongs_to: tuple[int, ...] = ()
    shares_x: tuple[int, ...] = ()
    shares_y: tuple[int, ...] = ()
    legend: Legend | None = None
    artists: tuple[Artist, ...] = ()
    artists_left_out: int = 0


@dataclass(frozen=True, slots=True)
class Description:
    """What a figure shows."""

    level: str
    width: float = 0.0
    height: float = 0.0
    dpi: float = 0.0
    width_in: float = 0.0
    height_in: float = 0.0
    title: str = ""
    x_label: str = ""
    y_label: str = ""
    layout: str = "none"
    axes: tuple[Axes, ...] = ()
    axes_left_out: int = 0
    legends: tuple[Legend, ...] = ()
    artists: tuple[Artist, ...] = ()
    artists_left_out: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a reader would stumble over."""

    code: str
    severity: str
    sentence: str
    axes: tuple[int, ...] = ()
    box: Box | None = None
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Picture:
    """The digests of a figure in one format; empty where the document has none."""

    format: str
    sha256: str = ""
    pixels_sha256: str = ""


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a document.

    Attributes:
        description: None if the document has none; findings don't count then.
        alt_text: None if the document has none.
    """

    number: int = 1
    label: str = ""
    pictures: tuple[Picture, ...] = ()
    description: Description | None = None
    findings: tuple[Finding, ...] = ()
    findings_left_out: int = 0
    alt_text: str | None = None

    @property
    def unit(self) -> str:
        """The unit of its boxes, in the singular."""
        return "point" if self.pictures and self.pictures[0].format in {"svg", "pdf"} else "pixel"


@dataclass(frozen=True, slots=True)
class Described:
    """One side of a comparison.

    Attributes:
        left_out: How many figures and artists go beyond the limits.
    """

    figures: tuple[Figure, ...]
    left_out: int = 0
