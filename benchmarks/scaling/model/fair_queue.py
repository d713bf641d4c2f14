"""A bounded queue that is fair between keys, as `gateway/admission.py` has it.

The gateway's own class waits in real time, so this is its logic once more; a test takes both through the same scenes.
"""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.scaling.model.job import End

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scaling.model.clock import Clock, Event
    from benchmarks.scaling.model.job import Job


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Limits of a queue; the defaults are the gateway's.

    Attributes:
        running: Jobs that have a place at once.
        waiting: Most jobs that wait.
        wait_s: Longest time that one waits, in seconds.
        of_key: Most jobs of one key, running and waiting; None for half of all places, as with several keys.
        fair: Whether the key with the fewest places comes first, or whoever has waited longest.
    """

    running: int
    waiting: int = 64
    wait_s: float = 30.0
    of_key: int | None = None
    fair: bool = True

    @property
    def share(self) -> int:
        """Most jobs of one key."""
        return max(1, (self.running + self.waiting) // 2) if self.of_key is None else self.of_key


@dataclass(slots=True)
class _Customer:
    running: int = 0
    served_at: int = 0
    waiting: deque[Job] = field(default_factory=deque)


class FairQueue:
    """Decides which job gets a place.

    Args:
        clock: The model's time.
        limits: Its limits.
        begin: Called with a job that gets a place.
        refuse: Called with a job that gets none, and why.
    """

    def __init__(
        self, clock: Clock, limits: QueueLimits, begin: Callable[[Job], None], refuse: Callable[[Job, End], None]
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._places = limits.running
        self._begin = begin
        self._refuse = refuse
        self._customers: dict[str, _Customer] = {}
        self._turns = itertools.count(1)
        self._arrivals: dict[Job, Event] = {}
        self.running = 0

    @property
    def waiting(self) -> int:
        """Jobs that wait."""
        return len(self._arrivals)

    @property
    def has_free_place(self) -> bool:
        """Whether a job would get a place at once."""
        return self.running < self._places and not self._arrivals

    def enter(self, job: Job) -> None:
        """Give a job a place, let it wait for one, or refuse it."""
        customer = self._customers.get(job.key, _Customer())
        if not self.has_free_place and self.waiting >= self._limits.waiting:
            self._refuse(job, End.QUEUE_FULL)
        elif customer.running + len(customer.waiting) >= self._limits.share:
            self._refuse(job, End.KEY_SHARE)
        elif self.has_free_place:
            self._customers[job.key] = customer
            self._grant(customer, job)
        else:
            self._customers[job.key] = customer
            customer.waiting.append(job)
            self._arrivals[job] = self._clock.after(self._limits.wait_s, lambda: self._give_up(job))

    def leave(self, key: str) -> None:
        """Take back the place of a job of a key, and give it to the next."""
        self._customers[key].running -= 1
        self.running -= 1
        self._tidy(key)
        self.serve_next()

    def resize(self, places: int) -> None:
        """Change the number of places."""
        self._places = places
        self.serve_next()

    def serve_next(self) -> None:
        """Give free places to those that wait."""
        while self._arrivals and self.running < self._places:
            customer, job = self._next_in_turn()
            customer.waiting.remove(job)
            self._arrivals.pop(job).cancel()
            self._grant(customer, job)

    def clear(self) -> list[Job]:
        """Forget everybody; return those that waited."""
        waited = list(self._arrivals)
        for event in self._arrivals.values():
            event.cancel()
        self._arrivals.clear()
        self._customers.clear()
        self.running = 0
        return waited

    def _grant(self, customer: _Customer, job: Job) -> None:
        customer.running += 1
        customer.served_at = next(self._turns)
        self.running += 1
        self._begin(job)

    def _next_in_turn(self) -> tuple[_Customer, Job]:
        if not self._limits.fair:
            job = next(iter(self._arrivals))
            return self._customers[job.key], job
        customer = min(
            (customer for customer in self._customers.values() if customer.waiting),
            key=lambda customer: (customer.running, customer.served_at),
        )
        return customer, customer.waiting[0]

    def _give_up(self, job: Job) -> None:
        del self._arrivals[job]
        self._customers[job.key].waiting.remove(job)
        self._tidy(job.key)
        self._refuse(job, End.QUEUE_TIMEOUT)

    def _tidy(self, key: str) -> None:
        customer = self._customers[key]
        if not customer.running and not customer.waiting:
            del self._customers[key]
