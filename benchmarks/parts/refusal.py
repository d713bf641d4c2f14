"""How fast a full house says no: once with jobs that sleep, once with as many spinning jobs as may run."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from benchmarks.contenders.contender import RenderFailed
from benchmarks.statistics import Summary, summarize

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.contenders.figbox import Figbox
    from benchmarks.plan import Plan

#: Jobs that may wait; few, so that the house is soon full.
QUEUE_LIMIT = 4

FILLERS = {"sleeping jobs": "import time; time.sleep(25)", "spinning jobs": "while True: pass"}

#: Seconds for the house to be full.
FILL_LIMIT_S = 30.0


async def measure_refusal(arena: Arena, plan: Plan) -> dict[str, Summary]:
    """Return milliseconds to the refusal, by what fills the house."""
    async with arena.another_figbox("refusing", FIGBOX_QUEUE_LIMIT=str(QUEUE_LIMIT)) as gateway:
        return {name: await _measure(gateway, filler, plan.refusals) for name, filler in FILLERS.items()}


async def _measure(gateway: Figbox, filler: str, refusals: int) -> Summary:
    # More than ever find room: those that don't are refused like the measured ones.
    fillers = [asyncio.create_task(gateway.ask(filler)) for _ in range(QUEUE_LIMIT + 64)]
    try:
        async with asyncio.timeout(FILL_LIMIT_S):
            # The queue is another process's: there is nothing to wait on but its metrics.
            while (await gateway.read_metrics())["figbox_jobs_waiting"] < QUEUE_LIMIT:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return summarize([await _time_refusal(gateway) for _ in range(refusals)])
    finally:
        # Clients that hang up give their places free.
        for task in fillers:
            task.cancel()
        await asyncio.gather(*fillers, return_exceptions=True)
        await gateway.settle()


async def _time_refusal(gateway: Figbox) -> float:
    began = time.perf_counter()
    reply = await gateway.ask("plt.plot()")
    ms = (time.perf_counter() - began) * 1000
    if reply.status != 503:
        raise RenderFailed(f"a full house answered {reply.status}: {reply.body[:300]!r}")
    return ms
