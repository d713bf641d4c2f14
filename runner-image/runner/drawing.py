"""Figures: which of those that a program leaves are the answer, and how they are saved.

The figures are those that pyplot has open. A program may also do without pyplot: then those are meant that it made
with ``Figure()`` and that its global names still lead to, directly or by way of lists, dicts, arrays, artists, canvases
and objects of its own classes. What pyplot once knew and has closed is not among them.
"""

from __future__ import annotations

import io
import weakref
from typing import TYPE_CHECKING, Any

from verdict import Drawn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from job import SaveOptions

FIGURE_LIMIT = 32
"""Figures that come back at most, of all of them the last; the gateway takes no more."""
LABEL_LIMIT = 200
SEARCH_LIMIT = 10_000
"""Objects looked at in search of figures."""
RASTERS = frozenset({"png", "jpeg", "webp"})
STRIP_ROWS = 256
BYTES_OF_A_PIXEL = 4
SVG_SALT = "figbox"


class Studio:
    """Takes its tools before the program runs, so that what it replaces in Matplotlib's modules can't confuse us.

    Attributes:
        drawn: figures that pyplot has seen.
    """

    def __init__(self) -> None:
        from matplotlib._pylab_helpers import Gcf  # noqa: PLC0415  # only after the measured import
        from matplotlib.figure import Figure  # noqa: PLC0415

        self.drawn = 0
        self._gcf: Any = Gcf
        self._save: Callable[..., None] = Figure.savefig
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def count(self) -> None:
        """Count every figure that pyplot opens from now on."""
        adopt = vars(self._gcf)["_set_new_active_manager"].__func__

        def count_and_adopt(cls: Any, manager: Any) -> None:
            self.drawn += 1
            self._known.add(manager.canvas.figure)
            adopt(cls, manager)

        self._gcf._set_new_active_manager = classmethod(count_and_adopt)  # noqa: SLF001

    def choose(self, *, all_figures: bool, names: Mapping[str, Any] | None) -> list[tuple[int, Any]]:
        """Figures that are the answer, each with its number, in pyplot's order: the current one comes last.

        Args:
            all_figures: all of them instead of the current one.
            names: global names of the program, to be searched when pyplot has no figure open; None: don't.
        """
        managers = self._gcf.get_all_fig_managers()
        found = [(manager.num if isinstance(manager.num, int) else 0, manager.canvas.figure) for manager in managers]
        if not found and names is not None:
            found = [(0, figure) for figure in find_figures(names) if figure not in self._known]
        return found[-(FIGURE_LIMIT if all_figures else 1) :]

    def save(self, number: int, figure: Any, options: SaveOptions) -> Iterator[Drawn]:
        """Save a figure in each of the formats asked for.

        Not by way of pyplot: its draw_idle() draws the figure a second time, 12 ms for a line plot.
        """
        if options.width_in is not None or options.height_in is not None:
            width, height = figure.get_size_inches()
            figure.set_size_inches(options.width_in or width, options.height_in or height)
        given = {"dpi": options.dpi, "bbox_inches": options.bbox_inches, "transparent": options.transparent or None}
        given = {name: value for name, value in given.items() if value is not None}
        label = str(figure.get_label())[:LABEL_LIMIT]
        for kind in options.formats:
            if kind == "svg":
                salt_identifiers()
            picture = io.BytesIO()
            self._save(figure, picture, format=kind, **given)
            yield Drawn(number, label, kind, picture.getvalue())


def salt_identifiers() -> None:
    """Let equal figures give equal SVG: identifiers come from random numbers where no salt is set.

    They show in no picture. A salt that the program has set stays.
    """
    import matplotlib as mpl  # noqa: PLC0415

    if mpl.rcParams["svg.hashsalt"] is None:
        mpl.rcParams["svg.hashsalt"] = SVG_SALT


def find_figures(names: Mapping[str, Any]) -> Iterator[Any]:
    """Figures that names lead to, each once, in the order in which they come."""
    from matplotlib.figure import Figure  # noqa: PLC0415

    seen: set[int] = set()
    pending = list(names.values())[::-1]
    while pending and len(seen) < SEARCH_LIMIT:
        thing = pending.pop()
        if id(thing) in seen:
            continue
        seen.add(id(thing))
        if isinstance(thing, Figure):
            yield thing
        else:
            pending += parts_of(thing)[::-1]


def parts_of(thing: Any) -> list[Any]:
    """What an object holds, where it is of a kind that is searched."""
    import numpy as np  # noqa: PLC0415
    from matplotlib.artist import Artist  # noqa: PLC0415
    from matplotlib.backend_bases import FigureCanvasBase  # noqa: PLC0415

    parts: Any = ()
    if isinstance(thing, Artist):
        parts = (thing.get_figure(root=True),)
    elif isinstance(thing, FigureCanvasBase):
        parts = (thing.figure,)
    elif isinstance(thing, dict):
        parts = thing.values()
    elif isinstance(thing, (list, tuple)):
        parts = thing
    elif isinstance(thing, np.ndarray) and thing.dtype == object:
        parts = thing.ravel()
    elif type(thing).__module__ == "__main__" and not isinstance(thing, type):
        parts = getattr(thing, "__dict__", {}).values()
    return list(parts)


def with_digest(picture: Drawn, memory_bytes: int) -> Drawn:
    """The picture with a digest of its pixels: SHA-256 over the rows as RGBA, 8 bits each.

    Decoded from the file, since JPEG and WebP lose some, and converted strip by strip. SVG and PDF have no pixels.

    Args:
        picture: what was saved.
        memory_bytes: what decoding may take; a picture that takes more stays without.
    """
    if picture.format not in RASTERS:
        return picture
    import hashlib  # noqa: PLC0415

    from PIL import Image  # noqa: PLC0415

    Image.MAX_IMAGE_PIXELS = None  # all drawing is done; the gateway counts the pixels
    digest = hashlib.sha256()
    try:
        with Image.open(io.BytesIO(picture.data)) as image:
            width, height = image.size
            if BYTES_OF_A_PIXEL * width * height > memory_bytes:
                return picture
            for top in range(0, height, STRIP_ROWS):
                strip = image.crop((0, top, width, min(height, top + STRIP_ROWS)))
                digest.update(strip.convert("RGBA").tobytes())
    except Exception:  # noqa: BLE001  # the program has a hand in what is saved; the gateway's check says what is wrong
        return picture
    return picture._replace(pixels_sha256=digest.hexdigest())
