"""Nodes behind balancers: nothing is lost, and each policy does what it says."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scaling.model.arrivals import Bursts, Stream, merge
from benchmarks.scaling.model.balancer import CHECKS_S, BalancerSpec
from benchmarks.scaling.model.clock import Clock
from benchmarks.scaling.model.cluster import Cluster, ClusterSpec, Loss
from benchmarks.scaling.model.fair_queue import QueueLimits
from benchmarks.scaling.model.job import End, Job
from benchmarks.scaling.model.node import Node, NodeSpec
from benchmarks.scaling.model.policies import POLICIES, View

NODE = NodeSpec(2.0, QueueLimits(2, of_key=10_000), pool=2, make_s=0.1, make_wait_s=0.02, remove_s=0.05)


def seeded() -> Random:
    """Return the source of all choices."""
    return Random(5)  # noqa: S311 - a model's chance


def sent(rate: float, seconds: float, draw_s: float = 0.3) -> list[Job]:
    """Return jobs of two keys."""
    keys = [Stream(key, rate / 2, lambda random: random.expovariate(1 / draw_s)) for key in "ab"]
    return merge(keys, seeded(), seconds)


@settings(deadline=None, max_examples=40)
@given(
    policy=st.sampled_from(sorted(POLICIES)),
    maxconn=st.sampled_from([None, 2, 4]),
    balancers=st.integers(1, 3),
    fair=st.booleans(),
    silent=st.booleans(),
    rate=st.floats(1.0, 40.0),
)
def test_every_job_ends_once(  # noqa: PLR0917
    policy: str,
    maxconn: int | None,
    balancers: int,
    fair: bool,  # noqa: FBT001
    silent: bool,  # noqa: FBT001
    rate: float,
) -> None:
    """Whatever the policy, the load and the loss: as many ends as requests, and everything is at rest afterwards."""
    balancer = BalancerSpec(policy, maxconn=maxconn, fair=fair)
    spec = ClusterSpec(3, NODE, balancer, balancers, losses=(Loss(1, 4.0, 12.0, silent),))
    jobs = sent(rate, 20.0)
    cluster = Cluster(spec, 1)
    ended = cluster.run(jobs)
    assert ended == jobs
    assert all(job.end is not None and job.took_s >= 0 for job in ended)
    for node in cluster.nodes:
        assert (node.queue.running, node.queue.waiting) == (0, 0)


def test_a_run_is_the_same_each_time() -> None:
    """One seed, one result."""
    spec = ClusterSpec(3, NODE, BalancerSpec("two choices"))
    first, second = (Cluster(spec, 1).run(sent(10.0, 30.0)) for _ in range(2))
    assert [job.end_s for job in first] == [job.end_s for job in second]


@pytest.mark.parametrize(("silent", "worst_s"), [(False, 1.0), (True, CHECKS_S + 1.0)])
def test_jobs_of_a_dead_node_are_drawn_elsewhere(silent: bool, worst_s: float) -> None:  # noqa: FBT001
    """None is lost: at once where the connection breaks, after the checks where nobody says anything."""
    spec = ClusterSpec(3, NODE, BalancerSpec("least connections"), losses=(Loss(0, 10.0, 20.0, silent),))
    jobs = [Job(10.0 - 0.01 * number, "a", 0.4) for number in range(6, 0, -1)]
    ended = Cluster(spec, 1).run(jobs)
    assert {job.end for job in ended} == {End.OK}
    again = [job for job in ended if job.tries > 1]
    assert len(again) == 2
    assert all(0.4 <= job.took_s < worst_s + 0.6 for job in again)
    assert all(not silent or job.took_s > CHECKS_S for job in again)


def test_without_a_node_there_is_a_refusal() -> None:
    """Nobody waits for a node that checks have found dead."""
    spec = ClusterSpec(1, NODE, BalancerSpec("round robin"), losses=(Loss(0, 1.0, 20.0),))
    (job,) = Cluster(spec, 1).run([Job(10.0, "a", 0.4)])
    assert job.end is End.NO_NODE


@pytest.mark.parametrize(
    ("policy", "chosen"),
    [
        ("round robin", [0, 1, 2] * 2),
        ("least connections", [2] * 6),
        ("least connections by agent's weights", [1] * 6),
        ("agent's weights", [0, 1, 1, 1, 1, 2]),
    ],
)
def test_policies(policy: str, chosen: list[int]) -> None:
    """Each chooses by what it says."""
    view = View(3)
    view.connections, view.weights = [9, 4, 3], [25, 100, 25]
    picked = POLICIES[policy](seeded())
    assert sorted(picked.choose([0, 1, 2], view) for _ in range(6)) == sorted(chosen)


def test_two_choices_never_take_the_worst() -> None:
    """Of two different ones at random, the better."""
    view = View(3)
    view.connections = [9, 4, 3]
    policy = POLICIES["two choices"](seeded())
    assert {policy.choose([0, 1, 2], view) for _ in range(100)} == {1, 2}


def test_a_warm_container_saves_the_making() -> None:
    """The first jobs find the pool full, the next one waits for a container; in a pause the pool is filled."""
    clock, took = Clock(), []
    node = Node(clock, NODE, lambda job, _: took.append((job.at_s, round(clock.now - job.at_s, 3))))
    for at_s in (0.0, 0.0, 0.5, 5.0):
        clock.at(at_s, lambda at_s=at_s: node.submit(Job(at_s, "a", 0.2)))
    clock.run()
    assert took[-1] == (5.0, 0.2)
    assert took[0][1] > 0.2  # a container is made beside them
    spec = NodeSpec(2.0, QueueLimits(2), pool=0, make_s=0.1, make_wait_s=0.02)
    cold = Node(clock, spec, lambda job, _: took.append((job.at_s, round(clock.now - job.at_s, 3))))
    clock.at(9.0, lambda: cold.submit(Job(9.0, "a", 0.2)))
    clock.run()
    assert took[-1] == (9.0, 0.32)


def test_bursts_keep_the_mean() -> None:
    """Busy and quiet times together have the rate that was asked for."""
    stream = Stream("a", 50.0, lambda _: 0.1, Bursts(1.6, 2.0))
    assert len(list(stream.jobs(seeded(), 2000.0))) == pytest.approx(100_000, rel=0.05)
