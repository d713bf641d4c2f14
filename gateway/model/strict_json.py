"""JSON as the standard has it, read in one way only.

Python's parser takes more than JSON, and the last of two members with one name: a proxy that looks into bodies could
have seen something else. Refused are NaN and Infinity, numbers too large for a float (they would become Infinity) or
of more than 4300 digits, two members of one name, and nesting too deep for the parser.

Source: RFC 8259, sections 4 (names should be unique), 6 (no NaN, no Infinity) and 8.1 (UTF-8 between systems).
"""

from __future__ import annotations

import json
import math
import re
from typing import Any

from gateway.model.collector import collector_paused
from gateway.model.json_mistakes import Repeated, mistake, undecodable

#: Most strings of an object, names included. 64 parameters with lists of 32, 64 files and the options stay below.
STRINGS_LIMIT = 8192

#: Most bytes of everything else in it: brackets, commas, numbers, spaces, indentation.
SKELETON_LIMIT_BYTES = 256 * 1024

#: Most commas and opening brackets.
ITEMS_LIMIT = 8192

#: Most lists and objects within each other; options need three.
DEPTH_LIMIT = 8

# Possessive, and an unfinished string takes the rest, so that every byte is looked at once.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


#: Every byte but brackets. A loop over those alone is short in any honest document.
_NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


#: Encodings that begin as UTF-8 does; any other is refused where UTF-8 is asked for.
UTF8 = ("utf-8", "utf-8-sig")

#: What a document is in place of an object.
_KINDS = {list: "an array", str: "a string", bool: "true or false", type(None): "null"}


class InvalidJson(ValueError):
    """The bytes are not JSON that we accept; the text is the end of a sentence about them.

    It says where and why, and quotes nothing but the name of a member that is there twice.
    """


def parse_json(data: bytes, encoding: str | None = None) -> Any:
    """Return what a JSON text says.

    Args:
        data: The text.
        encoding: Its encoding; None means whichever of UTF-8, UTF-16 and UTF-32 the bytes are in.

    Raises:
        InvalidJson: It isn't JSON, or could be read in two ways.
    """
    found = json.detect_encoding(data)
    if encoding is not None and found not in UTF8:
        raise InvalidJson(f"is not valid JSON: it is in {found[:6].upper()}, and must be in UTF-8")
    try:
        text = data.decode(encoding) if encoding is not None else data.decode(found, "surrogatepass")
    except UnicodeDecodeError as error:
        raise InvalidJson(f"is not valid JSON: {undecodable(data, encoding or found, error)}") from error
    try:
        with collector_paused():
            return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse, parse_float=_finite)
    # ValueError includes broken JSON, and integers of more than 4300 digits.
    except (ValueError, RecursionError) as error:
        raise InvalidJson(f"is not valid JSON: {mistake(text, error)}") from error


def parse_object(data: bytes) -> dict[str, Any]:
    """Return the members of a JSON object in UTF-8 that may be long, but not complex.

    A document of a few MiB can hold millions of empty lists, which take fifty times their bytes once parsed. So its
    structure is checked first: without its strings any honest request is short.

    Raises:
        InvalidJson: It isn't one, has half of a surrogate pair, or is larger or deeper in structure than any request
            needs.
    """
    check_structure(data)
    document = parse_json(data, "utf-8-sig")
    if not isinstance(document, dict):
        raise InvalidJson(f"must be a JSON object, not {kind_of(document)}")
    if b"\\u" in data and has_lone_surrogate(document):
        raise InvalidJson("has half of a surrogate pair")
    return document


def kind_of(document: object) -> str:
    """Return what a document that isn't an object is, in words."""
    kind = _KINDS.get(type(document), "a number")
    if isinstance(document, str) and document.lstrip().startswith("{"):
        return f"{kind}: it seems to have been written as JSON twice"
    return kind


def has_lone_surrogate(value: object) -> bool:
    """Tell whether any string in a document can't be encoded."""
    if isinstance(value, dict):
        return any(map(has_lone_surrogate, (*value, *value.values())))
    if isinstance(value, list):
        return any(map(has_lone_surrogate, value))
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return True
    return False


def check_structure(data: bytes, times: int = 1, depth_limit: int = DEPTH_LIMIT) -> None:
    """Check that a JSON text in UTF-8 has not too many strings, members and items, and isn't deep.

    Args:
        data: The text, which may not be JSON.
        times: How many times as many it may have as a request.
        depth_limit: Most lists and objects within each other.

    Raises:
        InvalidJson: It is larger or deeper than that.
    """
    skeleton = _STRING.sub(b"", data, count=times * STRINGS_LIMIT)
    items = sum(map(skeleton.count, (b",", b"[", b"{")))
    if b'"' in skeleton or len(skeleton) > times * SKELETON_LIMIT_BYTES or items > times * ITEMS_LIMIT:
        raise InvalidJson("has too many members and items")
    depth = deepest = 0
    for byte in skeleton.translate(None, _NO_BRACKETS):
        depth += 1 if byte in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > depth_limit:
        raise InvalidJson("is nested too deeply")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        raise Repeated(next(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
    return members


def _refuse(_: str) -> None:
    raise ValueError("not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError("too large a number")
    return number
