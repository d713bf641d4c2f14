"""Each kind of artist: what is said of it is what the code plainly says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from matplotlib import collections, offsetbox, patches
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from gateway.model import explanation
from gateway.model.explanation import ArtistKind, Values
from tests.support.explained import described

if TYPE_CHECKING:
    from collections.abc import Callable

X = np.linspace(0.0, 4.0, 9)
SQUARE = X**2
GRID_Y, GRID_X = np.mgrid[-2:2:5j, -3:3:7j]
SAMPLES = [np.linspace(0, 10, 21), np.linspace(5, 25, 21)]


class Star(Artist):
    """An artist of the program's own, which draws nothing."""

    def draw(self, renderer: object) -> None:
        """Draw nothing."""


#: What draws, where, and what must be said of the only entry: fields that are left out aren't compared.
CASES: dict[str, tuple[Callable[[Any], object], str, dict[str, Any]]] = {
    "line": (
        lambda ax: ax.plot(X, SQUARE, "r--s", label="square"),
        "",
        {
            "kind": "line",
            "label": "square",
            "points": 9,
            "color": "#ff0000",
            "style": "dashed",
            "marker": "s",
            "x": Values(0, 4, 0, 4),
            "y": Values(0, 16, 0, 16),
        },
    ),
    "line that comes back": (lambda ax: ax.plot([3, 1, 2]), "", {"kind": "line", "y": Values(3, 2, 1, 3)}),
    "line with gaps": (
        lambda ax: ax.plot([1, np.nan, 3, 4], [1, 2, np.inf, 5]),
        "",
        {"kind": "line", "points": 4, "missing": 1, "infinite": 1, "y": Values(1, 5, 1, 5)},
    ),
    "masked line": (
        lambda ax: ax.plot(np.ma.masked_greater([1.0, 2, 9], 5)),
        "",
        {"kind": "line", "points": 3, "missing": 1, "y": Values(1, 2, 1, 2)},
    ),
    "markers alone": (
        lambda ax: ax.plot(X, X, "o", color="green"),
        "",
        {"kind": "scatter", "points": 9, "marker": "o", "style": "none", "color": "#008000"},
    ),
    "step": (lambda ax: ax.step(X, SQUARE), "", {"kind": "step", "points": 9, "y": Values(0, 16, 0, 16)}),
    "stairs": (
        lambda ax: ax.stairs([1, 5, 2], [0, 1, 2, 4], label="counts"),
        "",
        {"kind": "step", "label": "counts", "points": 3, "x": Values(0, 4, 0, 4), "y": Values(1, 2, 1, 5)},
    ),
    "empirical distribution": (lambda ax: ax.ecdf([3, 1, 2]), "", {"kind": "step", "y": Values(0, 1, 0, 1)}),
    "scatter": (
        lambda ax: ax.scatter(X, SQUARE, c="red", label="dots"),
        "",
        {"kind": "scatter", "label": "dots", "points": 9, "color": "#ff0000", "y": Values(0, 16, 0, 16)},
    ),
    "scatter with colours": (
        lambda ax: ax.scatter(X, SQUARE, c=-X, cmap="magma"),
        "",
        {"kind": "scatter", "colormap": "magma", "color": None, "values": Values(0, -4, -4, 0)},
    ),
    "scatter with sizes": (
        lambda ax: ax.scatter([1, 2], [3, 4], s=[10, 40]),
        "",
        {"kind": "scatter", "values": Values(10, 40, 10, 40)},
    ),
    "bars": (
        lambda ax: ax.bar(["a", "b", "c"], [3, -1, 2], color="#123456", label="n"),
        "",
        {
            "kind": "bar",
            "label": "n",
            "parts": ("a", "b", "c"),
            "points": 3,
            "color": "#123456",
            "x": Values("a", "c", "a", "c"),
            "y": Values(3, 2, -1, 3),
            "values": Values(3, 2, -1, 3),
            "arrangement": "",
        },
    ),
    "bars on a base": (
        lambda ax: ax.bar([1, 2], [3, 4], bottom=10),
        "",
        {"kind": "bar", "y": Values(13, 14, 13, 14), "values": Values(3, 4, 3, 4)},
    ),
    "horizontal bars": (
        lambda ax: ax.barh(["a", "b"], [3, 1]),
        "",
        {"kind": "bar", "arrangement": "horizontal", "parts": ("a", "b"), "x": Values(3, 1, 1, 3)},
    ),
    "bars that adjoin": (
        lambda ax: ax.bar([2020, 2021, 2022, 2023], [3, 1, 2, 4], width=1),
        "",
        {"kind": "bar", "parts": ("2020", "2021", "2022", "2023")},
    ),
    "bars that are a histogram": (
        lambda ax: ax.bar([0, 0.5, 1], [3, 1, 2], width=0.5, align="edge"),
        "",
        {"kind": "histogram", "points": 3, "x": Values(0, 1.5, 0, 1.5), "y": Values(3, 2, 1, 3)},
    ),
    "intervals": (
        lambda ax: ax.broken_barh([(1, 2), (5, 3)], (0, 1)),
        "",
        {"kind": "bar", "points": 2, "x": Values(1, 5, 1, 8)},
    ),
    "histogram": (
        lambda ax: ax.hist([1, 1, 2, 4], bins=[0, 2, 4, 6], label="h"),
        "",
        {
            "kind": "histogram",
            "label": "h",
            "points": 3,
            "x": Values(0, 6, 0, 6),
            "values": Values(2, 1, 1, 2),
        },
    ),
    "histogram with gaps": (
        lambda ax: ax.hist([1, 1, 2, 4], bins=[0, 2, 4, 6], rwidth=0.5),
        "",
        {"kind": "histogram", "points": 3, "x": Values(0, 6, 0, 6)},
    ),
    "outline of a histogram": (
        lambda ax: ax.hist([1, 1, 2, 4], bins=[0, 2, 4, 6], histtype="step"),
        "",
        {"kind": "histogram", "points": 3, "x": Values(0, 6, 0, 6), "y": Values(2, 1, 1, 2)},
    ),
    "box plot": (
        lambda ax: ax.boxplot(SAMPLES, tick_labels=["low", "high"]),
        "",
        {
            "kind": "box plot",
            "parts": ("low", "high"),
            "points": 2,
            "values": Values(5, 15, 5, 15),
            "y": Values(5, 15, 0, 25),
        },
    ),
    "horizontal box plot": (
        lambda ax: ax.boxplot(SAMPLES, orientation="horizontal", patch_artist=True),
        "",
        {"kind": "box plot", "arrangement": "horizontal", "points": 2, "x": Values(5, 15, 0, 25)},
    ),
    "violin plot": (
        lambda ax: ax.violinplot(SAMPLES, showmedians=True),
        "",
        {"kind": "violin plot", "points": 2, "x": Values(1, 2, 1, 2), "y": Values(None, None, 0, 25)},
    ),
    "error bars": (
        lambda ax: ax.errorbar(X, SQUARE, 0.5, capsize=3, fmt="s", label="measured"),
        "",
        {
            "kind": "error bars",
            "label": "measured",
            "points": 9,
            "marker": "s",
            "y": Values(0, 16, 0, 16),
            "values": Values(0.5, 0.5, 0.5, 0.5),
        },
    ),
    "error bars alone": (
        lambda ax: ax.errorbar([1, 2], [3, 4], [[0, 0], [1, 2]], fmt="none"),
        "",
        {"kind": "error bars", "points": 2, "values": Values(0.5, 1, 0.5, 1)},
    ),
    "area": (
        lambda ax: ax.fill_between(X, X, SQUARE + 4, color="blue", label="band"),
        "",
        {"kind": "fill", "label": "band", "points": 9, "color": "#0000ff", "y": Values(4, 20, 0, 20)},
    ),
    "area sideways": (
        lambda ax: ax.fill_betweenx(X, 1, 3),
        "",
        {"kind": "fill", "points": 9, "y": Values(0, 4, 0, 4), "x": Values(3, 3, 1, 3)},
    ),
    "polygon": (lambda ax: ax.fill([0, 1, 1], [0, 0, 2], label="t"), "", {"kind": "fill", "y": Values(0, 0, 0, 2)}),
    "image": (
        lambda ax: ax.imshow([[1, 2], [3, np.nan]], cmap="gray", extent=(0, 4, 0, 2)),
        "",
        {
            "kind": "image",
            "points": 4,
            "missing": 1,
            "colormap": "gray",
            "x": Values(0, 4, 0, 4),
            "values": Values(1, 3, 1, 3),
        },
    ),
    "picture": (lambda ax: ax.imshow(np.zeros((5, 6, 3))), "", {"kind": "image", "points": 30, "colormap": None}),
    "mesh": (
        lambda ax: ax.pcolormesh([0, 1, 2], [0, 1, 2], [[1, 2], [3, 4]]),
        "",
        {"kind": "mesh", "points": 4, "x": Values(0, 2, 0, 2), "values": Values(1, 4, 1, 4)},
    ),
    "mesh of polygons": (lambda ax: ax.pcolor([[1, 2], [3, 4]]), "", {"kind": "mesh", "values": Values(1, 4, 1, 4)}),
    "bins in two dimensions": (lambda ax: ax.hist2d(X, X, bins=3), "", {"kind": "mesh", "points": 9}),
    "mesh of triangles": (
        lambda ax: ax.tripcolor([0, 1, 0], [0, 0, 1], facecolors=[7.0]),
        "",
        {"kind": "mesh", "points": 1, "values": Values(7, 7, 7, 7)},
    ),
    "contours": (
        lambda ax: ax.clabel(ax.contour(GRID_X, GRID_Y, GRID_X, levels=[-1, 0, 1])),
        "",
        {"kind": "contour", "points": 3, "x": Values(-3, 3, -3, 3), "values": Values(-1, 1, -3, 3)},
    ),
    "filled contours": (
        lambda ax: ax.contourf(GRID_X, GRID_Y, GRID_X, levels=[-4, 0, 4], cmap="plasma"),
        "",
        {"kind": "filled contour", "colormap": "plasma", "points": 3},
    ),
    "contours of one colour": (
        lambda ax: ax.contour(GRID_X, GRID_Y, GRID_X, colors="black"),
        "",
        {"kind": "contour", "color": "#000000", "colormap": None},
    ),
    "hexagonal bins": (
        lambda ax: ax.hexbin(GRID_X.ravel(), GRID_Y.ravel(), gridsize=3, mincnt=1),
        "",
        {"kind": "hexagonal bins", "colormap": "viridis"},
    ),
    "arrows": (
        lambda ax: ax.quiver([0, 1], [0, 1], [3, 0], [4, 1], color="black"),
        "",
        {"kind": "arrows", "points": 2, "x": Values(0, 1, 0, 1), "values": Values(5, 1, 1, 5)},
    ),
    "wind barbs": (
        lambda ax: ax.barbs([0, 1], [0, 1], [30, 0], [40, 10]),
        "",
        {"kind": "wind barbs", "points": 2, "values": Values(50, 10, 10, 50)},
    ),
    "stream lines": (lambda ax: ax.streamplot(GRID_X, GRID_Y, GRID_X, GRID_Y), "", {"kind": "stream lines"}),
    "pie": (
        lambda ax: ax.pie([1, 2, 5], labels=["a", "b", "c"], autopct="%d %%"),
        "",
        {"kind": "pie", "parts": ("a", "b", "c"), "points": 3, "values": Values(0.125, 0.625, 0.125, 0.625)},
    ),
    "stems": (
        lambda ax: ax.stem(X, SQUARE, label="s"),
        "",
        {"kind": "stem", "label": "s", "points": 9, "y": Values(0, 16, 0, 16)},
    ),
    "events": (
        lambda ax: ax.eventplot([[1, 2, 7], [3]]),
        "",
        {"kind": "events", "points": 4, "x": Values(1, 3, 1, 7), "y": Values(0, 1, 0, 1)},
    ),
    "table": (
        lambda ax: ax.table([["a", "b"], ["c", "d"]]),
        "",
        {"kind": "table", "points": 4, "text": "a | b | c | d"},
    ),
    "text": (
        lambda ax: ax.text(0.25, 0.5, "here", color="red"),
        "",
        {"kind": "text", "text": "here", "color": "#ff0000", "x": Values(0.25, 0.25, 0.25, 0.25)},
    ),
    "text in the axes": (
        lambda ax: ax.text(0.5, 0.5, "a\n b", transform=ax.transAxes),
        "",
        {"kind": "text", "text": "a b", "x": None},
    ),
    "annotation": (
        lambda ax: ax.annotate("peak", (0.5, 0.75), (0.1, 0.1), arrowprops={"arrowstyle": "->"}),
        "",
        {"kind": "annotation", "text": "peak", "y": Values(0.75, 0.75, 0.75, 0.75)},
    ),
    "text in a box": (
        lambda ax: ax.add_artist(offsetbox.AnchoredText("note", loc="upper left")),
        "",
        {"kind": "text", "text": "note"},
    ),
    "level line": (
        lambda ax: ax.axhline(2, ls=":"),
        "",
        {"kind": "reference line", "y": Values(2, 2, 2, 2), "x": None},
    ),
    "upright line": (lambda ax: ax.axvline(3), "", {"kind": "reference line", "x": Values(3, 3, 3, 3), "y": None}),
    "endless line": (
        lambda ax: ax.axline((0, 1), slope=2),
        "",
        {"kind": "reference line", "y": Values(1, 1, 1, 1), "values": Values(2, 2, 2, 2)},
    ),
    "level lines": (
        lambda ax: ax.hlines([1, 2], 0, 5),
        "",
        {"kind": "reference line", "points": 2, "y": Values(1, 2, 1, 2), "x": Values(None, None, 0, 5)},
    ),
    "many upright lines": (lambda ax: ax.vlines(X, 0, SQUARE), "", {"kind": "lines", "points": 9}),
    "level span": (lambda ax: ax.axhspan(1, 2), "", {"kind": "span", "y": Values(1, 2, 1, 2), "x": None}),
    "upright span": (lambda ax: ax.axvspan(3, 5), "", {"kind": "span", "x": Values(3, 5, 3, 5), "y": None}),
    "circle": (
        lambda ax: ax.add_patch(patches.Circle((0, 0), 2, color="red")),
        "",
        {"kind": "patch", "points": 1, "color": "#ff0000", "x": Values(0, 0, -2, 2)},
    ),
    "arrow": (lambda ax: ax.add_patch(patches.FancyArrowPatch((0, 0), (1, 1))), "", {"kind": "patch"}),
    "many patches": (
        lambda ax: [ax.add_patch(patches.Rectangle((k, 0), 0.5, 1)) for k in range(20)],
        "",
        {"kind": "patch", "points": 20, "x": Values(0, 19, 0, 19.5)},
    ),
    "lines": (
        lambda ax: ax.add_collection(collections.LineCollection([[(0, 0), (1, 1)], [(0, 3), (1, 0)]], colors="red")),
        "",
        {"kind": "lines", "points": 2, "color": "#ff0000", "y": Values(0, 0, 0, 3)},
    ),
    "edges of triangles": (lambda ax: ax.triplot([0, 1, 0], [0, 0, 1]), "", {"kind": "lines", "missing": 0}),
    "polygons": (
        lambda ax: ax.add_collection(collections.PolyCollection([[(0, 0), (1, 0), (1, 1)]] * 3)),
        "",
        {"kind": "polygons", "points": 3, "x": Values(0, 0, 0, 1)},
    ),
    "surface": (
        lambda ax: ax.plot_surface(GRID_X, GRID_Y, GRID_X * GRID_Y, cmap="viridis"),
        "3d",
        {"kind": "surface", "points": 24, "colormap": "viridis"},
    ),
    "surface of triangles": (
        lambda ax: ax.plot_trisurf([0, 1, 0], [0, 0, 1], [1, 2, 3]),
        "3d",
        {"kind": "surface", "points": 1},
    ),
    "wireframe": (lambda ax: ax.plot_wireframe(GRID_X, GRID_Y, GRID_X), "3d", {"kind": "wireframe", "points": 12}),
    "bars in space": (
        lambda ax: ax.bar3d([0, 1], [0, 1], 0, 1, 1, [2, 3]),
        "3d",
        {"kind": "bars in 3D", "points": 2},
    ),
    "voxels": (lambda ax: ax.voxels(np.ones((1, 1, 2))), "3d", {"kind": "voxels", "points": 2}),
    "points in space": (
        lambda ax: ax.scatter(X, X, SQUARE),
        "3d",
        {"kind": "scatter", "points": 9, "z": Values(0, 16, 0, 16)},
    ),
    "line in space": (lambda ax: ax.plot(X, X, SQUARE), "3d", {"kind": "line", "z": Values(0, 16, 0, 16)}),
    "arrows in space": (lambda ax: ax.quiver([0, 1], [0, 1], [0, 1], 1, 1, 1), "3d", {"kind": "arrows", "points": 2}),
    "line around": (lambda ax: ax.plot(X, SQUARE), "polar", {"kind": "line", "y": Values(0, 16, 0, 16)}),
    "artist of the program": (lambda ax: ax.add_artist(Star()), "", {"kind": "other", "points": 1}),
}


