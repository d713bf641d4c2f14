"""The first request after idle time: without a pool, and about when the pool expires and is replaced."""

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

#: Seconds until warm containers expire in this measurement; the default is minutes.
EXPIRY_S = 2.0

#: Milliseconds to acquire a container above which it was a cold start.
COLD_MS = 20.0


@dataclass(frozen=True, slots=True)
class FirstRequest:
    """How long first requests took, and how many were cold starts."""

    case: str
    ms: Summary
    cold: int


async def measure_first_requests(arena: Arena, plan: Plan) -> list[FirstRequest]:
    """Measure both cases."""
    async with arena.another_figbox("no pool", FIGBOX_POOL_SIZE="0") as gateway:
        cold = await _measure(gateway, "no pool: a cold start", [1.0] * plan.idle_requests)
    async with arena.another_figbox("expiring", FIGBOX_POOL_IDLE_S=str(EXPIRY_S)) as gateway:
        # From just before the pool expires to some time after.
        pauses = [EXPIRY_S + arena.random.uniform(-0.5, 1.5) for _ in range(plan.idle_requests)]
        expired = await _measure(gateway, "pool about to expire, or just expired", pauses)
    return [cold, expired]


async def _measure(gateway: Figbox, case: str, pauses_s: list[float]) -> FirstRequest:
    code = figures()["light"].program(0)
    await gateway.render(code)
    sample, cold = [], 0
    for pause_s in pauses_s:
        # Without waiting until it settles: such a pool is always replacing a container.
        await asyncio.sleep(pause_s)
        ms, picture = await time_one(gateway, code)
        sample.append(ms)
        cold += picture.stages_ms.get("acquire", 0.0) > COLD_MS
    return FirstRequest(case, summarize(sample), cold)
