"""A run: its parts one after the other, so that they don't disturb each other."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from benchmarks.contenders.contender import RenderFailed
from benchmarks.drawing.describing import measure_describing
from benchmarks.machine import describe_machine
from benchmarks.parts.breakdown import measure_breakdown
from benchmarks.parts.burst import measure_bursts
from benchmarks.parts.idle import measure_first_requests
from benchmarks.parts.latency import measure_latency
from benchmarks.parts.memory import measure_memory
from benchmarks.parts.refusal import measure_refusal
from benchmarks.parts.saturation import measure_saturation
from benchmarks.parts.savings import measure_savings
from benchmarks.parts.snapshot import measure_snapshot
from benchmarks.parts.soak import measure_soak
from benchmarks.results import Results

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from benchmarks.arena import Arena
    from benchmarks.plan import Plan

#: The results' field that each part fills, and what measures it.
MEASUREMENTS: dict[str, tuple[str, Callable[[Arena, Plan], Awaitable[Any]]]] = {
    "latency": ("latency", measure_latency),
    "saturation": ("saturation", measure_saturation),
    "memory": ("memory_mib", measure_memory),
    "refusal": ("refusal_ms", measure_refusal),
    "burst": ("bursts", measure_bursts),
    "idle": ("first_requests", measure_first_requests),
    "breakdown": ("breakdowns", measure_breakdown),
    "snapshot": ("snapshot", measure_snapshot),
    "savings": ("savings", measure_savings),
    "describing": ("described", measure_describing),
    "soak": ("soak", measure_soak),
}


async def run(arena: Arena, plan: Plan) -> Results:
    """Make the measurements of a plan; report progress on stderr, since stdout is for the tables."""
    began = time.monotonic()
    results = Results(await describe_machine(arena), plan)
    for part in plan.parts:
        print(f"{time.monotonic() - began:5.0f} s  {part}", file=sys.stderr)
        field, measure = MEASUREMENTS[part]
        try:
            await arena.settle()
            setattr(results, field, await measure(arena, plan))
        except (TimeoutError, RenderFailed) as error:
            # The results of other parts, which took minutes, aren't lost.
            results.broken_off.append(part)
            print(f"{part} aborted: {type(error).__name__} {error}", file=sys.stderr)
    results.seconds = time.monotonic() - began
    print(f"{results.seconds:5.0f} s  done\n", file=sys.stderr)
    return results
