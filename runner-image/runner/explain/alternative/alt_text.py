"""An alternative text, made of a description alone: one to three sentences, the same for the same description.

It says what guides to accessible pictures ask for: the kind of chart, what is on its axes and in which range, and what
stands out. What is written beside the chart anyway, as the values of all bars, is left to the description.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from explain.alternative.outstanding import outstanding
from explain.alternative.reading import listed, plain, told, told_range
from explain.words import SENTENCE_LIMIT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain import words

#: What people call a chart of such artists, the more telling first, and what they call several of the artists.
CHARTS = {
    "pie": ("pie chart", "slices"),
    "box plot": ("box plot", "boxes"),
    "violin plot": ("violin plot", "violins"),
    "histogram": ("histogram", "histograms"),
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
SEVERAL = {"histogram": "sets of bins", "pie": "pies", "box plot": "sets of boxes", "violin plot": "sets of violins"}

#: What may be drawn with something more telling, and how that is said.
ADDED = {
    "scatter": "points",
    "line": "a line",
    "step": "a step line",
    "error bars": "error bars",
    "fill": "a shaded area",
    "contour": "contour lines",
    "arrows": "arrows",
    "stream lines": "stream lines",
    "lines": "line segments",
    "wireframe": "a wireframe",
}

#: Of these a chart has one most of the time; how many there are is said of others.
COUNTED = frozenset({"line", "step", "scatter", "bar", "histogram", "stacked area", "fill", "stem", "error bars"})

#: Fewer points than that mark places on a line.
FEW = 10

CHARTS_NAMED = 4
ADDED_NAMED = 2


class Chart(NamedTuple):
    """One axes with its artists as an alternative text sees it.

    Attributes:
        axes: The axes.
        kind: The kind of its most telling artists.
        main: These.
        others: Kinds of the others.
        scale: What colours stand for, as the colour bar says.
    """

    axes: words.Axes
    kind: str
    main: Sequence[words.Artist]
    others: Sequence[str]
    scale: str


def alt_text(description: words.Description) -> str:
    """Return one to three sentences for those who can't see a figure."""
    charts = [chart for axes in description.axes if (chart := _chart_of(description, axes)) is not None]
    title = plain(description.title)
    if not charts:
        sentences = [_nothing(description, title)]
    elif len(charts) == 1 and description.axes_left_out == 0:
        sentences = [_one(charts[0], title), _axes_sentence(charts[0]), outstanding(charts[0].kind, charts[0].main)]
    else:
        sentences = _several(charts, title, description.axes_left_out)
    whole = " ".join(filter(None, sentences))
    return whole if len(whole) <= SENTENCE_LIMIT else whole[: SENTENCE_LIMIT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _chart_of(description: words.Description, axes: words.Axes) -> Chart | None:
    """Return an axes as a chart; None if it is a colour bar or shows nothing."""
    if axes.role == "colorbar":
        return None
    kinds = [kind for kind in CHARTS if any(each.kind == kind and each.points for each in axes.artists)]
    if not kinds:
        return None
    kind = _most_telling(axes, kinds)
    main = [each for each in axes.artists if each.kind == kind and each.points]
    others = [each for each in kinds if each in ADDED and each != kind]
    scale = next((_label_of_bar(bar) for bar in description.axes if axes.number in bar.belongs_to and _is_bar(bar)), "")
    return Chart(axes, kind, main, others, scale)


def _most_telling(axes: words.Axes, kinds: Sequence[str]) -> str:
    """Return the kind by which a chart is called: a few points on a longer line make no scatter plot."""
    if kinds[0] != "scatter" or "line" not in kinds:
        return kinds[0]
    count = {kind: sum(each.points for each in axes.artists if each.kind == kind) for kind in ("scatter", "line")}
    return "line" if count["scatter"] < FEW and count["scatter"] < count["line"] else "scatter"


def _is_bar(axes: words.Axes) -> bool:
    return axes.role == "colorbar"


def _label_of_bar(bar: words.Axes) -> str:
    return plain(bar.y.label or bar.x.label or bar.title)


def _nothing(description: words.Description, title: str) -> str:
    """Return a sentence about a figure without charts."""
    texts = [plain(each.text) for each in description.artists if each.text]
    texts += [plain(each.text) for axes in description.axes for each in axes.artists if each.text]
    named = f' titled "{title}"' if title else ""
    if texts:
        return f"Figure{named} with text: {listed(texts)}."
    axes = [each for each in description.axes if each.role != "colorbar"]
    if not axes:
        return f"Empty figure{named}."
    first = plain(axes[0].title)
    named = named or (f' titled "{first}"' if first else "")
    return f"Empty chart{named}." if len(axes) == 1 else f"Figure{named} with {len(axes)} empty charts."


def noun(chart: Chart) -> str:
    """Return what a chart is called, without its title."""
    name = CHARTS[chart.kind][0]
    if chart.kind == "image" and any(each.colormap for each in chart.main) and chart.scale:
        name = "heat map"
    ways = {word for each in chart.main for word in each.arrangement.split()} - {name.split()[0]}
    name = " ".join([*(word for word in ("horizontal", "stacked", "grouped") if word in ways), name])
    if chart.axes.kind == "3d":
        name = f"3D {name}"
    elif chart.axes.kind == "polar" and chart.kind != "pie":
        name = f"polar {name}"
    elif chart.axes.kind == "geographic":
        name = f"{name} on a map"
    return name


def _one(chart: Chart, figure_title: str) -> str:
    """Return the sentence that says what the only chart is and what it consists of."""
    titles = [each for each in (figure_title, plain(chart.axes.title)) if each]
    said = noun(chart)
    said = said if said.startswith("3D") else said[0].upper() + said[1:]
    if titles:
        said += f' titled "{": ".join(dict.fromkeys(titles))}"'
    parts = [_series(chart), *(ADDED[kind] for kind in chart.others[:ADDED_NAMED])]
    parts = [part for part in parts if part]
    return f"{said} with {listed(parts)}." if parts else f"{said}."


def _series(chart: Chart) -> str:
    """Return how many series a chart has, and their names."""
    labels = [label for each in chart.main if (label := plain(each.label))]
    number = len(chart.main)
    if chart.kind in ("pie", "box plot", "violin plot") and number == 1:
        parts = [plain(part) for part in chart.main[0].parts]
        count = f"{chart.main[0].points:,} {CHARTS[chart.kind][1] if chart.main[0].points > 1 else chart.kind}"
        return f"{count} ({listed(parts)})" if any(parts) else count
    if number == 1:
        return _only(chart, labels)
    count = f"{number} {SEVERAL.get(chart.kind, CHARTS[chart.kind][1])}"
    return f"{count} ({listed(labels)})" if labels else count if chart.kind in COUNTED else ""


def _only(chart: Chart, labels: Sequence[str]) -> str:
    """Return what is said of the only series: how many points or bars, and its name if the title doesn't say it."""
    artist = chart.main[0]
    units = {"scatter": "points", "bar": "bars", "histogram": "bins", "bars in 3D": "bars", "stem": "stems"}
    name = f" ({labels[0]})" if labels and chart.kind in COUNTED else ""
    if chart.kind in units and artist.points > 1:
        return f"{artist.points:,} {units[chart.kind]}{name}"
    return f"one {CHARTS[chart.kind][1][:-1]}{name}" if name and chart.kind == "line" else ""


def _axes_sentence(chart: Chart) -> str:
    """Return the sentence that says what is on the axes, and in which range."""
    if chart.kind in ("pie", "table"):
        return ""
    axes = chart.axes
    names = ("angle", "radius") if axes.kind == "polar" else ("x axis", "y axis", "z axis")
    each = [axes.x, axes.y, *([axes.z] if axes.z is not None else [])]
    said = [_axis(axis, name) for axis, name in zip(each, names, strict=False) if axis.visible]
    if axes.kind == "polar":
        said = said[1:]
    if chart.scale or any(artist.colormap for artist in chart.main):
        said.append(_colors(chart))
    said = [one for one in said if one]
    return "" if not said else f"{_capital(listed(said))}."


def _axis(axis: words.Axis, name: str) -> str:
    """Return what an axis shows: its label, range and scale."""
    label = plain(axis.label)
    begin, end = told_range(axis)
    where = f'the {name} shows "{label}"' if label else f"the {name} goes"
    if begin == end or not begin or not end:
        return where if label else ""
    scale = {"log": " on a logarithmic scale", "symlog": " on a symmetric logarithmic scale"}.get(axis.scale, "")
    return f"{where} from {begin} to {end}{scale}"


def _colors(chart: Chart) -> str:
    """Return what colours stand for, and in which range."""
    ranges = [each.values for each in chart.main if each.colormap and each.values is not None]
    numbers = [value for each in ranges for value in (each.least, each.greatest) if isinstance(value, float)]
    what = f'colours show "{chart.scale}"' if chart.scale else "colours show values"
    return f"{what} from {told(min(numbers))} to {told(max(numbers))}" if numbers else what if chart.scale else ""


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]


