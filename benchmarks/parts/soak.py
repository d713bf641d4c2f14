"""Thousands of jobs in a row, to see whether anything grows."""

from __future__ import annotations

import asyncio
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import engine_view
from benchmarks.figures import figures
from gateway.model.jobs import KiB, MiB

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.contenders.figbox import Figbox
    from benchmarks.plan import Plan

#: How much more the gateway may use at the end: allocators keep some memory, and its two thread pools (12 threads in
#: all, each with a connection) grow on demand. A leak in every job is far more than this.
RSS_TOLERANCE_MIB = 8.0
THREAD_TOLERANCE = 12
DESCRIPTOR_TOLERANCE = 16

#: Jobs at once: enough to keep every core busy.
CLIENTS = 2 * (os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the gateway uses, and the engine has for it."""

    rss_mib: float
    descriptors: int
    threads: int
    containers: int
    volumes: int
    images: int


@dataclass(frozen=True, slots=True)
class Soak:
    """What changed during the soak, and what of it grew beyond its tolerance."""

    jobs: int
    seconds: float
    before: Reading
    halfway: Reading
    after: Reading
    grown: list[str]


async def measure_soak(arena: Arena, plan: Plan) -> Soak:
    """Run the jobs on another gateway; read before, halfway and after, each time with a full pool."""
    async with arena.another_figbox("soak") as gateway:
        await _run(gateway, plan.soak_lead_jobs)
        before = await _read(arena, gateway)
        began = time.monotonic()
        half = plan.soak_jobs // 2
        await _run(gateway, half)
        halfway = await _read(arena, gateway)
        await _run(gateway, plan.soak_jobs - half)
        seconds = time.monotonic() - began
        after = await _read(arena, gateway)
    return Soak(plan.soak_jobs, seconds, before, halfway, after, find_growth(before, after))


def find_growth(before: Reading, after: Reading) -> list[str]:
    """Return what grew beyond its tolerance, which is 0 for the engine's objects."""
    tolerances = {"rss_mib": RSS_TOLERANCE_MIB, "descriptors": DESCRIPTOR_TOLERANCE, "threads": THREAD_TOLERANCE}
    first, last = asdict(before), asdict(after)
    return [name for name in first if last[name] - first[name] > tolerances.get(name, 0)]


async def _run(gateway: Figbox, jobs: int) -> None:
    code = figures()["light"].program(0)
    turns = iter(range(jobs))

    async def ask() -> None:
        for _ in turns:  # shared, so that every job runs once
            await gateway.render(code)

    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(ask())


async def _read(arena: Arena, gateway: Figbox) -> Reading:
    await gateway.settle()
    objects = await asyncio.to_thread(engine_view.count_objects, arena.engine, gateway.installation)
    return Reading(*_read_process(gateway.process_id), **objects)


def _read_process(process_id: int) -> tuple[float, int, int]:
    """Return resident MiB, descriptors and threads. Source: proc_pid_status(5)."""
    folder = Path("/proc") / str(process_id)
    status = dict(line.split(":", 1) for line in (folder / "status").read_text().splitlines())
    rss_mib = int(status["VmRSS"].split()[0]) * KiB / MiB
    return round(rss_mib, 1), len(list((folder / "fd").iterdir())), int(status["Threads"])
