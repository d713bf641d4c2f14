"""Descriptions of the examples, and of figures that libraries draw, against what their scripts plainly say."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from bootstrap.images import environments
from tests.engine.test_environments import SCIENCE_WALL_LIMIT_S, write_environments
from tests.support.live import IMAGE, ROOT, live_gateway
from tools.findings.corpus import CELL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

EXAMPLES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "examples").glob("*.py"))}
SCIENCE_EXAMPLES = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "examples-science").glob("*.py"))}
_PARTS = CELL.split((ROOT / "tests" / "engine" / "described" / "science.py").read_text("utf-8"))[1:]
CELLS = dict(zip(_PARTS[::2], _PARTS[1::2], strict=True))

#: Kinds of which a script writes one for each cell of a table or each node of a network.
WRITTEN = ("text", "annotation")


class A(NamedTuple):
    """An artist that a script draws.

    Attributes:
        axes: The number of its axes.
        kind: What it is.
        label: Its name.
        points: How many points it has; None where the script doesn't say.
        said: What else its description says: the least and the greatest value along an axis, or a field as it is.
    """

    axes: int
    kind: str
    label: str = ""
    points: int | None = None
    said: Mapping[str, Any] = MappingProxyType({})


class Shown(NamedTuple):
    """What a script plainly says.

    Attributes:
        artists: All that it draws but for texts.
        titles: Titles and labels of axes, by their number.
        colors_of: What colour bars are labelled, by the axes they belong to.
        texts: How many texts and annotations it writes; None for not counted.
    """

    artists: tuple[A, ...]
    titles: Mapping[int, tuple[str, str, str]] = MappingProxyType({})
    colors_of: Mapping[int, str] = MappingProxyType({})
    texts: int | None = None


def lines(*names: str, points: int, axes: int = 1, **said: Any) -> tuple[A, ...]:
    """Return lines with names and as many points each."""
    return tuple(A(axes, "line", name, points, said) for name in names)


MONTHS = [str(month) for month in range(1, 13)]
KINDS = ["normal", "gamma", "uniform"]
WEATHER = ["rain", "sun", "wind", "heat", "dust", "fog"]

DEFAULT: dict[str, Shown] = {
    "bars": Shown(
        (
            A(1, "bar", "wind", 4, {"values": (114, 139), "parts": ["2021", "2022", "2023", "2024"]}),
            A(1, "bar", "sun", 4, {"values": (49, 73), "arrangement": "stacked"}),
            A(1, "bar", "water", 4, {"values": (17, 22), "y": (182, 231)}),
        ),
        {1: ("Electricity by source", "", "TWh")},
        texts=16,
    ),
    "cjk_titles": Shown(
        tuple(A(number, "bar", "", 12, {"parts": MONTHS, "x": (1, 12)}) for number in range(1, 5)),
        {4: ("한국어: 매출액", "", "")},
    ),
    "contour": Shown(
        (A(1, "filled contour"), A(1, "contour"), A(1, "arrows")), {1: ("Hills and hollows", "", "")}, {1: "height"}
    ),
    "dates": Shown(
        (*lines("daily", "29 days", points=365), A(1, "span", said={"y": (-5, 0)})), {1: ("Temperature", "", "°C")}
    ),
    "formulas": Shown(
        (
            *lines(r"$\sigma = 0.6$", r"$\sigma = 1.0$", r"$\sigma = 1.8$", points=300, x=(-4, 4)),
            A(1, "fill", r"$\sigma = 1.0$"),
        ),
        {1: (r"Normal densities, $\mu = 0$", "$x$", "$f(x)$")},
        texts=2,
    ),
    "heatmap": Shown(
        (A(1, "image", "", 36, {"colormap": "RdBu_r"}),), {1: ("Weather, correlated", "", "")}, {1: "correlation"}, 36
    ),
    "image": Shown(
        (A(1, "image", said={"x": (-2.1, 0.7), "y": (-1.2, 1.2), "colormap": "magma"}),),
        {1: ("Mandelbrot set", "Re c", "Im c")},
        {1: "steps until escape"},
    ),
    "last_frame": Shown((A(1, "line"), A(1, "scatter", "", 1)), {1: ("Lissajous figure 3 : 4", "", "")}),
    "lines": Shown(
        (
            *lines("damping 0.1", "damping 0.25", "damping 0.5", points=400, x=(0, 10)),
            A(1, "reference line", said={"y": (0, 0)}),
        ),
        {1: ("Damped oscillations", "time in s", "amplitude")},
    ),
    "pandas_frame": Shown(
        (
            *lines("web", "app", "shop", points=180),
            *(A(2, "bar", name, 6, {"arrangement": "grouped"}) for name in ("web", "app", "shop")),
        ),
        {1: ("Visits a day, mean of seven", "", ""), 2: ("Visits a month", "", "")},
    ),
    "polar": Shown(
        (A(1, "bar", "below 5 m/s", 16), A(1, "bar", "above 5 m/s", 16, {"arrangement": "stacked"})),
        {1: ("Wind rose", "", "")},
    ),
    "scipy_fit": Shown(
        (
            A(1, "error bars", "measured", 40, {"x": (0, 8), "values": (0.15, 0.15)}),
            A(1, "fill", "95 %", 40, {"x": (0, 8)}),
            A(1, "line", "fit: rate 0.71", 40, {"x": (0, 8)}),
        ),
        {1: ("Exponential decay", "time in s", "signal")},
    ),
    "statistics_plots": Shown(
        (A(1, "box plot", "", 3, {"parts": KINDS}), *(A(2, "histogram", kind, 30, {"x": (-4, 6)}) for kind in KINDS)),
        {1: ("Spread", "", ""), 2: ("Density", "", "")},
    ),
    "surface_3d": Shown((A(1, "surface"), A(1, "filled contour")), {1: ("sin(r) / r", "x", "y")}),
}

SCIENCE: dict[str, Shown] = {
    "clusters": Shown(
        tuple(A(number, "scatter", "", 150, {"colormap": "viridis", "values": (0, 2)}) for number in (1, 2)),
        {1: ("k-means", "first component", "second component"), 2: ("species", "first component", "")},
    ),
    "distributions": Shown(
        (
            A(1, "scatter", "", 300),
            *(A(1, "scatter", name, 0) for name in ("control", "treated")),
            *(A(number, "fill") for number in (2, 2, 3, 3)),
        ),
        {1: ("", "before", "after")},
    ),
    "network": Shown(
        (A(1, "scatter", "", 34, {"colormap": "Set2"}), A(1, "lines", "", 78)),
        {1: ("Communities of a club", "", "")},
        texts=34,
    ),
    "regression": Shown(
        (
            A(1, "scatter", "", 60, {"x": (0, 10)}),
            A(1, "line", "", 60, {"x": (0, 10)}),
            A(1, "fill", "", 60, {"x": (0, 10)}),
            A(2, "scatter", "", 60),
            A(2, "line"),
        ),
        {2: ("Residuals", "Theoretical Quantiles", "Sample Quantiles")},
    ),
    "segments": Shown(
        (A(1, "image", "", 303 * 384, {"colormap": "gray"}), A(2, "image", "", 303 * 384), A(2, "patch")),
        {1: ("photograph", "", "")},
    ),
}

DAYS = ["Thu", "Fri", "Sat"]

LIBRARIES: dict[str, Shown] = {
    "scatter with hues": Shown(
        (A(1, "scatter", "", 90), *(A(1, "scatter", name, 0) for name in "abc")), {1: ("", "size", "weight")}
    ),
    "line with a band": Shown(
        (A(1, "line", "", 20, {"x": (0, 19)}), A(1, "fill", "", 20, {"x": (0, 19)})), {1: ("Level", "day", "level")}
    ),
    "lines by hue and style": Shown(
        (A(1, "line", "north", 10, {"y": (0, 9)}), A(1, "line", "south", 10, {"y": (1, 10)})), {1: ("", "day", "level")}
    ),
    "bars with hues": Shown(
        (
            A(1, "bar", "A", 3, {"values": (3, 5), "parts": ["Mon", "Tue", "Wed"], "arrangement": "grouped"}),
            A(1, "bar", "B", 3, {"values": (2, 8)}),
            A(1, "error bars", "", 6),
        ),
        {1: ("", "day", "sales")},
    ),
    "bars with error bars": Shown((A(1, "bar", "", 4), A(1, "error bars", "", 4)), {1: ("", "day", "sales")}),
    "counts": Shown(
        (A(1, "bar", "", 3, {"values": (2, 7), "parts": ["cat", "dog", "fish"], "arrangement": "horizontal"}),),
        {1: ("", "count", "pet")},
    ),
    "histogram with density": Shown((A(1, "histogram", "", 20), A(1, "line")), {1: ("", "", "Count")}),
    "histograms by hue": Shown(
        (A(1, "histogram", "m", 15), A(1, "histogram", "f", 15, {"arrangement": "stacked"})),
        {1: ("", "height", "Count")},
    ),
    "densities": Shown((A(1, "fill", "one"), A(1, "fill", "two")), {1: ("", "v", "Density")}),
    "density in two dimensions": Shown((A(1, "contour"),)),
    "cumulative": Shown((A(1, "step", said={"y": (0, 1)}),), {1: ("", "", "Proportion")}),
    "boxes with hues": Shown(
        (A(1, "box plot", "no", 2, {"parts": ["Thu", "Fri"]}), A(1, "box plot", "yes", 2)), {1: ("", "day", "bill")}
    ),
    "horizontal boxes": Shown(
        tuple(A(1, "box plot", "", 1, {"parts": [name], "arrangement": "horizontal"}) for name in "abc")
    ),
    "violins": Shown((A(1, "violin plot", "", 3, {"parts": DAYS}),), {1: ("", "day", "tip")}),
    "strip": Shown(tuple(A(1, "scatter", "", 20, {"x": (day, day)}) for day in DAYS), {1: ("", "day", "tip")}),
    "swarm": Shown(tuple(A(1, "scatter", "", 20, {"x": (day, day)}) for day in DAYS[:2])),
    "points joined": Shown(
        (A(1, "line", "", 3, {"y": (1.25, 4.25)}), A(1, "error bars", "", 3)), {1: ("", "dose", "answer")}
    ),
    "regression": Shown((A(1, "scatter", "", 40, {"x": (0, 10)}), A(1, "line"), A(1, "fill"))),
    "residuals": Shown((A(1, "scatter", "", 40, {"x": (0, 10)}), A(1, "reference line", said={"y": (0, 0)}))),
    "heat map with numbers": Shown((A(1, "mesh", "", 12, {"values": (0, 11)}),), colors_of={1: "count"}, texts=12),
    "cluster map": Shown((A(1, "lines", "", 5), A(2, "lines", "", 4), A(3, "mesh", "", 30))),
    "joint": Shown(
        (A(1, "scatter", "", 80), A(2, "histogram"), A(3, "histogram", said={"arrangement": "horizontal"})),
        {1: ("", "a", "b")},
    ),
    "pairs": Shown(
        tuple(A(number, "scatter", "", 50) for number in (2, 3, 4, 6, 7, 8))
        + tuple(A(number, "histogram") for number in (10, 11, 12)),
        {1: ("", "", "a"), 7: ("", "a", "c"), 9: ("", "c", "")},
    ),
    "facets": Shown(
        tuple(A(number, "scatter", "", 40) for number in (1, 2, 3)),
        {1: ("site = east", "x", "y"), 2: ("site = west", "x", ""), 3: ("site = south", "x", "")},
    ),
    "objects": Shown(
        (A(1, "scatter", "", 4), A(1, "line", "", 2, {"x": (1, 3), "y": (2, 5)}), A(1, "line", "", 2, {"x": (2, 4)})),
        {1: ("", "x", "y")},
    ),
    "pandas lines": Shown(
        (
            A(1, "line", "rain", 3, {"x": ("2024-01-01", "2024-01-03"), "y": (1, 4)}),
            A(1, "line", "sun", 3, {"y": (3, 6)}),
        ),
        {1: ("Weather", "", "")},
    ),
    "pandas bars": Shown(
        (
            A(1, "bar", "rain", 3, {"values": (1, 4), "parts": ["Jan", "Feb", "Mar"], "arrangement": "stacked"}),
            A(1, "bar", "sun", 3, {"values": (3, 6), "y": (6, 8)}),
        ),
        {1: ("", "", "days")},
    ),
    "pandas horizontal bars": Shown((A(1, "bar", "trees", 3, {"values": (3, 9), "arrangement": "horizontal"}),)),
    "pandas area": Shown(
        (
            A(1, "stacked area", "coal", 3, {"x": (2000, 2020), "values": (2, 5)}),
            A(1, "stacked area", "wind", 3, {"values": (1, 5), "y": (2, 7)}),
            *lines("coal", "wind", points=3),
        ),
        {1: ("", "", "TWh")},
    ),
    "pandas pie": Shown((A(1, "pie", "", 3, {"values": (0.2, 0.5), "parts": ["tea", "coffee", "milk"]}),)),
    "pandas histogram": Shown((A(1, "histogram", "", 12),), {1: ("Waiting", "", "Frequency")}),
    "pandas boxes": Shown((A(1, "box plot", "", 3, {"parts": ["a", "b", "c"]}),)),
    "pandas hexbin": Shown((A(1, "hexagonal bins"),), {1: ("", "a", "b")}),
    "pandas subplots with a second axis": Shown(
        (A(1, "line", "price", 3, {"y": (1, 3)}), A(2, "line", "sold (right)", 3, {"y": (20, 90)}))
    ),
    "pandas scatter matrix": Shown(
        (A(1, "histogram", "", 10), A(2, "scatter", "", 40), A(3, "scatter", "", 40), A(4, "histogram", "", 10)),
        {1: ("", "", "u"), 3: ("", "u", "v"), 4: ("", "v", "")},
    ),
    "network": Shown((A(1, "lines", "", 15), A(1, "scatter", "", 10)), texts=10),
    "spectrum": Shown((A(1, "line", "", 129, {"x": (0, 128)}),), {1: ("", "frequency in Hz", "power")}),
    "roc curve": Shown((A(1, "line", "model (AUC = 0.78)", said={"x": (0, 1), "y": (0, 1)}),)),
    "confusion matrix": Shown(
        (A(1, "image", "", 9, {"values": (0, 2)}),), {1: ("", "Predicted label", "True label")}, texts=9
    ),
    "quantiles": Shown((A(1, "scatter", "", 50), A(1, "line")), {1: ("", "Theoretical Quantiles", "Sample Quantiles")}),
}


@pytest.fixture(scope="module")
def science(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """Return a gateway with the environment `science`."""
    folder = tmp_path_factory.mktemp("described")
    image = {
        "image": environments.tag_of(IMAGE, "science"),
        "wall_limit_s": SCIENCE_WALL_LIMIT_S,
        "memory_limit_mib": 512,
    }
    with live_gateway(folder, FIGBOX_ENVIRONMENTS_FILE=write_environments(folder, science=image)) as running:
        yield running


def test_every_example_is_compared() -> None:
    """Each example has a line in a table here, and so has each cell but those whose kinds no description knows."""
    assert DEFAULT.keys() == EXAMPLES.keys()
    assert SCIENCE.keys() == SCIENCE_EXAMPLES.keys()
    assert LIBRARIES.keys() == CELLS.keys()


@pytest.mark.parametrize("name", EXAMPLES)
async def test_example(gateway: LiveGateway, name: str) -> None:
    """The description of an example says what its script says."""
    compare(await described(gateway, EXAMPLES[name], "default"), DEFAULT[name])


@pytest.mark.parametrize("name", SCIENCE_EXAMPLES)
async def test_example_of_science(science: LiveGateway, name: str) -> None:
    """The description of an example of the science environment says what its script says."""
    compare(await described(science, SCIENCE_EXAMPLES[name], "science"), SCIENCE[name])


@pytest.mark.parametrize("name", CELLS)
async def test_figure_of_a_library(science: LiveGateway, name: str) -> None:
    """The description of what seaborn, pandas, networkx and others draw says what the call says."""
    compare(await described(science, CELLS[name], "science"), LIBRARIES[name])


async def described(gateway: LiveGateway, code: str, environment: str) -> dict[str, Any]:
    """Return the description of the last figure that code draws."""
    body = {"code": code, "environment": environment, "describe": "full"}
    response = await gateway.render_v1(accept="application/json", json=body)
    assert response.status == 200, response.json
    figure = response.json["figures"][-1]
    assert figure["alt_text"].endswith(".")
    return dict(figure["description"])


def compare(description: dict[str, Any], shown: Shown) -> None:
    """Compare a description with what a script says."""
    axes = {each["number"]: each for each in description["axes"]}
    left = [(number, artist) for number, each in axes.items() for artist in each["artists"]]
    assert all(each["artists_left_out"] == 0 for each in axes.values())
    for expected in shown.artists:
        found = next((each for each in left if fits(*each, expected)), None)
        assert found is not None, (expected, [each for each in left if each[0] == expected.axes])
        left.remove(found)
    assert [artist for _, artist in left if artist["kind"] not in WRITTEN] == []
    if shown.texts is not None:
        assert sum(artist["points"] for _, artist in left) == shown.texts
    for number, said in shown.titles.items():
        each = axes[number]
        assert (each["title"], each["x"]["label"], each["y"]["label"]) == said
    bars = [each for each in axes.values() if each["role"] == "colorbar"]
    for number, label in shown.colors_of.items():
        assert label in [bar["y"]["label"] for bar in bars if bar["belongs_to"] == [number]]


def fits(number: int, artist: dict[str, Any], expected: A) -> bool:
    """Tell whether an artist is as expected; one with points has a box unless it is in three dimensions."""
    if (number, artist["kind"], artist["label"]) != (expected.axes, expected.kind, expected.label):
        return False
    if expected.points is not None and artist["points"] != expected.points:
        return False
    for name, value in expected.said.items():
        found = artist[name]
        if isinstance(value, tuple):
            found = found and (found["least"], found["greatest"])
            if found is None or (found != value and found != pytest.approx(value)):
                return False
        elif found != value:
            return False
    return artist["box"] is not None or artist["points"] == 0 or artist["kind"] == "error bars"
