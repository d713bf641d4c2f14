"""Policies by load: how long requests take.

Where one job in fifty is long, the short ones are counted alone: a long one takes its time under any policy.
"""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.report import number, table
from benchmarks.scaling.model.balancer import BalancerSpec
from benchmarks.scaling.model.cluster import ClusterSpec
from benchmarks.scaling.model.outcomes import Outcomes, count
from benchmarks.scaling.scenario import (
    BURSTS,
    LEAD_S,
    LONG_S,
    MIX,
    MIX_WITH_LONG,
    Mix,
    host,
    rate_of,
    simulate,
    streams,
)

HOSTS, CORES = 8, 4
SECONDS = 200.0
LOADS = (0.6, 0.8, 0.9)

#: Mean load of the requests that come in bursts.
BURSTY_LOAD = 0.55


@dataclass(frozen=True, slots=True)
class Way:
    """A way to spread jobs, and its name."""

    name: str
    balancer: BalancerSpec
    balancers: int = 1


def ways() -> list[Way]:
    """Return all ways that are compared."""
    surplus = f"maxconn {CORES}"
    return [
        Way("round robin", BalancerSpec("round robin")),
        Way("weights by agent", BalancerSpec("agent's weights")),
        Way("two choices, 4 balancers", BalancerSpec("two choices"), 4),
        Way("least connections, 4 balancers", BalancerSpec("least connections"), 4),
        Way("two choices", BalancerSpec("two choices")),
        Way("least connections by agent's weights", BalancerSpec("least connections by agent's weights")),
        Way("least connections", BalancerSpec("least connections")),
        Way(f"round robin, {surplus}", BalancerSpec("round robin", maxconn=CORES)),
        Way(f"least connections, {surplus}", BalancerSpec("least connections", maxconn=CORES)),
        Way(f"least connections, maxconn {2 * CORES}", BalancerSpec("least connections", maxconn=2 * CORES)),
        Way(f"least connections, {surplus}, fair", BalancerSpec("least connections", maxconn=CORES, fair=True)),
    ]


def outcomes_of(way: Way, load: float, mix: Mix, *, bursty: bool = False) -> Outcomes:
    """Return what becomes of requests."""
    spec = ClusterSpec(HOSTS, host(CORES), way.balancer, way.balancers)
    sent = streams(rate_of(load, HOSTS * CORES, mix), mix, bursts=BURSTS if bursty else None)
    return count([job for job in simulate(spec, sent, SECONDS) if job.draw_s < LONG_S], LEAD_S)


def text() -> str:
    """Return a table for each mix."""
    return "\n".join(_table(mix) for mix in (MIX, MIX_WITH_LONG))


def _table(mix: Mix) -> str:
    rows: list[tuple[object, ...]] = []
    for way in ways():
        found = [outcomes_of(way, load, mix) for load in LOADS] + [outcomes_of(way, BURSTY_LOAD, mix, bursty=True)]
        rows.append((way.name, *(f"{number(one.p50_s, 2)} {number(one.p99_s, 2)}" for one in found)))
    head = ("policy", *(f"load {load}" for load in LOADS), f"bursts, {BURSTY_LOAD}")
    return table(f"Seconds to a picture, p50 and p99; {HOSTS} hosts of {CORES} cores; jobs: {mix.name}", head, rows)
