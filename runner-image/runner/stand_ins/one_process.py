"""Lets threads that look like processes work, and says in words that there are no others.

The kernel refuses child processes to a job, and the semaphores that processes share. What Python makes of that
misleads: ``No such file or directory`` where multiprocessing wants a lock, ``Operation not permitted`` where a program
isn't installed. So what would start a process says why there is none, or that there is no such program, as it would
anywhere; and semaphores that could be shared are shared by threads, as by ``multiprocessing.pool.ThreadPool``.

None of it is a boundary: a program can undo it, and is refused by the kernel then.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
import threading
import time
import types
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

WORDS = (
    "no child processes here: a job is one process. Threads work, as of concurrent.futures.ThreadPoolExecutor "
    "and multiprocessing.pool.ThreadPool"
)

#: What a shell returns for a command that it can't find, as ``os.system`` gives it.
NOT_FOUND_STATUS = 127 << 8

#: What ``os.popen`` and ``shell=True`` start. The image may have none, which is no news to who asked for a command.
SHELL = "/bin/sh"

RECURSIVE_MUTEX = 0


def install() -> None:
    """Put all of it in place, once Matplotlib has imported what starts processes."""
    import _multiprocessing  # type: ignore[import-not-found]  # has no stubs
    import _posixsubprocess
    import posix
    import subprocess

    places: list[tuple[Any, str, Callable[..., Any]]] = [
        (_posixsubprocess, "fork_exec", fork_exec),
        (subprocess, "_fork_exec", fork_exec),
        (_multiprocessing, "SemLock", ThreadSemaphore),
    ]
    for name, function in CALLS.items():
        named = named_as(getattr(os, name), function)
        places += [(os, name, named), (posix, name, named)]
    for module, name, function in places:
        setattr(module, name, function)


def named_as(original: Any, function: Any) -> Any:
    """Return the same function under the name of what it stands in for, by which pickles and messages know it."""
    copied = types.FunctionType(function.__code__, function.__globals__, original.__name__, function.__defaults__)
    copied.__module__, copied.__qualname__ = original.__module__, original.__qualname__
    copied.__doc__ = original.__doc__
    return copied


def refuse(*_: Any) -> NoReturn:
    """Say that there are no child processes."""
    raise PermissionError(errno.EPERM, WORDS)


def fork_exec(arguments: Sequence[Any], programs: Iterable[bytes], *others: Any) -> NoReturn:  # noqa: ARG001 - CPython's
    """Fail as a child would where there is no such program, or folder to run it in; otherwise refuse.

    Source: CPython, Modules/_posixsubprocess.c, ``child_exec``.
    """
    folder = others[2]
    if folder is not None:
        os.stat(folder)
    demand_program([os.fsdecode(program) for program in programs])
    refuse()


def demand_program(paths: Sequence[str]) -> None:
    """Raise what executing the first of these programs that exists would raise, if that would fail."""
    if paths == [SHELL]:
        return
    code = errno.ENOENT
    for path in paths:
        try:
            mode = os.stat(path).st_mode
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            code = error.errno or code
            continue
        if stat.S_ISREG(mode) and os.access(path, os.X_OK):
            return
        code = errno.EACCES
    named = paths[0] if len(paths) == 1 else os.path.basename(paths[0]) if paths else ""
    raise OSError(code, os.strerror(code), named)


def spawn(path: Any, *_: Any, **__: Any) -> NoReturn:
    """Stand in for ``posix_spawn``."""
    demand_program([os.fsdecode(path)])
    refuse()


def spawn_found(file: Any, *_: Any, **__: Any) -> NoReturn:
    """Stand in for ``posix_spawnp``."""
    name = os.fsdecode(file)
    demand_program([name] if "/" in name else [os.path.join(folder, name) for folder in os.get_exec_path()])
    refuse()


def system(command: Any) -> int:  # noqa: ARG001 - that of os.system
    """Stand in for ``os.system``, which tells of failures by its status: many programs call it in passing."""
    sys.stderr.flush()
    os.write(2, f"os.system: {WORDS}\n".encode())
    return NOT_FOUND_STATUS


CALLS: dict[str, Callable[..., Any]] = {
    "fork": refuse,
    "forkpty": refuse,
    "posix_spawn": spawn,
    "posix_spawnp": spawn_found,
    "system": system,
}


class ThreadSemaphore:
    """A semaphore or recursive lock of multiprocessing's kind, for the threads of one process.

    Source: CPython, Modules/_multiprocessing/semaphore.c.

    Args:
        kind: 0 for a recursive lock, 1 for a semaphore.
        value: How often it can be acquired at first.
        maxvalue: How often at most.
        name: Ignored: nothing has it in the file system.
        unlink: Ignored, since there is nothing to remove.
    """

    SEM_VALUE_MAX = 2**31 - 1

    def __init__(self, kind: int, value: int, maxvalue: int, name: str, unlink: bool) -> None:  # noqa: ARG002, FBT001 - CPython's
        self.kind = kind
        self.maxvalue = maxvalue
        self.name = None  # as where it was removed: nobody has to see to that
        self.handle = id(self)
        self._value = value
        self._acquired = 0
        self._owner: int | None = None
        self._changed = threading.Condition(threading.Lock())

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:  # noqa: FBT001, FBT002 - CPython's
        """Take it; return whether that was possible in time."""
        deadline = None if timeout is None else time.monotonic() + max(0.0, timeout)
        with self._changed:
            if self.kind == RECURSIVE_MUTEX and self._is_mine():
                self._acquired += 1
                return True
            while self._value == 0:
                left = None if deadline is None else deadline - time.monotonic()
                if not block or (left is not None and left <= 0):
                    return False
                self._changed.wait(left)
            self._value -= 1
            self._acquired += 1
            self._owner = threading.get_ident()
            return True

    def release(self) -> None:
        """Give it back."""
        with self._changed:
            if self.kind == RECURSIVE_MUTEX:
                if not self._is_mine():
                    raise AssertionError("attempt to release recursive lock not owned by thread")
                if self._acquired > 1:
                    self._acquired -= 1
                    return
            elif self._value >= self.maxvalue:
                raise ValueError("semaphore or lock released too many times")
            self._value += 1
            self._acquired -= 1
            self._changed.notify()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _count(self) -> int:
        return self._acquired

    def _is_mine(self) -> bool:
        return self._acquired > 0 and self._owner == threading.get_ident()

    def _get_value(self) -> int:
        return self._value

    def _is_zero(self) -> bool:
        return self._value == 0

    def _after_fork(self) -> None:
        self._acquired = 0
