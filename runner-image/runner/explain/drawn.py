"""A figure as it lies on the picture that was saved of it.

To be used after the figure was saved: its layout is final then, and its texts have been measured. Nothing here draws.
"""

from __future__ import annotations

import contextlib
import functools
import math
import time
from typing import TYPE_CHECKING, Any, NamedTuple

from explain.marks import layout_of, layouts_kept
from explain.noted import VECTOR_DPI
from explain.words import AXES_LIMIT, Box

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What a box is rounded to, in pixels or points.
BOX_DIGITS = 1

#: The box of a collection of one shape at more places is found from these and the largest shape, which takes less time
#: than looking at each: 4000 points took a tenth of their drawing.
SHAPES_LIMIT = 500


class OutOfTime(Exception):
    """Explaining a figure took longer than it may."""


class Saved(NamedTuple):
    """How the first picture of a figure was saved.

    Attributes:
        dpi: Dots per inch; 72 for SVG and PDF, whose unit is the point.
        left: The picture's left edge on the figure's canvas, in its unit.
        top: Its upper edge there, counted from below.
        width: Of the picture.
        height: Likewise.
    """

    dpi: float
    left: float
    top: float
    width: float
    height: float


class Drawn:
    """A figure on its first picture; to be used within `as_saved`.

    Args:
        figure: What was saved.
        saved: How.
        seconds: Processor time that explaining it may take.

    Attributes:
        axes: Its axes in their order, insets included, as many as are described.
        axes_left_out: How many more there are.
        renderer: Measures text.
    """

    def __init__(self, figure: Any, saved: Saved, seconds: float) -> None:
        self.figure = figure
        self.saved = saved
        self.renderer = _renderer_of(figure, saved)
        every = list(_axes_of(figure))
        self.axes = every[:AXES_LIMIT]
        self.axes_left_out = len(every) - len(self.axes)
        self._ends_at = time.process_time() + seconds
        self._extents: dict[int, Any] = {}

    def check_time(self) -> None:
        """Raise OutOfTime if the time is over; to be called in every loop over what the program made."""
        if time.process_time() > self._ends_at:
            raise OutOfTime

    def number_of(self, axes: Any) -> int:
        """Return the number of an axes, counted from 1; 0 if it isn't among those described."""
        return next((number for number, each in enumerate(self.axes, 1) if each is axes), 0)

    def extent(self, artist: Any) -> Any | None:
        """Return the bounding box of an artist on the canvas, uncut; None if it is invisible, empty or not finite.

        It is kept, since some take long to find.
        """
        key = id(artist)
        if key not in self._extents:
            self.check_time()
            self._extents[key] = self._find_extent(artist)
        return self._extents[key]

    def _find_extent(self, artist: Any) -> Any | None:
        if not artist.get_visible():
            return None
        with contextlib.suppress(Exception):
            found = self._known_extent(artist) or artist.get_window_extent(self.renderer)
            if all(map(math.isfinite, found.extents)) and (found.width or found.height):
                return found if found.width >= 0 <= found.height else _turned(found)  # a mesh, if an axis is inverted
        return None

    def _known_extent(self, artist: Any) -> Any | None:
        """Return the bounding box of a text or a legend from its last layout, or of a collection; None of others.

        A layout isn't known if the last picture had another resolution. An arrow isn't part of a text's layout. A text
        in three dimensions is drawn elsewhere than where it says it is. A legend would look for its best place again;
        it has to if it was drawn elsewhere than in the picture.
        """
        from matplotlib.collections import Collection

        if isinstance(artist, Collection):
            return _around(artist, self.saved.dpi / (self._drawn_at or self.saved.dpi))
        frame = getattr(artist, "legendPatch", None)
        if frame is not None:
            texts = artist.get_texts()
            known = bool(texts) and not self.is_stale and layout_of(texts[0], self.saved.dpi) is not None
            return frame.get_bbox() if known else None
        layout = layout_of(artist, self.saved.dpi)
        if layout is None or getattr(artist, "arrow_patch", None) is not None or hasattr(artist, "get_position_3d"):
            return None
        x, y = artist.get_transform().transform(artist.get_unitless_position())
        return layout.translated(x, y)

    @functools.cached_property
    def is_stale(self) -> bool:
        """Whether the figure was drawn last in another place or at another size than in the picture.

        Labels of axes, legends and their entries have kept their pixels of that drawing: a tight box moves all of them,
        and formats differ in their dots per inch.
        """
        saved = self.saved
        whole = saved.left == 0 and abs(saved.top - self.figure.bbox.height) < 1
        return not whole or self._drawn_at not in (None, saved.dpi)

    @functools.cached_property
    def _drawn_at(self) -> float | None:
        """The dots per inch of the figure's last drawing; None if that isn't known."""
        return next((_drawn_at(axes.title) for axes in self.axes[:1]), None)

    def box(self, artist: Any) -> Box | None:
        """Return where an artist is in the picture, as far as it is visible there; None if it isn't."""
        found = self.extent(artist)
        if found is None:
            return None
        if artist.get_clip_on() and (clip := artist.get_clip_box()) is not None:
            return self.on_picture(found, clip)
        return self.on_picture(found)

    def on_picture(self, extent: Any, clip: Any | None = None) -> Box | None:
        """Return the part of an area of the canvas that is in the picture; None if there is none."""
        saved = self.saved
        x0, y0, x1, y1 = extent.x0, extent.y0, extent.x1, extent.y1
        if clip is not None:
            x0, x1 = max(x0, clip.x0), min(x1, clip.x1)
            y0, y1 = max(y0, clip.y0), min(y1, clip.y1)
        left, right = max(x0 - saved.left, 0.0), min(x1 - saved.left, saved.width)
        upper, lower = max(saved.top - y1, 0.0), min(saved.top - y0, saved.height)
        if right < left or lower < upper:
            return None
        sides = (left, upper, right - left, lower - upper)
        return Box(*(round(float(side), BOX_DIGITS) for side in sides))


