"""Figures: which of those that a program leaves are sent, and how they are saved.

They are those that pyplot has open. If it has none, they are those that the program made with ``Figure()`` and that its
global names still lead to, directly or through lists, dicts, arrays, artists, canvases and objects of its own classes.
What pyplot once knew and has closed is not among them.
"""

from __future__ import annotations

import contextlib
import io
import re
import weakref
from typing import TYPE_CHECKING, Any

from explain import noted
from explain.noted import VECTOR_DPI, VECTORS, measured_by
from moving import animations
from result import Picture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from job import Job

#: Figures that come back at most, the last ones; the launcher takes no more.
FIGURE_LIMIT = 100
LABEL_LIMIT = 200

#: Objects looked at in search of figures.
SEARCH_LIMIT = 10_000
RASTERS = frozenset({"png", "jpeg", "webp"})
STRIP_ROWS = 256
BYTES_OF_A_PIXEL = 4
SVG_SALT = "figbox"


#: Links of an SVG that are served; the launcher refuses all others.
LINK_SCHEMES = frozenset({"http", "https", "mailto", "ftp"})
LINKS_ALLOWED = "They may begin with http:, https:, mailto: or ftp: alone."
LINK_SCHEME = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*):")
LINKS_SHOWN = 5

#: A canvas that is drawn only to find what a tight box holds may take this part of the job's memory.
CANVAS_SHARE = 2

#: Said of figures that are very large, since most of them were meant in pixels.
INCHES = "Sizes of figures are in inches: figsize=(8, 6) with dpi=100 gives 800 x 600 pixels."

TOO_LARGE = (
    "The picture is too large to be drawn: {} is {:g} x {:g} inches, which at {:g} dots per inch is {} x {} pixels{}. "
    "At most {} pixels (width x height) are allowed. "
) + INCHES


class TooManyPixels(Exception):
    """A picture that would have more pixels than allowed; the text says what makes it so large."""

    def __init__(self, text: str, pixels: int) -> None:
        super().__init__(text)
        self.pixels = pixels


