"""Decide which job runs next: a bounded queue, fair between keys.

Each key may have a share of jobs, running and waiting together: the common one, or one of its own. Beyond it the key is
refused (429), while others are not affected. When a place frees up, the waiting key with the fewest running jobs gets
it, of equals the one served longest ago. So however many jobs one key has waiting, another key's job waits for about
one turn of one place. A refusal costs a few dictionary look-ups.

A job may need room besides a place, such as memory for what it will write. Then it waits until there are both.
"""

from __future__ import annotations

import asyncio
import itertools
import math
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gateway.model.errors import KeyShareExceeded, QueueFull, QueueTimeout, ShuttingDown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Weight of the newest job in the running mean of how long jobs take.
MEAN_WEIGHT = 0.1

#: How long a job is assumed to take before any has finished, in seconds.
FIRST_GUESS_S = 0.5

#: Bounds of Retry-After, in seconds.
RETRY_MIN_S, RETRY_MAX_S = 1, 120


class Room(Protocol):
    """What a job needs besides a place, and holds from when it gets one."""

    def take(self) -> bool:
        """Take it if it is free; tell whether it was."""

    @property
    def waits_for_own_key(self) -> bool:
        """Whether the job's own key holds what is missing, so that jobs of others need not wait behind it."""


class _NoRoom:
    """Of jobs that need nothing."""

    waits_for_own_key = False

    def take(self) -> bool:
        return True


_NOTHING = _NoRoom()


@dataclass(eq=False, slots=True)
class _Waiter:
    """A job that waits."""

    room: Room
    granted: asyncio.Future[None]


@dataclass(slots=True)
class _Customer:
    """The jobs of one key."""

    running: int = 0
    waiting: deque[_Waiter] = field(default_factory=deque)
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
        self.queue_limit = queue_limit
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

    @property
    def keys(self) -> frozenset[str]:
        """Names of the keys that have jobs running or waiting."""
        return frozenset(self._customers)

    def count_of(self, key: str) -> int:
        """Return how many jobs of a key run and wait."""
        customer = self._customers.get(key)
        return 0 if customer is None else customer.running + len(customer.waiting)

    @asynccontextmanager
    async def place(self, key: str, own_limit: int | None = None, room: Room = _NOTHING) -> AsyncIterator[None]:
        """Hold a place for one job of a key.

        Args:
            key: The key's name.
            own_limit: Most jobs of this key; None means the common limit.
            room: Taken together with the place; whoever made it gives it back.

        Raises:
            KeyShareExceeded: The key has its share of jobs.
            QueueFull: The queue is full.
            QueueTimeout: No place freed up in time.
            ShuttingDown: No more jobs are accepted.
        """
        await self._enter(key, self.key_limit if own_limit is None else own_limit, room)
        began = time.monotonic()
        try:
            yield
        finally:
            self._mean_s += MEAN_WEIGHT * (time.monotonic() - began - self._mean_s)
            self._leave(key)

    def check(self, key: str, own_limit: int | None = None) -> None:
        """Raise what `place` would raise at once for the queue or the key's share; nothing is held.

        When no more jobs are accepted this doesn't say so: what needs no job is served to the end.
        """
        self._refuse(key, self.key_limit if own_limit is None else own_limit)

    def resize(self, running_limit: int) -> None:
        """Change the number of places: running jobs go on, and waiting jobs get new places."""
        self.running_limit = running_limit
        self.serve_next()

    def serve_next(self) -> None:
        """Let jobs run that can; to be called whenever room may have become free."""
        while self._running < self.running_limit and self._waiting and not self._closing:
            found = self._next_in_turn()
            if found is None:
                return
            customer, waiter = found
            customer.waiting.remove(waiter)
            self._waiting -= 1
            self._grant(customer)
            waiter.granted.set_result(None)

    async def wait_empty(self) -> None:
        """Wait until no job holds a place."""
        await self._empty.wait()

    def close(self) -> None:
        """Accept no more jobs, and refuse those that wait; those that run go on."""
        self._closing = True
        for customer in self._customers.values():
            for waiter in customer.waiting:
                if not waiter.granted.done():
                    waiter.granted.set_exception(self._shutting_down())

    def retry_after_s(self, jobs_ahead: int) -> int:
        """Return whole seconds until `jobs_ahead` jobs will likely have been served."""
        estimate = self._mean_s * jobs_ahead / self.running_limit
        return max(RETRY_MIN_S, min(RETRY_MAX_S, math.ceil(estimate)))

    @property
    def _has_free_place(self) -> bool:
        return self._running < self.running_limit and not self._waiting

    def _refuse(self, key: str, key_limit: int) -> None:
        if not self._has_free_place and self._waiting >= self.queue_limit:
            raise self._full()
        own = self.count_of(key)
        if own >= key_limit:
            raise KeyShareExceeded("This key has too many jobs running and waiting", self.retry_after_s(own))

    async def _enter(self, key: str, key_limit: int, room: Room) -> None:
        if self._closing:
            raise self._shutting_down()
        self._refuse(key, key_limit)
        customer = self._customers.setdefault(key, _Customer())
        if self._has_free_place and room.take():
            self._grant(customer)
            return
        if self._waiting >= self.queue_limit:  # there is a place, but no room, and no queue to wait in
            self._tidy(key)
            raise self._full()
        await self._wait(key, customer, room)

    async def _wait(self, key: str, customer: _Customer, room: Room) -> None:
        waiter = _Waiter(room, asyncio.get_running_loop().create_future())
        customer.waiting.append(waiter)
        self._waiting += 1
        try:
            self.serve_next()  # those before it may wait for what only their own keys can free
            async with asyncio.timeout(self._queue_wait_s):
                await waiter.granted
        except BaseException as error:
            future = waiter.granted
            granted = future.done() and not future.cancelled() and future.exception() is None
            if granted:
                self._leave(key)  # the place was granted in the moment the job gave up
            else:
                customer.waiting.remove(waiter)
                self._waiting -= 1
                self._tidy(key)
                self.serve_next()  # a job behind this one may be waiting beside a free place
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
        self.serve_next()
        if not self._running:
            self._empty.set()

    def _next_in_turn(self) -> tuple[_Customer, _Waiter] | None:
        """Return the next job that has room, which it has then taken, and its key's jobs."""
        # A waiter that is done has given up, and will remove itself from the queue.
        fronts = [
            (customer, next((waiter for waiter in customer.waiting if not waiter.granted.done()), None))
            for customer in self._customers.values()
        ]
        ready = [(customer, waiter) for customer, waiter in fronts if waiter is not None]
        for customer, waiter in sorted(ready, key=lambda pair: (pair[0].running, pair[0].served_at)):
            if waiter.room.take():
                return customer, waiter
            if not waiter.room.waits_for_own_key:
                return None  # whoever overtook it would take what it waits for
        return None

    def _tidy(self, key: str) -> None:
        """Forget a key without jobs."""
        customer = self._customers.get(key)
        if customer is not None and not customer.running and not customer.waiting:
            del self._customers[key]

    def _full(self) -> QueueFull:
        return QueueFull("Too many jobs are waiting", self.retry_after_s(self._waiting + 1))

    def _shutting_down(self) -> ShuttingDown:
        return ShuttingDown("The service is shutting down", RETRY_MIN_S)
