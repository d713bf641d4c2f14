"""How much each level says, and the bounds that hold for all."""

from __future__ import annotations

import json

import numpy as np
from matplotlib.figure import Figure

from gateway.model import explanation
from gateway.model.explanation import Box
from tests.support.explained import checked, describe_saved, described, load, save, words

drawn, shortening = load("explain.drawn"), load("explain.shortening")


def example() -> Figure:
    """Return a figure with a line and bars."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot([1, np.nan, 3], "r--o", label="line")
    right.bar(["a", "b"], [1, 2])
    return figure


def test_summary_leaves_out_boxes_styles_ticks_and_missing_points() -> None:
    """`summary` has what `full` has, but for places, styles, ticks and what is missing."""
    full, summary = (described(example(), level) for level in ("full", "summary"))
    (line,) = full.axes[0].artists
    assert (line.style, line.marker, line.missing) == ("dashed", "o", 1)
    assert isinstance(line.box, Box)
    assert full.axes[0].x.ticks
    (line,) = summary.axes[0].artists
    assert (line.style, line.marker, line.missing, line.box) == ("", "", 0, None)
    assert (line.kind, line.label, line.color, line.points) == ("line", "line", "#ff0000", 3)
    assert summary.axes[0].x.ticks == ()
    assert summary.axes[0].box is not None


def test_data_adds_values() -> None:
    """`data` has the values in their order; a missing one is None."""
    (line,) = described(example(), "data").axes[0].artists
    assert line.data == explanation.Data(3, (0, 1, 2), (1, None, 3))
    (line,) = described(example(), "full").axes[0].artists
    assert line.data is None


def test_values_of_named_parts_are_told_at_each_level() -> None:
    """What bars with names show is told without `data` as well."""
    for level in ("summary", "full"):
        (bars,) = described(example(), level).axes[1].artists
        assert bars.data == explanation.Data(2, values=(1, 2))
    (bars,) = described(example(), "data").axes[1].artists
    assert bars.data == explanation.Data(2, ("a", "b"), (1, 2), (), (1, 2))


def test_values_are_thinned_evenly() -> None:
    """Of many points so many are given as may be, the first and the last among them, evenly spread."""
    figure = Figure()
    figure.subplots().plot(np.arange(10_000))
    (line,) = described(figure, "data").axes[0].artists
    assert line.data is not None
    assert line.data.total == 10_000
    assert len(line.data.y) == len(line.data.x) == explanation.POINTS_LIMIT
    steps = np.diff(line.data.y)
    assert (line.data.y[0], line.data.y[-1]) == (0, 9999)
    assert set(steps) <= {20, 21}


def test_values_are_rounded_alike_everywhere() -> None:
    """Numbers have twelve significant digits, so that the last bits of a float don't show."""
    figure = Figure()
    figure.subplots().plot([0.1 + 0.2, 1e300 / 3])
    (line,) = described(figure).axes[0].artists
    assert line.y is not None
    assert (line.y.first, line.y.last) == (0.3, 3.33333333333e299)


def test_further_axes_and_artists_are_counted() -> None:
    """What is beyond the limits is counted, and what shows data is told before what explains it."""
    figure = Figure()
    ax = figure.subplots()
    for number in range(150):
        ax.text(0.5, 0.5, str(number))
    ax.plot([1, 2])
    for _ in range(60):
        figure.add_axes((0, 0, 0.1, 0.1))
    found = described(figure)
    assert (len(found.axes), found.axes_left_out) == (50, 11)
    axes = found.axes[0]
    assert (len(axes.artists), axes.artists_left_out) == (100, 51)
    assert [each.kind for each in axes.artists].count(explanation.ArtistKind.LINE) == 1


def test_names_are_bounded() -> None:
    """Of parts, ticks and entries so many are named as may be."""
    figure = Figure()
    ax, pie = figure.subplots(1, 2)
    for number in range(60):
        ax.plot([number], [1], label=f"line {number}")
    ax.legend()
    ax.set_xticks(range(80), [f"tick {number}" for number in range(80)])
    pie.pie(range(1, 61), labels=range(60))
    axes, round_axes = described(figure).axes
    assert len(axes.x.ticks) == explanation.NAMES_LIMIT
    assert axes.legend is not None
    assert len(axes.legend.entries) == explanation.NAMES_LIMIT
    assert [(len(each.parts), each.points) for each in round_axes.artists] == [(explanation.NAMES_LIMIT, 60)]


def test_describing_twice_says_the_same_and_changes_nothing() -> None:
    """A description follows from the figure, which is saved to the same bytes afterwards."""
    figure = example()
    before = save(figure)
    first = json.dumps(words.as_json(describe_saved(figure, "data")))
    assert first == json.dumps(words.as_json(describe_saved(figure, "data")))
    assert save(figure) == before


def test_a_figure_keeps_its_resolution() -> None:
    """A figure that was saved at another one has its own again."""
    figure = example()
    before = figure.dpi
    saved = drawn.Saved(2 * before, 0.0, 100.0, 100.0, 100.0)
    with drawn.as_saved(figure, saved):
        assert figure.dpi == 2 * before
    assert figure.dpi == before


def test_a_long_description_is_shortened() -> None:
    """What doesn't fit is left out and counted, texts before data; what fits stays as it is."""
    figure = Figure()
    for ax in figure.subplots(2, 2).flat:
        for number in range(90):
            ax.text(0.5, 0.5, f"text {number}")
        ax.plot([1, 2], label="line")
    save(figure)
    short = describe_saved(figure)
    for most in (45, 22, 11, 5, 2, 1, 0):
        shorter = shortening.shortened(short)
        assert len(json.dumps(words.as_json(shorter))) < len(json.dumps(words.as_json(short)))
        short = shorter
        for axes in checked(short).axes:
            assert len(axes.artists) == most
            assert len(axes.artists) + axes.artists_left_out == 91
            assert ("line" in [each.label for each in axes.artists]) == bool(most)
    assert shortening.shortened(short) is None
