"""Makes requests: one after the other with pauses, or as fast as a number of clients can."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import cpu

if TYPE_CHECKING:
    from benchmarks.contenders.contender import Contender, Picture
    from benchmarks.figures import Figure


@dataclass(frozen=True, slots=True)
class Window:
    """What was seen while clients kept a contender busy.

    Attributes:
        jobs: Answers within the window.
        seconds: Its length.
        cpu_s: Processor seconds the machine spent on them.
        idle_load: Cores that were busy right before, with nothing asked; taken off already.
    """

    jobs: int
    seconds: float
    cpu_s: float
    idle_load: float

    @property
    def jobs_per_s(self) -> float:
        """Throughput."""
        return self.jobs / self.seconds

    @property
    def cpu_ms_per_job(self) -> float:
        """Cost of one job; not a number when none was answered."""
        return 1000 * self.cpu_s / self.jobs if self.jobs else float("nan")


async def time_one(contender: Contender, code: str, client: int = 0) -> tuple[float, Picture]:
    """Return the milliseconds one request took, and what it gave."""
    began = time.perf_counter()
    picture = await contender.render(code, client)
    return (time.perf_counter() - began) * 1000, picture


async def saturate(
    contender: Contender, figure: Figure, clients: int, *, lead_s: float, window_s: float, baseline_s: float
) -> Window:
    """Let clients ask without a pause, and measure a window of that.

    Each client sends its next request when it has the answer to the last. The lead empties the pool, so the window
    shows what can be kept up, with a container made for every job. Requests under way at the end of the window
    are waited for, and not counted, as those under way at its beginning are counted when they end.

    All contenders must be at rest: what is busy before the window is taken off the processor time in it.
    """
    idle_load = await cpu.measure_idle_load(baseline_s)
    answered = 0
    stopped = False

    async def ask(client: int) -> None:
        nonlocal answered
        turn = client
        while not stopped:
            await contender.render(figure.program(turn), client)
            answered += 1
            turn += clients

    async with asyncio.TaskGroup() as group:
        for client in range(clients):
            group.create_task(ask(client))
        await asyncio.sleep(lead_s)
        answered_before, began = answered, cpu.now()
        await asyncio.sleep(window_s)
        jobs, ended = answered - answered_before, cpu.now()
        stopped = True
    return Window(jobs, ended.wall_s - began.wall_s, cpu.spent_s(began, ended, idle_load), idle_load)