@pytest.mark.parametrize("case", CASES)
def test_an_artist_is_what_the_code_says(case: str) -> None:
    """What one call draws is one entry, of the right kind, with the values that the call was given."""
    draw, projection, expected = CASES[case]
    figure = Figure()
    draw(figure.add_subplot(projection=projection or None))
    (axes,) = described(figure).axes
    (artist,) = axes.artists
    assert {name: getattr(artist, name) for name in expected} == expected
    assert axes.artists_left_out == 0


def test_all_kinds_are_tested() -> None:
    """There is a case of each kind; those that take several artists are in tests of their own."""
    tested = {ArtistKind(expected["kind"]) for _, _, expected in CASES.values()}
    assert set(ArtistKind) - tested == {ArtistKind.STACK}


def artists_of(figure: Figure, level: str = "full") -> list[explanation.Artist]:
    """Return what is said of the artists of the only axes."""
    (axes,) = described(figure, level).axes
    return list(axes.artists)


def test_stacked_bars_are_told_as_such() -> None:
    """Bars upon bars are stacked, whichever way they go."""
    figure = Figure()
    ax = figure.subplots()
    ax.bar(["a", "b"], [1, 2], label="below")
    ax.bar(["a", "b"], [3, 4], bottom=[1, 2], label="above")
    below, above = artists_of(figure)
    assert (below.label, below.arrangement, above.arrangement) == ("below", "stacked", "stacked")
    assert above.y == Values(4, 6, 4, 6)
    assert above.values == Values(3, 4, 3, 4)
    sideways = Figure()
    ax = sideways.subplots()
    ax.barh([0, 1], [1, 2])
    ax.barh([0, 1], [3, 4], left=[1, 2])
    assert [each.arrangement for each in artists_of(sideways)] == ["stacked horizontal"] * 2


