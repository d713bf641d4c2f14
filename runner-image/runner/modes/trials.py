"""Tries to exceed the limits of its container, for the launcher's self-test.

The container has a job's own specification, but small limits, so that each is reached at once. Every trial goes on
until something stops it or it has come as far as it was asked to, about twice what is allowed. The launcher judges
what that proves; nothing here does.
"""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any

from cheap_import import WORK_DIR

if TYPE_CHECKING:
    from collections.abc import Callable

MiB = 1024 * 1024
SPIN_S = 0.5


def try_limits(*, file_bytes: int, tmpfs_mib: int, inodes: int, descriptors: int, threads: int) -> dict[str, Any]:
    """Return how far each trial came.

    Args:
        file_bytes: Size of one file.
        tmpfs_mib: Size of all files together.
        inodes: Number of files.
        descriptors: Number of open files.
        threads: Number of threads besides this one.
    """
    report = {"cpu_share": spin(), "large_file": make_file(file_bytes)}
    report["tmpfs_mib"] = count(fill, tmpfs_mib)
    for name in os.listdir(WORK_DIR):
        os.unlink(in_work_dir(name))
    report["inodes"] = count(touch, inodes)
    opened: list[int] = []
    report["descriptors"] = count(lambda _: opened.append(os.open("/", os.O_RDONLY)), descriptors)
    for descriptor in opened:
        os.close(descriptor)
    never = threading.Event()
    report["threads"] = count(lambda _: threading.Thread(target=never.wait, daemon=True).start(), threads)
    return report


def spin() -> float:
    """Keep one thread busy; return the share of a core that it got."""
    began, used = time.perf_counter(), time.process_time()
    while time.perf_counter() - began < SPIN_S:
        pass
    return (time.process_time() - used) / (time.perf_counter() - began)


def count(attempt: Callable[[int], None], most: int) -> int:
    """Return how often an attempt succeeds before it first fails, at most ``most`` times."""
    for done in range(most):
        try:
            attempt(done)
        except (OSError, RuntimeError):  # the latter from threads
            return done
    return most


def make_file(size: int) -> bool:
    """Return whether one file can have a size; it takes no memory, and is removed again."""
    path = in_work_dir("sparse")
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        os.ftruncate(descriptor, size)
    except OSError:
        return False
    finally:
        os.close(descriptor)
        os.unlink(path)
    return True


def fill(number: int) -> None:
    """Write a file of 1 MiB."""
    with open(in_work_dir(f"bytes{number}"), "wb") as file:
        file.write(bytes(MiB))


def touch(number: int) -> None:
    """Make an empty file."""
    with open(in_work_dir(str(number)), "wb"):
        pass


def in_work_dir(name: str) -> str:
    """Return a path in the working directory."""
    return os.path.join(WORK_DIR, name)


def use_memory(size: int) -> dict[str, Any]:
    """Use ``size`` bytes of memory for a moment; return that it was possible."""
    return {"survived": len(b"x" * size)}
