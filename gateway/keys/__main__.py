"""`python -m gateway.keys`: make, list and revoke keys in a keys file; a running gateway notices by itself.

    python -m gateway.keys add NAME [--requests-per-minute N …]    prints the new key once; it is stored nowhere
    python -m gateway.keys list
    python -m gateway.keys revoke NAME [--everywhere]    on all nodes that share a server, whatever their files have

The file is that of `--file`, or else that of `FIGBOX_API_KEYS_FILE`. A key is never an argument, so it doesn't appear
in lists of processes or in a shell's history.

Comments and other tables stay exactly as they are: the text is edited, and the result is parsed and compared before it
replaces the file. (tomlkit takes the comment above a table for part of the table before it, and removes it with that.)
"""

from __future__ import annotations

import argparse
import asyncio
import fcntl
import os
import re
import secrets
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from loguru import logger
from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.environments import described
from gateway.keys.keyring import digest_of
from gateway.keys.keys_file import NAME_PATTERN, InvalidKeysFile, KeyEntry, parse_entries, table_head
from gateway.startup.shared_settings import SharedSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Random bytes of a key.
KEY_BYTES = 32

#: Seconds that the shared server has to answer a command.
SERVER_LIMIT_S = 5.0

#: The fields of an entry that the command line sets: all but the digest.
LIMITS = {name: field for name, field in KeyEntry.model_fields.items() if name != "sha256"}

#: A key's table, for its name: the head, the lines up to its last value, and one blank line. Comments after its last
#: value belong to what follows.
_TABLE = (
    r"^[ \t]*\[keys\.(?:{0}|\"{0}\"|'{0}')\][ \t\r]*(?:#.*)?(?:\n|\Z)"
    r"(?:(?:[ \t\r]*(?:#.*)?\n)*[ \t]*[^\s#\[].*(?:\n|\Z))*(?:[ \t\r]*\n)?"
)


class _FileSetting(BaseSettings):
    """The one setting that this command needs, read as `gateway.settings` reads it, without needing a key."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", populate_by_name=True)

    file: Path | None = Field(None, alias="FIGBOX_API_KEYS_FILE")


class CommandError(Exception):
    """The command can't be carried out; the text says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return 0, 1 if the file doesn't allow it, or 2 for a wrong command line."""
    parser = _parser()
    given = parser.parse_args(arguments)
    named: Path | None = given.file or _FileSetting().file  # type: ignore[call-arg]  # comes from the environment
    if named is None:
        parser.error("no keys file is named: give --file, or set FIGBOX_API_KEYS_FILE")
    file = named.resolve()  # a link stays a link: what it points to is replaced
    try:
        given.run(file, given)
    except (CommandError, InvalidKeysFile) as error:
        sys.stderr.write(f"figbox: {file}: {error}\n")
        return 1
    except OSError as error:
        sys.stderr.write(f"figbox: {file}: {error.strerror}\n")
        return 1
    return 0


def add(file: Path, given: argparse.Namespace) -> None:
    """Make a key and print it."""
    key = secrets.token_urlsafe(KEY_BYTES)
    limits = {name: value for name in LIMITS if (value := getattr(given, name)) is not None}
    try:
        entry = KeyEntry(sha256=digest_of(key.encode()).hex(), **limits)
    except ValidationError as error:
        wrong = "; ".join(f"--{item['loc'][0]}: {item['msg']}" for item in error.errors(include_url=False))
        raise CommandError(wrong.replace("_", "-")) from error
    with _locked(file) as folder:
        text = _read(file)
        entries = _entries(text)
        if given.name in entries:
            raise CommandError(f"there is a key named {given.name} already")
        gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
        lines = [table_head(given.name), f'sha256 = "{entry.sha256}"']
        lines += [f"{name} = {value!r}" for name, value in limits.items()]
        _replace(file, folder, text + gap + "\n".join(lines) + "\n", {**entries, given.name: entry})
    sys.stdout.write(f"{key}\n")
    sys.stdout.flush()
    sys.stderr.write(f"The line above is the key of {given.name}. It can't be shown again: {file} has its digest.\n")


def show(file: Path, _: argparse.Namespace) -> None:
    """Print each key's name and limits."""
    for name, entry in _entries(_read(file, must_exist=True)).items():
        limits = [f"{field}={value:g}" for field in LIMITS if (value := getattr(entry, field)) is not None]
        sys.stdout.write(" ".join([name, *limits]) + "\n")


