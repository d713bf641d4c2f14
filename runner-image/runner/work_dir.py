"""The working directory: data files go in before the program runs, what it wrote comes out afterwards.

Everything happens with the program's own rights, in its own container: looking twice at what a path leads to is
tidiness. What protects anybody is that the gateway opens no path at all and judges each name and byte it gets.
"""

from __future__ import annotations

import gc
import io
import os
import re
import stat
from typing import TYPE_CHECKING, NamedTuple, Self

from cheap_import import WORK_DIR

if TYPE_CHECKING:
    from wire import Outbox

FILE_LIMIT = 64
"""Files that come back at most; the gateway takes no more."""
DEPTH_LIMIT = 8
PATH_LIMIT = 255
ENTRY_LIMIT = 20_000
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

PART = re.compile("[^\0-\x1f\x7f-\x9f/\\\\\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+")
"""A folder or file in a name that is sent; the gateway has the same rule, and refuses whatever breaks it."""


class Traces(NamedTuple):
    """What tells a file that was not touched: number, size, times of contents and of status."""

    number: int
    size: int
    changed_ns: int
    status_changed_ns: int


Survey = dict[str, Traces]
"""Files by their paths below the working directory."""


class Arrival:
    """A data file that is being written.

    Attributes:
        fault: why it could not be; empty when all is well.
    """

    def __init__(self, name: str) -> None:
        self.fault = ""
        self._name = name
        self._fd = -1

    def __enter__(self) -> Self:
        try:
            self._fd = os.open(os.path.join(WORK_DIR, self._name), WRITE_FLAGS, 0o644)  # noqa: PTH118
        except OSError as fault:
            self._note(fault)
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def write(self, piece: bytes) -> str:
        """Write the next piece; returns the fault so far."""
        try:
            view = memoryview(piece)
            while view and not self.fault:
                view = view[os.write(self._fd, view) :]
        except OSError as fault:
            self._note(fault)
        return self.fault

    def _note(self, fault: OSError) -> None:
        self.fault = f"The data file {self._name!r} can't be written: {fault.strerror}."


def survey() -> Survey:
    """All regular files below the working directory but hidden ones: Matplotlib's own folder is among those."""
    found: Survey = {}
    folders = [""]
    while folders and len(found) < ENTRY_LIMIT:
        folder = folders.pop()
        try:
            with os.scandir(os.path.join(WORK_DIR, folder)) as entries:  # noqa: PTH118
                for entry in entries:
                    path = folder + entry.name
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if path.count("/") < DEPTH_LIMIT:
                            folders.append(path + "/")
                    elif entry.is_file(follow_symlinks=False):
                        facts = entry.stat(follow_symlinks=False)
                        found[path] = Traces(facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
        except OSError:  # removed while we look, or not to be read: then it isn't there for us
            continue
    return found


def flush_open_files() -> None:
    """Write out what open files still hold back, as the end of a direct run would.

    What was imported before the job is frozen and not walked through.
    """
    for candidate in gc.get_objects():
        if type(candidate) in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
            try:
                candidate.flush()
            except (OSError, ValueError):  # full, closed, or opened for reading
                continue


def send_written(outbox: Outbox, before: Survey, limit_bytes: int) -> bool:
    """Send every file that is new or changed since ``before``, the smallest first.

    Args:
        outbox: where to.
        before: what was there before the program ran.
        limit_bytes: what they and everything sent before may come to.

    Returns:
        Whether any of them was left out.
    """
    after = survey()
    written = sorted((traces.size, path) for path, traces in after.items() if before.get(path) != traces)
    sendable = [path for _, path in written if is_sendable(path)]
    left_out = len(sendable) < len(written) or len(sendable) > FILE_LIMIT
    for path in sendable[:FILE_LIMIT]:
        head = path.encode()
        data = read(path, outbox.room(limit_bytes) - len(head))
        if data is None:
            left_out = True
            continue
        outbox.send_with_head(b"F", head, data)
    return left_out


def is_sendable(path: str) -> bool:
    """Whether the gateway takes a file of this name."""
    return len(path) <= PATH_LIMIT and all(PART.fullmatch(part) for part in path.split("/"))


def read(path: str, limit_bytes: int) -> bytes | None:
    """Contents of a regular file; None when it is something else, can't be read, or is too long."""
    try:
        fd = os.open(os.path.join(WORK_DIR, path), READ_FLAGS)  # noqa: PTH118
    except OSError:
        return None
    try:
        facts = os.fstat(fd)
        if not stat.S_ISREG(facts.st_mode) or facts.st_size > limit_bytes:
            return None
        chunks = []
        left = facts.st_size
        while left and (chunk := os.read(fd, min(left, 1 << 20))):
            chunks.append(chunk)
            left -= len(chunk)
        return b"".join(chunks)
    except OSError:
        return None
    finally:
        os.close(fd)
