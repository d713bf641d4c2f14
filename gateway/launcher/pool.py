"""Warm containers: made ahead of demand, each for one job.

Theory of operation. A *maker* makes containers in which Matplotlib is imported and the runner waits on stdin. A make is
not tied to a taker: whatever becomes ready goes to the taker that has waited longest, or else becomes idle. A taker
that finds no idle container makes sure that as many makes are under way as takers wait, and waits for the first to
finish: that is a cold start, and an empty pool is not an error. Refilling begins only when no taker waits, and goes
beyond half only when no job runs.

All containers have the same memory limit. A job that may use less gets a warm one whose limit is lowered first; where
that can't be done, or none is idle, one is made to order for this job alone.

A leased container is discarded at the end of its lease and never becomes idle again. An idle one that speaks, dies or
grows old is discarded. After several failed makes in a row the breaker opens: takers are refused at once, and one make
at a time is tried after growing pauses, until one succeeds.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import time
from collections import deque
from typing import TYPE_CHECKING

from loguru import logger

from gateway.model.errors import ContainerLost, EngineError, EngineUnavailable, ShuttingDown

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway.launcher.container import Container, Maker

#: Failed makes in a row that open the breaker.
BREAKER_THRESHOLD = 3

#: Pause after a failed make in seconds: first, and at most.
BACKOFF_FIRST_S = 0.5
BACKOFF_MAX_S = 15.0

#: Attempts to remove a container before it is left to the sweep, and seconds between them.
REMOVE_TRIES = 3
REMOVE_PAUSE_S = 1.0

#: Seconds a taker waits when removals pile up.
REMOVALS_LIMIT_S = 10.0


class Pool:
    """Keeps containers ready and hands each to one job.

    Args:
        maker: Makes them.
        size: Containers kept idle; with 0 every start is a cold one.
        makers: Makes under way at once when refilling.
        idle_limit_s: Seconds a container may be idle before it is replaced.
        removing_limit: Removals under way beyond which takers wait, so that the memory of killed jobs is freed first.
        on_event: Called with "warm", "cold", "made", "failed", "spoilt", "aged" or "remove_failed".
    """

    def __init__(
        self,
        maker: Maker,
        *,
        size: int,
        makers: int,
        idle_limit_s: float,
        removing_limit: int,
        on_event: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._maker = maker
        self._size = size
        self._makers = makers
        self._idle_limit_s = idle_limit_s
        self._idle: deque[Container] = deque()
        self._takers: deque[asyncio.Future[Container]] = deque()
        self._making: set[asyncio.Task[None]] = set()
        self._ordered: set[asyncio.Task[Container]] = set()
        self._removing: set[asyncio.Task[None]] = set()
        self._removing_slots = asyncio.Semaphore(removing_limit)
        self._leased = 0
        self._failures = 0
        self._retry_at = 0.0
        self._outdated_at = -math.inf
        self._closing = False
        self._tender: asyncio.Task[None] | None = None
        self._wake = asyncio.Event()
        self.on_event = on_event

    # State, for readiness and metrics

    @property
    def size(self) -> int:
        """Containers that are to wait for a job."""
        return self._size

    @property
    def idle_count(self) -> int:
        """Containers that wait for a job."""
        return len(self._idle)

    @property
    def making_count(self) -> int:
        """Containers being made."""
        return len(self._making) + len(self._ordered)

    @property
    def removing_count(self) -> int:
        """Containers being removed."""
        return len(self._removing)

    @property
    def idle_ceiling(self) -> int:
        """Most containers that may be idle: the pool's size, and those being made when their takers left."""
        return self._size + self._makers if self._size else 0

    @property
    def breaker_open(self) -> bool:
        """Whether so many makes failed in a row that takers are refused at once."""
        return self._failures >= BREAKER_THRESHOLD

    # Life

    def start(self) -> None:
        """Begin to fill."""
        self._tender = asyncio.create_task(self._tend(), name="pool-tender")

    async def aclose(self) -> None:
        """Refuse takers, stop filling, and remove every container; returns when all removals have ended."""
        self._closing = True
        if self._tender is not None:
            self._tender.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._tender
        for taker in self._takers:
            if not taker.done():
                taker.set_exception(ShuttingDown("the gateway is shutting down"))
        while self._idle:
            self._discard(self._idle.popleft())
        # A make is not cancelled in the middle: it ends within its deadlines, and its container is discarded.
        while self._making or self._ordered or self._removing:
            await asyncio.wait([*self._making, *self._ordered, *self._removing])

    async def give_up(self) -> None:
        """Remove nothing more, so that the engine can be closed; what is left is for the next sweep."""
        left = [*self._removing]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def lease(self, memory_limit_bytes: int | None = None) -> AsyncIterator[Container]:
        """Take a container for one job; it is removed afterwards, whatever happens.

        Args:
            memory_limit_bytes: The job's memory, if less than usual.

        Raises:
            EngineUnavailable: There is none, and none can be made.
            ShuttingDown: The pool is closing.
        """
        container = await (self._take() if memory_limit_bytes is None else self._take_smaller(memory_limit_bytes))
        self._leased += 1
        try:
            yield container
        finally:
            self._leased -= 1
            self._discard(container)
            self._wake.set()

    def replace_idle(self) -> None:
        """Replace all containers that are idle now, since there is a better kind: one by one, as the aged are.

        Discarded at once they would leave takers without a warm one, and let them wait for the removals.
        """
        self._outdated_at = time.monotonic()
        self._wake.set()

    # Taking

    async def _take(self) -> Container:
        await self._wait_for_turn()
        container = self._take_idle()
        if container is not None:
            return container
        taker: asyncio.Future[Container] = asyncio.get_running_loop().create_future()
        self._takers.append(taker)
        self._make_for_takers()
        try:
            container = await taker
        except asyncio.CancelledError:
            if taker.done() and not taker.cancelled() and taker.exception() is None:
                self._admit(taker.result())  # it was handed over in the same moment, and is unused
            raise
        finally:
            with contextlib.suppress(ValueError):
                self._takers.remove(taker)
        if not container.conversation.is_idle:  # it died between being handed over and being taken
            self._discard(container)
            raise ContainerLost("a runner did not stay ready")
        self.on_event("cold")
        return container

    async def _take_smaller(self, memory_limit_bytes: int) -> Container:
        """Return a container with less memory than usual: a warm one with its limit lowered, or one made to order."""
        await self._wait_for_turn()
        container = self._take_idle() if self._maker.lowers_memory else None
        if container is not None:
            try:
                if await self._maker.lower_memory(container, memory_limit_bytes):
                    return container
            except BaseException:
                self._discard(container)
                raise
            self._discard(container)
        make = asyncio.create_task(self._maker.make(memory_limit_bytes), name="pool-make-to-order")
        self._ordered.add(make)
        make.add_done_callback(self._ordered.discard)
        try:
            container = await asyncio.shield(make)
        except asyncio.CancelledError:
            make.add_done_callback(self._discard_made)
            # The job keeps its place until then: otherwise who hangs up again and again has any number made at once.
            await asyncio.wait([make])
            raise
        self.on_event("cold")
        return container

    def _take_idle(self) -> Container | None:
        """Return a warm container, or None when there is none."""
        while self._idle:
            # The oldest first, so that none grows too old while demand is steady.
            container = self._idle.popleft()
            container.conversation.on_spoilt = None
            if container.conversation.is_idle:
                self._wake.set()
                self.on_event("warm")
                container.was_idle = True
                return container
            self._discard(container)
        return None

    async def _wait_for_turn(self) -> None:
        """Wait until a container may be taken; raises if there will be none."""
        if self.breaker_open and not self._idle:
            raise EngineUnavailable("the engine fails to start containers")
        await self._wait_for_removals()
        if self._closing:
            raise ShuttingDown("the gateway is shutting down")

    async def _wait_for_removals(self) -> None:
        """Wait, in turn, until removals no longer pile up."""
        try:
            async with asyncio.timeout(REMOVALS_LIMIT_S), self._removing_slots:
                pass
        except TimeoutError as error:
            raise EngineUnavailable("the engine is slow to remove containers") from error

    def _make_for_takers(self) -> None:
        waiting = sum(not taker.done() for taker in self._takers)
        while len(self._making) < waiting:
            self._spawn_make()

    # Making

    def _spawn_make(self) -> None:
        task = asyncio.create_task(self._make_one(), name="pool-make")
        self._making.add(task)

    async def _make_one(self) -> None:
        try:
            container = await self._maker.make()
        except EngineError as error:
            self._note_failure(error)
        except Exception as error:  # noqa: BLE001 - a bug of ours: the taker that counts on this make must hear of it
            failure = EngineUnavailable("a container can't be made")
            failure.__cause__ = error
            self._note_failure(failure)
        else:
            if container.conversation.is_idle:
                self._failures = 0
                self.on_event("made")
                self._admit(container)
            else:
                self._discard(container)
                self._note_failure(ContainerLost("a runner did not stay ready"))
        finally:
            # Not in a callback, which runs one turn later: a taker that comes in between would count on this make.
            self._making.discard(asyncio.current_task())
            self._wake.set()

    def _note_failure(self, error: EngineError) -> None:
        self._failures += 1
        pause_s = min(BACKOFF_MAX_S, BACKOFF_FIRST_S * 2 ** (self._failures - 1))
        self._retry_at = time.monotonic() + pause_s
        self.on_event("failed")
        logger.warning("container not made", reason=str(error), cause=error.cause, failures=self._failures)
        # One taker fails now: its client can try again, while we can't promise anything.
        for taker in self._takers:
            if not taker.done():
                taker.set_exception(error)
                break

    def _admit(self, container: Container) -> None:
        """Give a ready container to the taker that has waited longest, or keep it."""
        if self._closing or not container.conversation.is_idle:
            self._discard(container)
            return
        for taker in self._takers:
            if not taker.done():
                taker.set_result(container)
                return
        if len(self._idle) >= self.idle_ceiling:
            self._discard(container)  # its taker has left, and the pool is full
            return
        container.conversation.on_spoilt = lambda: self._drop_idle(container, "spoilt")
        self._idle.append(container)

    async def _tend(self) -> None:
        """Refill, and replace what has grown old, while the pool is open."""
        while True:
            now = time.monotonic()
            if self._has_aged(now) and len(self._idle) > self._size:
                self._drop_idle(self._idle[0], "aged")  # its replacement is ready
            aged = self._has_aged(now)
            paused_s = self._retry_at - now if self._failures else 0.0
            if paused_s <= 0 and not any(not taker.done() for taker in self._takers):
                parallel = 1 if self._failures else self._makers
                wanted = self._wanted_idle() + aged
                while len(self._making) < min(parallel, wanted - len(self._idle)):
                    self._spawn_make()
            self._wake.clear()
            next_age_s = self._idle[0].made_at + self._idle_limit_s - now if self._idle and not aged else 3600.0
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(min(next_age_s, paused_s if paused_s > 0 else 3600.0)):
                    await self._wake.wait()

    def _has_aged(self, now: float) -> bool:
        """Tell whether the oldest idle container is to be replaced."""
        if not self._idle:
            return False
        made_at = self._idle[0].made_at
        return now - made_at > self._idle_limit_s or made_at <= self._outdated_at

    def _wanted_idle(self) -> int:
        """Return how many idle containers there should be now.

        A make takes as much processor time as a job, which running jobs would lack. So while jobs run the pool is kept
        half full, and filled up in the pauses. After a failure one make is tried even with size 0, to close the
        breaker.
        """
        if self._failures:
            return max(self._size, 1)
        return (self._size + 1) // 2 if self._leased else self._size

    # Ending

    def _drop_idle(self, container: Container, why: str) -> None:
        with contextlib.suppress(ValueError):
            self._idle.remove(container)
            self.on_event(why)
            self._discard(container)
            self._wake.set()

    def _discard(self, container: Container) -> None:
        """Remove a container in the background, so that the result need not wait for it."""
        container.conversation.on_spoilt = None
        task = asyncio.create_task(self._remove(container), name="pool-remove")
        self._removing.add(task)
        task.add_done_callback(self._removing.discard)

    def _discard_made(self, make: asyncio.Task[Container]) -> None:
        """Remove a container whose taker left while it was made to order."""
        if not make.cancelled() and make.exception() is None:
            self._discard(make.result())

    async def _remove(self, container: Container) -> None:
        try:
            async with self._removing_slots:
                container.conversation.close()
                await self._remove_with_patience(container)
        finally:
            self._maker.forget(container)
        self._wake.set()

    async def _remove_with_patience(self, container: Container) -> None:
        for attempt in range(1, REMOVE_TRIES + 1):
            try:
                await self._maker.remove(container)
            except EngineError as error:
                self.on_event("remove_failed")
                logger.warning("container not removed", container=container.name, reason=str(error), cause=error.cause)
                if attempt < REMOVE_TRIES:
                    await asyncio.sleep(REMOVE_PAUSE_S)
            else:
                return
