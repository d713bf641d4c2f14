"""`python -m gateway.keys`: makes, lists and revokes keys in a keys file; a running gateway notices by itself.

    python -m gateway.keys add NAME [--requests-per-minute N …]    prints the new key: once, it is stored nowhere
    python -m gateway.keys list
    python -m gateway.keys revoke NAME

The file is the one of `--file`, else that of `FIGBOX_API_KEYS_FILE`. A key is never an argument, so none is in a
process list or a shell's history.

Comments and everybody else's tables stay as they are, to the byte: the text is edited by lines, and the outcome is
parsed and compared before it replaces the file. (tomlkit counts the comment above a table to the table before it, and
takes it away with that one.)
"""

from __future__ import annotations

import argparse
import fcntl
import os
import re
import secrets
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.keys.keyring import digest_of
from gateway.keys.keys_file import NAME_PATTERN, KeyEntry, KeysFileFault, parse_entries, table_head

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Random bytes of a key.
KEY_BYTES = 32

#: Owner alone may read and write.
MODE = 0o600

#: The fields of an entry that the command line sets: all but the digest.
LIMITS = {name: field for name, field in KeyEntry.model_fields.items() if name != "sha256"}

_HEAD = re.compile(r"^\s*\[")


class _FileSetting(BaseSettings):
    """The one setting this command needs, read as `gateway.settings` reads it; no key need be configured."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True)

    file: Path | None = Field(None, alias="FIGBOX_API_KEYS_FILE")


class CommandFault(Exception):
    """The command can't do what it was told; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit status: 0, 1 for a file that doesn't allow it, 2 for a wrong command line."""
    parser = _parser()
    given = parser.parse_args(arguments)
    named: Path | None = given.file or _FileSetting().file  # type: ignore[call-arg]  # comes from the environment
    if named is None:
        parser.error("which file? give --file, or set FIGBOX_API_KEYS_FILE")
    file = named.resolve()  # a link stays a link: what it points at is replaced
    try:
        given.run(file, given)
    except (CommandFault, KeysFileFault) as error:
        sys.stderr.write(f"figbox: {file}: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"figbox: {file}: {error.strerror}\n")
        return 1
    return 0


def add(file: Path, given: argparse.Namespace) -> None:
    """Make a key and print it."""
    key = secrets.token_urlsafe(KEY_BYTES)
    try:
        entry = KeyEntry(
            sha256=digest_of(key.encode()).hex(),
            **{name: value for name in LIMITS if (value := getattr(given, name)) is not None},
        )
    except ValidationError as error:
        faults = "; ".join(f"--{fault['loc'][0]}: {fault['msg']}" for fault in error.errors(include_url=False))
        raise CommandFault(faults.replace("_", "-")) from error
    with _locked(file):
        text = _read(file)
        entries = _entries(text)
        if given.name in entries:
            raise CommandFault(f"there is a key named {given.name} already")
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        lines = [table_head(given.name), *_lines(entry)]
        _replace(file, text + gap + "\n".join(lines) + "\n", {**entries, given.name: entry})
    sys.stdout.write(f"{key}\n")
    sys.stdout.flush()
    sys.stderr.write(f"The line above is the key of {given.name}. It is shown this once; {file} has its digest only.\n")


def show(file: Path, _: argparse.Namespace) -> None:
    """Print each key's name and limits; digests don't help anybody."""
    for name, entry in _entries(_read(file, missing="it doesn't exist")).items():
        limits = [f"{field}={value:g}" for field in LIMITS if (value := getattr(entry, field)) is not None]
        sys.stdout.write(" ".join([name, *limits]) + "\n")


def revoke(file: Path, given: argparse.Namespace) -> None:
    """Take a key out of the file."""
    with _locked(file):
        text = _read(file, missing="it doesn't exist")
        entries = _entries(text)
        if given.name not in entries:
            raise CommandFault(f"there is no key named {given.name}")
        del entries[given.name]
        rest = _without_table(text, given.name)
        if not entries and re.search(r"^\s*\[keys\]\s*(#.*)?$", rest, re.MULTILINE) is None:
            rest = rest + "[keys]\n"  # says that there is nobody; a file without it counts as broken
        _replace(file, rest, entries)
    sys.stderr.write(f"{given.name} is revoked: a running gateway refuses the key within a second.\n")


def _without_table(text: str, name: str) -> str:
    """Return the text without a key's table; comments after its last line belong to what follows."""
    lines = text.splitlines(keepends=True)
    heads = {f"[keys.{name}]", f'[keys."{name}"]', f"[keys.'{name}']"}
    begin = next((number for number, line in enumerate(lines) if line.split("#")[0].strip() in heads), None)
    if begin is None:
        raise CommandFault(f"its table doesn't begin with the line {table_head(name)}: take it out by hand")
    end = begin + 1
    for number in range(begin + 1, len(lines)):
        if _HEAD.match(lines[number]):
            break
        if lines[number].strip() and not lines[number].lstrip().startswith("#"):
            end = number + 1
    if end < len(lines) and not lines[end].strip():
        end += 1
    return "".join(lines[:begin] + lines[end:])


