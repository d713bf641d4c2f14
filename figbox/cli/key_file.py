"""The key in a file: alone, or as a gateway's `.env` has it.

A `.env` is read as the gateway reads its own, which python-dotenv does there; a test compares the two. The client needs
one value of one file, which isn't worth a dependency.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from pathlib import Path

#: A key file can be a gateway's `.env`, where the key follows this.
KEY_SETTING = "API_KEY="

#: The setting by which a `.env` names another file.
FILE_NAME = "api_key_file"

#: Longest key file that is read, in bytes, since a wrong path may lead to any file.
KEY_FILE_LIMIT = 64 * 1024

# Each takes the text in one pass.
_BLANK = re.compile(r"\s*")
_EXPORT = re.compile(r"(?:export[^\S\r\n]+)?")
_NAME = re.compile(r"'([^']+)'|(?!')([^=\#\s]+)")
_SPACES = re.compile(r"[^\S\r\n]*")
_SINGLE = re.compile(r"'((?:\\.|[^'\\])*)'", re.DOTALL)
_DOUBLE = re.compile(r'"((?:\\.|[^"\\])*)"', re.DOTALL)
_LINE = re.compile(r"[^\r\n]*")
_END = re.compile(r"(?:[^\S\r\n]*#[^\r\n]*)?[^\S\r\n]*(?:\r\n|\n|\r|$)")
_REST = re.compile(r"[^\r\n]*(?:\r\n|\n|\r)?")
_COMMENT = re.compile(r"\s+#.*")
_VARIABLE = re.compile(r"\$\{([^}:]*)(?::-([^}]*))?\}")

_ESCAPE = re.compile(r"\\([\\'\"abfnrtv])")
_MEANINGS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


class _Broken(Exception):
    """A line isn't a setting; its argument is the place up to which it was read."""


def read_key(path: Path) -> str:
    """Return the key in a file: its only line, or the value of its setting `API_KEY`.

    Raises:
        click.UsageError: The file can't be read or doesn't have such a line; its text isn't quoted.
    """
    try:
        with path.open("rb") as file:
            data = file.read(KEY_FILE_LIMIT + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"key file {path} can't be read: {getattr(error, 'strerror', 'not text')}") from error
    if len(data) > KEY_FILE_LIMIT:
        raise click.UsageError(f"key file {path} is too long")
    settings = env_settings(text)
    name = KEY_SETTING.removesuffix("=").lower()
    key = settings.get(name)
    if key:
        return key.strip()
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) == 1 and name not in settings and "=" not in lines[0].rstrip("="):
        return lines[0]
    if settings.get(FILE_NAME):
        raise click.UsageError(f"key file {path} names another file, by {FILE_NAME.upper()}: name that one")
    raise click.UsageError(f"key file {path} has neither a single line with the key nor a line {KEY_SETTING}…")


def env_settings(text: str) -> dict[str, str | None]:
    """Return the settings in the text of a `.env`, by their names in lower case; None where there is no value."""
    found: dict[str, str | None] = {}
    place = 0
    while place < len(text):
        try:
            name, value, place = _setting(text, place)
        except _Broken as error:
            place = _end(_REST, text, error.args[0])
            continue
        if name is not None:
            found[name] = None if value is None else _VARIABLE.sub(lambda match: _variable(match, found), value)
    return {name.lower(): value for name, value in found.items()}


def _setting(text: str, place: int) -> tuple[str | None, str | None, int]:
    """Return name and value of what begins at a place, and where it ends; a comment has no name."""
    place = _end(_EXPORT, text, _end(_BLANK, text, place))
    name, value = None, None
    if place < len(text) and text[place] != "#":
        match = _NAME.match(text, place)
        if match is None:
            raise _Broken(place)
        name, place = match[1] or match[2], match.end()
    place = _end(_SPACES, text, place)
    if text[place : place + 1] == "=":
        begin = _end(_SPACES, text, place + 1)
        has_spaces = begin > place + 1
        value, place = ("", begin) if has_spaces and text[begin : begin + 1] == "#" else _value(text, begin)
    match = _END.match(text, place)
    if match is None:
        raise _Broken(place)
    return name, value, match.end()


def _value(text: str, place: int) -> tuple[str, int]:
    quote = text[place : place + 1]
    if quote in ("'", '"') and quote:
        match = (_SINGLE if quote == "'" else _DOUBLE).match(text, place)
        if match is None:
            raise _Broken(place)
        escapes = "\\'" if quote == "'" else None
        return _ESCAPE.sub(lambda escape: _unescaped(escape, escapes), match[1]), match.end()
    match = _LINE.match(text, place)
    assert match is not None  # noqa: S101 - it matches nothing as well
    return _COMMENT.sub("", match[0]).rstrip(), match.end()


def _unescaped(escape: re.Match[str], only: str | None) -> str:
    if only is not None and escape[1] not in only:
        return escape[0]
    return _MEANINGS.get(escape[1], escape[1])


def _variable(match: re.Match[str], found: dict[str, str | None]) -> str:
    """Return what stands for `${NAME}` or `${NAME:-default}`: what the file has above, or the environment."""
    default = match[2] or ""
    value = found[match[1]] if match[1] in found else os.environ.get(match[1], default)
    return value or ""


def _end(pattern: re.Pattern[str], text: str, place: int) -> int:
    match = pattern.match(text, place)
    return place if match is None else match.end()
