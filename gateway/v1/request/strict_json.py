"""Reads JSON bodies that may be long, but have no business with much structure.

A document of a few MiB can hold millions of empty lists, which cost fifty times their bytes once read. So its structure
is looked at before it is read: what is left when the strings are taken out is short in any honest request. What JSON is
at all, `gateway.model.strict_json` decides.
"""

from __future__ import annotations

import re
from typing import Any

from gateway.model.errors import InvalidRequest
from gateway.model.strict_json import InvalidJson, parse_json

BROKEN = "Body is not valid JSON"
NOT_AN_OBJECT = "Body must be a JSON object"

#: Strings, keys included. 64 parameters with lists of 32, 64 files and the options stay below.
STRINGS_LIMIT = 8192

#: Bytes of everything else: brackets, commas, numbers, spaces, indentation.
SKELETON_LIMIT_BYTES = 256 * 1024

#: Commas and opening brackets.
ITEMS_LIMIT = 8192

#: Lists and objects within each other; options need three.
DEPTH_LIMIT = 8

# Possessive, and one that never ends takes the rest, so that every byte is looked at once.
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+(?:"|\\?\Z)', re.DOTALL)


def parse_object(body: bytes) -> dict[str, Any]:
    """Return a JSON object's members.

    Raises:
        InvalidRequest: It is not UTF-8, not JSON, not an object, holds half of a surrogate pair, or is larger or deeper
            in structure than any request needs. Nothing of it is quoted.
    """
    text = _decode(body)
    _check_structure(body)
    try:
        document = parse_json(text)
    except InvalidJson as error:
        raise InvalidRequest(BROKEN) from error
    if not isinstance(document, dict):
        raise InvalidRequest(NOT_AN_OBJECT)
    if b"\\u" in body and not _encodes(document):
        raise InvalidRequest("JSON of the body holds half of a surrogate pair")
    return document


def _decode(body: bytes) -> str:
    """Return the text; JSON between systems is UTF-8, whatever a charset parameter says (RFC 8259, 8.1)."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidRequest(BROKEN) from error


def _check_structure(body: bytes) -> None:
    skeleton = _STRING.sub(b"", body, count=STRINGS_LIMIT)
    items = sum(map(skeleton.count, (b",", b"[", b"{")))
    if b'"' in skeleton or len(skeleton) > SKELETON_LIMIT_BYTES or items > ITEMS_LIMIT:
        raise InvalidRequest("JSON of the body has too many members and items")
    depth = deepest = 0
    for byte in skeleton:
        depth += (byte in b"[{") - (byte in b"]}")
        deepest = max(deepest, depth)
    if deepest > DEPTH_LIMIT:
        raise InvalidRequest("JSON of the body is nested too deeply")


def _encodes(value: object) -> bool:
    """Tell whether every string in a document has no lone surrogates."""
    if isinstance(value, dict):
        return all(_encodes(name) and _encodes(member) for name, member in value.items())
    if isinstance(value, list):
        return all(map(_encodes, value))
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            return False
    return True
