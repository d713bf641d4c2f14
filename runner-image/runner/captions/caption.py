"""A figure's caption: its title and its alternative text, as they go into a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from explain.alternative.alt_text import alt_text
from explain.describing import SUMMARY, describe
from explain.drawn import Drawn, Saved, as_saved
from explain.noted import saved_as

if TYPE_CHECKING:
    from explain.words import Description

#: Processor time that one figure's caption may take.
CPU_LIMIT_S = 1.0

TITLE_LIMIT = 200
TEXT_LIMIT = 2000

#: Characters that XML 1.0 doesn't have, or that act on a terminal; a file's reader expects none of them.
UNFIT = {
    **dict.fromkeys(
        [*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF], "\N{REPLACEMENT CHARACTER}"
    ),
    **dict.fromkeys(map(ord, "\t\n\r"), " "),
}


class Caption(NamedTuple):
    """What a file says of its picture; both in one line."""

    title: str
    text: str


def caption_of(figure: Any, dpi: float) -> Caption | None:
    """Return a figure's caption; None if there is none, whatever the reason. Nothing is drawn, and nothing changed.

    Args:
        figure: After it was laid out.
        dpi: Dots per inch at which it was.
    """
    try:
        saved = Saved(*saved_as(figure, None, dpi, whole_pixels=False))
        with as_saved(figure, saved):
            description = describe(Drawn(figure, saved, CPU_LIMIT_S), SUMMARY)
        text = fit(alt_text(description), TEXT_LIMIT)
        return Caption(title_of(description) or fit(text.partition(". ")[0], TITLE_LIMIT), text) if text else None
    except BaseException:  # noqa: BLE001 - an artist may raise anything
        return None


def title_of(description: Description) -> str:
    """Return the title that a reader would take for the figure's: its own, or that of its only axes."""
    only = description.axes[0].title if len(description.axes) == 1 else ""
    return fit(description.title or only, TITLE_LIMIT)


def fit(text: str, limit: int) -> str:
    """Return the beginning of a text in one line, of characters that every file takes."""
    line = " ".join(text.translate(UNFIT).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"