def _lines(entry: KeyEntry) -> list[str]:
    limits = [f"{field} = {value!r}" for field in LIMITS if (value := getattr(entry, field)) is not None]
    return [f'sha256 = "{entry.sha256}"', *limits]


def _entries(text: str) -> dict[str, KeyEntry]:
    """Return the entries of a text; one without any table is a file about to get its first."""
    if all(line.startswith("#") or not line.strip() for line in text.splitlines()):
        return {}
    return parse_entries(text.encode())


def _read(file: Path, missing: str | None = None) -> str:
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        if missing is not None:
            raise CommandFault(missing) from None
        return ""
    except UnicodeDecodeError as error:
        raise CommandFault("it is not UTF-8") from error


def _replace(file: Path, text: str, expected: dict[str, KeyEntry]) -> None:
    """Put a text in the file's place, whole or not at all, after making sure that it says what it should."""
    if parse_entries(text.encode()) != expected:
        raise CommandFault("it is written in a way that this command doesn't know: change it by hand")
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # mkstemp makes it with mode 600
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            _keep_owner(file, stream.fileno())
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
        fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _keep_owner(file: Path, descriptor: int) -> None:
    """Leave the file to whom it belonged: an administrator's change must not lock the gateway out."""
    try:
        was = file.stat()
    except FileNotFoundError:
        return
    if (was.st_uid, was.st_gid) != (os.geteuid(), os.getegid()):
        os.fchown(descriptor, was.st_uid, was.st_gid)


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Keep two commands from overwriting each other's change; the folder is locked, the file is replaced."""
    descriptor = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _name(text: str) -> str:
    if re.fullmatch(NAME_PATTERN[1:-1], text) is None:
        raise argparse.ArgumentTypeError("a name has 1 to 64 letters, digits, dots, dashes and underscores")
    return text


def _number(text: str) -> int | float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m gateway.keys", description="Makes, lists and revokes API keys.")
    parser.add_argument("--file", type=Path, help="the keys file; by default that of FIGBOX_API_KEYS_FILE")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    adding = commands.add_parser("add", help="make a key and print it, this once", description="Makes a key.")
    adding.add_argument("name", metavar="NAME", type=_name, help="whose key it is; appears in the log")
    for field, info in LIMITS.items():
        adding.add_argument(f"--{field.replace('_', '-')}", metavar="N", type=_number, help=info.description)
    adding.set_defaults(run=add)
    listing = commands.add_parser("list", help="print names and limits", description="Prints names and limits.")
    listing.set_defaults(run=show)
    revoking = commands.add_parser("revoke", help="take a key out", description="Takes a key out of the file.")
    revoking.add_argument("name", metavar="NAME", type=_name)
    revoking.set_defaults(run=revoke)
    return parser


if __name__ == "__main__":
    sys.exit(main())
