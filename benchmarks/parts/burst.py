"""Many requests at the same moment, to a contender at rest."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import figures
from benchmarks.parts.load import time_one
from benchmarks.statistics import Summary, summarize

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.contenders.contender import Contender
    from benchmarks.plan import Plan


@dataclass(frozen=True, slots=True)
class Burst:
    """How long a burst took, to each picture and to the last one."""

    contender: str
    size: int
    ms: Summary
    last_ms: Summary


async def measure_bursts(arena: Arena, plan: Plan) -> list[Burst]:
    """Send the light figure many times at once to the Figbox on the default runtime, and to in process.

    On slower runtimes the last of so many would wait longer in the queue than any may.
    """
    code = figures()["light"].program(0)
    contenders: list[Contender] = [arena.in_process, arena.gateways[0]]
    return [await _measure(contender, code, plan) for contender in contenders]


async def _measure(contender: Contender, code: str, plan: Plan) -> Burst:
    sample, lasts = [], []
    for _ in range(plan.bursts):
        await contender.settle()
        began = time.perf_counter()
        rendered = await asyncio.gather(*(time_one(contender, code, client) for client in range(plan.burst)))
        lasts.append((time.perf_counter() - began) * 1000)
        sample += [ms for ms, _ in rendered]
    return Burst(contender.name, plan.burst, summarize(sample), summarize(lasts))
