"""How a figure was saved, noted while that happens: where its picture lies is not to be seen afterwards."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: Formats whose unit is the point.
VECTORS = frozenset({"svg", "pdf"})
VECTOR_DPI = 72.0

#: Dots per inch, and where the picture is: the fields of `explain.drawn.Saved`, which few jobs load.
How = tuple[float, float, float, float, float]

#: A figure, and how its first picture was saved.
SavedFigure = tuple[Any, How]


@contextlib.contextmanager
def tight_boxes(figure: Any) -> Iterator[list[tuple[float, ...]]]:
    """Collect the tight boxes that are found for a figure: left, lower, right and upper side, in inches.

    The last one is what the picture is cut to.
    """
    measure = figure.get_tightbbox
    found: list[tuple[float, ...]] = []

    def measure_and_note(*given: Any, **named: Any) -> Any:
        box = measure(*given, **named)
        with contextlib.suppress(Exception):  # the program may have its own way to measure
            found.append(tuple(map(float, box.extents)))  # at once: it changes with the figure's dots per inch
        return box

    with contextlib.ExitStack() as measured:
        with contextlib.suppress(Exception):  # a class of the program may refuse it
            measured.enter_context(measured_by(figure, measure_and_note))
        yield found


@contextlib.contextmanager
def measured_by(figure: Any, measure: Callable[..., Any]) -> Iterator[None]:
    """Let something else find a figure's tight box."""
    before = vars(figure).get("get_tightbbox")
    figure.get_tightbbox = measure
    try:
        yield
    finally:
        vars(figure).pop("get_tightbbox", None)
        if before is not None:
            figure.get_tightbbox = before


def saved_as(figure: Any, box: Sequence[float] | None, dpi: float, *, whole_pixels: bool) -> How:
    """Return how a figure was saved.

    Args:
        figure: Any.
        box: Its tight box, to which its picture was cut; None if it was not.
        dpi: Dots per inch, or points.
        whole_pixels: Whether parts of pixels were cut off, at the right and the upper side. Source: Matplotlib's
            ``RendererAgg``.
    """
    import matplotlib as mpl

    pad = 0.0 if box is None else float(mpl.rcParams["savefig.pad_inches"])
    left, lower, right, upper = (0.0, 0.0, *map(float, figure.get_size_inches())) if box is None else box
    width, height = (right - left + 2 * pad) * dpi, (upper - lower + 2 * pad) * dpi
    if whole_pixels:
        width, height = float(int(width)), float(int(height))
    return dpi, (left - pad) * dpi, (lower - pad) * dpi + height, width, height
