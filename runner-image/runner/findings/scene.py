"""What the checks look at: the texts of a figure as they are written, and its axes.

All lengths are in pixels of the picture (points for SVG and PDF), all places on the figure's canvas, from its lower
left corner; `Scene.box` turns them into places on the picture.
"""

from __future__ import annotations

import functools
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from explain.words import Box, cut

from findings.series import ARTISTS_LIMIT, SHOWN_LENGTH, Plot, sheltered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from explain.drawn import Drawn

ERROR, WARNING, NOTE = "error", "warning", "note"

#: Texts that are looked at, ticks of an axis.
TEXTS_LIMIT = 3000
TICKS_LIMIT = 300

#: Artists of an axes that is looked at: its lists are put together anew whenever they are asked for.
CHILDREN_LIMIT = 20_000

#: Subfigures within subfigures that are looked into.
DEPTH_LIMIT = 4

#: Opacity and size in points of texts that lie over a figure and are meant to be seen through.
WATERMARK_ALPHA, WATERMARK_POINTS = 0.7, 20.0

#: Axes that a sentence names.
NAMED_AXES = 6

#: Roles of texts.
TITLE, FIGURE_TITLE, LABEL, TICK, OFFSET = "title", "figure title", "axis label", "tick label", "offset of the axis"
LEGEND, TEXT, ANNOTATION, CELL = "legend entry", "text", "annotation", "table cell"


class Written(NamedTuple):
    """A text that is drawn.

    Attributes:
        artist: Matplotlib's text.
        text: What it says.
        role: What it is for.
        number: Of its axes; 0 if it belongs to the figure.
        axis: "x", "y" or "z" of labels and ticks; else empty.
        extent: The box around it, upright.
    """

    artist: Any
    text: str
    role: str
    number: int
    axis: str
    extent: Any

    @property
    def name(self) -> str:
        """How a sentence calls it."""
        role = f"{self.axis} {self.role}" if self.axis else self.role
        return f'the {role} "{cut(self.text, SHOWN_LENGTH)}"'


