"""Data that isn't in the picture: missing, dropped by the scale, outside the limits, or without a mark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.words import Finding

from findings.scene import ERROR, NOTE, WARNING, Scene, capitalised, listed
from findings.series import BARS, LINE, Plot, Series, sheltered

if TYPE_CHECKING:
    from collections.abc import Iterator

LETTERS = ("x", "y")

#: Styles and markers that draw nothing.
NOTHING = ("None", "none", "", " ", None)

#: Lines with names that are compared with each other.
LINES_LIMIT = 40

#: Pixels between the lines of two series that hide each other.
SAME_PIXELS = 0.5


def dropped(scene: Scene) -> Iterator[Finding]:
    """Values that are drawn nowhere: not numbers, infinite, or not positive on a log scale."""
    for plot in scene.plots:
        for series in plot.series:
            scene.drawn.check_time()
            with sheltered():
                yield from _dropped_of(scene, plot, series)


def _dropped_of(scene: Scene, plot: Plot, series: Series) -> Iterator[Finding]:
    import numpy as np

    values = series.values
    box = scene.box(plot.frame)
    infinite = np.isinf(values).any(1) & ~series.masked
    missing = np.isnan(values).any(1) & ~series.masked
    finite = np.isfinite(values).all(1)
    if infinite.any():
        yield Finding(
            "data-infinite",
            WARNING,
            f"{_of(infinite, series)} are infinite and not drawn in {listed([plot.number])}.",
            "Find out where they come from, as from a division by zero, and drop them: data[np.isfinite(data)].",
            (plot.number,),
            box,
        )
    both = np.isnan(values).all(1)
    separators = both.any() and (both == missing).all()
    inner = np.flatnonzero(finite)
    gaps = missing[inner[0] : inner[-1]].sum() if len(inner) else 0
    if gaps and not separators and series.kind != BARS and not _unseen(series).any():
        yield Finding(
            "data-missing",
            NOTE,
            f"{_of(missing, series)} are not a number (NaN) and leave gaps in {listed([plot.number])}.",
            "Say in the caption that they are missing, or drop them, data.dropna(), so that the line goes on.",
            (plot.number,),
            box,
        )
    for place, letter in enumerate(LETTERS):
        axis = plot.axis_of(letter)
        if axis is None or axis.get_scale() != "log" or (series.kind == BARS and place == (_is_flat_bar(series) ^ 1)):
            continue
        below = finite & (values[:, place] <= 0)
        if below.any():
            yield Finding(
                "data-not-positive",
                WARNING,
                f"{_of(below, series)} are zero or negative and can't be on the log scale of the {letter} axis in "
                f"{listed([plot.number])}.",
                f'Use ax.set_{letter}scale("symlog"), or leave these values out and say so.',
                (plot.number,),
                box,
            )


def _is_flat_bar(series: Series) -> bool:
    return bool(series.artist.orientation == "horizontal")


def _of(mask: Any, series: Series) -> str:
    """Return how a sentence counts some points of a series."""
    count = int(mask.sum())
    if len(mask) < series.total:
        return f"{count / len(mask):.0%} of the {series.total} points of {series.name}"
    return f"{count} of the {series.total} points of {series.name}"


def out_of_view(scene: Scene) -> Iterator[Finding]:
    """Axes in whose limits nothing lies, and series that lie outside of them as a whole."""
    for plot in scene.plots:
        if not plot.is_flat or plot.role == "colorbar":
            continue
        every = [each for each in plot.series if _has_points(each)]
        outside = [each for each in every if not _in_frame(each, plot)]
        if every and len(outside) == len(every) and not _has_others(plot):
            yield Finding(
                "no-data-in-view",
                ERROR,
                f"All data of {listed([plot.number])} lies outside its limits: {_limits(plot)}.",
                "Let Matplotlib choose the limits, ax.autoscale(), or correct ax.set_xlim and ax.set_ylim.",
                (plot.number,),
                scene.box(plot.frame),
            )
        elif named := [each for each in outside if each.label]:
            yield Finding(
                "series-out-of-view",
                WARNING,
                capitalised(f"{named[0].name} lies outside the limits of {listed([plot.number])}: {_limits(plot)}."),
                "Widen the limits, ax.autoscale() or ax.set_ylim, or take it out of the legend.",
                (plot.number,),
                scene.box(plot.frame),
            )


def _limits(plot: Plot) -> str:
    (x0, x1), (y0, y1) = plot.axes.get_xlim(), plot.axes.get_ylim()
    return f"x from {x0:g} to {x1:g}, y from {y0:g} to {y1:g}"


def _has_points(series: Series) -> bool:
    import numpy as np

    return bool(np.isfinite(series.points).all(1).any())


def _in_frame(series: Series, plot: Plot) -> bool:
    """Tell whether a part of a series can be in the frame: the box around it and the frame meet."""
    import numpy as np

    points = series.points if series.corners is None else series.corners
    points = points[np.isfinite(points).all(1)]
    (x0, y0), (x1, y1) = points.min(0), points.max(0)
    frame = plot.frame
    return bool(x1 >= frame.x0 - 1 and x0 <= frame.x1 + 1 and y1 >= frame.y0 - 1 and y0 <= frame.y1 + 1)


def _has_others(plot: Plot) -> bool:
    """Tell whether something else than series is in an axes."""
    axes = plot.axes
    bars = {id(bar) for group in axes.containers for bar in getattr(group, "patches", ())}
    others = [patch for patch in axes.patches if id(patch) not in bars]
    collections = [each for each in axes.collections if type(each).__name__ != "PathCollection"]
    return bool(others or collections or axes.images or axes.texts or axes.tables or axes.artists)


def invisible(scene: Scene) -> Iterator[Finding]:
    """Points of lines without markers that have no neighbour to be joined with, so that nothing of them is drawn."""
    import numpy as np

    for plot in scene.plots:
        for series in plot.series:
            scene.drawn.check_time()
            alone = _unseen(series)
            if alone.any() and plot.role != "colorbar":
                count = int(alone.sum())
                whole = count == int(np.isfinite(series.points).all(1).sum())
                yield Finding(
                    "points-invisible",
                    ERROR if whole else WARNING,
                    f"{count} of the {series.total} points of {series.name} can't be seen in {listed([plot.number])}: "
                    "a line needs two neighbouring points, and there are no markers.",
                    'Draw markers as well: ax.plot(..., marker="o").',
                    (plot.number,),
                    scene.box(plot.frame),
                )


def _unseen(series: Series) -> Any:
    """Return for each point of a series whether it is one of a line without markers and has no neighbour."""
    import numpy as np

    line = series.artist
    finite = np.isfinite(series.points).all(1)
    if series.kind != LINE or series.total != len(finite) or line.get_marker() not in NOTHING:
        return np.zeros(len(finite), bool)
    near = np.concatenate(([False], finite, [False]))
    return finite & ~near[:-2] & ~near[2:] & (line.get_linestyle() not in NOTHING)


def hidden(scene: Scene) -> Iterator[Finding]:
    """Lines that lie below another one along all of their length."""
    for plot in scene.plots:
        lines = [each for each in plot.series if each.kind == LINE and each.label and len(each.points) > 1]
        lines = lines[:LINES_LIMIT]
        for place, lower in enumerate(lines):
            scene.drawn.check_time()
            for upper in lines[place + 1 :]:
                if _hides(upper, lower):
                    yield Finding(
                        "series-hidden",
                        WARNING,
                        capitalised(
                            f"{upper.name} hides {lower.name} in {listed([plot.number])}: they have the same values."
                        ),
                        'Draw the upper one dashed, linestyle="--", or thinner, or say in the legend that both are the '
                        "same.",
                        (plot.number,),
                        scene.box(plot.frame),
                    )
                    break


def _hides(upper: Series, lower: Series) -> bool:
    import numpy as np

    if upper.points.shape != lower.points.shape:
        return False
    above, below = upper.artist, lower.artist
    solid = above.get_linestyle() == "-" and (above.get_alpha() or 1) == 1
    wide = above.get_linewidth() >= below.get_linewidth() and below.get_marker() in NOTHING
    if not solid or not wide or above.get_zorder() < below.get_zorder() or below.get_linestyle() in NOTHING:
        return False
    finite = np.isfinite(upper.points)
    same = np.array_equal(finite, np.isfinite(lower.points))
    return bool(same and np.abs((upper.points - lower.points)[finite]).max(initial=0.0) < SAME_PIXELS)


CHECKS = (out_of_view, invisible, hidden, dropped)