def test_grouped_bars_are_told_as_such() -> None:
    """Bars beside each other in groups are grouped, and each has the name of its group's place."""
    figure = Figure()
    ax = figure.subplots()
    places = np.arange(3)
    for number, name in enumerate(("u", "v", "w")):
        ax.bar(places + 0.25 * (number - 1), [1, 2, 3], 0.25, label=name)
    ax.set_xticks(places, ["p", "q", "r"])
    found = artists_of(figure)
    assert [each.label for each in found] == ["u", "v", "w"]
    assert {each.arrangement for each in found} == {"grouped"}
    assert {each.parts for each in found} == {("p", "q", "r")}
    assert {each.x for each in found} == {Values("p", "r", "p", "r")}


def test_bars_in_different_places_are_neither() -> None:
    """Bars of two calls at places of their own share none."""
    figure = Figure()
    ax = figure.subplots()
    ax.bar([0, 1], [1, 2])
    ax.bar([5, 6], [1, 2])
    assert [each.arrangement for each in artists_of(figure)] == ["", ""]


def test_bars_that_overlap_are_not_stacked() -> None:
    """Bars before other bars, all beginning at zero, are no stack."""
    figure = Figure()
    ax = figure.subplots()
    ax.bar([0, 1], [3, 4])
    ax.bar([0, 1], [1, 2])
    assert [each.arrangement for each in artists_of(figure)] == ["", ""]


