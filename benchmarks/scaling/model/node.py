"""One host: the gateway's queue, its pool of warm containers, and a processor for all that they need."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.scaling.model.fair_queue import FairQueue, QueueLimits
from benchmarks.scaling.model.job import End
from benchmarks.scaling.model.processor import Processor

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scaling.model.clock import Clock
    from benchmarks.scaling.model.job import Job


@dataclass(frozen=True, slots=True)
class NodeSpec:
    """A host and what its containers cost it.

    Attributes:
        cores: Of the processor.
        limits: Of its queue.
        pool: Warm containers that are kept.
        makers: Containers that are made at once to fill the pool.
        make_s: Processor seconds of making a container.
        make_wait_s: Seconds that it takes beyond that.
        remove_s: Processor seconds of removing one.
        draw_wait_s: Seconds that a job takes beyond its processor seconds.
    """

    cores: float
    limits: QueueLimits
    pool: int = 0
    makers: int = 2
    make_s: float = 0.0
    make_wait_s: float = 0.0
    remove_s: float = 0.0
    draw_wait_s: float = 0.0


class Node:
    """A host.

    Args:
        clock: The model's time.
        spec: What it is.
        ended: Called with a job and how it ended.
    """

    def __init__(self, clock: Clock, spec: NodeSpec, ended: Callable[[Job, End], None]) -> None:
        self._clock = clock
        self.spec = spec
        self._ended = ended
        self.processor = Processor(clock, spec.cores)
        self.queue = FairQueue(clock, spec.limits, self._take, ended)
        self.alive = True
        self.silence_s = 0.0
        self._life = 0
        self._running: set[Job] = set()
        self._takers: deque[Job] = deque()
        self._leased = 0
        self._making = 0
        self._idle = spec.pool

    def submit(self, job: Job) -> None:
        """Take a job, or refuse it."""
        self.queue.enter(job)

    @property
    def free_places(self) -> int:
        """Places that neither run a job nor have one waiting for them."""
        return max(0, self.spec.limits.running - self.queue.running - self.queue.waiting)

    def die(self) -> list[Job]:
        """End at once, with everything; return the jobs that are lost."""
        lost = [*self._running, *self.queue.clear()]
        self.alive = False
        self._life += 1
        self.processor.clear()
        self._running.clear()
        self._takers.clear()
        self._leased = self._making = self._idle = 0
        return sorted(lost, key=lambda job: job.at_s)

    def come_back(self) -> None:
        """Start again, without a warm container."""
        self.alive = True
        self._refill()

    # A job: its container, its drawing, its end

    def _take(self, job: Job) -> None:
        self._running.add(job)
        if self._idle:
            self._idle -= 1
            self._draw(job)
        else:
            self._takers.append(job)
            while self._making < len(self._takers):
                self._make()

    def _draw(self, job: Job) -> None:
        self._leased += 1
        self._refill()
        self._do(self.spec.draw_wait_s, job.draw_s, lambda: self._end(job))

    def _end(self, job: Job) -> None:
        self._running.discard(job)
        self._leased -= 1
        self._do(0.0, self.spec.remove_s, self._refill)
        self._refill()  # before the next job has begun: with one place, that is a pause
        self._ended(job, End.OK)
        self.queue.leave(job.key)
        self._refill()

    # The pool

    def _refill(self) -> None:
        """Make what is missing: half of the pool while jobs run, all of it in the pauses."""
        if self._takers:
            return
        wanted = (self.spec.pool + 1) // 2 if self._leased else self.spec.pool
        while self._making < min(self.spec.makers, wanted - self._idle):
            self._make()

    def _make(self) -> None:
        self._making += 1
        self._do(self.spec.make_wait_s, self.spec.make_s, self._made)

    def _made(self) -> None:
        self._making -= 1
        if self._takers:
            self._draw(self._takers.popleft())
        else:
            self._idle += 1
            self._refill()

    def _do(self, wait_s: float, work_s: float, done: Callable[[], None]) -> None:
        """Wait, then work, then call an action, unless the node dies before."""
        life = self._life

        def work() -> None:
            if life == self._life:
                self.processor.work(work_s, done)

        if wait_s:
            self._clock.after(wait_s, work)
        else:
            work()
