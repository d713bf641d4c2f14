"""Where a text isn't JSON, and why, for the person who wrote it. Looked for only when the parser has refused it.

Everything here takes time in proportion to the text, and a bounded number of tokens. Nothing of the text is quoted but
the name of a member that is there twice.
"""

from __future__ import annotations

import codecs
import json
import math
import re
from itertools import islice
from typing import Final

from gateway.model.results import printable

#: Most tokens that are looked at for a place; behind them only the mistake is told.
TOKENS_LIMIT = 1024

#: Most characters of a name that are shown.
NAME_LIMIT = 64

#: Digits of the longest integer. Source: docs.python.org, "Integer string conversion length limitation".
DIGITS_LIMIT = 4300

# Possessive, as in `gateway.model.strict_json`.
_STRING: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_TOKEN = re.compile(rf"{_STRING}|[{{}}\[\],:]", re.DOTALL)
_CONSTANT = re.compile(rf"{_STRING}|(-?Infinity|NaN)", re.DOTALL)
_NUMBER = re.compile(rf"{_STRING}|(-?[0-9]++(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?)", re.DOTALL)
_NOTHING_MORE = re.compile(r"\s*+\Z")
_COMMA_BEFORE = re.compile(r",[ \t\r\n]*+\Z")
_WORD = re.compile(r"[A-Za-z]{1,16}")

#: How many characters before a place are looked at.
_BEFORE = 256

_ESCAPES = {"\n": ("a line end", "\\n"), "\r": ("a line end", "\\r"), "\t": ("a tab", "\\t")}

_WORDS = {
    "True": "JSON's word is true",
    "False": "JSON's word is false",
    "None": "JSON's word is null",
    "undefined": "JSON's word is null",
    "nan": "JSON has no NaN",
    "inf": "JSON has no infinity",
}

#: Marks with which people begin what isn't JSON.
_MARKS = {
    "'": "a string in single quotes; JSON's are double",
    "\N{LEFT SINGLE QUOTATION MARK}": "a typographic quotation mark; JSON's are plain",
    "\N{LEFT DOUBLE QUOTATION MARK}": "a typographic quotation mark; JSON's are plain",
    "\N{RIGHT DOUBLE QUOTATION MARK}": "a typographic quotation mark; JSON's are plain",
    "#": "a comment; JSON has none",
    "/": "a comment; JSON has none",
}

#: What the parser's own words mean, by how they begin.
_MESSAGES = (
    ("Unterminated string", "the string that begins here has no end; a quotation mark is missing, or the rest was cut"),
    ("Invalid \\escape", "a backslash within a string must be written as \\\\"),
    ("Invalid \\uXXXX", "\\u must have four hexadecimal digits behind it; a backslash by itself is written as \\\\"),
    ("Extra data", "the document has ended before this"),
    ("Illegal trailing comma", "a comma before the closing bracket"),
    ("Expecting property name", "a name in double quotes is expected here"),
    ("Expecting ':'", "a colon is expected here"),
    ("Expecting ','", 'a comma is expected here; a quotation mark within a string is written as \\"'),
)

_EXPECTED = "a value is expected here"


class Repeated(ValueError):
    """A name that two members of an object have."""


def undecodable(data: bytes, encoding: str, error: UnicodeDecodeError) -> str:
    """Return where bytes are not in their encoding.

    Args:
        data: All of them.
        encoding: In which they should be.
        error: What the decoder has raised.
    """
    begin = error.start + (len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0)
    line, column = data.count(b"\n", 0, begin) + 1, begin - data.rfind(b"\n", 0, begin)
    return f"line {line}, byte {column}: a byte that isn't {encoding.upper().removesuffix('-SIG')}"


def mistake(text: str, error: Exception) -> str:
    """Return where and why a text is not JSON that we accept.

    Args:
        text: All of it.
        error: What the parser has raised.
    """
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    place, why = _find(text, error)
    if place is None:
        return why
    return f"line {text.count(chr(10), 0, place) + 1}, column {place - text.rfind(chr(10), 0, place)}: {why}"


def _find(text: str, error: Exception) -> tuple[int | None, str]:
    if isinstance(error, json.JSONDecodeError):
        return error.pos, _explain(text, error.msg, error.pos)
    if isinstance(error, Repeated):
        place, name = _repeated_name(text) or (None, str(error))
        shown = " ".join(printable(name if len(name) <= NAME_LIMIT else name[:NAME_LIMIT] + "…").split())
        return place, f"the name '{shown}' is given twice in one object"
    for match in islice(_CONSTANT.finditer(text), TOKENS_LIMIT):
        if match[1]:
            return match.start(), "JSON has neither NaN nor infinity"
    for match in islice(_NUMBER.finditer(text), TOKENS_LIMIT):
        if match[1] and _is_too_large(match[1]):
            return match.start(), "the number is too large"
    return None, "a number in it is too large, or isn't one"


def _is_too_large(number: str) -> bool:
    whole = number.lstrip("-")
    return len(whole) > DIGITS_LIMIT if whole.isdigit() else not math.isfinite(float(number))


def _explain(text: str, message: str, place: int) -> str:
    """Return what is wrong at a place, from the parser's message and what is there."""
    character = text[place : place + 1]
    if message.startswith("Invalid control character"):
        what, escape = _ESCAPES.get(character, ("a control character", "\\u and four digits"))
        return f"{what} within a string must be written as {escape}"
    meaning = next((meaning for begin, meaning in _MESSAGES if message.startswith(begin)), _EXPECTED)
    if message.startswith(("Unterminated", "Invalid", "Extra")):
        return meaning
    if _NOTHING_MORE.match(text, place):
        return "it is empty" if _NOTHING_MORE.match(text) else "it ends here, before the document does"
    if character and character in "]}" and _COMMA_BEFORE.search(text[max(0, place - _BEFORE) : place]):
        return "a comma before the closing bracket"
    meaning = _MARKS.get(character, meaning)
    word = _WORD.match(text, place)
    return _WORDS.get(word[0], meaning) if word else meaning


def _repeated_name(text: str) -> tuple[int, str] | None:
    """Return the place of the first name that its object has already, and the name."""
    objects: list[set[str] | None] = []
    is_name = False
    for match in islice(_TOKEN.finditer(text), TOKENS_LIMIT):
        found = match[0]
        if found in "{[":
            objects.append(set() if found == "{" else None)
            is_name = found == "{"
        elif found in "}]":
            objects.pop()
            is_name = False
        elif found == ",":
            is_name = bool(objects) and objects[-1] is not None
        elif is_name and found != ":":
            names, name = objects[-1], json.loads(found)
            if names is not None and name in names:
                return match.start(), name
            if names is not None:
                names.add(name)
            is_name = False
    return None