class Scene:
    """A figure as the checks see it.

    Attributes:
        drawn: The figure on its picture.
        figure: Matplotlib's figure.
    """

    def __init__(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.figure = drawn.figure

    @functools.cached_property
    def plots(self) -> list[Plot]:
        """All axes that are visible; those with more artists than `CHILDREN_LIMIT` are left out."""
        found = []
        seen: list[Any] = []
        for number, axes in enumerate(self.drawn.axes, 1):
            self.drawn.check_time()
            with sheltered():
                if axes.get_visible() and len(axes._children) <= CHILDREN_LIMIT:
                    found.append(Plot(axes, number, _role_of(axes, self.figure, seen)))
            seen.append(axes)
        return found

    @functools.cached_property
    def texts(self) -> list[Written]:
        """All texts that are visible, empty ones left out."""
        return list(itertools.islice(self._texts(), TEXTS_LIMIT))

    @functools.cached_property
    def legends(self) -> list[tuple[Any, int]]:
        """Legends, each with the number of its axes, 0 for those of the figure."""
        found = []
        for plot in self.plots:
            legend = plot.axes.get_legend()
            others = [each for each in plot.axes.artists if type(each).__name__ == "Legend"]
            found += [(each, plot.number) for each in (*([legend] if legend else ()), *others) if each.get_visible()]
        for part in figures_of(self.figure):
            found += [(each, 0) for each in part.legends if each.get_visible()]
        return found

    def ticks(self, number: int, letter: str) -> list[str]:
        """Return what is written at the ticks of an axis."""
        return [each.text for each in self.texts if (each.role, each.number, each.axis) == (TICK, number, letter)]

    def plot(self, number: int) -> Plot | None:
        """Return the axes with a number; None if there is none or it is invisible."""
        return next((plot for plot in self.plots if plot.number == number), None)

    def box(self, extent: Any) -> Box | None:
        """Return where a part of the canvas is in the picture."""
        return self.drawn.on_picture(extent) if extent is not None else None

    def is_within(self, extent: Any) -> bool:
        """Tell whether the whole of an area of the canvas is in the picture."""
        saved = self.drawn.saved
        right, bottom = saved.left + saved.width, saved.top - saved.height
        return bool(extent.x0 >= saved.left and extent.x1 <= right and extent.y0 >= bottom and extent.y1 <= saved.top)

    def _texts(self) -> Iterator[Written]:
        if self.drawn.is_stale:
            self._place_labels()
        legends: dict[int, Any] = {}
        for legend, _ in self.legends if self.drawn.is_stale else ():
            legends |= dict.fromkeys(map(id, (*legend.get_texts(), legend.get_title())), legend)
        for artist, role, number, axis in self._artists():
            self.drawn.check_time()
            with sheltered():
                text = artist.get_text() if artist.get_visible() else ""
                if not isinstance(text, str) or not text.strip() or artist.get_alpha() == 0:
                    continue
                extent = self._extent_of(artist)
                if extent is not None and extent.width and extent.height:
                    written = Written(artist, text, role, number, axis, extent)
                    legend = legends.get(id(artist))
                    yield written if legend is None else self._place_entry(written, legend)

    def _extent_of(self, artist: Any) -> Any:
        """Return the box of a text; of an annotation without its arrow and its box."""
        if not hasattr(artist, "xyann"):
            return self.drawn.extent(artist)
        from matplotlib.text import Text

        # As each drawing does: the distance from its point is in pixels of the last one.
        artist.set_transform(artist._get_xy_transform(self.drawn.renderer, artist.anncoords))
        return Text.get_window_extent(artist, self.drawn.renderer)

    def _place_labels(self) -> None:
        """Put labels of axes where they are in the picture, as every drawing does."""
        for plot in self.plots:
            for axis in getattr(plot.axes, "_axis_map", {}).values():
                self.drawn.check_time()
                with sheltered():
                    axis.get_tightbbox(self.drawn.renderer)

    def _place_entry(self, written: Written, legend: Any) -> Written:
        """Return an entry of a legend where it is in the picture, from where it was drawn in its legend."""
        now: Any = self.drawn.extent(legend)
        then, extent = legend.legendPatch.get_bbox(), written.extent
        scale = now.width / then.width
        x, y = now.x0 + (extent.x0 - then.x0) * scale, now.y0 + (extent.y0 - then.y0) * scale
        return written._replace(extent=type(extent).from_bounds(x, y, extent.width, extent.height))

    def _artists(self) -> Iterator[tuple[Any, str, int, str]]:
        for part in figures_of(self.figure):
            headings = [getattr(part, name, None) for name in ("_suptitle", "_supxlabel", "_supylabel")]
            for text in itertools.islice(part.texts, TEXTS_LIMIT):
                yield text, FIGURE_TITLE if any(text is each for each in headings) else TEXT, 0, ""
        for plot in self.plots:
            yield from _sheltered_list(lambda plot=plot: _texts_of(plot))  # type: ignore[misc]
        for legend, number in self.legends:
            title = legend.get_title()
            yield from ((text, LEGEND, number, "") for text in (*legend.get_texts()[:TICKS_LIMIT], title))


def _sheltered_list(make: Callable[[], Iterable[Any]]) -> list[Any]:
    found: list[Any] = []
    with sheltered():
        found.extend(make())
    return found


def figures_of(figure: Any, depth: int = 0) -> Iterator[Any]:
    """Yield a figure and its subfigures."""
    yield figure
    if depth < DEPTH_LIMIT:
        for part in figure.subfigs[:ARTISTS_LIMIT]:
            yield from figures_of(part, depth + 1)


def _role_of(axes: Any, figure: Any, seen: list[Any]) -> str:
    if getattr(axes, "_colorbar", None) is not None or axes.get_label() == "<colorbar>":
        return "colorbar"
    if hasattr(axes, "_parent") and hasattr(axes, "_functions"):
        return "secondary"
    if axes not in figure.axes:
        return "inset"
    twins = axes._twinned_axes.get_siblings(axes)
    return "twin" if any(each is other for each in twins for other in seen) else "plot"


def _texts_of(plot: Plot) -> Iterator[tuple[Any, str, int, str]]:
    """Yield the texts of an axes but for its legend's: with their role, its number, and the letter of their axis."""
    axes, number = plot.axes, plot.number
    for title in (axes.title, getattr(axes, "_left_title", None), getattr(axes, "_right_title", None)):
        if title is not None:
            yield title, TITLE, number, ""
    if plot.is_on:
        for letter, axis in axes._axis_map.items():
            if axis.get_visible():
                yield axis.label, LABEL, number, letter
                yield axis.offsetText, OFFSET, number, letter
                yield from ((label, TICK, number, letter) for label in tick_labels(axis))
    for text in itertools.islice(axes.texts, TEXTS_LIMIT):
        if in_view(text):
            yield text, ANNOTATION if hasattr(text, "xyann") else TEXT, number, ""
    for table in axes.tables:
        for cell in itertools.islice(table.get_celld().values(), TEXTS_LIMIT):
            yield cell.get_text(), CELL, number, ""


def in_view(text: Any) -> bool:
    """Tell whether a text is drawn where it says: not those in three dimensions, nor of points outside the axes."""
    check = getattr(text, "_check_xy", None)
    return bool(check()) if check is not None else not hasattr(text, "_dir_vec")


def tick_labels(axis: Any) -> list[Any]:
    """Return the labels of the ticks within an axis's limits, as they were drawn last."""
    scale = axis.get_transform().transform
    low, high = sorted(scale(axis.get_view_interval()))
    slack = (high - low) * 1e-9
    every: list[Any] = []
    if any(_has_label(tick) for tick in axis.majorTicks[:TICKS_LIMIT]):
        every += axis.majorTicks[: min(len(axis.get_majorticklocs()), TICKS_LIMIT)]
    if any(_has_label(tick) for tick in axis.minorTicks[:TICKS_LIMIT]):
        every += axis.minorTicks[: min(len(axis.get_minorticklocs()), TICKS_LIMIT)]
    drawn = [tick for tick in every if tick.get_visible() and low - slack <= scale(tick.get_loc()) <= high + slack]
    return [label for tick in drawn for label in (tick.label1, tick.label2) if label.get_visible()]


def _has_label(tick: Any) -> bool:
    return any(label.get_visible() and label.get_text() for label in (tick.label1, tick.label2))


def union(extents: Iterable[Any]) -> Any | None:
    """Return the box around some boxes; None for none."""
    from matplotlib.transforms import Bbox

    every = [extent for extent in extents if extent is not None]
    return Bbox.union(every) if every else None


def listed(numbers: Iterable[int]) -> str:
    """Return how a sentence names some axes: "axes 1", "axes 1, 2 and 5"."""
    every = sorted(set(numbers))
    names = [str(number) for number in every[:NAMED_AXES]]
    if len(every) > NAMED_AXES:
        names.append(f"{len(every) - NAMED_AXES} more")
    return "axes " + " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def count_of(number: int, noun: str) -> str:
    """Return how a sentence counts things: "1 more text", "3 more texts"."""
    return f"{number} more {noun}{'' if number == 1 else 's'}"


def is_watermark(text: Any) -> bool:
    """Tell whether a text is meant to be seen through: large and faint."""
    alpha = text.get_alpha()
    return alpha is not None and alpha < WATERMARK_ALPHA and text.get_fontsize() >= WATERMARK_POINTS


def capitalised(sentence: str) -> str:
    """Return a sentence with a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]