def test_bars_of_a_call_each_are_one_entry_where_each_has_a_category() -> None:
    """Bars that were drawn one by one to give each its colour, as seaborn does, are told as one."""
    figure = Figure()
    ax = figure.subplots()
    for name, height, color in (("a", 3, "red"), ("b", 1, "blue"), ("c", 2, "green")):
        ax.bar([name], [height], color=color)
    (bars,) = artists_of(figure)
    assert (bars.kind, bars.parts, bars.points, bars.color) == (ArtistKind.BAR, ("a", "b", "c"), 3, None)
    assert bars.data is not None
    assert bars.data.values == (3, 1, 2)


def test_stacked_areas_are_one_entry_each() -> None:
    """The areas of a stack have their labels, their upper edges, and their own heights as values."""
    figure = Figure()
    figure.subplots().stackplot(X, X, SQUARE, labels=["linear", "square"])
    below, above = artists_of(figure)
    assert (below.kind, above.kind) == (ArtistKind.STACK, ArtistKind.STACK)
    assert (below.label, above.label, above.arrangement) == ("linear", "square", "stacked")
    assert (above.y, above.values) == (Values(0, 20, 0, 20), Values(0, 16, 0, 16))


def test_areas_upon_each_other_are_a_stack() -> None:
    """A stack that was made area by area, as by pandas, is known by its edges; bands about a line are none."""
    figure = Figure()
    ax = figure.subplots()
    ax.fill_between(X, 0, X + 1)
    ax.fill_between(X, X + 1, SQUARE + X + 1)
    assert [each.kind for each in artists_of(figure)] == [ArtistKind.STACK] * 2
    bands = Figure()
    ax = bands.subplots()
    ax.fill_between(X, SQUARE - 2, SQUARE - 1)
    ax.fill_between(X, SQUARE - 1, SQUARE + 1)
    assert [each.kind for each in artists_of(bands)] == [ArtistKind.FILL] * 2


