"""Load: single requests, or as many as a number of clients can send."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import cpu

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.contenders.contender import Contender, Picture
    from benchmarks.figures import Figure


@dataclass(frozen=True, slots=True)
class Window:
    """What was measured while clients kept a contender busy.

    Attributes:
        jobs: Pictures within the window.
        seconds: Its length.
        cpu_s: Processor seconds that they cost.
        idle_load: Cores that were busy right before, without load; `cpu_s` doesn't include them.
    """

    jobs: int
    seconds: float
    cpu_s: float
    idle_load: float

    @property
    def jobs_per_s(self) -> float:
        """The throughput."""
        return self.jobs / self.seconds

    @property
    def cpu_ms_per_job(self) -> float:
        """The cost of a job; NaN without any."""
        return 1000 * self.cpu_s / self.jobs if self.jobs else float("nan")


async def time_one(contender: Contender, code: str, client: int = 0) -> tuple[float, Picture]:
    """Return the milliseconds that a request took, and its picture."""
    began = time.perf_counter()
    picture = await contender.render(code, client)
    return (time.perf_counter() - began) * 1000, picture


async def saturate(
    contender: Contender,
    figure: Figure,
    clients: int,
    *,
    lead_s: float,
    window_s: float,
    baseline_s: float,
    on_begin: Callable[[], None] = lambda: None,
    on_end: Callable[[], None] = lambda: None,
) -> Window:
    """Let clients send requests without a pause, and measure a window of that.

    Each client sends its next request after the response to the last. The lead empties the pool, so the window shows
    what can be sustained, with a container made for every job. A request counts if it ends in the window.

    `on_begin` and `on_end` are called at the borders of the window.

    All contenders must be at rest, since the load right before the window is subtracted from the processor time.
    """
    idle_load = await cpu.measure_idle_load(baseline_s)
    rendered = 0
    stopped = False

    async def ask(client: int) -> None:
        nonlocal rendered
        turn = client
        while not stopped:
            await contender.render(figure.program(turn), client)
            rendered += 1
            turn += clients

    async with asyncio.TaskGroup() as group:
        for client in range(clients):
            group.create_task(ask(client))
        await asyncio.sleep(lead_s)
        rendered_before, began = rendered, cpu.now()
        on_begin()
        await asyncio.sleep(window_s)
        jobs, ended = rendered - rendered_before, cpu.now()
        on_end()
        stopped = True
    return Window(jobs, ended.wall_s - began.wall_s, cpu.spent_s(began, ended, idle_load), idle_load)
