"""Axes, axis by axis, and the figure around them."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from mpl_toolkits.axes_grid1.inset_locator import inset_axes

from gateway.model.explanation import AxesKind, AxesRole, Box
from tests.support.explained import described

DAYS = [dt.date(2024, 1, day) for day in (1, 15, 31)]


@pytest.mark.parametrize(
    ("projection", "kind"),
    [
        ("rectilinear", AxesKind.CARTESIAN),
        ("polar", AxesKind.POLAR),
        ("3d", AxesKind.THREE_D),
        ("mollweide", AxesKind.GEOGRAPHIC),
        ("hammer", AxesKind.GEOGRAPHIC),
    ],
)
def test_kinds_of_axes(projection: str, kind: AxesKind) -> None:
    """Each of Matplotlib's projections has its kind of coordinates."""
    figure = Figure()
    figure.add_subplot(projection=projection)
    (axes,) = described(figure).axes
    assert (axes.kind, axes.role, axes.z is not None) == (kind, AxesRole.PLOT, kind == AxesKind.THREE_D)


def test_titles_and_labels() -> None:
    """Titles and labels of axes and figure are what the code wrote."""
    figure = Figure(layout="constrained")
    ax = figure.subplots()
    ax.set(title="middle", xlabel="time in s", ylabel="signal")
    ax.set_title("left", loc="left")
    ax.set_title("right", loc="right")
    figure.suptitle("whole")
    figure.supxlabel("below")
    figure.supylabel("beside")
    found = described(figure)
    (axes,) = found.axes
    assert axes.title == "left | middle | right"
    assert (axes.x.label, axes.y.label) == ("time in s", "signal")
    assert (found.title, found.x_label, found.y_label) == ("whole", "below", "beside")
    assert found.artists == ()


def test_limits_scales_and_ticks() -> None:
    """Limits are in the order of the axis, inverted ones are said to be, and ticks are what is written at them."""
    figure = Figure()
    ax = figure.subplots()
    ax.set_xticks([0, 2, 4, 6])
    ax.set(xlim=(5, 0), ylim=(1, 1000), yscale="log")
    (axes,) = described(figure).axes
    assert (axes.x.begin, axes.x.end, axes.x.inverted, axes.x.scale) == (5, 0, True, "linear")
    assert axes.x.ticks == ("4", "2", "0")
    assert (axes.y.begin, axes.y.end, axes.y.inverted, axes.y.scale) == (1, 1000, False, "log")
    assert len(axes.y.ticks) == 4


@pytest.mark.parametrize(
    ("limits", "ticks"),
    [((1, 1000), ("10^0", "10^1", "10^2", "10^3")), ((0.01, 1), ("10^-2", "10^-1", "10^0"))],
)
def test_powers_at_ticks_are_plain(limits: tuple[float, float], ticks: tuple[str, ...]) -> None:
    """Ticks of a logarithmic axis are told without the signs of mathematical text."""
    figure = Figure()
    ax = figure.subplots()
    ax.plot([1, 2], limits)
    ax.set_yscale("log")
    ax.set_ylim(*limits)
    (axes,) = described(figure).axes
    assert axes.y.ticks == ticks


def test_ticks_that_were_drawn_before_are_not_told() -> None:
    """Of ticks that Matplotlib keeps from an earlier drawing, only those of the last one are told."""
    figure = Figure()
    ax = figure.subplots()
    ax.set_xlim(0, 10)
    ax.set_xticks(range(10))
    described(figure)
    ax.set_xticks([3, 7])
    (axes,) = described(figure).axes
    assert axes.x.ticks == ("3", "7")


def test_dates_are_texts() -> None:
    """Values and limits on an axis of dates are dates, with a time only where there is one."""
    figure = Figure()
    ax = figure.subplots()
    ax.plot(DAYS, [1, 2, 3])
    ax.set_xlim(dt.datetime(2023, 12, 31, 12), dt.date(2024, 2, 1))  # noqa: DTZ001 - as guests write it
    (axes,) = described(figure).axes
    assert axes.x.values == "dates"  # noqa: PD011 - no frame
    assert (axes.x.begin, axes.x.end) == ("2023-12-31T12:00:00", "2024-02-01")
    assert axes.artists[0].x is not None
    assert (axes.artists[0].x.first, axes.artists[0].x.greatest) == ("2024-01-01", "2024-01-31")


