"""What a figure shows, in words: its description, what a reader would stumble over, and an alternative text.

All of it is computed in the container, where the figure is, so it is a claim of the code: `docs/descriptions.md` says
so to clients. These types are its schema; `gateway.model.explanation_reader` builds them, within the bounds below.

Coordinates count from the upper left corner of the first picture of the figure: in its pixels, and for SVG and PDF in
points. A value on an axis is a number, or a text where the axis has dates (ISO 8601) or categories.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.jobs import Describe, KiB, MiB

#: Value on an axis; None where there is none, as for the least of no values.
Value = float | str | None

#: Bytes of the claims about all figures of a job as JSON: without their data, and with it.
CLAIM_LIMIT_BYTES = 256 * KiB
CLAIM_WITH_DATA_LIMIT_BYTES = 2 * MiB

#: Axes of a figure, artists of an axes or of a figure itself, and findings of a figure; further ones are counted.
AXES_LIMIT = 50
ARTISTS_LIMIT = 100
FINDINGS_LIMIT = 50

#: Tick labels of an axis, parts of an artist, entries of a legend.
NAMES_LIMIT = 50

#: Points of an artist whose values are given; more are thinned evenly to that, first and last included.
POINTS_LIMIT = 500

#: Characters of a text of the figure; of the sentences of a finding and of the alternative text.
TEXT_LIMIT = 300
SENTENCE_LIMIT = 600

#: The codes of all findings, as `docs/findings.md` explains them; a test compares them with the runner's.
FINDING_CODES = (
    "text-cut-off",
    "legend-cut-off",
    "text-cut-by-axes",
    "glyph-missing",
    "text-too-small",
    "tick-labels-overlap",
    "texts-overlap",
    "text-over-axes",
    "low-contrast",
    "legend-over-data",
    "legend-over-text",
    "text-over-data",
    "overplotting",
    "series-hidden",
    "no-data-in-view",
    "series-out-of-view",
    "points-invisible",
    "data-infinite",
    "data-missing",
    "data-not-positive",
    "data-in-corner",
    "bars-not-from-zero",
    "bars-cut-off",
    "numbers-as-text",
    "years-with-fractions",
    "too-many-slices",
    "series-alike",
    "colours-alike",
    "colours-alike-in-grey",
    "rainbow-colormap",
    "legend-missing",
    "legend-empty",
    "legend-repeats",
    "series-unnamed",
    "axes-empty",
    "twin-axes-unlabelled",
    "axes-unlabelled",
    "picture-mostly-empty",
)


def claim_limit_bytes(level: Describe) -> int:
    """Return how many bytes the claims about all figures of a job may have, if so much is said of each."""
    return CLAIM_WITH_DATA_LIMIT_BYTES if level is Describe.DATA else CLAIM_LIMIT_BYTES


class ArtistKind(StrEnum):
    """What people call what is drawn."""

    LINE = "line"
    STEP = "step"
    SCATTER = "scatter"
    BAR = "bar"
    HISTOGRAM = "histogram"
    BOX_PLOT = "box plot"
    VIOLIN = "violin plot"
    ERROR_BAR = "error bars"
    FILL = "fill"
    STACK = "stacked area"
    IMAGE = "image"
    MESH = "mesh"
    CONTOUR = "contour"
    FILLED_CONTOUR = "filled contour"
    HEXBIN = "hexagonal bins"
    QUIVER = "arrows"
    BARBS = "wind barbs"
    STREAM = "stream lines"
    PIE = "pie"
    STEM = "stem"
    EVENTS = "events"
    TABLE = "table"
    TEXT = "text"
    ANNOTATION = "annotation"
    REFERENCE_LINE = "reference line"
    SPAN = "span"
    PATCH = "patch"
    LINES = "lines"
    POLYGONS = "polygons"
    SURFACE = "surface"
    WIREFRAME = "wireframe"
    BARS_3D = "bars in 3D"
    VOXELS = "voxels"
    OTHER = "other"


class AxesKind(StrEnum):
    """The kinds of coordinates."""

    CARTESIAN = "cartesian"
    POLAR = "polar"
    THREE_D = "3d"
    GEOGRAPHIC = "geographic"
    OTHER = "other"


class AxesRole(StrEnum):
    """What an axes is for."""

    PLOT = "plot"
    COLORBAR = "colorbar"
    TWIN = "twin"
    INSET = "inset"


class Severity(StrEnum):
    """How much a finding matters: it misleads or hides something, it makes reading harder, or it is worth a look."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Box:
    """A part of the picture; what lies outside it is cut off."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Values:
    """The values of an artist along one axis, or those that its colours stand for.

    Attributes:
        first: The first one that is finite, in the order of the code.
        last: The last one.
        least: The least finite one.
        greatest: The greatest finite one.
    """

    first: Value = None
    last: Value = None
    least: Value = None
    greatest: Value = None


@dataclass(frozen=True, slots=True)
class Data:
    """The values of an artist's points, in the order of the code.

    Attributes:
        total: How many there are; the lists have so many, or as many as `POINTS_LIMIT`, thinned evenly.
        x: Along the first axis; empty if the artist has no such values. None is a missing or infinite value.
        y: Along the second.
        z: Along the third.
        values: What is encoded in another way: as a colour, the length of a bar, the share of a slice.
    """

    total: int = 0
    x: tuple[Value, ...] = ()
    y: tuple[Value, ...] = ()
    z: tuple[Value, ...] = ()
    values: tuple[Value, ...] = ()


@dataclass(frozen=True, slots=True)
class Artist:
    """Something that is drawn, as people name it: a line, all bars of one call, a pie.

    Attributes:
        kind: What it is.
        label: Its name in a legend; empty if it has none.
        text: What is written, of text, annotations, and tables, whose cells are separated by `|`.
        parts: Names of its parts: categories of bars, slices, boxes.
        arrangement: "stacked" or "grouped", of bars that share their places with others; "horizontal" of bars, boxes
            and violins that lie; two of these words, with a space between, if both hold.
        points: How many points, bars, slices, boxes, arrows or cells it has.
        missing: Points with a coordinate that is not a number, or masked.
        infinite: Points with an infinite coordinate.
        color: As `#rrggbb`; None if it has several.
        colormap: The name of the colour map whose colours stand for `values`.
        style: Of lines: solid, dashed, dotted, dashdot, or none.
        marker: Matplotlib's name of the marker; empty without.
        x: Values along the first axis: positions of bars, edges of a histogram.
        y: Along the second: of bars, where they end.
        z: Along the third.
        values: What is encoded otherwise: see `Data`.
        box: Where it is in the picture; None if it isn't visible.
        data: Its values.
    """

    kind: ArtistKind
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
    x: Values | None = None
    y: Values | None = None
    z: Values | None = None
    values: Values | None = None
    box: Box | None = None
    data: Data | None = None


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of an axes.

    Attributes:
        label: What is written beside it.
        scale: Matplotlib's name: linear, log, symlog, and so on.
        values: "numbers", "dates" or "categories".
        begin: The limit at the left, or at the bottom.
        end: The other limit.
        inverted: Whether values decrease from begin to end.
        ticks: What is written at its ticks.
        visible: Whether its line, ticks and labels are.
    """

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
    """A legend: its title, its entries, and where it is."""

    title: str = ""
    entries: tuple[str, ...] = ()
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Axes:
    """One axes of a figure.

    Attributes:
        number: Its place in the figure, counted from 1; other axes and findings refer to it.
        kind: Its coordinates.
        role: What it is for.
        box: The frame of its data.
        title: What is written above it.
        x: Its first axis; of polar axes the angle.
        y: Its second axis; of polar axes the radius.
        z: Its third, if it has one.
        belongs_to: The axes whose colours a colour bar explains, whose twin or whose inset it is.
        shares_x: Other axes with the same first axis.
        shares_y: Other axes with the same second axis.
        legend: Its legend.
        artists: What is drawn in it, in the order of drawing.
        artists_left_out: How many more there are.
    """

    number: int
    kind: AxesKind
    role: AxesRole
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
    """What a figure shows.

    Attributes:
        level: How much is said.
        width: Width of its first picture, in the unit of all boxes.
        height: Height, likewise.
        dpi: Dots per inch of that picture.
        width_in: Width of the figure in inches, before a tight box cut it.
        height_in: Height, likewise.
        title: What is written above all axes.
        x_label: What is written below all axes.
        y_label: What is written beside them.
        layout: The layout engine: none, tight, constrained or compressed.
        axes: Its axes, in their order.
        axes_left_out: How many more there are.
        legends: Legends of the figure itself.
        artists: What is drawn outside any axes.
        artists_left_out: How many more there are.
    """

    level: Describe
    width: float
    height: float
    dpi: float
    width_in: float
    height_in: float
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
    """Something that a reader would stumble over.

    Attributes:
        code: Its kind, words with hyphens, as `docs/findings.md` lists them.
        severity: How much it matters.
        sentence: What is the matter.
        advice: What mends it.
        axes: Numbers of the axes concerned; none if it is the figure as a whole.
        box: Where it is.
    """

    code: str
    severity: Severity
    sentence: str
    advice: str
    axes: tuple[int, ...] = ()
    box: Box | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """All that is said of a figure.

    Attributes:
        alt_text: One to three sentences for those who can't see it.
        description: What it shows.
        findings: What a reader would stumble over, the worst first.
        findings_left_out: How many more there are.
    """

    alt_text: str
    description: Description
    findings: tuple[Finding, ...] = ()
    findings_left_out: int = 0
