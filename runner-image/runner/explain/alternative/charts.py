"""What charts and their parts are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from explain.alternative.reading import listed, plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words

#: What people call a chart of such artists, the more telling first, and what they call several of the artists.
CHARTS = {
    "pie": ("pie chart", "slices"),
    "box plot": ("box plot", "boxes"),
    "violin plot": ("violin plot", "violins"),
    "histogram": ("histogram", "series"),
    "bar": ("bar chart", "sets of bars"),
    "stacked area": ("stacked area chart", "areas"),
    "bars in 3D": ("bar chart", "sets of bars"),
    "surface": ("surface plot", "surfaces"),
    "wireframe": ("wireframe plot", "wireframes"),
    "voxels": ("voxel plot", "sets of voxels"),
    "hexagonal bins": ("plot of hexagonal bins", "sets of bins"),
    "mesh": ("heat map", "meshes"),
    "image": ("image", "images"),
    "filled contour": ("filled contour plot", "sets of contours"),
    "contour": ("contour plot", "sets of contours"),
    "stream lines": ("stream line plot", "sets of stream lines"),
    "arrows": ("arrow plot", "sets of arrows"),
    "wind barbs": ("wind barb plot", "sets of barbs"),
    "stem": ("stem plot", "sets of stems"),
    "events": ("event plot", "sets of events"),
    "scatter": ("scatter plot", "sets of points"),
    "line": ("line chart", "lines"),
    "step": ("step chart", "step lines"),
    "error bars": ("chart with error bars", "sets of error bars"),
    "fill": ("area chart", "areas"),
    "lines": ("chart of line segments", "sets of lines"),
    "polygons": ("chart of polygons", "sets of polygons"),
    "table": ("table", "tables"),
    "patch": ("drawing", "shapes"),
    "reference line": ("chart of reference lines", "reference lines"),
    "span": ("chart of spans", "spans"),
}

#: What several entries are called whose parts are called otherwise.
SEVERAL = {"pie": "pies", "box plot": "sets of boxes", "violin plot": "sets of violins"}

#: What may be drawn with something more telling, and how one and several are called.
ADDED = {
    "box plot": ("a box plot", "box plots"),
    "scatter": ("a point", "points"),
    "line": ("a line", "lines"),
    "step": ("a step line", "step lines"),
    "error bars": ("error bars", "error bars"),
    "fill": ("a shaded area", "shaded areas"),
    "filled contour": ("filled contours", "filled contours"),
    "contour": ("contour lines", "contour lines"),
    "arrows": ("arrows", "arrows"),
    "stream lines": ("stream lines", "stream lines"),
    "lines": ("line segments", "line segments"),
    "wireframe": ("a wireframe", "wireframes"),
    "reference line": ("a reference line", "reference lines"),
    "span": ("a marked span", "marked spans"),
    "table": ("a table", "tables"),
}

#: Of these a chart has one most of the time; how many there are is said of others.
COUNTED = frozenset(
    {
        "line",
        "step",
        "scatter",
        "bar",
        "histogram",
        "stacked area",
        "fill",
        "stem",
        "error bars",
        "span",
        "reference line",
    }
)

#: What the parts of a single artist are called.
UNITS = {
    "scatter": "points",
    "bar": "bars",
    "histogram": "bins",
    "bars in 3D": "bars",
    "stem": "stems",
    "events": "events",
}

UNIT = {"pie": "slice", "box plot": "box", "violin plot": "violin"}

#: Fewer points than that mark places on a line.
FEW = 10

#: A network's edges are lines between its nodes, at least so many.
LEAST_EDGES = 3

ADDED_NAMED = 3
LABELS_NAMED = 3


class Chart(NamedTuple):
    """One axes with its artists as an alternative text sees it.

    Attributes:
        axes: The axes.
        kind: The kind of its most telling artists.
        main: These.
        others: The others, by their kinds.
        scale: What colours stand for, as the colour bar says.
        has_bar: Whether it has a colour bar.
    """

    axes: words.Axes
    kind: str
    main: Sequence[words.Artist]
    others: dict[str, list[words.Artist]]
    scale: str
    has_bar: bool


def chart_of(description: words.Description, axes: words.Axes) -> Chart | None:
    """Return an axes as a chart; None if it is a colour bar or shows nothing."""
    if is_bar(axes):
        return None
    kinds = [kind for kind in CHARTS if any(each.kind == kind and each.points for each in axes.artists)]
    if not kinds:
        return None
    by_kind = {name: [each for each in axes.artists if each.kind == name and each.points] for name in kinds}
    bars = [bar for bar in description.axes if axes.number in bar.belongs_to and is_bar(bar)]
    scale = next(map(_label_of_bar, bars), "")

    def called(kind: str) -> Chart:
        others = {name: by_kind[name] for name in kinds if name in ADDED and name != kind}
        return Chart(axes, kind, by_kind[kind], others, scale, bool(bars))

    if kinds[0] == "scatter" and edges_of(network := called("scatter")):
        return network
    return called(_most_telling(axes, kinds))


def _most_telling(axes: words.Axes, kinds: Sequence[str]) -> str:
    """Return the kind by which a chart is called: a few points on a longer line make no scatter plot."""
    if kinds[0] != "scatter" or "line" not in kinds:
        return kinds[0]
    count = {kind: sum(each.points for each in axes.artists if each.kind == kind) for kind in ("scatter", "line")}
    return "line" if count["scatter"] < FEW and count["scatter"] < count["line"] else "scatter"


def is_bar(axes: words.Axes) -> bool:
    """Return whether an axes is a colour bar."""
    return axes.role == "colorbar"


def _label_of_bar(bar: words.Axes) -> str:
    return plain(bar.y.label or bar.x.label or bar.title)


def is_logarithmic(chart: Chart) -> bool:
    """Return whether values of very different size are shown."""
    along = chart.axes.x if any("horizontal" in each.arrangement for each in chart.main) else chart.axes.y
    return along.scale in ("log", "symlog", "asinh", "logit")


def edges_of(chart: Chart) -> int:
    """Return how many lines between its points a scatter plot has, if it is a network; 0 if it isn't one.

    The outermost ends of a network's lines are outermost points, its lines have two ends each, and its axes no labels.
    """
    if chart.kind != "scatter" or chart.axes.x.label or chart.axes.y.label:
        return 0
    segments = chart.others.get("lines", [])
    lines = chart.others.get("line", [])
    if lines and any(line.points != 2 for line in lines):  # noqa: PLR2004 - ends
        return 0
    if any(side is None or side.first is None for each in segments for side in (each.x, each.y)):  # side by side
        return 0
    count = sum(each.points for each in segments) + len(lines)
    same = all(
        _reach([*segments, *lines], side) == _reach(chart.main, side) and _reach(chart.main, side) for side in "xy"
    )
    return count if same and count >= LEAST_EDGES else 0


def _reach(artists: Sequence[words.Artist], side: str) -> tuple[float, float] | None:
    """Return the least and the greatest number of artists along an axis."""
    ranges = [getattr(each, side) for each in artists]
    ends = [value for each in ranges if each is not None for value in (each.least, each.greatest)]
    numbers = [value for value in ends if isinstance(value, float)]
    return (min(numbers), max(numbers)) if numbers and len(numbers) == len(ends) else None


def noun(chart: Chart) -> str:
    """Return what a chart is called, without its title."""
    if edges_of(chart):
        return "network"
    name = CHARTS[chart.kind][0]
    if chart.kind == "image" and any(each.colormap for each in chart.main):
        named = "categories" in (chart.axes.x.values, chart.axes.y.values)
        name = "heat map" if chart.has_bar or named else name
    if chart.axes.kind == "3d":
        name = f"3D {name}"
    elif chart.axes.kind == "polar" and chart.kind != "pie":
        name = f"polar {name}"
    elif chart.axes.kind == "geographic":
        name = f"{name} on a map"
    ways = {word for each in chart.main for word in each.arrangement.split()} - {name.split()[0]}
    return " ".join([*(word for word in ("horizontal", "stacked", "grouped") if word in ways), name])


def consists_of(chart: Chart) -> str:
    """Return what a chart consists of: its series, and what else is drawn."""
    if edges := edges_of(chart):
        nodes = sum(each.points for each in chart.main)
        return f"{nodes:,} nodes and {edges:,} edges"
    names = {each.label for each in chart.main if each.label}
    shown = {
        kind: artists
        for kind, artists in chart.others.items()
        if chart.kind != "stacked area" or not all(each.label in names for each in artists)  # edges of the areas
    }
    added = [_added(kind, artists, names) for kind, artists in list(shown.items())[:ADDED_NAMED]]
    return listed([part for part in (_series(chart), *added, _legend(chart)) if part])


def _added(kind: str, artists: Sequence[words.Artist], named: set[str]) -> str:
    """Return what is drawn beside the most telling: how many, and their names, but for those that these have."""
    one, several = ADDED[kind]
    count = sum(each.points for each in artists) if kind == "scatter" else len(artists)
    said = one if count == 1 else several if one == several or kind == "scatter" else f"{count} {several}"
    labels = [label for each in artists if each.label not in named and (label := plain(each.label))]
    return f"{said} ({listed(labels, LABELS_NAMED)})" if labels else said


def _legend(chart: Chart) -> str:
    """Return the entries of a legend that names no artist, as of points that one call drew in several colours."""
    legend = chart.axes.legend
    if legend is None or chart.kind == "pie":
        return ""
    named = {each.label for each in chart.axes.artists if each.label and each.points}
    entries = [plain(entry) for entry in legend.entries if entry not in named]
    if not entries or len(entries) < len(legend.entries):
        return ""
    title = f" of {plain(legend.title)}" if legend.title else ""
    return f"a legend{title} ({listed(entries)})"


def _series(chart: Chart) -> str:
    """Return how many series a chart has, and their names."""
    labels = [label for each in chart.main if (label := plain(each.label))]
    number = len(chart.main)
    if chart.kind in ("pie", "box plot", "violin plot") and (number == 1 or not (labels or chart.kind == "pie")):
        parts = [plain(part) for part in dict.fromkeys(part for each in chart.main for part in each.parts)]
        points = sum(each.points for each in chart.main)
        count = f"{points:,} {CHARTS[chart.kind][1] if points > 1 else UNIT[chart.kind]}"
        return f"{count} ({listed(parts)})" if any(parts) else count
    if number == 1:
        return _only(chart, labels)
    if chart.kind == "scatter" and not labels and all(each.points == 1 for each in chart.main):
        return f"{number} points"
    least = "at least " if chart.axes.artists_left_out else ""
    count = f"{least}{number} {SEVERAL.get(chart.kind, CHARTS[chart.kind][1])}"
    return f"{count} ({listed(labels)})" if labels else count if chart.kind in COUNTED else ""


def _only(chart: Chart, labels: Sequence[str]) -> str:
    """Return what is said of the only series: how many points or bars, and its name if the title doesn't say it."""
    artist = chart.main[0]
    name = f" ({labels[0]})" if labels and chart.kind in COUNTED else ""
    if chart.kind in UNITS and artist.points > 1:
        rows = f" in {len(artist.parts)} rows" if chart.kind == "events" and len(artist.parts) > 1 else ""
        return f"{artist.points:,} {UNITS[chart.kind]}{rows}{name}"
    return f"one {CHARTS[chart.kind][1][:-1]}{name}" if name and chart.kind == "line" else ""