def test_histograms_of_one_call_are_an_entry_each() -> None:
    """Several samples in one histogram have counts and labels of their own."""
    figure = Figure()
    figure.subplots().hist([[1, 1], [1, 3]], bins=[0, 2, 4], label=["a", "b"])
    first, second = artists_of(figure)
    assert [each.kind for each in (first, second)] == [ArtistKind.HISTOGRAM] * 2
    assert (first.label, first.values, second.values) == ("a", Values(2, 0, 0, 2), Values(1, 1, 1, 1))


def test_violins_by_their_shape() -> None:
    """An area that is symmetrical about a category is a violin, with the lines inside it; a band isn't."""
    figure = Figure()
    ax = figure.subplots()
    ax.plot(["a", "b"], [0, 0], alpha=0)
    heights = np.linspace(-1, 1, 50)
    for place in (0, 1):
        ax.fill_betweenx(heights, place - 0.3 * np.exp(-(heights**2)), place + 0.3 * np.exp(-(heights**2)), color="red")
        ax.plot([place, place], [-0.5, 0.5], color="black")
    violins, *others = artists_of(figure)
    assert (violins.kind, violins.parts, violins.points) == (ArtistKind.VIOLIN, ("a", "b"), 2)
    assert violins.y == Values(None, None, -1, 1)
    assert [each.kind for each in others] == [ArtistKind.LINE]
    band = Figure()
    ax = band.subplots()
    ax.fill_between(np.arange(50), -heights, heights)
    assert [each.kind for each in artists_of(band)] == [ArtistKind.FILL]


