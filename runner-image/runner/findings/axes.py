"""Axes as a whole: empty ones, axes without labels, and pictures whose content is lost in them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from explain.words import Finding

from findings.scene import (
    ANNOTATION,
    ERROR,
    FIGURE_TITLE,
    LABEL,
    LEGEND,
    NOTE,
    TEXT,
    TITLE,
    WARNING,
    Scene,
    listed,
    union,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from findings.series import Plot

#: Share of the picture below which its content is small: in one direction, and of the area.
SMALL_SIDE, SMALL_AREA = 0.5, 0.25

#: Share of an axes, in both directions, below which all of its data is in one corner; and the points of it.
CORNER, CORNER_POINTS = 0.12, 3


def empty(scene: Scene) -> Iterator[Finding]:
    """Axes with a frame and ticks and nothing in them."""
    hits = [plot for plot in scene.plots if plot.role in ("plot", "inset") and plot.is_on and _is_empty(scene, plot)]
    if hits:
        what = "has" if len(hits) == 1 else "have"
        yield Finding(
            "axes-empty",
            ERROR,
            f"{listed(plot.number for plot in hits).capitalize()} {what} nothing in the frame.",
            "Draw the data with the methods of that axes, or remove it: ax.remove().",
            tuple(plot.number for plot in hits),
            scene.box(hits[0].frame),
        )


def _is_empty(scene: Scene, plot: Plot) -> bool:
    over = [other.axes for other in scene.plots if other is not plot and other.frame.overlaps(plot.frame)]
    return not _has_content(plot.axes) and not any(map(_has_content, over))


def _has_content(axes: Any) -> bool:
    """Tell whether an axes has an artist that draws something."""
    if axes.images or axes.tables or axes.artists or axes.get_legend() or axes.child_axes:
        return True
    if any(text.get_text() for text in axes.texts[:100]) or axes.patches:
        return True
    if any(len(line.get_xdata()) for line in axes.lines[:1000]):
        return True
    return any(len(each.get_paths()) or len(each.get_offsets()) for each in axes.collections[:1000])


def unlabelled(scene: Scene) -> Iterator[Finding]:
    """Axes without labels beside others that have them, and several axes of which none says what it shows."""
    plots = [plot for plot in scene.plots if plot.role == "plot" and plot.is_flat and plot.is_on and _has_data(plot)]
    if len(plots) < 2:  # noqa: PLR2004 - several
        return
    named = {plot.number for plot in plots if _says(scene, plot.number, (TITLE, LABEL, TEXT, ANNOTATION, LEGEND))}
    over = any(each.number == 0 and each.role in (FIGURE_TITLE, TEXT) for each in scene.texts)
    told = [plot for plot in scene.plots if plot.number in named]
    bare = [
        plot
        for plot in plots
        if plot not in told and not _is_inner(scene, plot) and not any(map(plot.frame.overlaps, _frames(told)))
    ]
    if bare and not over:
        whole = len(bare) == len(plots)
        yield Finding(
            "axes-unlabelled",
            NOTE if whole else WARNING,
            f"Nothing says what is shown in {listed(plot.number for plot in bare)}: no title, no label, no legend.",
            'Set ax.set(xlabel="...", ylabel="...", title="...") with the units of the values.',
            tuple(plot.number for plot in bare),
            scene.box(bare[0].frame),
        )
        return
    yield from _unlabelled_values(scene, plots)


def _frames(plots: list[Plot]) -> list[Any]:
    return [plot.frame for plot in plots]


def _unlabelled_values(scene: Scene, plots: list[Plot]) -> Iterator[Finding]:
    """Axes whose values have no label, while those of others have one."""
    for letter in ("x", "y"):
        labelled = {each.number for each in scene.texts if each.role == LABEL and each.axis == letter}
        if any(each.number == 0 and each.role == FIGURE_TITLE for each in scene.texts):
            continue
        bare = [
            plot
            for plot in plots
            if plot.number not in labelled
            and _has_ticks(scene, plot, letter)
            and not _says(scene, plot.number, (TITLE,))
            and not _shares_with(plot, letter, labelled, scene)
        ]
        if bare and labelled & {plot.number for plot in plots}:
            yield Finding(
                "axes-unlabelled",
                WARNING,
                f"The {letter} axis has no label in {listed(plot.number for plot in bare)}, but has one in others.",
                f'Set ax.set_{letter}label("...") with the unit of the values, or share the axis: share{letter}=True.',
                tuple(plot.number for plot in bare),
                scene.box(bare[0].frame),
            )


def _says(scene: Scene, number: int, roles: tuple[str, ...]) -> bool:
    return any(each.number == number and each.role in roles for each in scene.texts)


def _has_ticks(scene: Scene, plot: Plot, letter: str) -> bool:
    return any(_is_number(text) for text in scene.ticks(plot.number, letter))


def _is_number(text: str) -> bool:
    return any(char.isdigit() for char in text)


def _shares_with(plot: Plot, letter: str, numbers: set[int], scene: Scene) -> bool:
    """Tell whether another axes of the same column or row, or with the same values, has the label."""
    group = plot.axes._shared_axes[letter]
    for other in scene.plots:
        if other.number not in numbers:
            continue
        side = (plot.frame.x0, plot.frame.x1) if letter == "x" else (plot.frame.y0, plot.frame.y1)
        beside = (other.frame.x0, other.frame.x1) if letter == "x" else (other.frame.y0, other.frame.y1)
        if group.joined(plot.axes, other.axes) or max(abs(a - b) for a, b in zip(side, beside, strict=True)) < 2:  # noqa: PLR2004
            return True
    return False


def _has_data(plot: Plot) -> bool:
    axes = plot.axes
    return bool(plot.series or axes.images or any(len(each.get_paths()) for each in axes.collections[:100]))


def _is_inner(scene: Scene, plot: Plot) -> bool:
    """Tell whether an axes shares one with others, or is in a row or column whose outer axes says what it is."""
    shared = plot.axes._shared_axes
    others = [other.axes for other in scene.plots if other is not plot]
    if any(shared[letter].joined(plot.axes, other) for letter in ("x", "y") for other in others):
        return True
    labels = [each for each in scene.texts if each.role == LABEL]
    return any(
        _shares_with(plot, letter, {each.number for each in labels if each.axis == letter}, scene)
        for letter in ("x", "y")
    )


def twins(scene: Scene) -> Iterator[Finding]:
    """Two y axes on one place, of which one has no label, so that nobody knows which data is read off where.

    Source: Matplotlib's manual, "Plots with different scales"; S. Few, "Dual-Scaled Axes in Graphs" (2008).
    """
    for plot in scene.plots:
        if plot.role != "twin" or not plot.is_on or not plot.axes.yaxis.get_visible() or not plot.series:
            continue
        pair = [
            other
            for other in scene.plots
            if other is plot or (other.role != "twin" and other.axes._twinned_axes.joined(other.axes, plot.axes))
        ]
        bare = [
            each
            for each in pair
            if not any(text.number == each.number and text.role == LABEL and text.axis == "y" for text in scene.texts)
            and _has_ticks(scene, each, "y")
        ]
        if len(pair) > 1 and bare:
            which = "Neither of the two y axes" if len(bare) == len(pair) else "One of the two y axes"
            verb = "has" if len(bare) == len(pair) else "lacks"
            yield Finding(
                "twin-axes-unlabelled",
                WARNING,
                f"{which} in {listed(each.number for each in pair)} {verb} a label, so that it is not known which data "
                "belongs to which.",
                "Label both, ax.set_ylabel and twin.set_ylabel, in the colours of their data: color=line.get_color().",
                tuple(each.number for each in bare),
                scene.box(plot.frame),
            )


def mostly_empty(scene: Scene) -> Iterator[Finding]:
    """Pictures that are far larger than what is in them."""
    saved = scene.drawn.saved
    content = union(
        [plot.axes.bbox for plot in scene.plots if plot.is_on or _has_content(plot.axes)]
        + [each.extent for each in scene.texts]
        + [scene.drawn.extent(legend) for legend, _ in scene.legends]
    )
    box = scene.box(content)
    others = any(part for part in (scene.figure.images, scene.figure.artists, scene.figure.patches, scene.figure.lines))
    if box is None or others:
        return
    wide, high = box.width / saved.width, box.height / saved.height
    if min(wide, high) < SMALL_SIDE and wide * high < SMALL_AREA:
        yield Finding(
            "picture-mostly-empty",
            WARNING,
            f"All that is drawn takes {wide:.0%} of the width and {high:.0%} of the height of the picture.",
            'Choose a figsize to fit, set plt.subplots(layout="constrained"), or save with bbox_inches="tight".',
            (),
            box,
        )


def corner(scene: Scene) -> Iterator[Finding]:
    """Axes whose data all lies in a small part of them."""
    import numpy as np

    for plot in scene.plots:
        if not plot.is_flat or plot.role not in ("plot", "twin") or not plot.is_on:
            continue
        scene.drawn.check_time()
        others = plot.axes.images or plot.axes.patches or plot.axes.texts or plot.axes.tables or plot.axes.artists
        if others or plot.axes.child_axes or any(each.role == "twin" for each in scene.plots):
            continue
        every = [each.points[np.isfinite(each.points).all(1)] for each in plot.series]
        points = np.concatenate(every) if every else np.zeros((0, 2))
        if len(points) < CORNER_POINTS or len(every) < len(plot.axes.lines) + len(plot.axes.collections):
            continue
        low, high = points.min(0), points.max(0)
        frame = plot.frame
        wide, tall = (high[0] - low[0]) / frame.width, (high[1] - low[1]) / frame.height
        if wide < CORNER and tall < CORNER:
            yield Finding(
                "data-in-corner",
                WARNING,
                f"All data of {listed([plot.number])} takes {wide:.0%} of its width and {tall:.0%} of its height.",
                "Let Matplotlib choose the limits, ax.autoscale(), or set narrower ones; show the whole in an inset.",
                (plot.number,),
                scene.box(frame),
            )


CHECKS = (empty, twins, unlabelled, mostly_empty, corner)
