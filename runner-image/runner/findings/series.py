"""The axes of a figure, and their data as series: what a reader tells apart, follows and reads off."""

from __future__ import annotations

import contextlib
import functools
import itertools
from typing import TYPE_CHECKING, Any, NamedTuple

from explain.drawn import OutOfTime
from explain.words import cut

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Artists of an axes that are looked at, of each kind.
ARTISTS_LIMIT = 2000

#: Characters of a text that a sentence shows.
SHOWN_LENGTH = 40

LINE, SCATTER, BARS = "line", "scatter", "bars"

#: Points of a series that are looked at, taken evenly.
POINTS_LIMIT = 4000

#: Series of an axes.
SERIES_LIMIT = 200


class Series(NamedTuple):
    """Points that belong together.

    Attributes:
        kind: line, scatter or bars.
        artist: Matplotlib's artist; of bars their container.
        label: Its name in a legend; empty if it has none.
        points: Rows of x and y on the canvas; of bars the middle of where they end.
        values: Rows of x and y as given, thinned likewise; not finite where a point is missing.
        masked: Whether each of them was masked by whoever made it.
        total: How many points there are.
        corners: Of bars two opposite corners each, on the canvas; else None.
    """

    kind: str
    artist: Any
    label: str
    points: Any
    values: Any
    masked: Any
    total: int
    corners: Any = None

    @property
    def name(self) -> str:
        """How a sentence calls it."""
        return f'the {self.kind} "{cut(self.label, SHOWN_LENGTH)}"' if self.label else f"a {self.kind}"


class Shape(NamedTuple):
    """A filled patch of an axes.

    Attributes:
        zorder: Its place in the order of drawing.
        colour: Red, green, blue and opacity.
        path: Its outline on the canvas.
        low: The lower left corner of a box that holds it.
        high: The upper right one.
    """

    zorder: float
    colour: Any
    path: Any
    low: Any
    high: Any

    def holds(self, x: float, y: float) -> bool:
        """Tell whether a place is within it."""
        if not (self.low[0] <= x <= self.high[0] and self.low[1] <= y <= self.high[1]):
            return False
        return bool(self.path.contains_point((x, y)))


class Plot:
    """An axes.

    Attributes:
        axes: Matplotlib's axes.
        number: As `Drawn.number_of` counts.
        role: plot, colorbar, twin, inset or secondary.
        frame: The box of its data area.
    """

    def __init__(self, axes: Any, number: int, role: str) -> None:
        self.axes = axes
        self.number = number
        self.role = role
        self.frame = axes.bbox.frozen()

    @functools.cached_property
    def series(self) -> list[Any]:
        """Its data, as `findings.series` says."""
        return series_of(self)

    @functools.cached_property
    def shapes(self) -> list[Shape]:
        """Its filled patches, the lowest first."""
        found = []
        for patch in itertools.islice(self.axes.patches, ARTISTS_LIMIT):
            with sheltered():
                if patch.get_visible() and patch.get_fill():
                    path = patch.get_transform().transform_path(patch.get_path())
                    low, high = path.vertices.min(0), path.vertices.max(0)
                    found.append(Shape(patch.get_zorder(), patch.get_facecolor(), path, low, high))
        return sorted(found, key=lambda shape: shape.zorder)

    @property
    def is_flat(self) -> bool:
        """Whether it has two straight axes."""
        return getattr(self.axes, "name", "") == "rectilinear"

    @property
    def is_on(self) -> bool:
        """Whether its axes and ticks are drawn."""
        return bool(self.axes.axison)

    def axis_of(self, letter: str) -> Any:
        """Return one of its axes; None if it has no such axis."""
        return getattr(self.axes, "_axis_map", {}).get(letter)


def sheltered() -> contextlib.AbstractContextManager[None]:
    """Let one artist that raises cost only itself; that the time is over isn't such a case."""
    return _Shelter()


class _Shelter(contextlib.AbstractContextManager[None]):
    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        return kind is not None and issubclass(kind, Exception) and not issubclass(kind, OutOfTime)


