"""A measured node beside a modelled one that gets the same requests at the same times.

A machine that others use as well is slower in some minutes than in others, and what shares caches and cores with other
work needs more processor time. So the costs of a window's jobs are scaled by what they used in that window. The model
is held to what follows from costs, which is how long requests wait, and how many are served.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.scaling.model.clock import Clock
from benchmarks.scaling.model.fair_queue import QueueLimits
from benchmarks.scaling.model.job import End, Job
from benchmarks.scaling.model.node import Node, NodeSpec
from benchmarks.scaling.model.outcomes import Outcomes, count

if TYPE_CHECKING:
    from benchmarks.scaling.measured import Costs, Measured, Window

#: The measured node has one key, which may have more jobs than there are places.
OF_KEY = 10_000


@dataclass(frozen=True, slots=True)
class Compared:
    """One window, as it was and as the model has it, with the model's jobs."""

    window: Window
    real: Outcomes
    modelled: Outcomes
    jobs: list[Job] = field(repr=False)


def compare(measured: Measured) -> list[Compared]:
    """Take every window through the model."""
    return [_compared(measured, window) for window in measured.windows]


def speed_of(measured: Measured, window: Window) -> float:
    """Return what the jobs of a window cost, as a share of what the same programs cost one at a time."""
    costs = measured.costs
    drawn = [costs.draw_cpu_s[request.program] for request in window.requests if request.status == 200]
    return window.cpu_s / (sum(drawn) + len(drawn) * (costs.make_cpu_s + costs.remove_cpu_s))


def _compared(measured: Measured, window: Window) -> Compared:
    jobs = _model(measured, window)
    return Compared(window, count(_as_jobs(window)), count(jobs), jobs)


def _node_spec(measured: Measured, costs: Costs) -> NodeSpec:
    return NodeSpec(
        cores=measured.cores,
        limits=QueueLimits(measured.running, of_key=OF_KEY),
        pool=measured.pool,
        makers=measured.makers,
        make_s=costs.make_cpu_s,
        make_wait_s=costs.make_wait_s,
        remove_s=costs.remove_cpu_s,
        draw_wait_s=costs.draw_wait_s,
    )


def _as_jobs(window: Window) -> list[Job]:
    ends = {200: End.OK, 429: End.KEY_SHARE, 503: End.QUEUE_TIMEOUT}
    return [
        Job(request.at_s, "key", 0.0, 1, ends[request.status], request.at_s + request.took_s)
        for request in window.requests
    ]


def _model(measured: Measured, window: Window) -> list[Job]:
    """Return the window's jobs as the model ends them: sent at their times, or when a client has its last response."""
    costs = measured.costs.scaled(speed_of(measured, window))
    clock = Clock()
    jobs: list[Job] = []
    left = deque(window.requests)

    def end(job: Job, how: End) -> None:
        job.end, job.end_s = how, clock.now
        if window.clients and left:
            send()

    node = Node(clock, _node_spec(measured, costs), end)

    def send() -> None:
        job = Job(clock.now, "key", costs.draw_cpu_s[left.popleft().program])
        jobs.append(job)
        node.submit(job)

    for at_s in [0.0] * window.clients or [request.at_s for request in window.requests]:
        clock.at(at_s, send)
    clock.run()
    return jobs
