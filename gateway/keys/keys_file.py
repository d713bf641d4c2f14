"""The keys file: which keys there are and what each may have, as TOML.

    [keys.reports-team]
    sha256 = "…64 hex digits…"
    requests_per_minute = 60

The file has digests, so it doesn't let its readers in; it is still private. An error names key and field and quotes no
value: a key may be where a digest should be.
"""

from __future__ import annotations

import re
import tomllib
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from gateway.keys.keyring import Key, KeyPolicy
from gateway.model.collector import collector_paused
from gateway.model.jobs import MiB

#: Longest keys file that is read, in bytes: thousands of keys.
SIZE_LIMIT = 1024 * 1024

#: Most dots in a line that isn't a comment: more than the longest name has. A name of many parts with dots between them
#: costs the parser the square of their number: one of 16 KiB took a second. Where a string may have several lines, one
#: of them can look like a comment.
DOTS_LIMIT = 70

#: What begins a string that may have several lines.
_LONG_STRINGS = (b'"""', b"'''")

#: Most mistakes of one file that are told.
FAULTS_LIMIT = 8

NAME_PATTERN = r"^[A-Za-z0-9._-]{1,64}$"

#: A name that TOML takes without quotation marks.
_BARE = re.compile(r"[A-Za-z0-9_-]+")

#: Longest name that is quoted in an error: something longer isn't a name, and may be anything.
_QUOTED_LIMIT = 64


class KeyEntry(BaseModel):
    """One `[keys.NAME]` table."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] = Field(
        repr=False, description="SHA-256 of the key, in hex"
    )
    requests_per_minute: int | None = Field(
        None,
        ge=1,
        le=100_000,
        description="Requests in any minute, whatever their responses, instead of `FIGBOX_REQUESTS_PER_MINUTE`",
    )
    concurrent_jobs: int | None = Field(
        None, ge=1, le=10_000, description="Jobs running and waiting together, instead of `FIGBOX_KEY_LIMIT`"
    )
    compute_seconds_per_minute: int | None = Field(
        None, ge=1, le=100_000, description="Processor seconds its jobs may use in any minute"
    )
    wall_limit_s: float | None = Field(
        None, ge=0.1, le=600, description="Seconds one job may take, if less than `FIGBOX_WALL_LIMIT_S`"
    )
    memory_limit_mib: int | None = Field(
        None, ge=64, le=65536, description="MiB of memory of one job, if less than `FIGBOX_MEMORY_LIMIT_MIB`"
    )

    def key(self) -> Key:
        """Return the entry as the gateway uses it."""
        return Key(
            bytes.fromhex(self.sha256),
            KeyPolicy(
                requests_per_minute=self.requests_per_minute,
                concurrent_jobs=self.concurrent_jobs,
                compute_seconds_per_minute=self.compute_seconds_per_minute,
                wall_limit_s=self.wall_limit_s,
                memory_limit_bytes=None if self.memory_limit_mib is None else self.memory_limit_mib * MiB,
            ),
        )


class _Document(BaseModel):
    """The whole file. The table `keys` must be there: an empty file is an accident, not the revocation of all keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    keys: dict[Annotated[str, StringConstraints(pattern=NAME_PATTERN)], KeyEntry]


class InvalidKeysFile(ValueError):
    """The text is not a valid keys file; the message names key and field, and quotes no value."""


def parse_entries(data: bytes) -> dict[str, KeyEntry]:
    """Return the entries of a keys file by their names.

    Args:
        data: The file's bytes.

    Raises:
        InvalidKeysFile: It is too long or not TOML, or an entry is wrong.
    """
    if len(data) > SIZE_LIMIT:
        raise InvalidKeysFile(f"it is longer than {SIZE_LIMIT} bytes")
    has_comments = not any(begin in data for begin in _LONG_STRINGS)
    for number, line in enumerate(data.splitlines(), 1):
        if line.count(b".") > DOTS_LIMIT and not (has_comments and line.lstrip().startswith(b"#")):
            raise InvalidKeysFile(f"line {number} has more than {DOTS_LIMIT} dots")
    try:
        with collector_paused():
            document = tomllib.loads(data.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidKeysFile("it is not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidKeysFile(f"it is not TOML ({_place(error)})") from error
    # What tomllib leaves to its caller: numbers of more than 4300 digits, and deeply nested arrays.
    except (ValueError, RecursionError) as error:
        raise InvalidKeysFile("it is not TOML that can be read") from error
    try:
        entries = _Document.model_validate(document).keys
    except ValidationError as error:
        found = error.errors(include_url=False)
        wrong = [f"{_named(item['loc'])}: {item['msg']}" for item in found[:FAULTS_LIMIT]]
        more = [f"and {len(found) - FAULTS_LIMIT} more"] if len(found) > FAULTS_LIMIT else []
        raise InvalidKeysFile("; ".join(wrong + more)) from error
    owners: dict[str, str] = {}
    for name, entry in entries.items():
        other = owners.setdefault(entry.sha256, name)
        if other != name:
            raise InvalidKeysFile(f"keys.{name}.sha256: this is the key of {other}")
    return entries


def parse_keys(data: bytes) -> dict[str, Key]:
    """Return the keys of a keys file by the names of their holders; raises as `parse_entries` does."""
    return {name: entry.key() for name, entry in parse_entries(data).items()}


def table_head(name: str) -> str:
    """Return the line that begins a key's table."""
    return f"[keys.{name}]" if _BARE.fullmatch(name) else f'[keys."{name}"]'


def _place(error: tomllib.TOMLDecodeError) -> str:
    """Return where TOML is wrong; only the position, because the message may quote the text."""
    found = re.search(r"\(at (line \d+, column \d+|end of document)\)$", str(error))
    return found[1] if found else "somewhere"


def _named(location: tuple[int | str, ...]) -> str:
    """Return the dotted name of a place in the file, fit for a log."""
    parts = (ascii(str(part))[1:-1] for part in location if part != "[key]")
    return ".".join(part if len(part) <= _QUOTED_LIMIT else "(long name)" for part in parts)
