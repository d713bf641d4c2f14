"""What the program prints, on its way to the launcher.

Descriptors 1 and 2 become pipes, so that output of C code and of bare ``os.write`` is captured too, and a thread of
ours passes on what arrives in them. A thread needs the interpreter's lock, though: when a program prints and then
crashes, or enters C code that never releases the lock, its last words would be lost. So ``sys.stdout`` and
``sys.stderr`` write line by line and pass on each line themselves. After the first thousand they do so only now and
then, since a line on its own costs twenty times what it costs in a block.

A thread that passes something on holds the outbox's turn, reads without waiting, and writes a frame: so order is kept
within each stream, and no frame is torn. A signal handler may print while the thread it interrupts holds the turn;
then the other thread passes that on.
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

import frames

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

#: The kind of frame for each descriptor.
KINDS = {1: b"O", 2: b"S"}

#: What a pipe holds. Source: pipe(7).
PIPE_BYTES = 64 * 1024

#: Of what a program printed before it ended itself, so much is told.
LAST_WORDS_BYTES = 2048

PROMPT_COUNT = 1000
PAUSE_S = 0.02

#: How long a ``print`` waits for its turn: the other thread may be writing a frame that the launcher reads slowly.
TURN_LIMIT_S = 1.0


class Capture:
    """Both pipes; they take what is printed from the moment this is made, and ``start`` passes it on."""

    def __init__(self, outbox: frames.Outbox) -> None:
        self._outbox = outbox
        self._kinds: dict[int, bytes] = {}
        self._prompt_left = PROMPT_COUNT
        self._passed_at = 0.0
        for fd, kind in KINDS.items():
            reading, writing = os.pipe()
            private = frames.make_private(reading)
            os.close(reading)
            os.set_blocking(private, False)
            os.dup2(writing, fd)
            os.close(writing)
            self._kinds[private] = kind
        interpreter: Any = sys  # the names with underscores are final to type checkers
        interpreter.stdout = interpreter.__stdout__ = text_stream(PromptFile(1, self), "<stdout>", sys.stdout)
        interpreter.stderr = interpreter.__stderr__ = text_stream(PromptFile(2, self), "<stderr>", sys.stderr)

    def start(self) -> None:
        """Begin to pass on. A bare thread doesn't show in the program's ``threading.enumerate()``."""
        _thread.start_new_thread(self._watch, ())

    def pass_on(self) -> int:
        """Pass on what is in the pipes, at most a pipe's fill of each; the caller holds the turn.

        Returns:
            How many bytes there were; -1 when both pipes have ended because the program closed its descriptors.
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
                if fd not in self._kinds:  # ended: it would be ready for ever
                    poll.unregister(fd)
            self._outbox.take_turn()
            try:
                count = self.pass_on()
            finally:
                self._outbox.end_turn()
            if count < 0:
                return
            if count < PIPE_BYTES // 2:
                time.sleep(PAUSE_S)  # more may come, and every frame has its price


def text_stream(raw: KeptFile, name: str, like: io.TextIOWrapper | object) -> io.TextIOWrapper:
    """Return a text stream for a descriptor, made as the interpreter makes its own."""
    raw.name = name
    stream = io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=getattr(like, "encoding", None) or "utf-8",
        errors=getattr(like, "errors", None) or "backslashreplace",
        line_buffering=isinstance(raw, PromptFile) or getattr(like, "line_buffering", True),
    )
    stream.mode = "w"  # type: ignore[misc]  # the interpreter does so, too
    return stream


class KeptFile(io.FileIO):
    """A descriptor of which the end of what is written through it is kept."""

    name: str
    end = b""

    def __init__(self, fd: int) -> None:
        super().__init__(fd, "w", closefd=False)

    def write(self, data: ReadableBuffer, /) -> int:
        """Write to the descriptor."""
        KeptFile.end = (KeptFile.end + bytes(memoryview(data)[-LAST_WORDS_BYTES:]))[-LAST_WORDS_BYTES:]
        return super().write(data)


class PromptFile(KeptFile):
    """A descriptor whose bytes are passed on as soon as they are written."""

    def __init__(self, fd: int, capture: Capture) -> None:
        super().__init__(fd)
        self._capture = capture

    def write(self, data: ReadableBuffer, /) -> int:
        """Write to the pipe, and pass on what is in it."""
        count = super().write(data)
        self._capture.pass_on_promptly()
        return count


def keep_last_words() -> None:
    """Keep the end of what the program prints, where nothing of it is passed on."""
    interpreter: Any = sys
    interpreter.stdout = interpreter.__stdout__ = text_stream(KeptFile(1), "<stdout>", sys.stdout)
    interpreter.stderr = interpreter.__stderr__ = text_stream(KeptFile(2), "<stderr>", sys.stderr)


def last_words() -> str:
    """Return the end of what the program printed: it often says why it ended itself."""
    flush_program_output()
    words = KeptFile.end.decode("utf-8", "replace").strip()
    return f"Printed before that:\n{words}" if words else ""


def flush_program_output() -> None:
    """Flush what the program printed; it may have closed or replaced its streams."""
    for name in ("stdout", "stderr", "__stdout__", "__stderr__"):
        with contextlib.suppress(BaseException):  # nothing here is worth losing the reply
            getattr(sys, name).flush()
