"""The working directory: data files go in before the program runs, what it wrote comes out afterwards.

All of this runs with the program's own rights, in its own container, so checking twice what a path leads to is
tidiness. The protection is elsewhere: the launcher opens no path at all, and checks each name and byte it gets.
"""

from __future__ import annotations

import contextlib
import gc
import io
import os
import re
import stat
import sys
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from cheap_import import WORK_DIR

if TYPE_CHECKING:
    from frames import Outbox

#: Files that come back at most; the launcher takes no more.
FILE_LIMIT = 64
DEPTH_LIMIT = 8
PATH_LIMIT = 255
ENTRY_LIMIT = 20_000
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

#: Classes that close themselves in a direct run at the latest at its end.
PACKERS = (("gzip", "GzipFile"), ("bz2", "BZ2File"), ("lzma", "LZMAFile"), ("zipfile", "ZipFile"))

#: A folder or file in a name that is sent; the launcher has the same rule, and refuses a name that breaks it.
PART = re.compile("[^\0-\x1f\x7f-\x9f/\\\\\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]+")


class Traces(NamedTuple):
    """What shows that a file was not touched: inode, size, times of contents and of status."""

    number: int
    size: int
    changed_ns: int
    status_changed_ns: int


class Survey(dict[str, Traces]):
    """Files by their paths below the working directory.

    Attributes:
        whole: Whether they are all; False if there are too many, or folders too deep.
    """

    whole = True


class DataFile:
    """A data file that is being written, with the folders that its name has; after an error the rest is dropped.

    Attributes:
        error: Why it could not be written; empty when it could.
    """

    def __init__(self, name: str) -> None:
        self.error = ""
        self._name = name
        self._fd = -1

    def __enter__(self) -> Self:
        path = os.path.join(WORK_DIR, self._name)
        try:
            if "/" in self._name:  # nothing of the program's is here yet that a folder could be confused with
                os.makedirs(os.path.dirname(path), exist_ok=True)
            self._fd = os.open(path, WRITE_FLAGS, 0o644)
        except OSError as error:
            self._note(error)
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def write(self, piece: bytes) -> None:
        """Write the next piece."""
        try:
            view = memoryview(piece)
            while view and not self.error:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            self._note(error)

    def _note(self, error: OSError) -> None:
        self.error = f"The data file {self._name!r} can't be written: {error.strerror}."


def survey() -> Survey:
    """Return all regular files below the working directory but hidden ones, such as Matplotlib's own folder."""
    found = Survey()
    folders = [""]
    while folders:
        if len(found) >= ENTRY_LIMIT:
            found.whole = False
            break
        folder = folders.pop()
        try:
            with os.scandir(os.path.join(WORK_DIR, folder)) as entries:
                for entry in entries:
                    path = folder + entry.name
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if path.count("/") < DEPTH_LIMIT:
                            folders.append(path + "/")
                        else:
                            found.whole = False
                    elif entry.is_file(follow_symlinks=False):
                        facts = entry.stat(follow_symlinks=False)
                        found[path] = Traces(facts.st_ino, facts.st_size, facts.st_mtime_ns, facts.st_ctime_ns)
        except OSError:  # removed meanwhile, or unreadable
            continue
    return found


def flush_open_files() -> None:
    """Write out what open files still hold back, as the end of a direct run would.

    Objects imported before the job are frozen, and not among those looked at.
    """
    packers = tuple(getattr(sys.modules.get(module), name, None) for module, name in PACKERS)
    objects = gc.get_objects()
    flush(objects)
    for candidate in objects:
        if type(candidate) in packers:  # their last bytes are written when they are closed
            with contextlib.suppress(Exception):
                candidate.close()
    flush(objects)


def flush(objects: list[Any]) -> None:
    """Write out what those of the objects hold back that are open files."""
    for candidate in objects:
        if type(candidate) in (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom):
            try:
                candidate.flush()
            except (OSError, ValueError):  # full, closed, or opened for reading
                continue


def changes(before: Survey, after: Survey) -> list[str]:
    """Return the paths of files that are new or changed, the smallest first."""
    found = sorted((traces.size, path) for path, traces in after.items() if before.get(path) != traces)
    return [path for _, path in found]


def written(before: Survey) -> list[str]:
    """Return the paths of all files that are new or changed since ``before``."""
    return sorted(changes(before, survey()))


def send_written(outbox: Outbox, before: Survey, limit_bytes: int) -> bool:
    """Send every file that is new or changed since ``before``, the smallest first.

    Args:
        outbox: Where to send them.
        before: What was there before the program ran.
        limit_bytes: What they and everything sent before may come to.

    Returns:
        Whether any of them was left out.
    """
    after = survey()
    changed = changes(before, after)
    sendable = [path for path in changed if is_sendable(path)]
    left_out = len(sendable) < len(changed) or len(sendable) > FILE_LIMIT or not after.whole
    for path in sendable[:FILE_LIMIT]:
        head = path.encode()
        data = read(path, outbox.room(limit_bytes) - len(head))
        if data is None:
            left_out = True
            continue
        outbox.send_with_head(b"F", head, data)
    return left_out


def is_sendable(path: str) -> bool:
    """Return whether the launcher takes a file of this name."""
    return len(path) <= PATH_LIMIT and all(PART.fullmatch(part) for part in path.split("/"))


def read(path: str, limit_bytes: int) -> bytes | None:
    """Return the contents of a regular file; None when it is something else, unreadable, or too long."""
    try:
        fd = os.open(os.path.join(WORK_DIR, path), READ_FLAGS)
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
