"""Axes without their artists: kind, role, axis by axis, legend."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from explain import words
from explain.values import number
from explain.words import NAMES_LIMIT, cut

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.drawn import Drawn
    from explain.values import Coordinates

#: What separates the titles of one axes: left, middle, right.
SEPARATOR = " | "

#: Ticks of an axis that are looked at for what is written at them.
TICKS_LIMIT = 1000

#: What Matplotlib's formatter of powers writes, as mathematical text: a sign and a factor, perhaps, and the power.
POWER = re.compile(
    r"\$\\mathdefault\{(?:(?P<factor>[^{}$\\]*)\\times)?(?P<base>[^{}$\\]+)(?:\^\{(?P<power>[^{}$]+)\})?\}\$"
)

#: What its formatter of probabilities writes in the middle.
HALF = r"$\mathdefault{\frac{1}{2}}$"

#: A tick may lie this part of the axis outside it and be drawn: rounding.
SLACK = 1e-9


def kind_of(axes: Any) -> str:
    """Return the kind of the coordinates of an axes."""
    from matplotlib.projections.geo import GeoAxes
    from matplotlib.projections.polar import PolarAxes

    if getattr(axes, "name", "") == "3d":
        return "3d"
    if isinstance(axes, PolarAxes):
        return "polar"
    if isinstance(axes, GeoAxes) or hasattr(axes, "projection"):  # the latter is Cartopy's
        return "geographic"
    return "cartesian" if axes.name == "rectilinear" or not axes.name else "other"


def role_of(drawn: Drawn, axes: Any) -> tuple[str, tuple[int, ...]]:
    """Return what an axes is for, and the numbers of those it belongs to."""
    if (bar := getattr(axes, "_colorbar", None)) is not None:
        return "colorbar", _explained_by(drawn, axes, bar)
    for number_, each in enumerate(drawn.axes, 1):
        if each is axes:
            break
        if axes in axes._twinned_axes and each in axes._twinned_axes.get_siblings(axes):
            return "twin", (number_,)
    for number_, each in enumerate(drawn.axes, 1):
        if any(child is axes for child in each.child_axes):
            return ("twin" if hasattr(axes, "_functions") else "inset"), (number_,)
    return _inset(drawn, axes)


def _inset(drawn: Drawn, axes: Any) -> tuple[str, tuple[int, ...]]:
    """Return the role of an axes that may lie within the frame of an earlier one, if that shows anything itself."""
    frame = axes.bbox
    for number_, each in enumerate(drawn.axes, 1):
        if each is axes:
            break
        outer = each.bbox
        within = outer.x0 < frame.x0 and frame.x1 < outer.x1 and outer.y0 < frame.y0 and frame.y1 < outer.y1
        if within and each.axison and each._children and each.get_visible():
            return "inset", (number_,)
    return "plot", ()


def _explained_by(drawn: Drawn, axes: Any, bar: Any) -> tuple[int, ...]:
    """Return the axes whose colours a bar explains: that of its artist, and those beside it with the same colours."""
    found = {drawn.number_of(bar.mappable.axes)} if getattr(bar.mappable, "axes", None) is not None else set()
    parents = getattr(axes, "_colorbar_info", {}).get("parents", ())
    scale = (getattr(bar.mappable.get_cmap(), "name", ""), bar.mappable.get_clim())
    for parent in list(parents)[: words.AXES_LIMIT]:
        if not found or any(_scale_of(child) == scale for child in parent._children[: words.ARTISTS_LIMIT]):
            found.add(drawn.number_of(parent))
    return tuple(sorted(found - {0}))


def _scale_of(artist: Any) -> Any:
    """Return the colours of an artist that has a colour map, and which values they span."""
    if not hasattr(artist, "get_cmap") or artist.get_array() is None:
        return None
    return artist.get_cmap().name, artist.get_clim()


def title_of(axes: Any) -> str:
    """Return what is written above an axes, on the left, in the middle and on the right."""
    texts = (getattr(axes, name, None) for name in ("_left_title", "title", "_right_title"))
    written = [cut(text.get_text()) for text in texts if text is not None and text.get_visible()]
    return cut(SEPARATOR.join(filter(None, written)))


def shared_with(drawn: Drawn, axes: Any, grouper: Any) -> tuple[int, ...]:
    """Return the numbers of other axes that share an axis with one."""
    siblings = {id(each) for each in grouper.get_siblings(axes)} - {id(axes)}
    return tuple(place for place, each in enumerate(drawn.axes, 1) if id(each) in siblings)


def axis_of(axes: Any, name: str, coordinates: Coordinates, *, with_ticks: bool) -> words.Axis:
    """Return one axis of an axes in words.

    Args:
        axes: The axes.
        name: "x", "y" or "z".
        coordinates: What its values mean.
        with_ticks: Whether to tell what is written at its ticks.
    """
    axis = getattr(axes, f"{name}axis")
    begin, end = map(float, getattr(axes, f"get_{name}lim")())
    visible = bool(getattr(axes, "_axis3don", axes.axison) and axis.get_visible())
    label = axis.label.get_text() if visible and axis.label.get_visible() else ""
    return words.Axis(
        label=cut(label),
        scale=cut(axis.get_scale()),
        values=coordinates.kind,
        begin=coordinates.limit(begin, end),
        end=coordinates.limit(end, begin),
        inverted=begin > end,
        ticks=_ticks(axis, begin, end) if with_ticks and visible else (),
        visible=visible,
    )


def _ticks(axis: Any, begin: float, end: float) -> tuple[str, ...]:
    """Return what is written at the ticks of an axis, from its beginning; as it was drawn last."""
    least, greatest = min(begin, end), max(begin, end)
    slack = SLACK * (greatest - least)
    drawn = axis.majorTicks[: min(len(axis.get_majorticklocs()), TICKS_LIMIT)]
    if type(axis.get_minor_formatter()).__name__ != "NullFormatter":
        drawn = [*drawn, *axis.minorTicks[: min(len(axis.get_minorticklocs()), TICKS_LIMIT)]]
    written = []
    for tick in drawn:
        place = tick.get_loc()
        if least - slack <= place <= greatest + slack:
            label = next((each for each in (tick.label1, tick.label2) if each.get_visible()), None)
            if label is not None and (text := cut(text_of_mark(label.get_text()))):
                written.append((float(place), text))
    written.sort(reverse=begin > end)
    return tuple(text for _, text in written[:NAMES_LIMIT])


def text_of_mark(text: str) -> str:
    """Return what is written at a tick or in a legend, Matplotlib's own powers as 10^3, not as mathematical text."""
    if text == HALF:
        return "1/2"
    found = POWER.fullmatch(text)
    if found is None:
        return text
    factor = f"{found['factor']}\N{MULTIPLICATION SIGN}" if found["factor"] else ""
    return f"{factor}{found['base']}" + (f"^{found['power']}" if found["power"] else "")


def legend_of(drawn: Drawn, legend: Any | None) -> words.Legend | None:
    """Return a legend in words; None if there is none to be seen."""
    if legend is None or not legend.get_visible():
        return None
    title = legend.get_title()
    return words.Legend(
        title=cut(title.get_text()) if title.get_visible() else "",
        entries=tuple(cut(text_of_mark(text.get_text())) for text in legend.get_texts()[:NAMES_LIMIT]),
        box=drawn.box(legend),
    )


def legend_in(axes: Any) -> Any | None:
    """Return the legend that an axes is told with: the last one made, or one that was added as an artist."""
    return axes.legend_ or next(iter(legends_in(axes._children[: words.ARTISTS_LIMIT])), None)


def legends_in(children: Sequence[Any]) -> list[Any]:
    """Return legends among artists: those that the program has added beside the last one."""
    from matplotlib.legend import Legend

    return [child for child in children if isinstance(child, Legend)]


def size_in(value: Any) -> float:
    """Return a size of the figure as a number."""
    return number(value) or 0.0
