"""Numbers, names and lists in sentences."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figbox.comparison.described import Box, Value

#: Significant digits of a number.
DIGITS = 6

#: Characters of a quoted text, and of what surrounds the part that differs in a longer one.
QUOTED_LIMIT = 60
CONTEXT = 12

#: Names in a list.
LISTED_LIMIT = 6

ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"

_DATE = re.compile(r"-?\d{4,6}-\d\d-\d\d(?:[T ][\d:.+Z-]*)?", re.ASCII)


class Noun(NamedTuple):
    """What people call an artist.

    Attributes:
        name: The noun.
        part: What it has several of.
        plural: Whether the noun is a plural.
    """

    name: str
    part: str = "point"
    plural: bool = False


#: By kind of artist, as the descriptions name them.
NOUNS = {
    "line": Noun("line"),
    "step": Noun("step line"),
    "scatter": Noun("scatter plot"),
    "bar": Noun("bar series", "bar"),
    "histogram": Noun("histogram", "bin"),
    "box plot": Noun("box plot", "box"),
    "violin plot": Noun("violin plot", "violin"),
    "error bars": Noun("error bars", "point", plural=True),
    "fill": Noun("filled area"),
    "stacked area": Noun("stacked area"),
    "image": Noun("image", "cell"),
    "mesh": Noun("mesh", "cell"),
    "contour": Noun("contour plot"),
    "filled contour": Noun("filled contour plot"),
    "hexagonal bins": Noun("hexagonal bins", "bin", plural=True),
    "arrows": Noun("arrows", "arrow", plural=True),
    "wind barbs": Noun("wind barbs", "barb", plural=True),
    "stream lines": Noun("stream lines", plural=True),
    "pie": Noun("pie", "slice"),
    "stem": Noun("stem plot"),
    "events": Noun("events", "event", plural=True),
    "table": Noun("table", "cell"),
    "text": Noun("text"),
    "annotation": Noun("annotation"),
    "reference line": Noun("reference line"),
    "span": Noun("span"),
    "patch": Noun("patch"),
    "lines": Noun("lines", "line", plural=True),
    "polygons": Noun("polygons", "polygon", plural=True),
    "surface": Noun("surface"),
    "wireframe": Noun("wireframe"),
    "bars in 3D": Noun("bars in 3D", "bar", plural=True),
    "voxels": Noun("voxels", "voxel", plural=True),
}
OTHER = Noun("other artist")


def noun_of(kind: str) -> Noun:
    """Return what people call an artist of a kind."""
    return NOUNS.get(kind, OTHER)


def number(value: float) -> str:
    """Return a number with six significant digits at most, as `0.25`, `-3` or `1.5e6`."""
    digits, _, exponent = f"{value:.{DIGITS}g}".partition("e")
    if digits == "-0":
        digits = "0"
    return f"{digits}e{int(exponent)}" if exponent else digits


def shown(value: Value) -> str:
    """Return a value on an axis: a number, a date, or a category in quotes."""
    if value is None:
        return "none"
    if isinstance(value, str):
        return value if _DATE.fullmatch(value) else quote(value)
    return number(value)


def quote(text: str) -> str:
    """Return a text in quotes, on one line, shortened at its end."""
    whole = " ".join(text.split())
    return f"'{whole}'" if len(whole) <= QUOTED_LIMIT else f"'{whole[: QUOTED_LIMIT - 1]}{ELLIPSIS}'"


def word(text: str) -> str:
    """Return a word of Matplotlib's as it is, and in quotes what isn't one."""
    return text if re.fullmatch(r"[#\w -]{1,40}", text, re.ASCII) else quote(text)


def instead(before: Value, after: Value) -> str:
    """Return "AFTER instead of BEFORE"; numbers that look alike are told apart by their difference."""
    if isinstance(before, str) and isinstance(after, str):
        return _texts_instead(before, after)
    new, old = shown(after), shown(before)
    if new == old and isinstance(before, int | float) and isinstance(after, int | float):
        return f"{new}, {number(abs(after - before))} {'more' if after > before else 'less'} than before"
    return f"{new} instead of {old}"


def range_instead(before: tuple[Value, Value], after: tuple[Value, Value]) -> str:
    """Return "from A to B instead of from C to D"; what looks alike is told apart by its difference."""
    new, old = f"{shown(after[0])} to {shown(after[1])}", f"{shown(before[0])} to {shown(before[1])}"
    if new != old:
        return f"from {new} instead of {old}"
    return f"from {instead(before[0], after[0])} to {instead(before[1], after[1])}"


def _texts_instead(before: str, after: str) -> str:
    """Return both in quotes; of long ones only the part that differs, with some letters around it."""
    old, new = " ".join(before.split()), " ".join(after.split())
    if max(len(old), len(new)) > QUOTED_LIMIT:
        begin = 0
        while begin < min(len(old), len(new)) and old[begin] == new[begin]:
            begin += 1
        begin = max(0, begin - CONTEXT)
        begin = old.find(" ", begin, begin + CONTEXT) + 1 or begin  # at a word, if one begins there
        old, new = (f"{ELLIPSIS}{text[begin:]}" if begin else text for text in (old, new))
    if _DATE.fullmatch(old) and _DATE.fullmatch(new):
        return f"{new} instead of {old}"
    return f"{quote(new)} instead of {quote(old)}"


def counted(count: int, noun: str) -> str:
    """Return a number of things."""
    if count == 1 or noun == "axes" or noun.endswith("series"):
        return f"{count} {noun}"
    return f"{count} {noun}{'es' if noun.endswith(('x', 'ch', 'sh')) else 's'}"


def some(count: int, noun: Noun) -> str:
    """Return artists of a kind, as "a line" or "3 lines"."""
    if noun.plural:
        return noun.name
    return counted(count, noun.name) if count != 1 else f"{'an' if noun.name[0] in 'aeiou' else 'a'} {noun.name}"


def left_out(noun: str, before: int, after: int) -> str:
    """Return how many things a description leaves out."""
    number_of, things = counted(after, noun).split(" ", 1)
    return f"{number_of} more {things} {'is' if after == 1 else 'are'} not told of, instead of {before}"


def listed(names: Sequence[str]) -> str:
    """Return names that are quoted already as a list, with the number of those that are too many."""
    if len(names) > LISTED_LIMIT:
        return f"{', '.join(names[: LISTED_LIMIT - 1])} and {len(names) - LISTED_LIMIT + 1} more"
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:]))) if names else "none"


def moved(before: Box, after: Box, unit: str) -> str:
    """Return how far a box moved, as "120 pixels to the right and 30 pixels down"; empty if it didn't."""
    right = after.x + after.width / 2 - before.x - before.width / 2
    down = after.y + after.height / 2 - before.y - before.height / 2
    parts = []
    if number(round(abs(right), 1)) != "0":
        parts.append(f"{distance(abs(right), unit)} to the {'right' if right > 0 else 'left'}")
    if number(round(abs(down), 1)) != "0":
        parts.append(f"{distance(abs(down), unit)} {'down' if down > 0 else 'up'}")
    return " and ".join(parts)


def distance(length: float, unit: str) -> str:
    """Return a length in the unit of boxes."""
    text = number(round(length, 1))
    return f"{text} {unit}" if text == "1" else f"{text} {unit}s"


def capital(text: str) -> str:
    """Return a text that begins with a capital letter, if it begins with a letter of English."""
    return text[:1].upper() + text[1:] if text[:1].isascii() else text