class Figures:
    """The program's figures.

    Made before the program runs: what it replaces in Matplotlib's modules makes no difference here.

    Attributes:
        drawn: How many figures pyplot has seen.
        left_out: Whether ``choose`` has left any out that were asked for.
        remarks: What is to be said of what was saved.
        saved: What was saved and how, in the same order, if that is noted.
    """

    def __init__(self) -> None:
        from matplotlib._pylab_helpers import Gcf
        from matplotlib.figure import Figure

        self.drawn = 0
        self.left_out = False
        self.remarks: list[str] = []
        self.saved: list[noted.SavedFigure] = []
        self._notes = False
        self._captions: Any = None
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

        self._gcf._set_new_active_manager = classmethod(count_and_adopt)

    def note(self) -> None:
        """Note from now on how figures are saved."""
        self._notes = True

    def caption(self, captions: Any) -> None:
        """Put alternative texts into files from now on.

        Args:
            captions: The module `captions.captioned`, which few jobs load.
        """
        self._captions = captions

    def choose(self, *, all_figures: bool, names: Mapping[str, Any] | None) -> list[tuple[int, Any]]:
        """Return the figures to be sent, each with its number, in pyplot's order: the current one comes last.

        Args:
            all_figures: All of them instead of the current one.
            names: Global names of the program, searched when pyplot has no figure open; None: they aren't.
        """
        managers = self._gcf.get_all_fig_managers()
        found = [(manager.num if isinstance(manager.num, int) else 0, manager.canvas.figure) for manager in managers]
        if not found and names is not None:
            found = [(0, figure) for figure in find_figures(names) if figure not in self._known]
        self.left_out = all_figures and len(found) > FIGURE_LIMIT
        return found[-(FIGURE_LIMIT if all_figures else 1) :]

    def save(self, number: int, figure: Any, job: Job) -> Iterator[Picture]:
        """Save a figure in each of the formats asked for; animations last, since they change what is drawn.

        Not by way of pyplot: its draw_idle() draws the figure a second time, 12 ms for a line plot.

        Raises:
            TooManyPixels: It would be larger than what is served; nothing was drawn.
        """
        options = job.options
        if options.width_in is not None or options.height_in is not None:
            width, height = figure.get_size_inches()
            figure.set_size_inches(options.width_in or width, options.height_in or height)
        given = {"dpi": options.dpi, "bbox_inches": options.bbox_inches, "transparent": options.transparent or None}
        given = {name: value for name, value in given.items() if value is not None}
        label = str(figure.get_label())[:LABEL_LIMIT]
        files: dict[str, bytes] = {}
        with_text = self._captions.Captioned(figure) if self._captions else None
        for kind in options.formats:
            if kind in animations.FILMS:
                continue
            if kind == "svg":
                salt_identifiers()
            buffer = io.BytesIO()
            with (
                self._noted(figure, kind, job),
                self._checked(figure, kind, job),
                with_text.captioning(kind) if with_text else contextlib.nullcontext(),
            ):
                self._save(figure, buffer, format=kind, **given)
            files[kind] = buffer.getvalue()
            if with_text:
                files[kind] = with_text.saved(files[kind], kind, picture_dpi(figure, kind, options.dpi))
        if with_text and with_text.failed:
            self.remarks.append(self._captions.NOT_CAPTIONED)
        if films := [kind for kind in options.formats if kind in animations.FILMS]:
            with self._noted(figure, films[0], job):
                files |= self._save_animated(figure, films, job, given)
        for kind in options.formats:
            yield Picture(number, label, kind, files[kind])

    @contextlib.contextmanager
    def _noted(self, figure: Any, kind: str, job: Job) -> Iterator[None]:
        """Note how a figure is saved, if that is wanted and this is its first picture."""
        if not self._notes or kind != job.options.formats[0]:
            yield
            return
        import matplotlib as mpl

        with noted.tight_boxes(figure) as boxes:
            yield
        is_tight = (job.options.bbox_inches or mpl.rcParams["savefig.bbox"]) is not None
        dpi = picture_dpi(figure, kind, job.options.dpi)
        saved = noted.saved_as(figure, boxes[-1] if is_tight and boxes else None, dpi, whole_pixels=kind not in VECTORS)
        self.saved.append((figure, saved))

    def _checked(self, figure: Any, kind: str, job: Job) -> contextlib.AbstractContextManager[None]:
        return bounded(figure, job) if kind in RASTERS else links_served(figure, kind)

    def _save_animated(self, figure: Any, kinds: Sequence[str], job: Job, given: Mapping[str, Any]) -> dict[str, bytes]:
        """Return a figure's animation in some formats."""

        def save_frame(file: Any) -> None:
            with bounded(figure, job):
                self._save(figure, file, format="rgba", **given)

        with one_box(figure):
            files, remark = animations.draw(figure, kinds, save_frame, job.pixel_limit)
        if remark:
            self.remarks.append(remark)
        return files


