"""Shut down on signals: the first asks for the end, the second cuts the grace period short.

A parent that must not leave us behind, however it ends, keeps the other end of our standard input: the kernel closes
that with the parent, whatever killed it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

from gateway.model.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Awaitable

#: Bytes of standard input that are read at once, and ignored.
READ_BYTES = 4096


class Shutdown:
    """Whether the process has been asked to end, by SIGTERM or SIGINT, or by the end of its standard input."""

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

    def end_with_stdin(self, loop: asyncio.AbstractEventLoop) -> None:
        """Take the end of standard input for a signal.

        Raises:
            StartError: Its end can't be waited for.
        """
        try:
            descriptor = sys.stdin.fileno()
            loop.add_reader(descriptor, self._read, loop, descriptor)
        except (AttributeError, OSError, ValueError) as error:  # closed, or a file, which epoll(7) doesn't take
            raise StartError("FIGBOX_END_WITH_STDIN: standard input must be a pipe, a socket or a terminal") from error

    def _read(self, loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
        try:
            data = os.read(descriptor, READ_BYTES)
        except OSError:  # a terminal that has hung up
            data = b""
        if not data:
            loop.remove_reader(descriptor)
            self._ask()

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