def test_error_bars_of_a_line_each_are_one_entry() -> None:
    """Lines through the ends of bars are their errors, as seaborn draws them; a lone upright line is a line."""
    figure = Figure()
    ax = figure.subplots()
    ax.bar(["a", "b"], [3, 4])
    for place, height in ((0, 3), (1, 4)):
        ax.plot([place, place], [height - 0.5, height + 0.5], color="black")
    bars, errors = artists_of(figure)
    assert (bars.kind, errors.kind, errors.points) == (ArtistKind.BAR, ArtistKind.ERROR_BAR, 2)
    assert errors.values == Values(0.5, 0.5, 0.5, 0.5)
    alone = Figure()
    alone.subplots().plot([1, 1], [0, 2])
    assert [each.kind for each in artists_of(alone)] == [ArtistKind.LINE]


def test_error_bars_of_bars_are_an_entry_of_their_own() -> None:
    """`yerr` of bars gives one entry beside them."""
    figure = Figure()
    figure.subplots().bar(["a", "b"], [3, 4], yerr=[0.5, 1], capsize=2)
    assert [(each.kind, each.points) for each in artists_of(figure)] == [("bar", 2), ("error bars", 2)]


def test_labels_of_bars_are_one_entry() -> None:
    """What `bar_label` writes is told together."""
    figure = Figure()
    ax = figure.subplots()
    ax.bar_label(ax.bar([1, 2], [3, 4]))
    bars, labels = artists_of(figure)
    assert (bars.kind, labels.kind, labels.text) == (ArtistKind.BAR, ArtistKind.ANNOTATION, "3 | 4")


