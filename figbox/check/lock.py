"""The lock: one file with the facts of all accepted figures, which is committed and reviewed.

It is TOML, sorted by name, one fact on a line: a review sees which fact of which figure changed, and branches that
accept different figures can be merged. Only `figbox accept` writes it.
"""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from figbox.check.errors import CheckError
from figbox.check.facts import Figure, Inputs
from figbox.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

NAME = "figbox.lock"
VERSION = 1
HEAD = f"# The accepted figures. `figbox accept` writes this file: commit it, and don't edit it.\nversion = {VERSION}\n"

_HEX = re.compile(r"(?:[0-9a-f]{64})?")
_SIZE = re.compile(r"(\d{1,9})x(\d{1,9})")


@dataclass(frozen=True, slots=True)
class Lock:
    """The accepted figures by name."""

    figures: Mapping[str, Figure] = field(default_factory=dict)

    def of_source(self, source: str) -> tuple[Figure, ...]:
        """Return those that a source drew."""
        return tuple(figure for figure in self.figures.values() if figure.source == source)


def read_lock(path: Path) -> Lock:
    """Return a lock; an empty one if there is no file.

    Raises:
        CheckError: It can't be read.
    """
    if path.exists() and not path.is_file():  # a repository can have a link to a device, which never ends
        raise CheckError(f"{path} can't be read: it isn't a file")
    try:
        return parse_lock(path.read_text("utf-8"), path.name)
    except FileNotFoundError:
        return Lock()
    except (OSError, UnicodeDecodeError) as error:
        raise CheckError(f"{path} can't be read: {getattr(error, 'strerror', None) or error}") from error


def parse_lock(text: str, name: str = NAME) -> Lock:
    """Return a lock from its text; raise CheckError if it isn't one."""
    try:
        document = tomllib.loads(text)
    except ValueError as error:
        hint = ": it has the marks of an unfinished merge" if re.search(r"^<{7} ", text, re.MULTILINE) else ""
        raise CheckError(f"{name} can't be read{hint}: {error}") from error
    if document.get("version") != VERSION:
        raise CheckError(f"{name} is of version {document.get('version')!r}, and this figbox knows version {VERSION}")
    entries = document.get("figure", {})
    if not isinstance(entries, dict):
        raise CheckError(f"{name}: `figure` isn't a table")
    return Lock({key: _figure(name, key, entry) for key, entry in entries.items()})


def lock_text(lock: Lock) -> str:
    """Return a lock as the text of its file."""
    return HEAD + "".join(_entry(lock.figures[name]) for name in sorted(lock.figures))


def write_lock(path: Path, lock: Lock) -> None:
    """Write or replace a lock in one step; raise CheckError if that fails."""
    try:
        replace_file(path, lock_text(lock).encode("utf-8"))
    except OSError as error:
        raise CheckError(f"{path} can't be written: {error.strerror}") from error


def _entry(figure: Figure) -> str:
    facts: dict[str, str | int] = {
        "source": figure.source,
        "of": figure.of,
        "picture": figure.picture,
        "size": f"{figure.width_px}x{figure.height_px}",
        "code": figure.inputs.code,
        "data": figure.inputs.data,
        "options": figure.inputs.options,
        "image": figure.image,
    }
    lines = "".join(f"{name} = {_value(value)}\n" for name, value in facts.items())
    return f"\n[figure.{_value(figure.name)}]\n{lines}"


def _value(value: str | int) -> str:
    """Return a TOML value: JSON's strings are TOML's, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _figure(lock: str, name: str, entry: Any) -> Figure:
    def text(key: str) -> str:
        value = entry.get(key)
        if not isinstance(value, str):
            raise CheckError(f"{lock}: {name!r} has no {key}")
        return value

    if not isinstance(entry, dict):
        raise CheckError(f"{lock}: {name!r} isn't a table")
    size = _SIZE.fullmatch(text("size"))
    of = entry.get("of")
    if size is None or not isinstance(of, int) or not all(map(_HEX.fullmatch, map(text, ("picture", "code", "data")))):
        raise CheckError(f"{lock}: {name!r} is damaged")
    inputs = Inputs(text("code"), text("data"), text("options"))
    try:
        return Figure(name, text("source"), of, text("picture"), int(size[1]), int(size[2]), inputs, text("image"))
    except ValueError as error:
        raise CheckError(f"{lock}: {error}") from error
