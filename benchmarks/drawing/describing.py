"""What describing figures costs: processes that draw the same figures with and without, in turns.

`python -m benchmarks.drawing.describing LEVEL ROUNDS` is one of them; it prints CPU ms by figure as JSON. The runner's
modules draw, from the program to the picture, without a container: its start would hide what is measured.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.contenders.processes import output_of
from benchmarks.figures import figures
from benchmarks.statistics import Summary, summarize

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.plan import Plan

RUNNER = Path(__file__).parents[2] / "runner-image" / "runner"

NONE = "none"
LEVELS = ("full",)

#: Those that need Matplotlib alone.
FIGURES = ("light", "heavy", "mix")


@dataclass(frozen=True, slots=True)
class Described:
    """Processor milliseconds of a figure without a description, and with one, and their ratio, process by process."""

    figure: str
    level: str
    plain_ms: Summary
    described_ms: Summary
    ratio: Summary


async def measure_describing(_: Arena, plan: Plan) -> list[Described]:
    """Return what each level costs, figure by figure."""
    found = []
    for level in LEVELS:
        pairs = [
            (await _costs(NONE, plan.describing_rounds), await _costs(level, plan.describing_rounds))
            for _ in range(plan.describing_rounds)
        ]
        found += [
            _described(name, level, [(plain[name], described[name]) for plain, described in pairs]) for name in FIGURES
        ]
    return found


async def _costs(level: str, rounds: int) -> dict[str, float]:
    module = "benchmarks.drawing.describing"
    costs: dict[str, float] = json.loads(await output_of(module, sys.executable, "-m", module, level, str(rounds)))
    return costs


def _described(name: str, level: str, pairs: list[tuple[float, float]]) -> Described:
    return Described(
        name,
        level,
        summarize([plain for plain, _ in pairs]),
        summarize([described for _, described in pairs]),
        summarize([described / plain for plain, described in pairs]),
    )


def main(level: str, rounds: int) -> None:
    """Warm up, then draw each figure some times; print the mean of each."""
    out = os.dup(1)  # describing leaves nothing where programs print to
    sys.path.insert(0, str(RUNNER))
    import drawing  # noqa: PLC0415 - the runner's modules are no package
    import job  # noqa: PLC0415
    import matplotlib as mpl  # noqa: PLC0415
    from explain import explaining  # noqa: PLC0415

    mpl.use("Agg")
    if level != NONE:
        explaining.watch()

    task = job.Job("", job.SaveOptions(dpi=100.0, describe=level), collect=True)

    def draw(program: str) -> None:
        drawn: Any = drawing.Figures()
        if level != NONE:
            drawn.note()
        exec(compile(program, "plot.py", "exec"), {"__name__": "__main__"})  # noqa: S102 - our own program
        for number, figure in drawn.choose(all_figures=False, names=None):
            list(drawn.save(number, figure, task))
        if level != NONE:
            explaining.explain(drawn.saved, level)

    costs = {name: _cost_ms(draw, figures()[name].programs, rounds) for name in FIGURES}
    os.write(out, json.dumps(costs).encode())


def _cost_ms(draw: Any, programs: tuple[str, ...], rounds: int) -> float:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - after the backend is chosen

    spent_s = 0.0
    for turn in range(1 + rounds):
        for program in programs:
            began_s = time.process_time()
            draw(program)
            spent_s += time.process_time() - began_s if turn else 0.0
            plt.close("all")
    return 1000 * spent_s / rounds / len(programs)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