def test_a_name_is_taken_from_a_legend_of_other_samples() -> None:
    """An artist without a label has the name of the only sample of its colour, as libraries make legends."""
    figure = Figure()
    ax = figure.subplots()
    ax.plot(X, X, color="red")
    ax.plot(X, SQUARE, color="blue")
    ax.legend(handles=[patches.Patch(color="red", label="linear"), patches.Patch(color="blue", label="square")])
    assert [each.label for each in artists_of(figure)] == ["linear", "square"]


def test_what_is_invisible_or_empty_is_not_told() -> None:
    """Hidden artists, and those without points and a name, aren't entries; one with a name is."""
    figure = Figure()
    ax = figure.subplots()
    ax.plot(X, X, visible=False)
    ax.plot([], [])
    ax.plot([], [], label="awaited")
    (line,) = artists_of(figure)
    assert (line.label, line.points, line.x) == ("awaited", 0, None)


def test_artists_come_in_the_order_of_drawing() -> None:
    """What is drawn first comes first, by its height and then by its call."""
    figure = Figure()
    ax = figure.subplots()
    ax.plot(X, X, label="second", zorder=5)
    ax.plot(X, X, label="first", zorder=1)
    ax.scatter(X, X, label="third", zorder=5)
    assert [each.label for each in artists_of(figure)] == ["first", "second", "third"]


def test_the_box_is_where_the_artist_is() -> None:
    """Boxes count from the upper left corner in pixels, and end where the axes does."""
    figure = Figure(figsize=(4, 2), dpi=100)
    ax = figure.add_axes((0.25, 0.5, 0.5, 0.5))
    ax.set(xlim=(0, 10), ylim=(0, 10))
    ax.bar([2.5], [5], width=5)
    ax.plot([-100, 5], [5, 5], lw=0)
    described_axes = described(figure).axes[0]
    assert described_axes.box == explanation.Box(100, 0, 200, 100)
    bar, line = described_axes.artists
    assert bar.box == explanation.Box(100, 50, 100, 50)
    assert line.box is not None
    assert line.box.x == 100


def test_a_scatter_plot_out_of_view_has_no_box() -> None:
    """Points that aren't in the picture are nowhere in it."""
    figure = Figure()
    ax = figure.subplots()
    ax.scatter([20, 30], [1, 2])
    ax.set(xlim=(0, 10), ylim=(0, 10))
    assert described(figure).axes[0].artists[0].box is None


def test_text_is_cut_and_on_one_line() -> None:
    """A long text of several lines is told on one, up to its limit."""
    figure = Figure()
    figure.subplots().text(0, 0, "word\n" * 200)
    (text,) = artists_of(figure)
    assert len(text.text) == explanation.TEXT_LIMIT
    assert text.text.startswith("word word")


def test_faces_with_fewer_corners() -> None:
    """What Matplotlib's memory has behind the corners of a triangle, beside faces of four, is no value of it."""
    figure = Figure()
    ax = figure.add_subplot(projection="3d")
    faces = Poly3DCollection([[(0, 0, 0), (1, 0, 0), (1, 1, 1)], [(0, 0, 0), (2, 0, 0), (2, 2, 2), (0, 2, 0)]])
    faces._faces[0, 3] = (-1e307, np.nan, 1e307)
    ax.add_collection3d(faces)
    (artist,) = described(figure).axes[0].artists
    assert (artist.points, artist.missing) == (2, 0)
    for side in (artist.x, artist.y, artist.z):
        assert side is not None
        assert (side.least, side.greatest) == (0, 2)
