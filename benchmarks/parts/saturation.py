"""What a contender can sustain: jobs per second and processor time per job, with 1 to 8 clients that never pause."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import figures
from benchmarks.parts.load import Window, saturate
from benchmarks.statistics import Summary, summarize

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.contenders.contender import Contender
    from benchmarks.plan import Plan


@dataclass(frozen=True, slots=True)
class Saturation:
    """What a contender sustained.

    Attributes:
        cpu_ms: Of a job, including daemon, shims, runtime and container.
        ratio: Throughput / that of naked, for each round.
        idle_load: Cores that were busy before the windows; if there are many, `cpu_ms` means little.
    """

    figure: str
    clients: int
    contender: str
    jobs_per_s: Summary
    cpu_ms: Summary
    ratio: Summary
    idle_load: Summary


async def measure_saturation(arena: Arena, plan: Plan) -> list[Saturation]:
    """Measure the light figure with all numbers of clients, other figures with some."""
    return [
        saturation
        for name in plan.latency_rounds
        for clients in (plan.clients if name == "light" else plan.other_clients)
        for saturation in await _measure(arena, plan, name, clients)
    ]


async def _measure(arena: Arena, plan: Plan, figure_name: str, clients: int) -> list[Saturation]:
    figure = figures()[figure_name]
    windows: dict[str, list[Window]] = defaultdict(list)
    for _ in range(plan.saturation_rounds):
        for contender in arena.shuffled(_taking_part(arena, plan, clients)):
            await arena.settle()  # all, since another's pool must not fill up in the window
            window = await saturate(
                contender,
                figure,
                clients,
                lead_s=plan.lead_s,
                window_s=plan.window_s,
                baseline_s=plan.baseline_s,
            )
            windows[contender.name].append(window)
    naked = windows[arena.naked.name]
    return [
        Saturation(
            figure_name,
            clients,
            contender.name,
            summarize([window.jobs_per_s for window in windows[contender.name]]),
            summarize([window.cpu_ms_per_job for window in windows[contender.name]]),
            summarize(
                [
                    window.jobs_per_s / base.jobs_per_s
                    for window, base in zip(windows[contender.name], naked, strict=True)
                    if base.jobs
                ]
            ),
            summarize([window.idle_load for window in windows[contender.name]]),
        )
        for contender in _taking_part(arena, plan, clients)
    ]


def _taking_part(arena: Arena, plan: Plan, clients: int) -> list[Contender]:
    """Return the contenders for a number of clients; other runtimes only take part in some, to save time."""
    if clients in plan.other_clients:
        return arena.contenders
    return [contender for contender in arena.contenders if contender not in arena.others]
