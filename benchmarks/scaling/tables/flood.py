"""A key that sends three times what all hosts can do: what the other keys feel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.report import number, table
from benchmarks.scaling.model.arrivals import Stream
from benchmarks.scaling.model.balancer import BalancerSpec
from benchmarks.scaling.model.cluster import ClusterSpec
from benchmarks.scaling.model.job import End
from benchmarks.scaling.model.outcomes import count
from benchmarks.scaling.scenario import LONG_S, MIX, Mix, host, rate_of, simulate, streams
from benchmarks.scaling.tables.policies import CORES, HOSTS, Way

if TYPE_CHECKING:
    from benchmarks.scaling.model.job import Job

#: Load of the other keys, and of the one that floods, as shares of all cores.
OTHERS, FLOOD = 0.4, 3.0

#: When the flood begins and ends, and which requests are counted: from when it has filled what it can.
FROM_S, TO_S, COUNTED_S, SECONDS = 20.0, 80.0, 30.0, 110.0

#: Jobs of one key that a balancer lets through: a quarter of all places.
CAP = HOSTS * CORES // 4

FLOODER = "flood"

#: What the flooding key sends.
LONG = Mix(f"{LONG_S:.0f} s each", long_every=1)


def ways() -> list[Way]:
    """Return the ways to queue that are compared."""
    least = "least connections"
    return [
        Way("queues of the nodes, fair", BalancerSpec(least)),
        Way("the same, round robin", BalancerSpec("round robin")),
        Way(f"maxconn {CORES}, first come", BalancerSpec(least, maxconn=CORES)),
        Way(f"maxconn {CORES}, fair", BalancerSpec(least, maxconn=CORES, fair=True)),
        Way(f"maxconn {CORES}, at most {CAP} of a key", BalancerSpec(least, maxconn=CORES, of_key=CAP)),
        Way(f"queues of the nodes, at most {CAP} of a key", BalancerSpec(least, of_key=CAP)),
    ]


def text() -> str:
    """Return a table for each kind of flood."""
    return "\n".join(_table(mix) for mix in (MIX, LONG))


def jobs_of(way: Way, flood: Mix | None) -> list[Job]:
    """Return the jobs of a run, with a flood of jobs of a mix or without one."""
    cores = HOSTS * CORES
    sent = streams(rate_of(OTHERS, cores, MIX), MIX)
    if flood is not None:
        sent.append(Stream(FLOODER, rate_of(FLOOD, cores, flood), flood.draw_s, from_s=FROM_S, to_s=TO_S))
    return simulate(ClusterSpec(HOSTS, host(CORES), way.balancer), sent, SECONDS)


def _table(flood: Mix) -> str:
    runs = [("no flood", jobs_of(ways()[0], None)), *((way.name, jobs_of(way, flood)) for way in ways())]
    return table(
        f"The other keys, load {OTHERS}, while one sends load {FLOOD:g}, jobs: {flood.name}; "
        f"{HOSTS} hosts of {CORES} cores",
        ("surplus waits in", "p50 s", "p99 s", "refused %", "flood's share of pictures %"),
        [(name, *_row(jobs)) for name, jobs in runs],
    )


def _row(jobs: list[Job]) -> tuple[object, ...]:
    other = count([job for job in jobs if job.key != FLOODER], COUNTED_S, TO_S)
    own = count([job for job in jobs if job.key == FLOODER], COUNTED_S, TO_S)
    share = own.ends[End.OK] / (own.ends[End.OK] + other.ends[End.OK])
    return number(other.p50_s, 2), number(other.p99_s, 2), number(100 * other.refused), number(100 * share, 0)
