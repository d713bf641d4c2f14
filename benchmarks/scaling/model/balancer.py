"""A balancer: gives each job to a node, holds back what no node has a place for, and tries again where that is safe."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.scaling.model.fair_queue import FairQueue, QueueLimits
from benchmarks.scaling.model.job import End
from benchmarks.scaling.model.policies import POLICIES, View

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from benchmarks.scaling.model.clock import Clock
    from benchmarks.scaling.model.job import Job
    from benchmarks.scaling.model.node import Node

#: No limit.
UNBOUNDED = 1 << 60

#: Most nodes that one job is given to: renders are pure, so a second answer does no harm.
TRIES = 3

#: Seconds between two questions to a node's agent. Source: HAProxy's default of `agent-inter`.
AGENT_PERIOD_S = 2.0

#: Seconds after which a connection to a host that is silent is given up, and after which checks have found it out.
CONNECT_LIMIT_S = 1.0
CHECKS_S = 6.0

#: Seconds within which a process that refuses connections is found out by checks.
REFUSED_CHECKS_S = 2.0


@dataclass(frozen=True, slots=True)
class BalancerSpec:
    """A balancer.

    Attributes:
        policy: One of `POLICIES`.
        maxconn: Most jobs that it gives to one node at once; what is more waits here. None for no limit.
        fair: Whether jobs that wait here take turns by key, or come in the order of their arrival.
        wait_s: Longest time that a job waits here, in seconds.
        of_key: Most jobs of one key, waiting here and in nodes; None for no limit.
    """

    policy: str
    maxconn: int | None = None
    fair: bool = False
    wait_s: float = 30.0
    of_key: int | None = None


class Balancer:
    """One balancer.

    Args:
        clock: The model's time.
        spec: What it does.
        nodes: The nodes, which it shares with other balancers.
        random: For its choices.
        ended: Called with a job that has ended.
    """

    def __init__(
        self,
        clock: Clock,
        spec: BalancerSpec,
        nodes: Sequence[Node],
        random: Random,
        ended: Callable[[Job], None],
    ) -> None:
        self._clock = clock
        self._spec = spec
        self._nodes = nodes
        self._ended = ended
        self._policy = POLICIES[spec.policy](random)
        self._view = View(len(nodes))
        self._believed = [True] * len(nodes)
        self._at: dict[Job, int] = {}
        limits = QueueLimits(
            running=UNBOUNDED if spec.maxconn is None else spec.maxconn * len(nodes),
            waiting=UNBOUNDED,
            wait_s=spec.wait_s,
            of_key=spec.of_key or UNBOUNDED,
            fair=spec.fair,
        )
        self._queue = FairQueue(clock, limits, self._dispatch, self._refused)

    def submit(self, job: Job) -> None:
        """Take a job from a client."""
        self._queue.enter(job)

    def hear(self, node: int) -> None:
        """Learn from a node's agent how many places it has free."""
        limit = max(1, self._nodes[node].spec.limits.running)
        self._view.weights[node] = max(1, round(100 * self._nodes[node].free_places / limit))

    def believe(self, node: int, *, up: bool) -> None:
        """Learn from checks whether a node is up."""
        self._believed[node] = up
        if self._spec.maxconn is not None:
            self._queue.resize(self._spec.maxconn * sum(self._believed))

    def answer(self, job: Job, end: End) -> None:
        """Take a node's answer to a job; 503 of a full node is tried elsewhere."""
        node = self._release(job)
        if end is End.QUEUE_FULL and job.tries < TRIES and len(self._up()) > 1:
            self._dispatch(job, without=node)
        else:
            self._close(job, end)

    def lose(self, job: Job) -> None:
        """Learn that a job's node is gone, and give it to another."""
        node = self._release(job)
        if job.tries < TRIES:
            self._dispatch(job, without=node)
        else:
            self._close(job, End.NO_NODE)

    def has(self, job: Job) -> bool:
        """Tell whether a job came through this balancer and is with a node."""
        return job in self._at

    def _up(self) -> list[int]:
        return [node for node, up in enumerate(self._believed) if up]

    def _dispatch(self, job: Job, without: int | None = None) -> None:
        candidates = [node for node in self._up() if node != without]
        if self._spec.maxconn is not None:
            limit = self._spec.maxconn
            candidates = [node for node in candidates if self._view.connections[node] < limit] or candidates
        if not candidates:
            self._close(job, End.NO_NODE)
            return
        node = self._policy.choose(candidates, self._view)
        job.tries += 1
        self._at[job] = node
        self._view.connections[node] += 1
        if self._nodes[node].alive:
            self._nodes[node].submit(job)
        else:
            self._clock.after(self._nodes[node].silence_s, lambda: self.lose(job))

    def _release(self, job: Job) -> int:
        node = self._at.pop(job)
        self._view.connections[node] -= 1
        return node

    def _close(self, job: Job, end: End) -> None:
        self._finish(job, end)
        self._queue.leave(job.key)

    def _refused(self, job: Job, end: End) -> None:
        self._finish(job, end)

    def _finish(self, job: Job, end: End) -> None:
        job.end, job.end_s = end, self._clock.now
        self._ended(job)