def test_periods_of_pandas_are_dates() -> None:
    """A series with regular dates, which pandas draws by the number of each, is told by its dates."""
    figure = Figure()
    series = pd.Series(range(24), index=pd.date_range("2020-01-31", periods=24, freq="ME"))
    series.plot(ax=figure.subplots())
    (axes,) = described(figure).axes
    assert axes.x.values == "dates"  # noqa: PD011 - no frame
    assert axes.artists[0].x is not None
    assert (axes.artists[0].x.first, axes.artists[0].x.last) == ("2020-01-01", "2021-12-01")


def test_a_frame_of_pandas() -> None:
    """Bars, boxes and stacked areas of a frame are what they are, with its columns as labels or parts."""
    frame = pd.DataFrame({"web": [3, 5, 4], "shop": [1, 2, 6]}, index=["mon", "tue", "wed"])
    figure = Figure(figsize=(12, 4))
    bars, boxes, areas = figure.subplots(1, 3)
    frame.plot.bar(ax=bars)
    frame.plot.box(ax=boxes)
    frame.plot.area(ax=areas)
    first, second, third = described(figure).axes
    assert [(each.kind, each.label, each.arrangement) for each in first.artists] == [
        ("bar", "web", "grouped"),
        ("bar", "shop", "grouped"),
    ]
    assert first.artists[0].parts == ("mon", "tue", "wed")
    assert [(each.kind, each.parts) for each in second.artists] == [("box plot", ("web", "shop"))]
    assert [(each.kind, each.label) for each in third.artists[:2]] == [
        ("stacked area", "web"),
        ("stacked area", "shop"),
    ]


def test_categories_are_texts() -> None:
    """Values and limits on an axis of categories are their names, and so they are where ticks name places one apart."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.plot(["a", "b", "c"], [1, 2, 3])
    right.plot([0, 1, 2], [1, 2, 3])
    right.set_xticks([0, 1, 2], ["u", "v", "w"])
    first, second = described(figure).axes
    for axes, names in ((first, ("a", "b", "c")), (second, ("u", "v", "w"))):
        axis = axes.x
        assert (axis.values, axis.ticks) == ("categories", names)  # noqa: PD011 - no frame
        assert (axis.begin, axis.end) == (names[0], names[-1])
        assert axes.artists[0].x is not None
        assert (axes.artists[0].x.first, axes.artists[0].x.last) == (names[0], names[-1])


def test_named_ticks_of_an_axis_of_numbers() -> None:
    """Ticks at multiples of pi, or that repeat their numbers, make no categories."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.set_xticks([0, np.pi, 2 * np.pi], ["0", "π", "2π"])
    right.set_xticks([1, 2, 3], ["1", "2", "3"])
    assert [axes.x.values for axes in described(figure).axes] == ["numbers", "numbers"]  # noqa: PD011


def test_hidden_axes() -> None:
    """An axis that is off has neither ticks nor a label; an axes that is invisible keeps its number."""
    figure = Figure()
    left, right = figure.subplots(1, 2)
    left.set_xlabel("hidden")
    left.plot([1, 2])
    left.axis("off")
    right.plot([1, 2])
    right.set_visible(False)
    first, second = described(figure).axes
    assert (first.x.visible, first.x.label, first.x.ticks, len(first.artists)) == (False, "", (), 1)
    assert (second.number, second.box, second.artists) == (2, None, ())