def series_of(plot: Plot) -> list[Series]:
    """Return the series of an axes: lines and scatter plots in data coordinates, and bars."""
    return list(itertools.islice(_series_of(plot), SERIES_LIMIT))


def _series_of(plot: Plot) -> Iterator[Series]:
    parts = {id(line) for group in plot.axes.containers for line in _marks_of(group)}
    for line in itertools.islice(plot.axes.lines, ARTISTS_LIMIT):
        with sheltered():
            if id(line) not in parts and line.get_visible() and is_in_data(line, plot.axes):
                yield _line(line)
    for group in itertools.islice(plot.axes.containers, ARTISTS_LIMIT):
        with sheltered():
            if type(group).__name__ == "BarContainer" and len(group):
                yield _bars(group)
    for artist in itertools.islice(plot.axes.collections, ARTISTS_LIMIT):
        with sheltered():
            if type(artist).__name__ == "PathCollection" and artist.get_visible() and len(artist.get_offsets()):
                yield _scatter(artist)


def _marks_of(group: Any) -> list[Any]:
    """Return lines of error bars that aren't the data: their caps."""
    if type(group).__name__ != "ErrorbarContainer":
        return []
    return list(group[1])


def is_in_data(line: Any, axes: Any) -> bool:
    """Tell whether both coordinates of a line are data; those of axhline and axvline aren't."""
    return tuple(line.get_transform().contains_branch_seperately(axes.transData)) == (True, True)


def label_of(artist: Any) -> str:
    """Return the name of an artist in a legend; empty for those that begin with an underscore."""
    label = artist.get_label()
    return label if isinstance(label, str) and not label.startswith("_") else ""


def thinned(array: Any, limit: int = POINTS_LIMIT) -> Any:
    """Return an array, or every so manieth of its rows, so that there are no more than a limit."""
    return array[:: -(-len(array) // limit)] if len(array) > limit else array


def _line(line: Any) -> Series:
    import numpy as np

    values = thinned(line.get_xydata())
    masked = thinned(_mask_of(line.get_xdata(orig=True)) | _mask_of(line.get_ydata(orig=True)))
    points = line.get_transform().transform(values)
    if len(masked) != len(values):
        masked = np.zeros(len(values), bool)
    return Series(LINE, line, label_of(line), points, values, masked, len(line.get_xydata()))


def _mask_of(given: Any) -> Any:
    import numpy as np

    return np.ma.getmaskarray(given).reshape(-1) if isinstance(given, np.ma.MaskedArray) else np.zeros(1, bool)


def _scatter(artist: Any) -> Series:
    import numpy as np

    offsets = artist.get_offsets()
    some = thinned(offsets)
    values = np.ma.getdata(some).astype(float)
    masked = np.ma.getmaskarray(some).any(1) & np.isfinite(values).all(1)
    points = artist.get_offset_transform().transform(values)
    points = np.where(masked[:, None], np.nan, points)
    return Series(SCATTER, artist, label_of(artist), points, values, masked, len(offsets))


def _bars(group: Any) -> Series:
    import numpy as np

    bars = list(itertools.islice(group.patches, POINTS_LIMIT))
    boxes = np.array([(bar.get_x(), bar.get_y(), bar.get_width(), bar.get_height()) for bar in bars], float)
    if group.orientation == "horizontal":
        values = np.column_stack((boxes[:, 0] + boxes[:, 2], boxes[:, 1] + boxes[:, 3] / 2))
    else:
        values = np.column_stack((boxes[:, 0] + boxes[:, 2] / 2, boxes[:, 1] + boxes[:, 3]))
    transform = bars[0].axes.transData.transform
    corners = np.concatenate((transform(boxes[:, :2]), transform(boxes[:, :2] + boxes[:, 2:])))
    masked = np.zeros(len(values), bool)
    return Series(BARS, group, label_of(group), transform(values), values, masked, len(group.patches), corners)
