"""Nodes behind balancers, from the first request to the last response."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING

from benchmarks.scaling.model.balancer import (
    AGENT_PERIOD_S,
    CHECKS_S,
    CONNECT_LIMIT_S,
    REFUSED_CHECKS_S,
    Balancer,
    BalancerSpec,
)
from benchmarks.scaling.model.clock import Clock
from benchmarks.scaling.model.node import Node, NodeSpec

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.scaling.model.job import End, Job


@dataclass(frozen=True, slots=True)
class Loss:
    """A node that dies and comes back.

    Attributes:
        node: Which.
        at_s: When it dies.
        back_s: When it is there again.
        silent: Whether the whole host is gone, so that nobody says that a connection is refused.
    """

    node: int
    at_s: float
    back_s: float
    silent: bool = False


@dataclass(frozen=True, slots=True)
class ClusterSpec:
    """What there is.

    Attributes:
        nodes: How many.
        node: What each is.
        balancer: What each balancer does.
        balancers: How many there are; each knows its own jobs only.
        losses: Of nodes.
    """

    nodes: int
    node: NodeSpec
    balancer: BalancerSpec
    balancers: int = 1
    losses: tuple[Loss, ...] = field(default=())


class Cluster:
    """All of it in the model's time.

    Args:
        spec: What there is.
        seed: Of all choices; arrivals have one of their own, so that every policy meets the same requests.
    """

    def __init__(self, spec: ClusterSpec, seed: int) -> None:
        self.clock = Clock()
        self._spec = spec
        self._random = Random(seed)
        self._ended: list[Job] = []
        self.nodes = [Node(self.clock, spec.node, self._answered) for _ in range(spec.nodes)]
        self.balancers = [
            Balancer(self.clock, spec.balancer, self.nodes, Random(f"{seed} {number}"), self._ended.append)
            for number in range(spec.balancers)
        ]

    def run(self, jobs: Sequence[Job]) -> list[Job]:
        """Send jobs at their times; return them when the last has ended, in the order of their arrival."""
        for job in jobs:
            balancer = self._random.choice(self.balancers)
            self.clock.at(job.at_s, partial(balancer.submit, job))
        last_s = jobs[-1].at_s
        if "agent" in self._spec.balancer.policy:
            for number in range(len(self.nodes)):
                first_s = self._random.uniform(0, AGENT_PERIOD_S)
                self.clock.at(first_s, partial(self._hear, number, last_s))
        for loss in self._spec.losses:
            self.clock.at(loss.at_s, partial(self._lose, loss))
            self.clock.at(loss.back_s, partial(self._return, loss))
        self.clock.run()
        return sorted(self._ended, key=lambda job: job.at_s)

    def _answered(self, job: Job, end: End) -> None:
        next(balancer for balancer in self.balancers if balancer.has(job)).answer(job, end)

    def _hear(self, number: int, last_s: float) -> None:
        for balancer in self.balancers:
            balancer.hear(number)
        if self.clock.now < last_s:
            self.clock.after(AGENT_PERIOD_S, lambda: self._hear(number, last_s))

    def _lose(self, loss: Loss) -> None:
        node = self.nodes[loss.node]
        node.silence_s = CONNECT_LIMIT_S if loss.silent else 0.0
        lost = node.die()
        found_s = CHECKS_S if loss.silent else REFUSED_CHECKS_S
        self.clock.after(found_s, lambda: self._tell(loss.node, up=False))
        for job in lost:
            balancer = next(balancer for balancer in self.balancers if balancer.has(job))
            self.clock.after(found_s if loss.silent else 0.0, partial(balancer.lose, job))

    def _return(self, loss: Loss) -> None:
        self.nodes[loss.node].come_back()
        self._tell(loss.node, up=True)

    def _tell(self, number: int, *, up: bool) -> None:
        for balancer in self.balancers:
            balancer.believe(number, up=up)
