"""Texts and values of a figure as they are read aloud."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from explain.alternative.tex import aloud

if TYPE_CHECKING:
    from collections.abc import Sequence

    from explain.words import Value

#: Names in a list.
NAMED = 5

#: Characters of a title or a label.
NAME_LIMIT = 80

#: Whole numbers below this one are years as well; from it on, digits are in groups of three.
GROUPED = 10_000
LARGE = 1e7

#: Digits of a number, and at least of the range in which it lies; what is so small a part of that is told as 0.
DIGITS = 3
SPAN_DIGITS = 2
DECIMALS = 6
NOTHING = 1e-4

TIME = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(:\d\d(?:\.\d+)?)?")


def plain(text: str) -> str:
    """Return a text of the figure as it is read aloud: formulas without their signs, Greek letters as such."""
    if "$" in text:
        text = aloud(text)
    text = " ".join(text.split())
    return text if len(text) <= NAME_LIMIT else text[: NAME_LIMIT - 1] + "\N{HORIZONTAL ELLIPSIS}"


def told(value: Value, span: float = 0.0) -> str:
    """Return a value as it is read: dates and names as they are, numbers with three digits.

    Args:
        value: The value.
        span: How far the values reach among which it is told: two digits of that are told, too, so that nothing that
            looks different is told alike, and next to nothing is told as 0. 0 if that isn't known.
    """
    if value is None or isinstance(value, str):
        return plain(value or "")
    if math.isfinite(span) and span > 0:
        if abs(value) < NOTHING * span:
            return "0"
        decimals = max(SPAN_DIGITS - 1 - _power(span), DIGITS - 1 - _power(value) if value else 0)
        if 0 <= decimals <= DECIMALS and abs(value) < LARGE:
            fixed = _grouped(value, decimals)
            return fixed.rstrip("0").rstrip(".") if "." in fixed else fixed
    if 1000 <= abs(value) < LARGE:  # noqa: PLR2004 - three digits would spoil whole numbers
        return _grouped(value, 0)
    mantissa, _, power = f"{value:.{DIGITS}g}".partition("e")
    return f"{mantissa}\N{MULTIPLICATION SIGN}10^{int(power)}" if power else mantissa


def _power(value: float) -> int:
    return math.floor(math.log10(abs(value)))


def _grouped(value: float, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if abs(value) >= GROUPED else f"{value:.{decimals}f}"


def interval(begin: Value, end: Value) -> tuple[str, str]:
    """Return both ends of an interval as they are read: of dates on different days, without the time."""
    if isinstance(begin, str) or isinstance(end, str):
        first, last = plain(str(begin or "")), plain(str(end or ""))
        (at, until) = TIME.fullmatch(first), TIME.fullmatch(last)
        days = (at[1] if at else first, until[1] if until else last)
        if (at or until) and days[0] != days[1]:
            return days
        return TIME.sub(r"\1 \2", first), TIME.sub(r"\1 \2", last)
    if begin is None or end is None:
        return told(begin), told(end)
    return told(begin, abs(end - begin)), told(end, abs(end - begin))


def listed(names: Sequence[str], limit: int = NAMED) -> str:
    """Return names as a list in a sentence; of more than a limit, the first, and how many more."""
    if len(names) > limit:
        return f"{', '.join(names[: limit - 1])} and {len(names) - limit + 1} more"
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]])) if names else ""


def quoted(names: Sequence[str]) -> list[str]:
    """Return names in quotation marks."""
    return [f'"{name}"' for name in names]


def plural(name: str) -> str:
    """Return the name of several charts."""
    head, of, rest = name.partition(" of ")
    head, with_, added = head.partition(" with ")
    head, on, place = head.partition(" on ")
    return f"{head}s{on}{place}{with_}{added}{of}{rest}"
