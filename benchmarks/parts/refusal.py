"""How fast a full queue refuses requests, with jobs that sleep and with jobs that use all their CPU."""

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

#: Jobs that may wait: few, so that the queue is soon full.
QUEUE_LIMIT = 4

FILLERS = {"sleeping jobs": "import time; time.sleep(25)", "spinning jobs": "while True: pass"}

#: Seconds until the queue must be full.
FILL_LIMIT_S = 30.0


async def measure_refusal(arena: Arena, plan: Plan) -> dict[str, Summary]:
    """Return the milliseconds to a refusal, by the kind of jobs."""
    async with arena.another_figbox("refusing", FIGBOX_QUEUE_LIMIT=str(QUEUE_LIMIT)) as gateway:
        return {name: await _measure(gateway, filler, plan.refusals) for name, filler in FILLERS.items()}


async def _measure(gateway: Figbox, filler: str, refusals: int) -> Summary:
    # More than can be admitted; the rest are refused, as are the measured ones.
    fillers = [asyncio.create_task(gateway.ask(filler)) for _ in range(QUEUE_LIMIT + 64)]
    try:
        async with asyncio.timeout(FILL_LIMIT_S):
            # The queue is in another process, which only has metrics to wait for.
            while (await gateway.read_metrics())["figbox_jobs_waiting"] < QUEUE_LIMIT:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return summarize([await _time_refusal(gateway) for _ in range(refusals)])
    finally:
        # When a client hangs up, its job ends.
        for task in fillers:
            task.cancel()
        await asyncio.gather(*fillers, return_exceptions=True)
        await gateway.settle()


async def _time_refusal(gateway: Figbox) -> float:
    began = time.perf_counter()
    response = await gateway.ask("plt.plot()")
    ms = (time.perf_counter() - began) * 1000
    if response.status != 503:
        raise RenderFailed(f"a full queue responded with {response.status}: {response.body[:300]!r}")
    return ms
