"""What the artists of one axes are told with: its coordinates, its legend, and how much is to be said."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

from explain import words
from explain.artists import look as looks
from explain.artists.look import Look
from explain.drawn import OutOfTime
from explain.values import Coordinates, Finite, Points, finite, range_of, thinned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from explain.drawn import Drawn

#: Artists of one entry whose places are looked at to find its box; the box of more is that of the axes.
BOXED_LIMIT = 200


class Bounds(NamedTuple):
    """An area of the canvas, as far as `Drawn` looks at it."""

    x0: float
    y0: float
    x1: float
    y1: float


class Entry(NamedTuple):
    """What is told as one thing.

    Attributes:
        kind: What people call it.
        members: Its artists, in the order in which the axes has them.
        tell: Makes words of it.
    """

    kind: str
    members: Sequence[Any]
    tell: Callable[[Scene, Entry], words.Artist]


class Scene:
    """One axes whose artists are told.

    Args:
        drawn: The figure.
        axes: The axes; None for what is outside any.
        level: How much is said.

    Attributes:
        coordinates: What values mean, by their names in `Points`.
        is_solid: Whether it has three dimensions.
    """

    def __init__(self, drawn: Drawn, axes: Any, level: str) -> None:
        self.drawn = drawn
        self.axes = axes
        self.level = level
        self.is_brief = level == "summary"
        self.coordinates = {name: Coordinates() for name in Points._fields}
        self.is_solid = getattr(axes, "name", "") == "3d"
        self.bars: list[Any] = []
        self._legend_names: dict[str, str] | None = None
        if axes is not None:
            for name in "xyz" if self.is_solid else "xy":
                self.coordinates[name] = Coordinates(getattr(axes, f"{name}axis"))

    @property
    def x(self) -> Coordinates:
        """What values along the first axis mean."""
        return self.coordinates["x"]

    @property
    def y(self) -> Coordinates:
        """What values along the second axis mean."""
        return self.coordinates["y"]

    def artist(
        self,
        entry: Entry,
        points: Points,
        look: Look | None = None,
        *,
        kind: str = "",
        label: str | None = None,
        text: str = "",
        parts: tuple[str, ...] = (),
        arrangement: str = "",
        count: int | None = None,
        extent: Any | None = None,
        by_points: bool = False,
    ) -> words.Artist:
        """Return an artist in words.

        Args:
            entry: What it is.
            points: Its values.
            look: What it looks like.
            kind: What it is, if that has turned out to be more special.
            label: Its name, if its first artist doesn't have it.
            text: What is written.
            parts: Names of its parts.
            arrangement: Of bars.
            count: How many parts it has, if not as many as points.
            extent: Where it is on the canvas, if that was known for less than looking at each artist.
            by_points: Whether it is where its points are.
        """
        look = look or Look()
        known = {name: finite(side) for name, side in zip(points._fields, points, strict=True) if side is not None}
        told = {name: range_of(self.coordinates[name], side) for name, side in known.items()}
        whole = self.is_brief or all(side.are_all for side in known.values())
        missing, infinite = (0, 0) if whole else points.spoilt()
        if by_points and "x" in known and "y" in known and not self.is_brief:
            extent = self.around_points(known["x"], known["y"])
        return words.Artist(
            kind=kind or entry.kind,
            label=self.label_of(entry.members) if label is None else label,
            text=text,
            parts=parts,
            arrangement=arrangement,
            points=points.length() if count is None else count,
            missing=missing,
            infinite=infinite,
            color=look.color,
            colormap=look.colormap,
            style="" if self.is_brief else look.style,
            marker="" if self.is_brief else look.marker,
            box=None if self.is_brief else self.box_of(entry.members, extent),
            data=self.data_of(points, len(parts)),
            **told,
        )

    def data_of(self, points: Points, named_parts: int) -> words.Data | None:
        """Return the values of points, if they are to be told; those of parts with names are in any case."""
        if self.level == "data" and points.length():
            return thinned(self.coordinates, points)
        if points.values is not None and named_parts == len(points.values) > 0:
            return thinned(self.coordinates, Points(values=points.values))
        return None

    def label_of(self, artists: Iterable[Any]) -> str:
        """Return what the first of some artists is called in a legend; empty if it has no name."""
        first = next(iter(artists), None)
        return "" if first is None else named(first) or self.name_by_look(first)

    def name_by_look(self, artist: Any) -> str:
        """Return the entry of the legend whose sample alone has the colour of an artist, as libraries make legends."""
        if self._legend_names is None:
            legend = getattr(self.axes, "legend_", None)
            self._legend_names = {} if legend is None else names_by_color(legend)
        if not self._legend_names:
            return ""
        return self._legend_names.get(color_of(artist) or "", "")

    def box_of(self, members: Sequence[Any], extent: Any | None = None) -> words.Box | None:
        """Return where artists are in the picture, all together."""
        if extent is None and len(members) == 1:
            return self.drawn.box(members[0])
        whole = extent or self._around(members)
        if whole is None:
            return None
        clip = members[0].get_clip_box() if members[0].get_clip_on() else None
        return self.drawn.on_picture(whole, clip)

    def _around(self, members: Sequence[Any]) -> Any | None:
        """Return where artists are on the canvas, all together; of very many, the axes."""
        if len(members) > BOXED_LIMIT and self.axes is not None:
            return self.axes.bbox
        found = [each for member in members if (each := self.drawn.extent(member)) is not None]
        if not found:
            return None
        sides = ([getattr(each, side) for each in found] for side in Bounds._fields)
        return Bounds(*(find(side) for find, side in zip((min, min, max, max), sides, strict=True)))

    def in_data(self, transform: Any, points: Points) -> Points:
        """Return points without the sides along which an artist doesn't lie in the data of the axes."""
        if self.axes is None or self.is_solid:
            return points if self.is_solid else Points(values=points.values)
        across, up = transform.contains_branch_seperately(self.axes.transData)
        return points._replace(x=points.x if across else None, y=points.y if up else None)

    def around_points(self, x: Finite, y: Finite) -> Bounds | None:
        """Return where points are on the canvas, all together; None if that isn't known from their ranges."""
        if x.least is None or y.least is None:
            return None
        return self.on_canvas(float(x.least), float(y.least), float(x.greatest), float(y.greatest))

    def on_canvas(self, x0: float, y0: float, x1: float, y1: float) -> Bounds | None:
        """Return where a rectangle of data is on the canvas; None if the axes aren't rectangular or it has no end."""
        if self.axes is None or not getattr(self.axes.transData, "is_separable", False):
            return None
        (left, lower), (right, upper) = self.axes.transData.transform([(x0, y0), (x1, y1)]).tolist()
        if not all(map(math.isfinite, (left, lower, right, upper))):
            return None
        return Bounds(min(left, right), min(lower, upper), max(left, right), max(lower, upper))


