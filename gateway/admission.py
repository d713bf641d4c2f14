"""Decide which job runs next: a bounded queue, fair between keys.

Each key may have a share of jobs, running and waiting together: the common one, or one of its own. Beyond it the key is
refused (429), while others are not affected. When a place frees up, the waiting key with the fewest running jobs gets
it, of equals the one served longest ago. So however many jobs one key has waiting, another key's job waits for about
one turn of one place. A refusal costs a few dictionary look-ups.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.model.errors import KeyShareExceeded, QueueFull, QueueTimeout, ShuttingDown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Weight of the newest job in the running mean of how long jobs take.
MEAN_WEIGHT = 0.1

#: How long a job is assumed to take before any has finished, in seconds.
FIRST_GUESS_S = 0.5

#: Bounds of Retry-After, in seconds.
RETRY_MIN_S, RETRY_MAX_S = 1, 120


@dataclass(slots=True)
class _Customer:
    """The jobs of one key."""

    running: int = 0
    waiting: deque[asyncio.Future[None]] = field(default_factory=deque)
    served_at: int = 0


class Admission:
    """Bounded, fair admission of jobs.

    Args:
        running_limit: Jobs that run at once; changed by `resize`.
        queue_limit: Most jobs that wait, of all keys together.
        queue_wait_s: Longest time that one job waits, in seconds.
        key_limit: Most jobs of one key, running and waiting, unless it has a limit of its own. May be set later: a
            fair share depends on how many keys there are.
    """

    def __init__(self, *, running_limit: int, queue_limit: int, queue_wait_s: float, key_limit: int) -> None:
        self.running_limit = running_limit
        self._queue_limit = queue_limit
        self._queue_wait_s = queue_wait_s
        self.key_limit = key_limit
        self._customers: dict[str, _Customer] = {}
        self._turns = itertools.count(1)
        self._running = 0
        self._waiting = 0
        self._mean_s = FIRST_GUESS_S
        self._closing = False
        self._empty = asyncio.Event()
        self._empty.set()

    @property
    def running_count(self) -> int:
        """Jobs that hold a place."""
        return self._running

    @property
    def waiting_count(self) -> int:
        """Jobs that wait for one."""
        return self._waiting

    def count_of(self, key: str) -> int:
        """Return how many jobs of a key run and wait."""
        customer = self._customers.get(key)
        return 0 if customer is None else customer.running + len(customer.waiting)

    @asynccontextmanager
    async def place(self, key: str, own_limit: int | None = None) -> AsyncIterator[None]:
        """Hold a place for one job of a key.

        Args:
            key: The key's name.
            own_limit: Most jobs of this key; None means the common limit.

        Raises:
            KeyShareExceeded: The key has its share of jobs.
            QueueFull: The queue is full.
            QueueTimeout: No place freed up in time.
            ShuttingDown: No more jobs are accepted.
        """
        await self._enter(key, self.key_limit if own_limit is None else own_limit)
        began = time.monotonic()
        try:
            yield
        finally:
            self._mean_s += MEAN_WEIGHT * (time.monotonic() - began - self._mean_s)
            self._leave(key)

    def resize(self, running_limit: int) -> None:
        """Change the number of places: running jobs go on, and waiting jobs get new places."""
        self.running_limit = running_limit
        self._serve_next()

    async def wait_empty(self) -> None:
        """Wait until no job holds a place."""
        await self._empty.wait()

    def close(self) -> None:
        """Accept no more jobs, and refuse those that wait; those that run go on."""
        self._closing = True
        for customer in self._customers.values():
            for waiter in customer.waiting:
                if not waiter.done():
                    waiter.set_exception(self._shutting_down())

    def retry_after_s(self, jobs_ahead: int) -> int:
        """Return whole seconds until `jobs_ahead` jobs will likely have been served."""
        estimate = self._mean_s * jobs_ahead / self.running_limit
        return max(RETRY_MIN_S, min(RETRY_MAX_S, math.ceil(estimate)))

    async def _enter(self, key: str, key_limit: int) -> None:
        if self._closing:
            raise self._shutting_down()
        free = self._running < self.running_limit and not self._waiting
        if not free and self._waiting >= self._queue_limit:
            raise QueueFull("Too many jobs are waiting", self.retry_after_s(self._waiting + 1))
        customer = self._customers.setdefault(key, _Customer())
        own = customer.running + len(customer.waiting)
        if own >= key_limit:
            raise KeyShareExceeded("This key has too many jobs running and waiting", self.retry_after_s(own))
        if free:
            self._grant(customer)
            return
        await self._wait(key, customer)

    async def _wait(self, key: str, customer: _Customer) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        customer.waiting.append(waiter)
        self._waiting += 1
        try:
            async with asyncio.timeout(self._queue_wait_s):
                await waiter
        except BaseException as error:
            granted = waiter.done() and not waiter.cancelled() and waiter.exception() is None
            if granted:
                self._leave(key)  # the place was granted in the moment the job gave up
            else:
                customer.waiting.remove(waiter)
                self._waiting -= 1
                self._tidy(key)
                self._serve_next()  # a job behind this one may be waiting beside a free place
            if isinstance(error, TimeoutError):
                raise QueueTimeout(
                    "The job waited too long in the queue", self.retry_after_s(self._waiting + 1)
                ) from error
            raise

    def _grant(self, customer: _Customer) -> None:
        customer.running += 1
        customer.served_at = next(self._turns)
        self._running += 1
        self._empty.clear()

    def _leave(self, key: str) -> None:
        customer = self._customers[key]
        customer.running -= 1
        self._running -= 1
        self._tidy(key)
        self._serve_next()
        if not self._running:
            self._empty.set()

    def _serve_next(self) -> None:
        while self._running < self.running_limit and not self._closing:
            # A waiter that is done has given up, and will remove itself from the queue.
            fronts = [
                (customer, next((waiter for waiter in customer.waiting if not waiter.done()), None))
                for customer in self._customers.values()
            ]
            ready = [(customer, waiter) for customer, waiter in fronts if waiter is not None]
            if not ready:
                return
            customer, waiter = min(ready, key=lambda pair: (pair[0].running, pair[0].served_at))
            customer.waiting.remove(waiter)
            self._waiting -= 1
            self._grant(customer)
            waiter.set_result(None)

    def _tidy(self, key: str) -> None:
        """Forget a key without jobs."""
        customer = self._customers.get(key)
        if customer is not None and not customer.running and not customer.waiting:
            del self._customers[key]

    def _shutting_down(self) -> ShuttingDown:
        return ShuttingDown("The service is shutting down", RETRY_MIN_S)