def revoke(file: Path, given: argparse.Namespace) -> None:
    """Remove a key from the file."""
    with _locked(file) as folder:
        text = _read(file, must_exist=True)
        entries = _entries(text)
        entry = entries.pop(given.name, None)
        if entry is None:
            raise CommandError(f"there is no key named {given.name}")
        if given.everywhere:  # before the file: if this fails, the command can be repeated
            asyncio.run(_revoke_everywhere(entry))
            sys.stderr.write(f"{given.name} is revoked on all nodes: each refuses the key within two seconds.\n")
        rest, count = re.subn(_TABLE.format(re.escape(given.name)), "", text, count=1, flags=re.MULTILINE)
        if not count:
            raise CommandError(
                f"its table doesn't begin with the line {table_head(given.name)}: remove the table by hand"
            )
        if not entries and re.search(r"^\s*\[keys\]\s*(#.*)?$", rest, re.MULTILINE) is None:
            rest += "[keys]\n"  # says that there are no keys; a file without it counts as broken
        _replace(file, folder, rest, entries)
    sys.stderr.write(f"{given.name} is revoked: a running gateway refuses the key within a second.\n")


async def _revoke_everywhere(entry: KeyEntry) -> None:
    """Tell the server that nodes share; a gateway's own settings say which."""
    try:
        settings = SharedSettings()  # type: ignore[call-arg]  # comes from the environment
    except ValidationError as error:
        raise CommandError(f"bad settings: {described(error)}") from error
    if settings.shared_url is None or settings.shared_secret is None:
        raise CommandError("no server is named: set FIGBOX_SHARED_URL_FILE and FIGBOX_SHARED_SECRET_FILE")
    # Loads the client of Redis, which the other commands don't need.
    from gateway.keys.revocations import RevocationList  # noqa: PLC0415
    from gateway.shared.shared_server import SharedServer, SharedServerGone  # noqa: PLC0415

    logger.disable("gateway.shared")  # what it logs is for a service
    server = SharedServer(settings.shared_url.get_secret_value(), settings.shared_secret.get_secret_value(), "command")
    revoked = RevocationList(server)
    try:
        await revoked.exchange([revoked.id_of(bytes.fromhex(entry.sha256))], SERVER_LIMIT_S)
    except SharedServerGone as error:
        raise CommandError(f"the shared server can't be told ({error}); nothing is changed") from error
    finally:
        await server.aclose()
        logger.enable("gateway.shared")


def _entries(text: str) -> dict[str, KeyEntry]:
    """Return the entries of a text, which may be empty: it is about to get its first."""
    if all(line.startswith("#") or not line.strip() for line in text.splitlines()):
        return {}
    return parse_entries(text.encode())


def _read(file: Path, *, must_exist: bool = False) -> str:
    if not must_exist and not file.exists():
        return ""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise CommandError("it doesn't exist") from None
    except UnicodeDecodeError as error:
        raise CommandError("it is not UTF-8") from error


def _replace(file: Path, folder: int, text: str, expected: dict[str, KeyEntry]) -> None:
    """Replace a file in a folder, as a whole or not at all, after making sure that its new text says what it should."""
    if parse_entries(text.encode()) != expected:
        raise CommandError("it is written in a way that this command doesn't know: change it by hand")
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)  # with mode 600
    fresh = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            if file.exists():  # a change by root must not lock the gateway out
                was = file.stat()
                os.fchown(descriptor, was.st_uid, was.st_gid)
            stream.write(text.encode())
            stream.flush()
            os.fsync(descriptor)
        fresh.replace(file)
    except BaseException:
        fresh.unlink(missing_ok=True)
        raise
    os.fsync(folder)


@contextmanager
def _locked(file: Path) -> Iterator[int]:
    """Lock a file's folder, since the file itself is replaced, so that two commands don't undo each other's change."""
    folder = os.open(file.parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield folder
    finally:
        os.close(folder)


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
    parser = argparse.ArgumentParser(prog="python -m gateway.keys", description="Make, list and revoke API keys.")
    parser.add_argument("--file", type=Path, help="the keys file; by default that of FIGBOX_API_KEYS_FILE")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    adding = commands.add_parser("add", help="make a key and print it, this one time", description="Make a key.")
    adding.add_argument("name", metavar="NAME", type=_name, help="whose key it is; appears in the log")
    for field, info in LIMITS.items():
        adding.add_argument(f"--{field.replace('_', '-')}", metavar="N", type=_number, help=info.description)
    adding.set_defaults(run=add)
    listing = commands.add_parser("list", help="print names and limits", description="Print names and limits.")
    listing.set_defaults(run=show)
    revoking = commands.add_parser("revoke", help="remove a key", description="Remove a key from the file.")
    revoking.add_argument("name", metavar="NAME", type=_name)
    revoking.add_argument(
        "--everywhere", action="store_true", help="also on all nodes that share the server of FIGBOX_SHARED_URL"
    )
    revoking.set_defaults(run=revoke)
    return parser


if __name__ == "__main__":
    sys.exit(main())
