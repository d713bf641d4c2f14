"""The first request after a quiet time: with no pool at all, and when the pool has just been replaced for its age."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import figures
from benchmarks.parts.load import time_one
from benchmarks.statistics import Summary, summarize

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.contenders.figbox import Figbox
    from benchmarks.plan import Plan

#: Seconds a warm container may wait where its expiry is measured; a running gateway's default is minutes.
EXPIRY_S = 2.0

#: Milliseconds to acquire a container from which on it was a cold start.
COLD_MS = 20.0


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """What a first request took.

    Attributes:
        cold: How many of them waited for a container to be made.
    """

    case: str
    ms: Summary
    cold: int


async def measure_first_requests(arena: Arena, plan: Plan) -> list[FirstRequest]:
    """Measure both cases."""
    async with arena.another_figbox("no pool", FIGBOX_POOL_SIZE="0") as gateway:
        cold = await _measure(gateway, "no pool: a cold start", [1.0] * plan.idle_requests)
    async with arena.another_figbox("expiring", FIGBOX_POOL_IDLE_S=str(EXPIRY_S)) as gateway:
        # Any moment from just before the pool's expiry to some time after it.
        pauses = [EXPIRY_S + arena.lots.uniform(-0.5, 1.5) for _ in range(plan.idle_requests)]
        expired = await _measure(gateway, "pool about to expire, or just expired", pauses)
    return [cold, expired]


async def _measure(gateway: Figbox, case: str, pauses_s: list[float]) -> FirstRequest:
    code = figures()["light"].program(0)
    await gateway.render(code)
    sample, cold = [], 0
    for pause_s in pauses_s:
        # Not when it has settled: a pool whose containers expire is always at replacing one.
        await asyncio.sleep(pause_s)
        ms, picture = await time_one(gateway, code)
        sample.append(ms)
        cold += picture.stages_ms.get("acquire", 0.0) > COLD_MS
    return FirstRequest(case, summarize(sample), cold)
