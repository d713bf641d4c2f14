"""Describes a figure: what it shows, axes by axes and artist by artist.

Nothing is drawn or changed. The figure is the program's, so anything asked of it may raise; what does is left out.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from explain import axis, words
from explain.artists.entries import tell_all
from explain.drawn import without_warnings
from explain.scene import Scene, attempt

if TYPE_CHECKING:
    from explain.drawn import Drawn

LAYOUTS = {"TightLayoutEngine": "tight", "ConstrainedLayoutEngine": "constrained"}

SUMMARY = "summary"


def describe(drawn: Drawn, level: str) -> words.Description:
    """Return what a figure shows.

    Args:
        drawn: The figure, within `drawn.as_saved`.
        level: "summary", "full" or "data".

    Raises:
        OutOfTime: It took longer than it may.
    """
    # What the program's numbers make NumPy and Matplotlib warn of here is no matter of the program's lines.
    with without_warnings():
        return _describe(drawn, level)


def _describe(drawn: Drawn, level: str) -> words.Description:
    """Return what a figure shows."""
    figure, saved = drawn.figure, drawn.saved
    title, x_label, y_label = (
        attempt(partial(_text_of, figure, name), "") for name in ("suptitle", "supxlabel", "supylabel")
    )
    width_in, height_in = attempt(lambda: tuple(map(axis.size_in, figure.get_size_inches())), (0.0, 0.0))
    outside = Scene(drawn, None, level)
    artists, left_out = attempt(lambda: tell_all(outside, _outside_axes(figure)), ((), 0))
    legends = [attempt(partial(axis.legend_of, drawn, each)) for each in figure.legends[: words.NAMES_LIMIT]]
    return words.Description(
        level=level,
        width=axis.size_in(saved.width),
        height=axis.size_in(saved.height),
        dpi=axis.size_in(saved.dpi),
        width_in=width_in,
        height_in=height_in,
        title=title,
        x_label=x_label,
        y_label=y_label,
        layout=attempt(lambda: _layout_of(figure), "none"),
        axes=tuple(_describe_axes(drawn, number, each, level) for number, each in enumerate(drawn.axes, 1)),
        axes_left_out=drawn.axes_left_out,
        legends=tuple(filter(None, legends)),
        artists=artists,
        artists_left_out=left_out,
    )


def _text_of(figure: Any, name: str) -> str:
    text = getattr(figure, f"_{name}")
    return words.cut(text.get_text()) if text is not None and text.get_visible() else ""


def _layout_of(figure: Any) -> str:
    engine = figure.get_layout_engine()
    name = LAYOUTS.get(type(engine).__name__, "none")
    return "compressed" if name == "constrained" and engine._compress else name


def _outside_axes(figure: Any) -> list[Any]:
    """Return what a figure and its subfigures hold beside axes, but for the titles of the figure itself."""
    titles = {id(getattr(figure, name, None)) for name in ("_suptitle", "_supxlabel", "_supylabel")}
    found: list[Any] = []
    pending = [figure]
    for part in pending:
        for kept in (part.patches, part.lines, part.images, part.artists, part.texts):
            found += [each for each in list(kept)[: words.AXES_LIMIT * words.ARTISTS_LIMIT] if id(each) not in titles]
        pending += [each for each in part.subfigs if len(pending) < words.AXES_LIMIT]
    return found


def _describe_axes(drawn: Drawn, number: int, axes: Any, level: str) -> words.Axes:
    """Return one axes in words; whatever can't be told of it is left out."""
    drawn.check_time()
    visible = attempt(lambda: bool(axes.get_visible()), False)
    scene = attempt(lambda: Scene(drawn, axes, level)) or Scene(drawn, None, level)
    role, belongs_to = attempt(lambda: axis.role_of(drawn, axes), ("plot", ()))
    children = attempt(lambda: axes._children, []) if visible and role != "colorbar" else []
    artists, left_out = attempt(lambda: tell_all(scene, children), ((), 0))
    with_ticks = visible and level != SUMMARY
    x, y, *z = (
        attempt(partial(axis.axis_of, axes, name, scene.coordinates[name], with_ticks=with_ticks), words.Axis())
        for name in ("xyz" if scene.is_solid else "xy")
    )
    return words.Axes(
        number=number,
        kind=attempt(lambda: axis.kind_of(axes), "other"),
        role=role,
        box=attempt(lambda: drawn.on_picture(axes.bbox)) if visible else None,
        title=attempt(lambda: axis.title_of(axes), "") if visible else "",
        x=x,
        y=y,
        z=z[0] if z else None,
        belongs_to=belongs_to,
        shares_x=attempt(lambda: axis.shared_with(drawn, axes, axes.get_shared_x_axes()), ()),
        shares_y=attempt(lambda: axis.shared_with(drawn, axes, axes.get_shared_y_axes()), ()),
        legend=attempt(lambda: axis.legend_of(drawn, axis.legend_in(axes))) if visible else None,
        artists=artists,
        artists_left_out=left_out,
    )
