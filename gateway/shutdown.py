"""Shut down on signals: the first asks for the end, the second cuts the grace period short."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable


class Shutdown:
    """Whether the process has been asked to end, by SIGTERM or SIGINT."""

    def __init__(self) -> None:
        self._asked = asyncio.Event()
        self._insisted = asyncio.Event()

    @property
    def is_requested(self) -> bool:
        """Whether the end was asked for."""
        return self._asked.is_set()

    def install(self, loop: asyncio.AbstractEventLoop) -> None:
        """Listen for SIGTERM and SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._ask)

    async def wait(self) -> None:
        """Wait until the end is asked for."""
        await self._asked.wait()

    async def drain(self, empty: Awaitable[object], grace_s: float) -> bool:
        """Wait until nothing runs any more or a second signal comes; return False if neither happens in time.

        Args:
            empty: Done when nothing runs any more.
            grace_s: The longest wait, in seconds.
        """
        waits = [asyncio.ensure_future(empty), asyncio.ensure_future(self._insisted.wait())]
        done, pending = await asyncio.wait(waits, timeout=grace_s, return_when=asyncio.FIRST_COMPLETED)
        for wait in pending:
            wait.cancel()
        return bool(done)

    def _ask(self) -> None:
        if self._asked.is_set():
            self._insisted.set()
        self._asked.set()
