"""Run a script as the runner would and return its figures with what is found in them."""

from __future__ import annotations

import contextlib
import io
import os
import struct
import sys
import tempfile
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent.parent.parent

#: Where the runner's modules are.
RUNNER = ROOT / "runner-image" / "runner"

#: Processor time that the findings of a figure may take, far more than they need.
SECONDS = 60.0

#: What Matplotlib leaves around a tight box.
PAD_INCHES = 0.1


class Shown(NamedTuple):
    """A figure with its picture as PNG and what was found in it."""

    figure: Any
    png: bytes
    findings: tuple[Any, ...]


def shown(code: str, *, dpi: float | None = None, tight: bool = False, also: str = "") -> list[Shown]:
    """Run a script and return its figures, which are closed.

    Args:
        code: The script, which is trusted.
        dpi: Dots per inch of the pictures; None: the figure's own.
        tight: Save what is drawn, and not the canvas.
        also: Save it once more in this format before it is looked at.
    """
    import matplotlib as mpl

    mpl.use("agg")
    import matplotlib.pyplot as plt

    with in_empty_folder(), mpl.rc_context(), contextlib.redirect_stdout(io.StringIO()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(code, "<script>", "exec"), {"__name__": "__main__"})  # noqa: S102 - the repository's own
                return [look(plt.figure(number), dpi, tight=tight, also=also) for number in plt.get_fignums()]
        finally:
            plt.close("all")


def look(figure: Any, dpi: float | None = None, *, tight: bool = False, also: str = "") -> Shown:
    """Save a figure and return it with its picture and findings."""
    sys.path.insert(0, str(RUNNER))
    try:
        from explain.drawn import Drawn, Saved, as_saved
        from findings.finding import find
    finally:
        sys.path.remove(str(RUNNER))
    file = io.BytesIO()
    dpi = float(dpi or figure.dpi)
    figure.savefig(file, format="png", dpi=dpi, bbox_inches="tight" if tight else None)
    left, top = 0.0, float(figure.get_size_inches()[1]) * dpi
    if tight:
        with as_saved(figure, Saved(dpi, 0.0, 0.0, 0.0, 0.0)):
            box = figure.get_tightbbox().padded(PAD_INCHES)
        left, top = float(box.x0) * dpi, float(box.y1) * dpi
        figure.savefig(io.BytesIO(), format="png", dpi=dpi, bbox_inches="tight")
    if also:
        figure.savefig(io.BytesIO(), format=also)
    width, height = struct.unpack(">II", file.getvalue()[16:24])
    saved = Saved(dpi, left, top, float(width), float(height))
    with as_saved(figure, saved):
        findings, _ = find(Drawn(figure, saved, SECONDS))
    return Shown(figure, file.getvalue(), findings)


@contextlib.contextmanager
def in_empty_folder() -> Iterator[None]:
    """Let a script write its files where nobody looks."""
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)
