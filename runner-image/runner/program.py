"""The client's program: what makes it look as in ``python plot.py``, and what clears up after it."""

from __future__ import annotations

import linecache
import signal
import sys
import types
from typing import Any

from cheap_import import WORK_DIR

PROGRAM_NAME = "plot.py"
PROGRAM_FILE = f"{WORK_DIR}/{PROGRAM_NAME}"


def decode_source(code: str | bytes) -> str:
    """Return the text of the program; bytes are decoded as Python does it (PEP 263: byte order mark, coding line)."""
    if isinstance(code, str):
        return code.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    from importlib.util import decode_source as decode

    return decode(code)


def remember_source(lines: list[str]) -> None:
    """Let tracebacks (ours, and those that the program prints itself) and ``inspect`` show its lines."""
    for name in (PROGRAM_NAME, PROGRAM_FILE):
        linecache.cache[name] = (sum(map(len, lines)), None, lines, name)


def prepare_main_module() -> dict[str, Any]:
    """Make the interpreter look as in ``python plot.py`` and return the namespace of ``__main__``."""
    import matplotlib.pyplot as plt
    import numpy as np

    module = types.ModuleType("__main__")
    vars(module).update(__builtins__=__builtins__, __file__=PROGRAM_FILE, plt=plt, np=np)
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
