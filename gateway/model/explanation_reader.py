"""Read what a runner says of its figures, and trust none of it.

The text was written where the code ran, so it may say anything. What passes has the schema of `Explanation`, keeps the
bounds there, lies on the picture that was checked, and is harmless where it is shown. It is kept as JSON, so that
whoever passes it on need not read it again.
"""

from __future__ import annotations

import dataclasses
import json
import re
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.model.codec import MalformedDocument, build, flat
from gateway.model.explanation import (
    ARTISTS_LIMIT,
    AXES_LIMIT,
    FINDINGS_LIMIT,
    NAMES_LIMIT,
    POINTS_LIMIT,
    SENTENCE_LIMIT,
    TEXT_LIMIT,
    Artist,
    Axes,
    Box,
    Data,
    Description,
    Explanation,
    Finding,
    claim_limit_bytes,
)
from gateway.model.jobs import Describe
from gateway.model.results import printable
from gateway.model.strict_json import InvalidJson, check_structure, parse_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    Size = tuple[int, int]

T = TypeVar("T")

#: As many items as fit into the longest text that an honest runner sends: a number and its comma have four bytes.
STRUCTURE_TIMES = 64

#: Lists and objects within each other: all, explanation, description, axes and one, artists and one, data, values.
DEPTH_LIMIT = 9

#: The shares of its limit by which a text may grow here: what is replaced in it may have one byte more.
GROWTH_EIGHTHS = 9

NUMBER_LIMIT = 1e308
COUNT_LIMIT = 2**53

#: How far, in pixels or points, a description may be from its picture; SVG and PDF have fractions of a point.
TOLERANCE = 1.0

CODE_PATTERN = "^[a-z][a-z0-9-]{0,63}$"

#: Why a figure has no explanation, each the end of a sentence.
FAILED = "looking at them failed, or took too long"
MALFORMED = "the description is malformed"
TOO_LARGE = "the description is too large"

_CODE = re.compile(CODE_PATTERN)
_COLOR = re.compile("^#[0-9a-f]{6}$")
_ON_ONE_LINE = str.maketrans("\n\t", "  ")
_LEVELS = tuple(Describe)
_NUMBERS = frozenset({int, float})

#: Most items of lists; others have `NAMES_LIMIT`.
_LENGTHS: dict[tuple[type, str], int] = {
    (Explanation, "findings"): FINDINGS_LIMIT,
    (Description, "axes"): AXES_LIMIT,
    (Description, "artists"): ARTISTS_LIMIT,
    (Axes, "artists"): ARTISTS_LIMIT,
    **{(Data, name): POINTS_LIMIT for name in ("x", "y", "z", "values")},
}

_SENTENCES = frozenset({(Explanation, "alt_text"), (Finding, "sentence"), (Finding, "advice")})


class BadExplanation(Exception):
    """A claim isn't an explanation of its figure."""


@dataclass(frozen=True, slots=True)
class ReadExplanation:
    """What came of reading what is said of one figure.

    Attributes:
        text: It as JSON, in UTF-8: an object with the members of `Explanation`. None if it may not be passed on.
        fault: Why not; the end of a sentence.
    """

    text: bytes | None = field(default=None, repr=False)
    fault: str | None = None


def read_explanations(claim: bytes, level: Describe, sizes: Sequence[Size]) -> tuple[ReadExplanation, ...]:
    """Return what may be passed on of what a runner says of its figures; one that is wrong costs no other.

    Args:
        claim: What it says.
        level: How much it was asked to say.
        sizes: Width and height of the first picture of each figure.
    """
    limit_bytes = claim_limit_bytes(level)
    if len(claim) > limit_bytes:
        return (ReadExplanation(fault=TOO_LARGE),) * len(sizes)
    try:
        check_structure(claim, STRUCTURE_TIMES, DEPTH_LIMIT)
        parsed = parse_json(claim, "utf-8")
    except (InvalidJson, MemoryError):
        parsed = None
    if not isinstance(parsed, list) or len(parsed) != len(sizes):
        return (ReadExplanation(fault=MALFORMED),) * len(sizes)
    room = limit_bytes * GROWTH_EIGHTHS // 8
    read = []
    for each, size in zip(parsed, sizes, strict=True):
        found = _read(each, level, size)
        room -= len(found.text or b"")
        read.append(found if room >= 0 else ReadExplanation(fault=TOO_LARGE))
    return tuple(read)


def _read(parsed: Any, level: Describe, size: Size) -> ReadExplanation:
    if parsed is None:
        return ReadExplanation(fault=FAILED)
    try:
        explanation = _cleaned(build(Explanation, parsed, b""), size)
        _need(0 < _LEVELS.index(explanation.description.level) <= _LEVELS.index(level))
    except (MalformedDocument, BadExplanation, MemoryError):
        return ReadExplanation(fault=MALFORMED)
    text = json.dumps(flat(explanation), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return ReadExplanation(text.encode())


def _cleaned(value: T, size: Size) -> T:
    """Return an object with harmless texts.

    Raises:
        BadExplanation: Something in it is out of bounds.
    """
    kind: Any = type(value)
    cleaned: T = kind(**{name: _part(getattr(value, name), name, kind, size) for name in _names(kind)})
    _need(_fits(cleaned, size))
    return cleaned


def _part(value: Any, name: str, owner: type, size: Size) -> Any:
    if isinstance(value, tuple):
        _need(len(value) <= _LENGTHS.get((owner, name), NAMES_LIMIT))
        if owner is Data and set(map(type, value)) <= _NUMBERS:  # most of the largest claims
            _need(not value or (max(value) <= NUMBER_LIMIT and min(value) >= -NUMBER_LIMIT))
            return value
        return tuple([_part(each, name, owner, size) for each in value])
    if isinstance(value, str):
        return value if type(value) is not str else _line(value, _text_limit(owner, name))
    if isinstance(value, int | float):
        _need(0 <= value <= COUNT_LIMIT if name in _counts(owner) else abs(value) <= NUMBER_LIMIT)
        return value
    return _cleaned(value, size) if value is not None else None


def _line(text: str, limit: int) -> str:
    """Return a text on one line, harmless where it is shown."""
    _need(len(text) <= limit)
    return printable(text).translate(_ON_ONE_LINE)


def _text_limit(owner: type, name: str) -> int:
    return SENTENCE_LIMIT if (owner, name) in _SENTENCES else TEXT_LIMIT


def _fits(value: object, size: Size) -> bool:
    """Return whether an object means something on a picture of a size."""
    if isinstance(value, Box):
        right, lower = value.x + value.width, value.y + value.height
        on_picture = right <= size[0] + TOLERANCE and lower <= size[1] + TOLERANCE
        return on_picture and min(value.x, value.y, value.width, value.height) >= 0
    if isinstance(value, Description):
        near = (abs(value.width - size[0]) <= TOLERANCE, abs(value.height - size[1]) <= TOLERANCE)
        return all(near) and min(value.dpi, value.width_in, value.height_in) > 0
    if isinstance(value, Finding):
        return _CODE.fullmatch(value.code) is not None
    if isinstance(value, Artist):
        return value.color is None or _COLOR.fullmatch(value.color) is not None
    return True


@cache
def _names(kind: type) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(kind))


@cache
def _counts(kind: type) -> frozenset[str]:
    """Return the names of fields that count something."""
    return frozenset(each.name for each in dataclasses.fields(kind) if "int" in str(each.type))


def _need(holds: bool) -> None:  # noqa: FBT001 - a condition
    if not holds:
        raise BadExplanation
