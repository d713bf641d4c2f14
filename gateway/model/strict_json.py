"""JSON as the standard has it, and as everybody reads it.

Python's parser takes more than JSON is, and of what is ambiguous takes the last: a proxy that looks into bodies could
have seen something else. Refused are NaN and Infinity, numbers too large for a float (they would become Infinity) or
of more than 4300 digits, two members of one name, and nesting too deep for the parser.

Source: RFC 8259, sections 4 (names should be unique) and 6 (no NaN, no Infinity).
"""

from __future__ import annotations

import json
import math
from typing import Any


class InvalidJson(ValueError):
    """The bytes are not JSON we would take; the text quotes nothing of them."""


def parse_json(data: bytes | str) -> Any:
    """Return what a JSON text says; the encoding of bytes is found from them.

    Raises:
        InvalidJson: It isn't one, or could be read in two ways.
    """
    try:
        return json.loads(data, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    # ValueError covers broken JSON, bytes that aren't UTF-8/16/32, and integers of more than 4300 digits.
    except (ValueError, RecursionError) as error:
        raise InvalidJson("not valid JSON") from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise InvalidJson("a name comes twice")
    return members


def _refuse(_: str) -> None:
    raise InvalidJson("no number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise InvalidJson("a number too large")
    return number
