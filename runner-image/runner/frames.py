"""The runner's ends of the pipes: private descriptors, and frames both ways.

A frame is one byte kind, four bytes big-endian length, payload. runner.py lists the kinds.
"""

from __future__ import annotations

import _thread
import fcntl
import os
import struct
from typing import NamedTuple

FRAME_HEADER = struct.Struct(">cI")

#: Precedes the name in a frame that carries a file, and the head in one that carries a picture.
NAME_LENGTH = struct.Struct(">H")

LOWEST_PRIVATE_FD = 100

#: The engine puts a head before each piece that it reads from us, and it rarely reads less than a page at a time.
ENGINE_BLOCK_BYTES = 4096
ENGINE_HEAD_BYTES = 8


class Streams(NamedTuple):
    """Private copies of the descriptors that the engine gave us."""

    job: int
    reply: int


class StreamEnded(Exception):
    """The launcher closed our stdin in the middle of what it was sending."""


def claim_streams() -> Streams:
    """Move stdin and stdout to private descriptors and give the program harmless ones.

    Source: fcntl(2), F_DUPFD_CLOEXEC gives the lowest free descriptor at or above its argument.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    job, reply = make_private(0), make_private(1)
    os.dup2(nowhere, 0)
    os.dup2(2, 1)
    if nowhere > 2:  # noqa: PLR2004 - the engine may have started us with a standard descriptor closed
        os.close(nowhere)
    return Streams(job, reply)


def make_private(fd: int) -> int:
    """Return a copy of a descriptor where programs don't come across it by chance."""
    return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, LOWEST_PRIVATE_FD)


def read_exactly(fd: int, count: int) -> bytes:
    """Read ``count`` bytes.

    Raises:
        StreamEnded: The stream ends before them.
    """
    chunks = []
    while count:
        chunk = os.read(fd, min(count, 1 << 20))
        if not chunk:
            raise StreamEnded
        chunks.append(chunk)
        count -= len(chunk)
    return b"".join(chunks)


def read_to_end(fd: int) -> bytes:
    """Read until end of file."""
    chunks = []
    while chunk := os.read(fd, 1 << 20):
        chunks.append(chunk)
    return b"".join(chunks)


def write_all(fd: int, data: bytes) -> None:
    """Write every byte, however few the pipe takes at a time."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


class Outbox:
    """Frames on their way to the launcher: one at a time, whole, and counted.

    Two threads of ours write when a job's output is collected, so a thread takes its turn before it writes.

    Attributes:
        sent_bytes: What the launcher has counted so far, the engine's own additions included; never less.
    """

    def __init__(self, fd: int) -> None:
        self.sent_bytes = 0
        self._fd = fd
        self._lock = _thread.allocate_lock()
        self._holder = 0

    def take_turn(self, limit_s: float = -1) -> bool:
        """Wait until no other thread writes; return whether this thread now has the turn.

        False when the time is over, and at once when this very thread has the turn already: then this is a signal
        handler or a destructor that interrupts it.
        """
        if self._holder == _thread.get_ident() or not self._lock.acquire(timeout=limit_s):
            return False
        self._holder = _thread.get_ident()
        return True

    def end_turn(self) -> None:
        """Let other threads write."""
        self._holder = 0
        self._lock.release()

    def room(self, limit_bytes: int) -> int:
        """Return how many bytes of one payload still fit if all frames may be counted as ``limit_bytes``."""
        left = limit_bytes - self.sent_bytes - FRAME_HEADER.size - NAME_LENGTH.size - ENGINE_HEAD_BYTES
        return left * ENGINE_BLOCK_BYTES // (ENGINE_BLOCK_BYTES + ENGINE_HEAD_BYTES)

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        """Write one frame."""
        self.take_turn()
        try:
            self.put(kind, payload)
        finally:
            self.end_turn()

    def send_with_head(self, kind: bytes, head: bytes, payload: bytes) -> None:
        """Write one frame whose payload has a head of its own: a file's name, or a picture's description."""
        self.send(kind, NAME_LENGTH.pack(len(head)) + head + payload)

    def put(self, kind: bytes, payload: bytes) -> None:
        """Write one frame; the caller holds the turn."""
        frame = FRAME_HEADER.pack(kind, len(payload)) + payload
        self.sent_bytes += len(frame) + ENGINE_HEAD_BYTES * (1 + len(frame) // ENGINE_BLOCK_BYTES)
        write_all(self._fd, frame)