@contextlib.contextmanager
def as_saved(figure: Any, saved: Saved) -> Iterator[None]:
    """Give a figure the dots per inch of its picture for a while."""
    before = figure.dpi
    figure._set_dpi(saved.dpi, forward=False)
    try:
        with layouts_kept():
            yield
    finally:
        figure._set_dpi(before, forward=False)


@contextlib.contextmanager
def without_warnings() -> Iterator[None]:
    """Let nothing warn for a while, nor fail because the program wants errors for warnings.

    Python isn't told to forget which warnings it has shown, as ``catch_warnings`` does: the figure's next picture would
    show them again. Source: CPython, Python/_warnings.c, ``already_warned``.
    """
    import warnings

    import numpy as np

    before = warnings.filters
    warnings.filters = [("ignore", None, Warning, None, 0)]
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        warnings.filters = before


def _axes_of(figure: Any) -> Iterator[Any]:
    """Yield the axes of a figure, each followed by its insets."""
    for axes in figure.axes:
        yield axes
        for child in axes.child_axes:
            if child not in figure.axes:
                yield child


def _turned(box: Any) -> Any:
    """Return a bounding box whose edges may be exchanged with its edges in their order."""
    from matplotlib.transforms import Bbox

    return Bbox.from_extents(box.xmin, box.ymin, box.xmax, box.ymax)


def _around(collection: Any, scale: float) -> Any | None:
    """Return the bounding box of a collection's shapes on the canvas, without their edges' widths; None of a mesh.

    `Collection.get_window_extent` knows it only of shapes that lie in the data and have no places of their own.

    Args:
        collection: The shapes.
        scale: By how much those whose size is in points are larger in the picture than when they were drawn last.
    """
    import numpy as np
    from matplotlib.collections import QuadMesh
    from matplotlib.path import get_path_collection_extents
    from matplotlib.transforms import Affine2D, Bbox

    if isinstance(collection, QuadMesh):
        return None
    transform, to_places, places, paths = collection._prepare_points()
    sizes = np.array(collection.get_transforms(), float).reshape(-1, 3, 3)
    sizes[:, :2, :2] *= scale
    if len(places) > SHAPES_LIMIT and len(paths) == 1:
        largest = sizes[[abs(sizes[:, 0, 0]).argmax()]] if len(sizes) else sizes
        shape = get_path_collection_extents(transform.frozen(), paths, largest, np.zeros((1, 2)), Affine2D())
        known = to_places.transform(places[np.isfinite(places).all(axis=1)])
        return Bbox([known.min(axis=0) + shape.min, known.max(axis=0) + shape.max])
    return get_path_collection_extents(transform.frozen(), paths, sizes, places, to_places.frozen())


def _drawn_at(text: Any) -> float | None:
    """Return the dots per inch of the last drawing of a text; None if there was none."""
    from matplotlib.backends.backend_agg import RendererAgg

    renderer = getattr(text, "_renderer", None)
    if renderer is None:
        return None
    return float(renderer.dpi) if isinstance(renderer, RendererAgg) else VECTOR_DPI


def _renderer_of(figure: Any, saved: Saved) -> Any:
    """Return what texts were measured with when the figure was saved, which keeps the measures; or another one."""
    from matplotlib.backends.backend_agg import RendererAgg

    make: Any = RendererAgg
    for axes in figure.axes[:1]:
        renderer = getattr(axes.title, "_renderer", None)
        if isinstance(renderer, RendererAgg) and renderer.dpi == saved.dpi:
            return renderer
    return make(1, 1, saved.dpi)