@contextlib.contextmanager
def bounded(figure: Any, job: Job) -> Iterator[None]:
    """Refuse to draw a figure with too many pixels, before memory is taken for them.

    A tight box may be much smaller than the figure, or much larger, and is known only when the figure has been laid
    out on a canvas of its own size: that may have more pixels than what is served, as far as memory allows.
    """
    import matplotlib as mpl

    box = job.options.bbox_inches or mpl.rcParams["savefig.bbox"]
    dpi = saved_dpi(figure, job.options.dpi)
    limit = job.pixel_limit
    if not limit:
        yield
        return
    canvas_limit = limit
    if box is not None:
        canvas_limit = max(limit, job.memory_limit_bytes // CANVAS_SHARE // BYTES_OF_A_PIXEL)
    width_in, height_in = figure.get_size_inches()
    check_size("the figure", width_in, height_in, dpi, most=canvas_limit, limit=limit)
    measure = figure.get_tightbbox

    def measure_and_check(*given: Any, **named: Any) -> Any:
        found = measure(*given, **named)
        pad = 2 * mpl.rcParams["savefig.pad_inches"]
        check_size("what is drawn", found.width + pad, found.height + pad, dpi, most=limit, limit=limit)
        return found

    if box is None:
        yield
        return
    with measured_by(figure, measure_and_check):
        yield


@contextlib.contextmanager
def one_box(figure: Any) -> Iterator[None]:
    """Let a figure's tight box stay what it is at first, so that all frames of an animation have one size."""
    measure = figure.get_tightbbox
    boxes: list[Any] = []

    def measure_once(*given: Any, **named: Any) -> Any:
        if not boxes:
            boxes.append(measure(*given, **named))
        return boxes[0]

    with measured_by(figure, measure_once):
        yield


@contextlib.contextmanager
def links_served(figure: Any, kind: str) -> Iterator[None]:
    """Let a figure be saved as SVG without those of its links for which the launcher would refuse the whole file."""
    if kind != "svg":
        yield
        return
    import warnings

    removed: list[tuple[Any, Any]] = []
    for artist in figure.findobj(include_self=True):
        for read, write in (("get_url", "set_url"), ("get_urls", "set_urls")):
            given = getattr(artist, read, lambda: None)()
            addresses = [given] if isinstance(given, str) else list(given or ()) if read == "get_urls" else []
            refused = [address for address in addresses if is_refused(address)]
            if refused:
                shown = ", ".join(repr(address[:LABEL_LIMIT]) for address in refused[:LINKS_SHOWN])
                warnings.warn(f"Left out of the SVG: links to {shown}. {LINKS_ALLOWED}", stacklevel=1)
                removed.append((getattr(artist, write), given))
                getattr(artist, write)(
                    None if read == "get_url" else [None if is_refused(each) else each for each in addresses]
                )
    try:
        yield
    finally:
        for put_back, given in removed:
            put_back(given)


def is_refused(address: object) -> bool:
    """Return whether the launcher refuses a file with a link to an address; its own check has the same schemes."""
    if not isinstance(address, str):
        return False
    scheme = LINK_SCHEME.match("".join(address.split()))
    return scheme is not None and scheme[1].lower() not in LINK_SCHEMES


def saved_dpi(figure: Any, dpi: float | None) -> float:
    """Return the dots per inch at which a figure is saved; as ``print_figure`` chooses them."""
    import matplotlib as mpl

    chosen = mpl.rcParams["savefig.dpi"] if dpi is None else dpi
    return float(getattr(figure, "_original_dpi", figure.dpi) if chosen == "figure" else chosen)


def picture_dpi(figure: Any, kind: str, dpi: float | None) -> float:
    """Return the dots per inch of a figure's picture in a format, of SVG and PDF the points."""
    return VECTOR_DPI if kind in VECTORS else saved_dpi(figure, dpi)


def check_size(what: str, width_in: float, height_in: float, dpi: float, *, most: int, limit: int) -> None:
    """Raise TooManyPixels if a size in inches has more pixels than ``most``; the limit is what is told."""
    width, height = round(width_in * dpi), round(height_in * dpi)
    if width * height > most:
        hint = "" if what == "the figure" else ", because something lies far outside the figure and the box is tight"
        text = TOO_LARGE.format(what, round(width_in, 2), round(height_in, 2), dpi, width, height, hint, limit)
        raise TooManyPixels(text, width * height)


def salt_identifiers() -> None:
    """Let equal figures give equal SVG: its invisible identifiers are random where no salt is set.

    A salt that the program has set stays.
    """
    import matplotlib as mpl

    if mpl.rcParams["svg.hashsalt"] is None:
        mpl.rcParams["svg.hashsalt"] = SVG_SALT


def find_figures(names: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the figures that names lead to, each once, in the order in which they come."""
    from matplotlib.figure import Figure

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
    """Return what an object holds, where it is of a kind that is searched."""
    import numpy as np
    from matplotlib.artist import Artist
    from matplotlib.backend_bases import FigureCanvasBase

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


def with_digest(picture: Picture, memory_bytes: int) -> Picture:
    """Return the picture with a digest of its pixels: SHA-256 over the rows as RGBA, 8 bits each, frame by frame.

    Decoded from the file, since JPEG and WebP are lossy, and converted strip by strip. SVG and PDF have no pixels.

    Args:
        picture: What was saved.
        memory_bytes: What decoding may take; a picture that takes more gets no digest.
    """
    if picture.format not in RASTERS and picture.format not in animations.FILMS:
        return picture
    import hashlib

    from PIL import Image

    Image.MAX_IMAGE_PIXELS = None  # all drawing is done; the launcher counts the pixels
    digest = hashlib.sha256()
    try:
        with Image.open(io.BytesIO(picture.data)) as image:
            width, height = image.size
            if BYTES_OF_A_PIXEL * width * height > memory_bytes:
                return picture
            for number in range(getattr(image, "n_frames", 1)):
                image.seek(number)
                for top in range(0, height, STRIP_ROWS):
                    strip = image.crop((0, top, width, min(height, top + STRIP_ROWS)))
                    digest.update(strip.convert("RGBA").tobytes())
    except Exception:  # noqa: BLE001 - the program may spoil what is saved; the launcher's check says how
        return picture
    return picture._replace(pixels_sha256=digest.hexdigest())
