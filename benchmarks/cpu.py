"""Processor time of everything that works for a contender: the machine's busy time, less what isn't the contender's.

A job's time is spread over the gateway, the engine's daemon, shims, the runtime's short-lived processes and the
container, which don't share a control group, and may end with the job. So the whole machine is measured: busy time from
`/proc/stat`, less the load when idle right before (which drifts within minutes), less this process's own time
(`getrusage`) for making the load.

Its limits: other work on the machine during a window counts as the contender's. The kernel counts ticks of 10 ms, on
most machines exactly, on some by sampling. Time stolen by the hypervisor is left out. Kernel time of the load
generator's calls counts as its own.

A single thread is measured for itself: `main_thread_s`.

Source: proc_stat(5), getrusage(2); the kernel's Documentation/scheduler/sched-stats.rst for `schedstat`.
"""

from __future__ import annotations

import asyncio
import os
import resource
import time
from dataclasses import dataclass
from pathlib import Path

#: Columns of the first line of `/proc/stat`: user, nice, system, idle, iowait, irq, softirq.
_BUSY_COLUMNS = (0, 1, 2, 5, 6)


@dataclass(frozen=True, slots=True)
class Instant:
    """Clocks, in seconds, read at the same moment."""

    wall_s: float
    busy_s: float
    own_s: float


def now() -> Instant:
    """Read the clocks."""
    columns = Path("/proc/stat").read_text("ascii").split("\n", 1)[0].split()[1:]
    ticks = sum(int(columns[number]) for number in _BUSY_COLUMNS)
    own = resource.getrusage(resource.RUSAGE_SELF)
    return Instant(time.monotonic(), ticks / os.sysconf("SC_CLK_TCK"), own.ru_utime + own.ru_stime)


def spent_s(began: Instant, ended: Instant, idle_load: float = 0.0) -> float:
    """Return the processor seconds between two instants, without the idle load and this process."""
    busy_s = (ended.busy_s - began.busy_s) - (ended.own_s - began.own_s)
    return max(0.0, busy_s - idle_load * (ended.wall_s - began.wall_s))


async def measure_idle_load(seconds: float) -> float:
    """Return how many cores are busy without requests."""
    began = now()
    await asyncio.sleep(seconds)
    ended = now()
    return spent_s(began, ended) / (ended.wall_s - began.wall_s)


def main_thread_s(process_id: int) -> float:
    """Return the processor seconds that the first thread of a process has used."""
    return int(Path(f"/proc/{process_id}/schedstat").read_text("ascii").split()[0]) / 1e9
