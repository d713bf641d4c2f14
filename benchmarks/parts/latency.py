"""How long one client waits for a contender that is at rest before each request.

For Figbox this means that its metrics show a full pool and nothing being made or removed, for 60 ms. So every request
gets a warm container, as in practice if the last request is as long ago as a container takes to make (half a second).
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.figures import figures
from benchmarks.parts.load import time_one
from benchmarks.statistics import Summary, median, summarize

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.contenders.contender import Contender
    from benchmarks.figures import Figure
    from benchmarks.plan import Plan


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a contender took for a figure.

    Attributes:
        ms: Of all requests.
        ratio: Its median / that of in process, for each round.
        stages_ms: Medians of the stages that the contender reports.
    """

    figure: str
    contender: str
    ms: Summary
    ratio: Summary
    stages_ms: dict[str, float]


async def measure_latency(arena: Arena, plan: Plan) -> list[Latency]:
    """Measure every contender on every figure."""
    return [
        latency
        for name, rounds in plan.latency_rounds.items()
        for latency in await _measure_figure(arena, plan, figures()[name], rounds)
    ]


async def _measure_figure(arena: Arena, plan: Plan, figure: Figure, rounds: int) -> list[Latency]:
    await _warm_up(arena, plan, figure)
    requests = max(plan.latency_requests, len(figure.programs))
    samples: dict[str, list[list[float]]] = {contender.name: [] for contender in arena.contenders}
    stages: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for _ in range(rounds):
        for contender in arena.shuffled(arena.contenders):
            samples[contender.name].append(await _measure_round(contender, figure, requests, stages[contender.name]))
    floor = [median(sample) for sample in samples[arena.in_process.name]]
    return [
        Latency(
            figure.name,
            name,
            summarize([ms for sample in by_round for ms in sample]),
            summarize([median(sample) / base for sample, base in zip(by_round, floor, strict=True)]),
            {stage: median(sample) for stage, sample in stages[name].items()},
        )
        for name, by_round in samples.items()
    ]


async def _warm_up(arena: Arena, plan: Plan, figure: Figure) -> None:
    """Fill all caches that a service fills in its first minute."""
    for contender in arena.contenders:
        for turn in range(max(plan.warm_up, len(figure.programs))):
            await contender.render(figure.program(turn))


async def _measure_round(
    contender: Contender, figure: Figure, requests: int, stages: dict[str, list[float]]
) -> list[float]:
    sample = []
    for turn in range(requests):
        await contender.settle()
        ms, picture = await time_one(contender, figure.program(turn))
        sample.append(ms)
        for stage, stage_ms in picture.stages_ms.items():
            stages[stage].append(stage_ms)
    return sample
