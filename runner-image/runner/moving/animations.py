"""Which animation a figure has, and its frames.

Matplotlib draws them, by ``Animation.save``; instead of a writer that would start another program it gets one of ours,
which hands each frame to the files that were asked for. So all of them have the same frames, drawn once.
"""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import TYPE_CHECKING, Any

from moving.apng import Apng
from moving.awebp import AnimatedWebP
from moving.film import DELAY_LIMIT_MS
from moving.gif import Gif
from moving.pixels import Pixels

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from PIL.Image import Image

    from moving.film import Film

FILMS: dict[str, type[Film]] = {"gif": Gif, "apng": Apng, "awebp": AnimatedWebP}

#: Most frames, and how many times the pixels of one picture they may have together; the launcher takes no more.
FRAME_LIMIT = 1000
FRAMES_SHARE = 8

#: Matplotlib's own, for an animation of another kind.
USUAL_INTERVAL_MS = 200

CUT = (
    "The animation has more frames than come back: the first {} are shown. At most {} frames are allowed, and at most "
    "{} pixels of all of them together. Give FuncAnimation fewer frames, or save_count, or lower the figure's dpi."
)

#: A canvas's attribute; here it keeps its figure's animation alive as long as the figure.
KEPT = "_animation_of_figure"


class _Enough(BaseException):
    """There are as many frames as are allowed; not an error that code may handle."""


def keep(formats: Sequence[str]) -> None:
    """Let figures keep the last animation that is made for them, if a format asks for it.

    So it is there at the end, even if the program keeps none of its own.

    An animation waits for its figure to be drawn, and the figure knows it by that, but doesn't keep it.
    """
    if FILMS.keys().isdisjoint(formats):
        return
    from matplotlib.backend_bases import FigureCanvasBase

    canvas: Any = FigureCanvasBase
    connect = canvas.mpl_connect

    @functools.wraps(connect)
    def connect_and_keep(self: Any, s: str, func: Any) -> Any:
        owner = getattr(func, "__self__", None)
        module = sys.modules.get("matplotlib.animation")
        if s == "draw_event" and module is not None and isinstance(owner, module.Animation):
            setattr(self, KEPT, owner)
        return connect(self, s, func)

    canvas.mpl_connect = connect_and_keep


def draw(
    figure: Any, kinds: Sequence[str], save: Callable[[Pixels], None], pixel_limit: int
) -> tuple[dict[str, bytes], str]:
    """Draw the frames of a figure's animation; without an animation there is one, the figure.

    Args:
        figure: Any.
        kinds: Names of formats.
        save: Draws the figure as it is, as raw pixels.
        pixel_limit: Most pixels of one frame; 0 is any number.

    Returns:
        The files by their formats, and what is to be said of them; empty if nothing is.
    """
    films = {kind: FILMS[kind]() for kind in kinds}
    animation: Any = getattr(figure.canvas, KEPT, None)
    frames = _Frames(list(films.values()), _interval_ms(animation), save, pixel_limit)
    remark = ""
    if animation is not None:
        try:
            animation.save("film", writer=frames)
        except _Enough:
            pixels = f"{FRAMES_SHARE * pixel_limit}"
            remark = CUT.format(frames.count, FRAME_LIMIT, pixels if pixel_limit else "any number of")
    if not frames.count:
        frames.grab_frame()
    repeat = bool(getattr(animation, "_repeat", True))
    frames.end(_milliseconds(getattr(animation, "_repeat_delay", 0), 0) if repeat else 0)
    return {kind: film.finish(repeat=repeat) for kind, film in films.items()}, remark


def _interval_ms(animation: Any) -> int:
    """Return the time between frames; Matplotlib divides by it, so that it can't stay zero."""
    interval = _milliseconds(getattr(animation, "_interval", USUAL_INTERVAL_MS), USUAL_INTERVAL_MS)
    if animation is not None:
        animation._interval = max(1, interval)
    return max(1, interval)


def _milliseconds(value: Any, otherwise: int) -> int:
    """Return a time that the program has chosen, within what files can say."""
    try:
        rounded = int(value + 0.5)
    except (TypeError, ValueError, OverflowError):
        return otherwise
    return max(0, min(rounded, DELAY_LIMIT_MS))


class _Frames:
    """Takes the frames, in place of one of Matplotlib's writers.

    Attributes:
        count: How many there were.
    """

    def __init__(
        self, films: Sequence[Film], interval_ms: int, save: Callable[[Pixels], None], pixel_limit: int
    ) -> None:
        self.count = 0
        self._films = films
        self._interval_ms = interval_ms
        self._save = save
        self._pixel_limit = pixel_limit
        self._most = FRAME_LIMIT
        self._pending: Image | None = None

    @contextlib.contextmanager
    def saving(self, *_: Any) -> Any:
        """Do nothing before the first frame, and after the last."""
        yield self

    def _supports_transparency(self) -> bool:
        """Matplotlib asks: it would paint the background white."""
        return True

    def grab_frame(self, **_: Any) -> None:
        """Take the figure as it is drawn now; a frame of another size is cut, or filled up, to that of the first."""
        if self.count >= self._most:
            raise _Enough
        pixels = Pixels()
        self._save(pixels)
        frame = pixels.picture()
        if self._pending is None:
            if self._pixel_limit:
                self._most = min(FRAME_LIMIT, FRAMES_SHARE * self._pixel_limit // (frame.width * frame.height))
        else:
            if frame.size != self._pending.size:
                frame = frame.crop((0, 0, *self._pending.size))
            self._add(self._interval_ms)
        self._pending = frame
        self.count += 1

    def end(self, delay_ms: int) -> None:
        """Pass the last frame on, which stays longer."""
        self._add(min(self._interval_ms + delay_ms, DELAY_LIMIT_MS))

    def _add(self, delay_ms: int) -> None:
        if self._pending is not None:
            for film in self._films:
                film.add(self._pending, delay_ms)
