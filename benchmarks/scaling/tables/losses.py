"""A host that dies and comes back: what clients feel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.report import number, table
from benchmarks.scaling.model.balancer import CHECKS_S, BalancerSpec
from benchmarks.scaling.model.cluster import ClusterSpec, Loss
from benchmarks.scaling.model.job import End
from benchmarks.scaling.model.outcomes import count
from benchmarks.scaling.scenario import LEAD_S, MIX, host, rate_of, simulate, streams
from benchmarks.scaling.tables.policies import CORES, HOSTS

if TYPE_CHECKING:
    from benchmarks.scaling.model.job import Job

LOADS = (0.7, 0.85)

#: When the host dies and is back, and how long a run is.
AT_S, BACK_S, SECONDS = 60.0, 120.0, 180.0

#: Seconds after either in which requests are counted.
AFTER_S = 10.0

#: Numbers of balancers, and seconds after the return in which all may send their jobs to the same host.
BALANCERS = (1, 2, 4, 16)
RETURN_S = 3.0


def text() -> str:
    """Return a table for each load, and one of several balancers."""
    return "\n".join([*(_table(load) for load in LOADS), _several()])


def jobs_of(load: float, balancer: BalancerSpec, *, balancers: int = 1, silent: bool = False) -> list[Job]:
    """Return the jobs of a run in which the first host dies and comes back."""
    loss = Loss(0, AT_S, BACK_S, silent)
    spec = ClusterSpec(HOSTS, host(CORES), balancer, balancers, losses=(loss,))
    return simulate(spec, streams(rate_of(load, HOSTS * CORES, MIX), MIX), SECONDS)


def _table(load: float) -> str:
    rows = [
        (f"{kind}: {name}", *_row(load, balancer, silent=silent))
        for kind, silent in (("process killed", False), ("host silent", True))
        for name, balancer in (
            ("round robin", BalancerSpec("round robin")),
            ("two choices", BalancerSpec("two choices")),
            ("least connections", BalancerSpec("least connections")),
            (f"least connections, maxconn {CORES}", BalancerSpec("least connections", CORES)),
        )
    ]
    return table(
        f"p99 in seconds around the loss of one host of {HOSTS}, load {load}; checks find a silent one in "
        f"{CHECKS_S:g} s",
        ("what, policy", "before", "dying", "gone", "back", "worst s", "given twice", "failed"),
        rows,
    )


def _row(load: float, balancer: BalancerSpec, *, silent: bool) -> tuple[object, ...]:
    jobs = jobs_of(load, balancer, silent=silent)
    before = count(jobs, AT_S - 30, AT_S - 5)
    # Those that are on the host arrived a little earlier.
    dying, gone = count(jobs, AT_S - 2, AT_S + AFTER_S), count(jobs, AT_S + AFTER_S, BACK_S)
    back = count(jobs, BACK_S, BACK_S + AFTER_S)
    times = [number(one.p99_s, 2) for one in (before, dying, gone, back)]
    again = sum(job.tries > 1 for job in jobs)
    failed = sum(job.end is not End.OK for job in jobs)
    return *times, number(dying.worst_s, 1), again, failed


def _several() -> str:
    """Return what several balancers do, each of which knows its own jobs only, in quiet times and at a return."""
    policies = ("least connections", "two choices")
    return table(
        f"Several balancers, load {min(LOADS)}: p99 in s before the loss, and in the {RETURN_S:g} s after the return",
        ("balancers", *(head for policy in policies for head in (policy, "return"))),
        [
            (balancers, *(cell for policy in policies for cell in _quiet_and_return(policy, balancers)))
            for balancers in BALANCERS
        ],
    )


def _quiet_and_return(policy: str, balancers: int) -> tuple[str, str]:
    jobs = jobs_of(min(LOADS), BalancerSpec(policy), balancers=balancers)
    quiet, back = count(jobs, LEAD_S, AT_S - 5), count(jobs, BACK_S, BACK_S + RETURN_S)
    return number(quiet.p99_s, 2), number(back.p99_s, 2)
