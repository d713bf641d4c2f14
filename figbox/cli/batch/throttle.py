"""How many scripts are under way at once: more while all goes well, fewer as soon as the service is busy.

Additive increase, multiplicative decrease, as TCP has it (RFC 5681): every answer adds its share of one place, a
refusal halves the places, and nothing is sent before the service's `Retry-After` is over.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Scripts under way at first, and at most, when the user doesn't say.
FIRST_JOBS = 4
MOST_JOBS = 16


class Stopped(Exception):
    """Nothing more is to be sent."""


class Throttle:
    """Places for requests; belongs to one event loop."""

    def __init__(self, jobs: int | None) -> None:
        """Begin.

        Args:
            jobs: Places at first and at most; None adapts between the module's bounds.

        Attributes:
            most: Places at most.
        """
        self.most = jobs if jobs is not None else MOST_JOBS
        self._places = float(jobs if jobs is not None else FIRST_JOBS)
        self._running = 0
        self._held_until = 0.0
        self._refusals = 0
        self._stopped = False
        self._changed = asyncio.Condition()

    @property
    def places(self) -> int:
        """Requests that may be under way at once now."""
        return int(self._places)

    @asynccontextmanager
    async def place(self) -> AsyncIterator[int]:
        """Wait for a place and keep it; gives what `refused` wants to know.

        Raises:
            Stopped: While waiting, or before.
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

    def answered(self) -> None:
        """Count an answer that was no refusal."""
        self._places = min(self._places + 1 / self._places, self.most)

    async def refused(self, began: int, pause_s: float) -> None:
        """Halve the places and hold all requests back.

        Args:
            began: What `place` gave: requests that were sent together and are refused together count once.
            pause_s: Seconds to hold back.
        """
        if began == self._refusals:
            self._refusals += 1
            self._places = max(1.0, self._places / 2)
        self._held_until = max(self._held_until, time.monotonic() + pause_s)
        await self._tell()

    async def stop(self) -> None:
        """Let nothing more be sent; what is under way goes on."""
        self._stopped = True
        await self._tell()

    def _pause_s(self) -> float | None:
        """Return the seconds to wait for a place: 0 for none, None for as long as it takes."""
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
