"""Bars, slices and categories: shapes whose size is the value, and names along an axis."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from explain.words import Finding

from findings.scene import ERROR, NOTE, WARNING, Scene, listed
from findings.series import BARS, Plot, sheltered

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Slices of a pie above which angles can't be compared any more.
SLICES = 10

#: Names in disorder that are numbers, from which on they are taken for numbers.
NUMBERS = 5

#: Whole numbers that are likely years, if an axis has only those.
YEARS = range(1800, 2200)


def not_from_zero(scene: Scene) -> Iterator[Finding]:
    """Bars of which the axis shows only the upper part, so that their lengths aren't in proportion to the values.

    Source: E. Tufte, "The Visual Display of Quantitative Information" (1983), the lie factor; C. Yang et al.,
    "Truncating bar graphs persistently misleads viewers" (J. of Applied Research in Memory and Cognition 10, 2021).
    """
    hits: list[tuple[Plot, str, float]] = []
    for plot in scene.plots:
        for series in plot.series:
            scene.drawn.check_time()
            with sheltered():
                if series.kind == BARS and plot.is_flat and (cut := _cut_base(plot, series.artist)) is not None:
                    hits.append((plot, *cut))
                    break
    if hits:
        plot, letter, begin = hits[0]
        yield Finding(
            "bars-not-from-zero",
            ERROR,
            f"The {letter} axis of {listed(hit[0].number for hit in hits)} begins at {begin:g}, so that lengths of "
            "bars are not in proportion to their values.",
            f"Let the axis begin at zero, ax.set_{letter}lim(0, None), or draw points: ax.plot(x, y, 'o').",
            tuple(hit[0].number for hit in hits),
            scene.box(plot.frame),
        )


def _cut_base(plot: Plot, group: Any) -> tuple[str, float] | None:
    """Return the axis along which bars are cut at their base, and where it begins; None if they aren't."""
    flat = group.orientation == "horizontal"
    letter = "x" if flat else "y"
    axis = plot.axis_of(letter)
    if axis.get_scale() != "linear" or _has_units(axis):
        return None
    bars = [bar for bar in group.patches[:500] if bar.get_visible()]
    bases = {float(bar.get_x() if flat else bar.get_y()) for bar in bars}
    low, high = sorted(axis.get_view_interval())
    if bases == {0.0} and not low <= 0 <= high and high > low:
        return letter, low if low > 0 else high
    return None


def _has_units(axis: Any) -> bool:
    """Tell whether an axis has dates, categories or other units."""
    return axis.get_converter() is not None


def cut_ends(scene: Scene) -> Iterator[Finding]:
    """Bars whose ends lie outside the limits, so that their values can't be seen."""
    for plot in scene.plots:
        for series in plot.series:
            if series.kind != BARS or not plot.is_flat:
                continue
            with sheltered():
                flat = series.artist.orientation == "horizontal"
                ends = series.values[:, 0 if flat else 1]
                low, high = sorted(plot.axis_of("x" if flat else "y").get_view_interval())
                slack = (high - low) * 1e-3
                out = (ends > high + slack) | (ends < low - slack)
                crosses = sorted(plot.axis_of("y" if flat else "x").get_view_interval())
                places = series.values[:, 1 if flat else 0]
                out &= (places >= crosses[0]) & (places <= crosses[1])
                if out.any() and not out.all():
                    letter = "x" if flat else "y"
                    verb = "reaches" if out.sum() == 1 else "reach"
                    yield Finding(
                        "bars-cut-off",
                        WARNING,
                        f"{int(out.sum())} of {series.total} bars {verb} over the limit of the {letter} axis in "
                        f"{listed([plot.number])}, {high:g}.",
                        f"Widen the limits, ax.set_{letter}lim, use a log scale, or write the values on the bars: "
                        "ax.bar_label.",
                        (plot.number,),
                        scene.box(plot.frame),
                    )
                    break


def many_slices(scene: Scene) -> Iterator[Finding]:
    """Pies with more slices than can be told apart.

    Source: S. Few, "Save the Pies for Dessert" (2007); D. Skau and R. Kosara, "Arcs, Angles, or Areas" (2016): people
    read shares of circles less well than lengths.
    """
    for plot in scene.plots:
        slices = [patch for patch in plot.axes.patches[:2000] if type(patch).__name__ == "Wedge"]
        if len(slices) > SLICES and len({tuple(each.center) for each in slices}) == 1 and _is_one_ring(slices):
            yield Finding(
                "too-many-slices",
                NOTE,
                f"The pie of {listed([plot.number])} has {len(slices)} slices; more than {SLICES} are hard to "
                "tell apart.",
                "Draw bars sorted by value, ax.barh, or put the smallest together as one slice.",
                (plot.number,),
                scene.box(plot.frame),
            )


def _is_one_ring(slices: list[Any]) -> bool:
    total = sum(each.theta2 - each.theta1 for each in slices)
    return math.isclose(total, 360, abs_tol=1) and len({each.r for each in slices}) == 1


def numbers_as_names(scene: Scene) -> Iterator[Finding]:
    """Numbers that were given as text, so that they stand in the order of the data, at equal distances.

    Source: Matplotlib's manual, "Plotting categorical variables", which warns of numbers read from files as text.
    """
    for plot in scene.plots:
        for letter in ("x", "y"):
            axis = plot.axis_of(letter)
            if axis is None or type(axis.get_converter()).__name__ != "StrCategoryConverter":
                continue
            names = list(axis.units._mapping)[:2000]
            with sheltered():
                values = [float(name) for name in names]
                if len(values) >= NUMBERS and values != sorted(values) and values != sorted(values, reverse=True):
                    yield Finding(
                        "numbers-as-text",
                        ERROR,
                        f'The {letter} axis of {listed([plot.number])} has numbers out of order, "{names[0]}", '
                        f'"{names[1]}", "{names[2]}": they were given as text and are shown as categories.',
                        "Convert them before plotting: np.asarray(values, float) or pd.to_numeric(column).",
                        (plot.number,),
                        scene.box(plot.frame),
                    )


def fractional_years(scene: Scene) -> Iterator[Finding]:
    """Ticks at parts of years, where the data has whole years."""
    for plot in scene.plots:
        axis = plot.axis_of("x")
        if axis is None or not plot.is_flat or _has_units(axis) or axis.get_scale() != "linear":
            continue
        low, high = sorted(axis.get_view_interval())
        broken = [text for text in scene.ticks(plot.number, "x") if text.endswith((".5", ".25"))]
        if not (YEARS[0] < low < high < YEARS[-1] and broken):
            continue
        values = [value for series in plot.series for value in series.values[:, 0]]
        if values and all(float(value).is_integer() for value in values):
            yield Finding(
                "years-with-fractions",
                WARNING,
                f'The x axis of {listed([plot.number])} has ticks like "{broken[0]}", while the data has whole years.',
                "Set ax.xaxis.set_major_locator(MaxNLocator(integer=True)).",
                (plot.number,),
                scene.box(plot.frame),
            )


CHECKS = (not_from_zero, numbers_as_names, cut_ends, fractional_years, many_slices)
