"""A run: its parts one after the other, so that they don't disturb each other."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from benchmarks.contenders.contender import RenderFailed
from benchmarks.machine import describe_machine
from benchmarks.parts.burst import measure_bursts
from benchmarks.parts.idle import measure_first_requests
from benchmarks.parts.latency import measure_latency
from benchmarks.parts.memory import measure_memory
from benchmarks.parts.refusal import measure_refusal
from benchmarks.parts.saturation import measure_saturation
from benchmarks.parts.savings import measure_savings
from benchmarks.parts.soak import measure_soak
from benchmarks.results import Results

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.plan import Plan


async def run(arena: Arena, plan: Plan) -> Results:
    """Make the measurements of a plan."""
    began = time.monotonic()
    results = Results(await describe_machine(arena), plan)
    for part in plan.parts:
        _tell(f"{time.monotonic() - began:5.0f} s  {part}")
        try:
            await arena.settle()
            await _measure(part, arena, plan, results)
        except (TimeoutError, RenderFailed) as error:
            # The results of other parts, which took minutes, aren't lost.
            results.broken_off.append(part)
            _tell(f"{part} aborted: {type(error).__name__} {error}")
    results.seconds = time.monotonic() - began
    _tell(f"{results.seconds:5.0f} s  done\n")
    return results


async def _measure(part: str, arena: Arena, plan: Plan, results: Results) -> None:
    match part:
        case "latency":
            results.latency = await measure_latency(arena, plan)
        case "saturation":
            results.saturation = await measure_saturation(arena, plan)
        case "memory":
            results.memory_mib = await measure_memory(arena)
        case "refusal":
            results.refusal_ms = await measure_refusal(arena, plan)
        case "burst":
            results.bursts = await measure_bursts(arena, plan)
        case "idle":
            results.first_requests = await measure_first_requests(arena, plan)
        case "savings":
            results.savings = await measure_savings(arena, plan)
        case "soak":
            results.soak = await measure_soak(arena, plan)
        case _:
            raise ValueError(f"unknown part: {part}")


def _tell(text: str) -> None:
    """Report progress on stderr, since stdout is for the tables."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
