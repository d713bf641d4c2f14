"""Texts and values of a figure as they are read aloud."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.words import Axis, Value

#: Names in a list.
NAMED = 5

#: Characters of a day in ISO 8601.
DAY = len("2024-03-01")

#: From how many days on the time of day at the ends of an axis says nothing.
SOME_DAYS = timedelta(days=7)

#: Characters of a title or a label.
NAME_LIMIT = 80

TEX_COMMAND = re.compile(r"\\([a-zA-Z]+)")
TEX_SIGNS = str.maketrans("", "", "${}\\")

#: Commands that only change what follows.
TEX_SILENT = frozenset({"mathdefault", "mathrm", "mathbf", "mathit", "text", "left", "right"})


def plain(text: str) -> str:
    """Return a text of the figure as it is read aloud: formulas without their signs, Greek letters as such."""
    if "$" in text:
        text = TEX_COMMAND.sub(lambda found: _greek(found[1]), text).translate(TEX_SIGNS)
    text = " ".join(text.split())
    return text if len(text) <= NAME_LIMIT else text[: NAME_LIMIT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _greek(name: str) -> str:
    """Return the letter that a command of TeX stands for; the command's name, if it is another."""
    if name in TEX_SILENT:
        return ""
    case = "CAPITAL" if name[0].isupper() else "SMALL"
    try:
        return unicodedata.lookup(f"GREEK {case} LETTER {name.upper()}")
    except KeyError:
        return name


def told(value: Value) -> str:
    """Return a value as it is read: three digits, whole numbers above a thousand, dates and names as they are.

    Numbers of four digits have no comma, since they may be years.
    """
    if value is None or isinstance(value, str):
        return plain(value or "")
    if 1000 <= abs(value) < 1e7:  # noqa: PLR2004 - as said above
        return f"{value:.0f}" if abs(round(value)) < 10_000 else f"{value:,.0f}"  # noqa: PLR2004 - as said above
    return f"{value:.3g}"


def told_range(axis: Axis) -> tuple[str, str]:
    """Return where an axis begins and ends; without the time of day, if dates on it are some days apart."""
    begin, end = told(axis.begin), told(axis.end)
    if axis.values == "dates":
        with contextlib.suppress(ValueError):
            if abs(date.fromisoformat(end[:DAY]) - date.fromisoformat(begin[:DAY])) >= SOME_DAYS:
                return begin[:DAY], end[:DAY]
    return begin, end


def listed(names: Sequence[str], limit: int = NAMED) -> str:
    """Return names as a list in a sentence; of more than a limit, the first, and how many more."""
    if len(names) > limit:
        return f"{', '.join(names[: limit - 1])} and {len(names) - limit + 1} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""
