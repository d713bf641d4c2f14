"""How many scripts are sent at once: more while the service responds, fewer when it is busy.

Additive increase, multiplicative decrease, as in TCP (RFC 5681): a round of responses adds one place, a refusal halves
the places, and nothing is sent before the service's `Retry-After` has passed.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Requests at once at first, and at most, if the user doesn't set a number.
FIRST_JOBS = 4
MOST_JOBS = 16


class Stopped(Exception):
    """The run ends, so nothing more is sent."""


class Throttle:
    """Places for requests; belongs to one event loop."""

    def __init__(self, jobs: int | None) -> None:
        """Begin with as many places as there may be at most; if None, with this module's numbers."""
        self.most = jobs if jobs is not None else MOST_JOBS
        self._places = float(jobs if jobs is not None else FIRST_JOBS)
        self._running = 0
        self._held_until = 0.0
        self._refusals = 0
        self._stopped = False
        self._changed = asyncio.Condition()

    @property
    def places(self) -> int:
        """How many requests may be under way at once."""
        return int(self._places)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[int]:
        """Wait for a place and hold it; yield the argument `began` of `refused`.

        Raises:
            Stopped: The run ended while waiting, or before.
        """
        async with self._changed:
            while (pause_s := self._pause_s()) != 0:
                await self._wait(pause_s)
            self._running += 1
        try:
            yield self._refusals
        finally:
            self._running -= 1
            await self._tell()

    def succeeded(self) -> None:
        """Count a response other than a refusal."""
        self._places = min(self._places + 1 / self._places, self.most)

    async def refused(self, began: int, pause_s: float) -> None:
        """Halve the places and hold back all requests.

        Args:
            began: What `place` yielded, so that requests refused together count once.
            pause_s: Seconds to hold back.
        """
        if began == self._refusals:
            self._refusals += 1
            self._places = max(1.0, self._places / 2)
        self._held_until = max(self._held_until, time.monotonic() + pause_s)
        await self._tell()

    async def stop(self) -> None:
        """End the run: requests under way go on, and no others are sent."""
        self._stopped = True
        await self._tell()

    def _pause_s(self) -> float | None:
        """Return the seconds to wait for a place: 0 if one is free, None until one is."""
        if self._stopped:
            raise Stopped
        held_s = self._held_until - time.monotonic()
        if held_s > 0:
            return held_s
        return 0 if self._running < int(self._places) else None

    async def _wait(self, pause_s: float | None) -> None:
        try:
            async with asyncio.timeout(pause_s):
                await self._changed.wait()
        except TimeoutError:
            return

    async def _tell(self) -> None:
        async with self._changed:
            self._changed.notify_all()
