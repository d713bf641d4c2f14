"""What a process holds, as the kernel tells it: for tests that compare two moments of rest."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

from gateway.launcher.engine.docker_engine import (
    CONTROL_THREADS,
    END_THREADS,
    LAUNCH_THREADS,
    PING_THREADS,
    STORE_THREADS,
)
from gateway.worker.worker_pool import WORKERS

#: Workers of a gateway in one process: those that check pictures, and those that read bodies.
WORKERS_LIMIT = 2 * WORKERS

#: Descriptors by which a process holds a worker: three pipes, and one for the process. Before Python 3.12 there is also
#: a thread that waits for its end.
WORKER_DESCRIPTORS = 4

#: Threads a gateway may have at most: the event loop's, those that talk to the engine, and those that wait for workers.
THREADS_LIMIT = 1 + LAUNCH_THREADS + END_THREADS + CONTROL_THREADS + PING_THREADS + STORE_THREADS + WORKERS_LIMIT


@dataclass(frozen=True, slots=True)
class Held:
    """What a process holds at one moment, but for the descriptors of its workers."""

    threads: int
    descriptors: int
    resident_bytes: int


def held_by(pid: int) -> Held:
    """Return what a process holds."""
    process = Path("/proc", str(pid))
    return Held(
        threads=len(list((process / "task").iterdir())),
        descriptors=count_descriptors(process) - WORKER_DESCRIPTORS * count_children(process),
        resident_bytes=int((process / "statm").read_text().split()[1]) * 4096,
    )


def count_children(process: Path) -> int:
    """Return the children of a process."""
    count = 0
    for thread in (process / "task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # ended since the folder was listed
            count += len((thread / "children").read_text().split())
    return count


def count_descriptors(process: Path) -> int:
    """Return the descriptors of a process, but for sockets that never were connected.

    The SDK drops those, of calls to an engine that was away, without closing them; garbage collection does it later.
    """
    rows = (line.split() for line in Path("/proc/net/unix").read_text().splitlines()[1:])
    unconnected = {f"socket:[{row[6]}]" for row in rows if row[5] == "01" and len(row) == 7}
    count = 0
    for entry in (process / "fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed since the folder was listed
            count += str(entry.readlink()) not in unconnected
    return count
