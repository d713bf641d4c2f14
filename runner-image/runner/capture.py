"""What the program prints, on its way to the gateway.

Descriptors 1 and 2 become pipes, so that C code and bare ``os.write`` are heard too, and a thread of ours passes on
what arrives in them. A thread needs the interpreter's lock, though: a program that prints and then crashes, or goes
into C code that never lets go, would take its last words along. So ``sys.stdout`` and ``sys.stderr`` write line by
line and pass on each line themselves. After the first thousand they do so only now and then, since a line on its own
costs twenty times what it costs in a block.

Whoever passes something on has the outbox's turn, reads without waiting, and writes a frame: so order is kept within
each stream, and no frame is torn. A signal handler may print while the very thread it interrupts has the turn; then
the other thread sees to those words.
"""

from __future__ import annotations

import _thread
import contextlib
import io
import os
import select
import sys
import time
from typing import TYPE_CHECKING, Any

import wire

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

KINDS = {1: b"O", 2: b"S"}
"""Descriptor to kind of frame."""
PIPE_BYTES = 64 * 1024
"""What a pipe holds. Source: pipe(7)."""
PROMPT_COUNT = 1000
PAUSE_S = 0.02
TURN_LIMIT_S = 1.0
"""What a ``print`` waits for its turn: the other thread's frame, which is as long as the gateway takes to read it."""


class Capture:
    """Both pipes, from the moment it is made; ``start`` begins to listen."""

    def __init__(self, outbox: wire.Outbox) -> None:
        self._outbox = outbox
        self._kinds: dict[int, bytes] = {}
        self._prompt_left = PROMPT_COUNT
        self._passed_at = 0.0
        for fd, kind in KINDS.items():
            reading, writing = os.pipe()
            private = wire.make_private(reading)
            os.close(reading)
            os.set_blocking(private, False)
            os.dup2(writing, fd)
            os.close(writing)
            self._kinds[private] = kind
        interpreter: Any = sys  # the names with underscores are final to type checkers
        interpreter.stdout = interpreter.__stdout__ = self._stream(1, "<stdout>", sys.stdout)
        interpreter.stderr = interpreter.__stderr__ = self._stream(2, "<stderr>", sys.stderr)

    def start(self) -> None:
        """Begin to pass on. A bare thread: it doesn't show in the program's ``threading.enumerate()``."""
        _thread.start_new_thread(self._watch, ())

    def pass_on(self) -> int:
        """Pass on what is in the pipes, a pipe's fill of each at most; for those whose turn it is.

        Returns:
            How many bytes there were; -1 when both pipes have ended, since the program closed its descriptors.
        """
        count = 0
        for fd, kind in list(self._kinds.items()):
            try:
                data = os.read(fd, PIPE_BYTES)
            except BlockingIOError:
                continue
            if not data:
                del self._kinds[fd]
                continue
            count += len(data)
            self._outbox.put(kind, data)
        return count if self._kinds else -1

    def pass_on_promptly(self) -> None:
        """Pass on what was just printed, if that may be done now."""
        now = time.monotonic()
        if self._prompt_left <= 0 and now < self._passed_at + PAUSE_S:
            return
        if self._outbox.take_turn(TURN_LIMIT_S):
            try:
                self.pass_on()
            finally:
                self._outbox.end_turn()
            self._prompt_left -= 1
            self._passed_at = now

    def _watch(self) -> None:
        poll = select.poll()
        for fd in self._kinds:
            poll.register(fd, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd not in self._kinds:  # ended: polling it would answer at once for ever
                    poll.unregister(fd)
            self._outbox.take_turn()
            try:
                count = self.pass_on()
            finally:
                self._outbox.end_turn()
            if count < 0:
                return
            if count < PIPE_BYTES // 2:
                time.sleep(PAUSE_S)  # a few words: more may come, and every frame has its price

    def _stream(self, fd: int, name: str, like: io.TextIOWrapper | object) -> io.TextIOWrapper:
        """Text stream for a descriptor, made as the interpreter makes its own."""
        raw = PromptFile(fd, self)
        raw.name = name
        stream = io.TextIOWrapper(
            io.BufferedWriter(raw),
            encoding=getattr(like, "encoding", None) or "utf-8",
            errors=getattr(like, "errors", None) or "backslashreplace",
            line_buffering=True,
        )
        stream.mode = "w"  # type: ignore[misc]  # the interpreter does so, too
        return stream


class PromptFile(io.FileIO):
    """A descriptor whose bytes are passed on as soon as they are written."""

    name: str

    def __init__(self, fd: int, capture: Capture) -> None:
        super().__init__(fd, "w", closefd=False)
        self._capture = capture

    def write(self, data: ReadableBuffer, /) -> int:
        """Write to the pipe, and pass on what is in it."""
        count = super().write(data)
        self._capture.pass_on_promptly()
        return count


def flush_program_output() -> None:
    """Push out what the program printed; it may have closed or replaced its streams."""
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        with contextlib.suppress(BaseException):  # nothing here is worth losing the answer
            getattr(sys, name).flush()