def named(artist: Any) -> str:
    """Return the label that the program gave an artist or a container; empty if Matplotlib made it or hides it."""
    label = artist.get_label()
    if not isinstance(label, str) or label.startswith("_"):
        return ""
    return words.cut(label)


def color_of(artist: Any) -> str | None:
    """Return the colour of any artist whose look we know."""
    from matplotlib.collections import Collection
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if isinstance(artist, Line2D):
        return looks.of_line(artist).color
    if isinstance(artist, Patch):
        return looks.of_patch(artist).color
    return looks.of_collection(artist).color if isinstance(artist, Collection) else None


def names_by_color(legend: Any) -> dict[str, str]:
    """Return the entries of a legend by the colours of their samples, where each has a colour of its own."""
    handles, texts = legend.legend_handles, legend.get_texts()
    if len(handles) != len(texts) or len(handles) > words.NAMES_LIMIT:
        return {}
    colors = [color_of(handle) for handle in handles]
    if len(set(colors)) < len(colors):
        return {}
    return {color: words.cut(text.get_text()) for color, text in zip(colors, texts, strict=True) if color}


def attempt(find: Callable[[], Any], otherwise: Any = None) -> Any:
    """Return what a function finds, or something else where it raises an Exception; but for OutOfTime."""
    try:
        return find()
    except OutOfTime:
        raise
    except Exception:  # noqa: BLE001 - the figure is the program's
        return otherwise
