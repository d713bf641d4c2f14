"""What is kept of started services: a private folder for each user and home.

Each service has a place in it, with its key, its log and a lock. The place `up` is that of `figbox up`, with a record
of the process; `local-0`, `local-1` and so on are those of `--local`, each held by one service at a time. A place gives
its service the name that marks its containers, so that the next service in it removes what a killed one has left.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import secrets
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import click

from figbox.cli.exits import ServiceProblem
from figbox.cli.home.processes import Identity

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Random bytes of a key.
KEY_BYTES = 32

#: Most services of `--local` at once.
PLACES_LIMIT = 64

#: Permissions of folders and files: for their owner alone.
PRIVATE_FOLDER, PRIVATE_FILE = 0o700, 0o600
OTHERS = 0o077


@dataclass(frozen=True, slots=True)
class Record:
    """A service of `figbox up`.

    Attributes:
        process: Its gateway.
        url: Its address; empty as long as it isn't known.
        environments: What it offers besides `default`, as far as `figbox up` was asked for it.
    """

    process: Identity
    url: str
    environments: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """The files of one service.

    Attributes:
        installation: The name that marks its containers.
    """

    folder: Path
    installation: str

    @property
    def key_file(self) -> Path:
        """The file with the service's key."""
        return self.folder / "key"

    @property
    def log(self) -> Path:
        """The file with the service's log."""
        return self.folder / "gateway.log"

    @property
    def _record(self) -> Path:
        return self.folder / "service.json"

    def write(self, name: str, text: str) -> Path:
        """Write a file that only its owner can read, in one step; return its path."""
        path = self.folder / name
        beside = self.folder / f"{name}.new"
        beside.unlink(missing_ok=True)
        with open(beside, "x", encoding="utf-8", opener=_private) as file:
            file.write(text)
        beside.replace(path)
        return path

    def new_key(self) -> str:
        """Make a random key, in the key file; return it."""
        key = secrets.token_urlsafe(KEY_BYTES)
        self.write(self.key_file.name, f"{key}\n")
        return key

    def open_log(self) -> IO[str]:
        """Begin a new log."""
        self.log.unlink(missing_ok=True)
        return open(self.log, "x", encoding="utf-8", opener=_private)

    def record(self, record: Record) -> None:
        """Write down which service is in this place."""
        self.write(self._record.name, json.dumps(asdict(record)))

    def recorded(self) -> Record | None:
        """Return which service was in this place last; None if there was none, or its record can't be read."""
        try:
            found = json.loads(self._record.read_text("utf-8"))
            process = Identity(int(found["process"]["pid"]), int(found["process"]["started"]), found["process"]["boot"])
            return Record(process, str(found["url"]), tuple(map(str, found["environments"])))
        except (OSError, ValueError, TypeError, LookupError):
            return None

    def clear(self) -> None:
        """Remove everything but the lock."""
        for path in self.folder.iterdir():
            if path.name != "lock":
                path.unlink()

    @contextlib.contextmanager
    def locked(self, *, wait: bool) -> Iterator[int]:
        """Hold the place; yield the descriptor of its lock, which a process that inherits it holds as well.

        Raises:
            BlockingIOError: Another process holds it, and isn't to be waited for.
        """
        import fcntl  # noqa: PLC0415 - Windows hasn't it, and starts no service

        with (self.folder / "lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            yield lock.fileno()


def place(home: Path, name: str) -> Place:
    """Return a place of this user and a home; make its folder.

    Raises:
        ServiceProblem: The folder can't be made, or is another user's.
    """
    folder = state_folder() / hashlib.sha256(os.fsencode(home)).hexdigest()[:16]
    try:
        for each in (folder.parent, folder, folder / name):
            each.mkdir(parents=True, mode=PRIVATE_FOLDER, exist_ok=True)
            _keep_private(each)
        return Place(folder / name, f"figbox-{_identifier(folder)}-{name}")
    except OSError as error:
        raise ServiceProblem(f"{error.filename} can't be used ({error.strerror}): set XDG_STATE_HOME") from error


@contextlib.contextmanager
def free_place(home: Path) -> Iterator[tuple[Place, int]]:
    """Hold a place of `--local` that no other service is in; yield it with the descriptor of its lock.

    Raises:
        ServiceProblem: There is none, or the folder can't be used.
    """
    with contextlib.ExitStack() as stack:
        for number in range(PLACES_LIMIT):
            found = place(home, f"local-{number}")
            try:
                lock = stack.enter_context(found.locked(wait=False))
            except BlockingIOError:
                continue
            yield found, lock
            return
        raise ServiceProblem(f"{PLACES_LIMIT} services of --local run already")


def state_folder() -> Path:
    """Return the folder for what programs keep between runs.

    Source: XDG Base Directory Specification, `XDG_STATE_HOME`, where a relative path is to be ignored.
    """
    named = Path(os.environ.get("XDG_STATE_HOME", ""))
    if named.is_absolute():
        return named / "figbox"
    try:
        return Path.home() / ".local" / "state" / "figbox"
    except RuntimeError as error:
        raise click.UsageError("this user has no home folder: set XDG_STATE_HOME") from error


def _keep_private(folder: Path) -> None:
    """Keep others out of a folder of ours; raise PermissionError if it is another's."""
    found = folder.stat()
    if found.st_uid != os.geteuid():
        raise PermissionError(errno.EACCES, "it is another user's", str(folder))
    if found.st_mode & OTHERS:
        folder.chmod(PRIVATE_FOLDER)


def _identifier(folder: Path) -> str:
    """Return what tells this folder's services from all others on the engine: random, since hosts may share one."""
    path = folder / "identifier"
    beside = folder / f"identifier.{secrets.token_hex(6)}"
    if not path.exists():
        beside.write_text(secrets.token_hex(6))
        with contextlib.suppress(FileExistsError):
            os.link(beside, path)  # of two at once, one wins
        beside.unlink()
    return path.read_text()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, PRIVATE_FILE)


def require_linux() -> None:
    """Raise click.UsageError where the gateway doesn't run."""
    if sys.platform != "linux":
        raise click.UsageError(
            "a service can only be started on Linux; on macOS `make run` in a clone starts one in containers, and "
            "--url names a service elsewhere"
        )