def _several(charts: Sequence[Chart], title: str, left_out: int) -> list[str]:
    """Return sentences about a figure of several charts."""
    total = len(charts) + left_out
    nouns = [noun(chart) for chart in charts]
    same = len(set(nouns)) == 1 and not left_out
    said = f'Figure titled "{title}" with ' if title else "Figure with "
    what = f"{total} {_plural(nouns[0])}" if same else f"{total} charts"
    names = [_brief(chart, with_noun=not same) for chart in charts]
    sentences = [f"{said}{what}: {listed(names, CHARTS_NAMED)}." if any(names) else f"{said}{what}."]
    if len(charts) == 2 and not left_out:  # noqa: PLR2004 - more would be too long
        sentences += [
            f"In the {place} one, {found[0].lower() if _is_ours(found) else found[0]}{found[1:]}"
            for place, chart in zip(("first", "second"), charts, strict=True)
            if (found := outstanding(chart.kind, chart.main))
        ]
    return sentences


def _is_ours(sentence: str) -> bool:
    """Return whether a sentence begins with a word of ours, not with a name of the figure."""
    return sentence.startswith(("The ", "It ", "All ", "Together "))


def _brief(chart: Chart, *, with_noun: bool) -> str:
    """Return a chart in a few words: its title, or what it shows against what."""
    title, x, y = plain(chart.axes.title), plain(chart.axes.x.label), plain(chart.axes.y.label)
    name = f'"{title}"' if title else " against ".join(filter(None, [y, x])) or chart.scale
    if not with_noun:
        return name
    article = "an" if noun(chart)[0] in "aeio" else "a"
    return f"{article} {noun(chart)}" + (f" of {name}" if name and not title else f", {name}" if name else "")


def _plural(name: str) -> str:
    """Return the name of several charts."""
    head, of, rest = name.partition(" of ")
    head, with_, added = head.partition(" with ")
    return f"{head}s{with_}{added}{of}{rest}"
