"""The client's program: what makes it look as in ``python plot.py``, and what clears up after it."""

from __future__ import annotations

import builtins
import io
import linecache
import os
import signal
import sys
import types
from typing import TYPE_CHECKING, Any

from cheap_import import WORK_DIR

if TYPE_CHECKING:
    from elsewhere.pasted import Note

PROGRAM_NAME = "plot.py"
PROGRAM_FILE = f"{WORK_DIR}/{PROGRAM_NAME}"


def decode_source(code: str | bytes) -> str:
    """Return the text of the program; bytes are decoded as Python does it (PEP 263: byte order mark, coding line)."""
    if isinstance(code, str):
        return code.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    from importlib.util import decode_source as decode

    return decode(code)


def split_lines(source: str) -> list[str]:
    """Return the lines as Python counts them: they end with line feed, carriage return, or both.

    ``str.splitlines`` knows eight further ends, from the form feed to the paragraph separator, which for Python are
    characters within a line.
    """
    return io.StringIO(source, newline=None).readlines()


def place_source(code: str | bytes) -> None:
    """Write the program where ``__file__`` says it is, as in a direct run, for programs that open it.

    One that doesn't fit into the working directory isn't there; the program runs all the same.
    """
    data = code if isinstance(code, bytes) else code.encode("utf-8", "replace")
    try:
        file = os.open(PROGRAM_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644)
    except OSError:
        return
    try:
        view = memoryview(data)
        while view:
            view = view[os.write(file, view) :]
    except OSError:  # full: half of a program is worse than none
        os.unlink(PROGRAM_FILE)
    finally:
        os.close(file)


def remember_source(lines: list[str]) -> None:
    """Let tracebacks (ours, and those that the program prints itself) and ``inspect`` show its lines."""
    for name in (PROGRAM_NAME, PROGRAM_FILE):
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


class Source:
    """The text of the program as it runs, and what was done to it before it compiled.

    Attributes:
        text: All of it.
        lines: Its lines, which tracebacks show.
        notes: Each a sentence, and the line that it is about or None.
    """

    def __init__(self) -> None:
        self.text = ""
        self.lines: list[str] = []
        self.notes: list[Note] = []

    def read(self, code: str | bytes) -> None:
        """Take the text from what was sent."""
        self.replace(decode_source(code), [])

    def replace(self, text: str, notes: list[Note]) -> None:
        """Take another text, with what was done to make it."""
        self.text = text
        self.notes = notes
        self.lines = split_lines(text)
        remember_source(self.lines)


def prepare_main_module() -> dict[str, Any]:
    """Make the interpreter look as in ``python plot.py`` and return the namespace of ``__main__``."""
    from importlib.machinery import SourceFileLoader

    import matplotlib.pyplot as plt
    import numpy as np

    module = types.ModuleType("__main__")
    loader = SourceFileLoader("__main__", PROGRAM_FILE)
    vars(module).update(__annotations__={}, __builtins__=builtins, __cached__=None, __file__=PROGRAM_FILE)
    vars(module).update(__loader__=loader, plt=plt, np=np)
    sys.modules["__main__"] = module
    sys.argv = [PROGRAM_NAME]
    return vars(module)


def is_own(filename: str) -> bool:
    """Return whether a frame is the client's: the program, or a file that came with it."""
    return filename == PROGRAM_NAME or filename.startswith(WORK_DIR + "/")


def disarm(recursion_limit: int) -> None:
    """Undo what the program may have left behind that would interrupt our last steps."""
    for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
        signal.setitimer(timer, 0)
    sys.setrecursionlimit(max(recursion_limit, sys.getrecursionlimit()))
