"""The model beside the node that was measured."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.report import number, table
from benchmarks.scaling.comparison import Compared, compare, speed_of
from benchmarks.scaling.measured import read
from benchmarks.scaling.model.job import End
from benchmarks.scaling.scenario import costs

if TYPE_CHECKING:
    from benchmarks.scaling.model.outcomes import Outcomes


def text() -> str:
    """Return the measured costs, and every window, measured and modelled."""
    measured = read()
    parts = [
        ("making a container", costs().make_cpu_s),
        ("drawing, mean of the programs", costs().mean_draw_s),
        ("removing the container", costs().remove_cpu_s),
        ("a job", costs().mean_job_s),
    ]
    draws = sorted(costs().draw_cpu_s.values())
    rows: list[tuple[object, ...]] = []
    for one in compare(measured):
        speed = number(100 * speed_of(measured, one.window), 0)
        for name, outcomes in (("measured", one.real), ("modelled", one.modelled)):
            times = [number(value, 2) for value in (outcomes.p50_s, outcomes.p90_s, outcomes.p99_s)]
            rows.append(
                (
                    f"{one.window.name}, {name}",
                    outcomes.jobs,
                    outcomes.ends[End.OK],
                    *times,
                    _per_s(one, outcomes),
                    speed,
                )
            )
    return "\n".join(
        [
            f"Measured on {measured.cores:g} core of {measured.machine}, with {measured.running} places",
            table("Processor time, in ms", ("what", "ms"), [(what, number(1000 * s, 0)) for what, s in parts]),
            f"{len(draws)} programs: {1000 * draws[0]:.0f} to {1000 * draws[-1]:.0f} ms",
            table(
                "A node under load",
                ("window", "requests", "pictures", "p50 s", "p90 s", "p99 s", "a second", "cost %"),
                rows,
            ),
        ]
    )


def _per_s(one: Compared, outcomes: Outcomes) -> str:
    """Return the pictures a second until the last response."""
    last_s = one.window.seconds if outcomes is one.real else max(job.end_s for job in one.jobs)
    return number(outcomes.ends[End.OK] / last_s, 2)
