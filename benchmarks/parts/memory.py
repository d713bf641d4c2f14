"""The memory of warm containers that wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from benchmarks import engine_view
from benchmarks.statistics import Summary, summarize

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.plan import Plan


async def measure_memory(arena: Arena, _: Plan) -> dict[str, Summary]:
    """Return the MiB of idle warm containers, by gateway."""
    found = {}
    for gateway in arena.gateways:
        await gateway.settle()
        used = await asyncio.to_thread(engine_view.idle_memory_mib, arena.engine, gateway.installation)
        found[gateway.name] = summarize(used)
    return found
