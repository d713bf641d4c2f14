"""The hosts, the requests and the seeds of all tables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import TYPE_CHECKING

from benchmarks.plan import SEED
from benchmarks.scaling.measured import Costs, read
from benchmarks.scaling.model.arrivals import Bursts, Stream, merge
from benchmarks.scaling.model.cluster import Cluster, ClusterSpec
from benchmarks.scaling.model.fair_queue import QueueLimits
from benchmarks.scaling.model.node import NodeSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.scaling.model.job import Job

#: Seconds of a run that aren't counted, since it begins with idle hosts.
LEAD_S = 20.0

#: Of `MIX_WITH_LONG`: one job in so many is long, and needs so many processor seconds.
LONG_EVERY, LONG_S = 50, 8.0

#: Busy times and quiet ones.
BURSTS = Bursts(busy=1.6, mean_s=20.0)


@cache
def costs() -> Costs:
    """Return what jobs cost, as measured."""
    return read().costs


@dataclass(frozen=True, slots=True)
class Mix:
    """What requests need.

    Attributes:
        name: In the tables.
        long_every: One job in so many is long; 0 for none.
    """

    name: str
    long_every: int = 0

    def draw_s(self, random: Random) -> float:
        """Return the processor seconds of one drawing."""
        if self.long_every and random.random() * self.long_every < 1:
            return LONG_S
        return random.choice(tuple(costs().draw_cpu_s.values()))

    @property
    def mean_job_s(self) -> float:
        """Processor seconds of a whole job."""
        share = 1 / self.long_every if self.long_every else 0.0
        return costs().mean_job_s + share * (LONG_S - costs().mean_draw_s)


MIX = Mix("as measured")
MIX_WITH_LONG = Mix("one in fifty takes 8 s", LONG_EVERY)


def host(cores: int, of_key: int | None = None) -> NodeSpec:
    """Return a host with the gateway's default settings and the measured costs."""
    running = max(2, cores)
    return NodeSpec(
        cores=cores,
        limits=QueueLimits(running, of_key=of_key),
        pool=running,
        makers=2,
        make_s=costs().make_cpu_s,
        make_wait_s=costs().make_wait_s,
        remove_s=costs().remove_cpu_s,
        draw_wait_s=costs().draw_wait_s,
    )


def rate_of(load: float, cores: int, mix: Mix) -> float:
    """Return requests a second that need a share of so many cores."""
    return load * cores / mix.mean_job_s


def streams(rate: float, mix: Mix, *, keys: int = 10, bursts: Bursts | None = None) -> list[Stream]:
    """Return the requests of keys of different weight: the first sends twice as much as the second, and so on."""
    weights = [1 / (number + 1) for number in range(keys)]
    return [
        Stream(f"key {number}", rate * weight / sum(weights), mix.draw_s, bursts)
        for number, weight in enumerate(weights)
    ]


def simulate(spec: ClusterSpec, sent: Sequence[Stream], seconds: float) -> list[Job]:
    """Return the jobs of a run, its lead included; the same streams give the same requests to every spec."""
    return Cluster(spec, SEED).run(merge(sent, Random(SEED), seconds))