def test_roles_and_what_axes_share() -> None:
    """Twins, insets and axes that share are told with the numbers of those they belong to."""
    figure = Figure()
    left, right = figure.subplots(1, 2, sharey=True)
    left.plot([1, 2])
    right.plot([1, 2])
    left.twinx()
    right.inset_axes((0.1, 0.1, 0.3, 0.3))
    right.secondary_xaxis("top")
    roles = [(axes.role, axes.belongs_to) for axes in described(figure).axes]
    assert roles == [("plot", ()), ("plot", ()), ("inset", (2,)), ("twin", (2,)), ("twin", (1,))]
    axes = described(figure).axes
    assert (axes[0].shares_y, axes[1].shares_y, axes[0].shares_x) == ((2,), (1,), (5,))


def test_insets_by_their_place() -> None:
    """An axes within the frame of one that shows something is its inset, however it was made."""
    figure = Figure()
    ax = figure.subplots()
    ax.plot([1, 2])
    figure.add_axes((0.5, 0.5, 0.2, 0.2))
    inset_axes(ax, 0.5, 0.5)
    background = Figure()
    background.add_axes((0, 0, 1, 1)).axis("off")
    background.add_axes((0.2, 0.2, 0.5, 0.5))
    assert [axes.role for axes in described(figure).axes] == ["plot", "inset", "inset"]
    assert [axes.role for axes in described(background).axes] == ["plot", "plot"]


def test_colour_bars() -> None:
    """A colour bar tells its label and scale, and whose colours it explains: all beside it that have the same."""
    figure = Figure()
    first, second, third = figure.subplots(1, 3)
    for ax, top in ((first, 4), (second, 4), (third, 9)):
        image = ax.imshow([[1, 2], [3, 4]], vmin=0, vmax=top)
        if ax is second:
            figure.colorbar(image, ax=[first, second, third], label="depth in m")
    axes = described(figure).axes
    bar = axes[3]
    assert (bar.role, bar.belongs_to, bar.artists) == (AxesRole.COLORBAR, (1, 2), ())
    assert (bar.y.label, bar.y.begin, bar.y.end) == ("depth in m", 0, 4)


def test_legends() -> None:
    """Legends of axes and figure are told with title and entries."""
    figure = Figure()
    ax = figure.subplots()
    ax.plot([1, 2], label="a")
    ax.plot([2, 1], label="b")
    ax.legend(title="lines")
    figure.legend(["c"])
    found = described(figure)
    legend = found.axes[0].legend
    assert legend is not None
    assert (legend.title, legend.entries) == ("lines", ("a", "b"))
    assert legend.box is not None
    assert [each.entries for each in found.legends] == [("c",)]


@pytest.mark.parametrize(
    ("layout", "expected"),
    [(None, "none"), ("tight", "tight"), ("constrained", "constrained"), ("compressed", "compressed")],
)
def test_layouts(layout: Any, expected: str) -> None:
    """The layout engine is told."""
    figure = Figure(layout=layout)
    figure.subplots()
    assert described(figure).layout == expected


def test_the_figure_itself() -> None:
    """Size and resolution are those of the picture and the figure; what is outside any axes is the figure's own."""
    figure = Figure(figsize=(4, 3), dpi=50)
    figure.text(0.5, 0.5, "note")
    part = figure.subfigures(1, 2)[0]
    part.suptitle("part")
    part.subplots().plot([1, 2])
    found = described(figure)
    assert (found.width, found.height, found.dpi, found.width_in, found.height_in) == (200, 150, 50, 4, 3)
    assert [each.text for each in found.artists] == ["note", "part"]
    assert len(found.axes) == 1


def test_an_empty_figure() -> None:
    """A figure without axes is described, too."""
    found = described(Figure())
    assert (found.axes, found.artists, found.legends) == ((), (), ())


def test_boxes_of_axes_and_of_horizontal_bars() -> None:
    """A box is counted from the upper left corner, whichever way the axis goes."""
    figure = Figure(figsize=(2, 2), dpi=100)
    ax = figure.add_axes((0, 0, 1, 1))
    ax.set(xlim=(0, 10), ylim=(10, 0))
    ax.barh([2.5], [5], height=5)
    ax.set(xlim=(0, 10), ylim=(10, 0))
    (axes,) = described(figure).axes
    assert axes.box == Box(0, 0, 200, 200)
    assert axes.artists[0].box == Box(0, 0, 100, 100)
