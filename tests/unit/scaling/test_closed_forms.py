"""The model agrees with what queueing theory has closed forms for."""

from __future__ import annotations

import math
from random import Random
from typing import TYPE_CHECKING

import pytest

from benchmarks.scaling.model.arrivals import Stream, merge
from benchmarks.scaling.model.balancer import UNBOUNDED, BalancerSpec
from benchmarks.scaling.model.cluster import Cluster, ClusterSpec
from benchmarks.scaling.model.fair_queue import QueueLimits
from benchmarks.scaling.model.node import NodeSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.scaling.model.job import Job

SEED = 11

#: Jobs of a run that are not counted, since it begins empty.
LEAD = 2000

#: More samples of what another has shown; each is tens of thousands of jobs.
MORE = pytest.mark.variant


def seeded() -> Random:
    """Return the source of all choices."""
    return Random(SEED)  # noqa: S311 - a model's chance


def node(cores: float, running: int) -> NodeSpec:
    """Return a node whose containers cost nothing, and whose queue has no other limit."""
    return NodeSpec(cores, QueueLimits(running, waiting=UNBOUNDED, wait_s=math.inf, of_key=UNBOUNDED))


def run(spec: ClusterSpec, rate: float, draw_s: Callable[[Random], float], jobs: int) -> Sequence[Job]:
    """Return the jobs of a run, without its beginning."""
    stream = Stream("key", rate, draw_s)
    return Cluster(spec, SEED).run(merge([stream], seeded(), jobs / rate))[LEAD:]


def one(cores: float, running: int) -> ClusterSpec:
    """Return one node behind a balancer that does nothing."""
    return ClusterSpec(1, node(cores, running), BalancerSpec("round robin"))


def mean(values: Sequence[float]) -> float:
    """Return the arithmetic mean."""
    return math.fsum(values) / len(values)


def erlang_c(servers: int, offered: float) -> float:
    """Return the probability that a job waits in M/M/c. Source: Erlang's second formula."""
    last = offered**servers / math.factorial(servers) * servers / (servers - offered)
    return last / (sum(offered**k / math.factorial(k) for k in range(servers)) + last)


def exponential(random: Random) -> float:
    """Return a service time of mean 1."""
    return random.expovariate(1.0)


def two_lengths(random: Random) -> float:
    """Return a service time of mean 1: mostly short, sometimes ten times as long."""
    return 0.5 if random.random() < 0.9 else 5.5


@pytest.mark.parametrize(
    ("servers", "load"), [(1, 0.7), *(pytest.param(*more, marks=MORE) for more in ((4, 0.8), (16, 0.9)))]
)
def test_a_node_is_an_m_m_c(servers: int, load: float) -> None:
    """As many places as cores, and exponential service: waiting is Erlang's."""
    offered = servers * load
    jobs = run(one(servers, servers), offered, exponential, 30_000)
    wait_s = erlang_c(servers, offered) / (servers - offered)
    assert mean([job.took_s for job in jobs]) == pytest.approx(1 + wait_s, rel=0.1)


@pytest.mark.parametrize("draw_s", [exponential, two_lengths])
@pytest.mark.parametrize("load", [0.5, pytest.param(0.8, marks=MORE)])
def test_a_core_without_a_limit_is_an_m_g_1_ps(draw_s: Callable[[Random], float], load: float) -> None:
    """A job that needs x takes x / (1 - load) on average, whatever the others need."""
    jobs = run(one(1.0, UNBOUNDED), load, draw_s, 25_000)
    assert mean([job.took_s for job in jobs]) == pytest.approx(1 / (1 - load), rel=0.1)
    short = [job for job in jobs if job.draw_s < 0.75]
    expected_s = mean([job.draw_s for job in short]) / (1 - load)
    assert mean([job.took_s for job in short]) == pytest.approx(expected_s, rel=0.1)


def test_cores_are_shared_by_tasks_of_one_core_each() -> None:
    """Four cores without a limit of places are an M/M/4 as well: service is exponential, so order doesn't matter."""
    jobs = run(one(4.0, UNBOUNDED), 3.2, exponential, 30_000)
    assert mean([job.took_s for job in jobs]) == pytest.approx(1 + erlang_c(4, 3.2) / 0.8, rel=0.1)


@pytest.mark.variant
def test_two_choices_are_the_supermarket() -> None:
    """With many nodes the mean is the sum of load ** (2 ** i - 2). Source: Mitzenmacher 2001, section 2."""
    load, nodes = 0.9, 200
    spec = ClusterSpec(nodes, node(1.0, UNBOUNDED), BalancerSpec("two choices"))
    jobs = run(spec, load * nodes, exponential, 60_000)[10_000:]
    expected_s = sum(load ** (2**i - 2) for i in range(1, 12))
    assert mean([job.took_s for job in jobs]) == pytest.approx(expected_s, rel=0.06)


@pytest.mark.parametrize(
    "policy", ["least connections", *(pytest.param(name, marks=MORE) for name in ("round robin", "two choices"))]
)
def test_a_queue_in_the_balancer_makes_many_nodes_one(policy: str) -> None:
    """With `maxconn` at the places, eight nodes of one core are an M/M/8, whatever the policy."""
    spec = ClusterSpec(8, node(1.0, 1), BalancerSpec(policy, maxconn=1, wait_s=math.inf))
    jobs = run(spec, 6.8, exponential, 30_000)
    assert mean([job.took_s for job in jobs]) == pytest.approx(1 + erlang_c(8, 6.8) / 1.2, rel=0.1)


def test_round_robin_is_eight_queues() -> None:
    """Each node then has every eighth request: E_8/M/1, whose waiting follows from the root of one equation.

    Source: Kleinrock, "Queueing Systems" I, section 6.4: the wait is root / (1 - root) with root = A*(1 - root), and A*
    the transform of the time between arrivals.
    """
    load, nodes = 0.8, 8
    spec = ClusterSpec(nodes, node(1.0, 1), BalancerSpec("round robin"))
    jobs = run(spec, load * nodes, exponential, 40_000)
    root = 0.5
    for _ in range(200):
        root = (load * nodes / (load * nodes + 1 - root)) ** nodes
    assert mean([job.took_s for job in jobs]) == pytest.approx(1 / (1 - root), rel=0.1)


def test_a_job_pays_for_its_container() -> None:
    """Without a pool, a core spends making, drawing and removing on each job, and serves no more than that allows."""
    queue = QueueLimits(2, waiting=50, of_key=UNBOUNDED)
    spec = NodeSpec(1.0, queue, pool=0, make_s=0.2, remove_s=0.1)
    cluster = Cluster(ClusterSpec(1, spec, BalancerSpec("round robin")), SEED)
    jobs = cluster.run(merge([Stream("key", 10.0, lambda _: 0.2)], seeded(), 400.0))
    served = [job for job in jobs if job.end == "ok"]
    assert len(served) / served[-1].end_s == pytest.approx(1 / 0.5, rel=0.02)
    assert cluster.nodes[0].processor.used_s == pytest.approx(len(served) * 0.5)
