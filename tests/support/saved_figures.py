"""Figures as files: saved the way the runner saves them."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.animation import FuncAnimation

from tests.support.figures import FIGURES, everything_else, lines
from tests.support.runner import runner_modules

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matplotlib.figure import Figure
    from PIL.Image import Image

#: Formats that the runner puts together itself.
ANIMATED = ("gif", "apng", "awebp")

#: Ways to save that change what a file is made of: options of `savefig`, and parameters.
WAYS: tuple[tuple[dict[str, Any], dict[str, Any]], ...] = (
    ({}, {}),
    ({"bbox_inches": "tight", "dpi": 60}, {"svg.fonttype": "none", "pdf.fonttype": 42}),
    ({"transparent": True, "dpi": 37.5}, {"pdf.compression": 0, "svg.hashsalt": "salt"}),
    ({}, {"pdf.use14corefonts": True, "font.family": "Helvetica", "path.sketch": (1, 100, 2)}),
)


def saved(kind: str, figure: Callable[[], Figure] = lines, way: int = 0) -> bytes:
    """Return a figure as a file of some format; where that is an animation, its title moves."""
    options, parameters = WAYS[way]
    out = io.BytesIO()
    with mpl.rc_context(parameters):
        drawn = figure()
        if kind in ANIMATED:
            return animated(kind, frames_of(drawn, options))
        drawn.savefig(out, format=kind, **options)
    return out.getvalue()


def frames_of(figure: Figure, options: dict[str, Any]) -> list[Image]:
    """Return three frames of a figure whose title moves."""

    class Kept:
        def __init__(self) -> None:
            self.frames: list[Image] = []

        def add(self, frame: Image, _: int) -> None:
            self.frames.append(frame)

        def finish(self, **_: object) -> bytes:
            return b""

    kept = Kept()
    moving = FuncAnimation(figure, lambda number: figure.suptitle("moves", x=number / 3), frames=3)
    with runner_modules(Path.cwd()) as module:
        animations = module("moving.animations")
        animations.FILMS["kept"] = lambda: kept
        setattr(figure.canvas, animations.KEPT, moving)
        animations.draw(figure, ["kept"], lambda file: figure.savefig(file, format="rgba", **options), 0)
    return kept.frames


def animated(kind: str, frames: Sequence[Image], delay_ms: int = 40, *, repeat: bool = True) -> bytes:
    """Return frames as the runner puts them together, in one of its formats for animations."""
    with runner_modules(Path.cwd()) as module:
        film = module("moving.animations").FILMS[kind]()
        for frame in frames:
            film.add(frame.convert("RGBA"), delay_ms)
        return bytes(film.finish(repeat=repeat))


def every_way(kind: str) -> Iterator[bytes]:
    """Yield every figure, saved in every way that is made for it."""
    for figure in FIGURES:
        for way in range(len(WAYS)):
            if WAYS[way][1].get("pdf.use14corefonts") and figure in (lines, everything_else):
                continue  # the fourteen fonts of PDF have no Greek, and Matplotlib 3.11 fails to link text in them
            yield saved(kind, figure, way)
