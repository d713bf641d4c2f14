"""The first signal asks for the end, the second insists on it."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gateway.shutdown import Shutdown
from tests.support.machine import slowed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_ask_and_then_insist(number: signal.Signals) -> None:
    """Nobody is hurried by the first signal; the second ends the wait for what still runs."""
    wish = Shutdown()
    wish.install(asyncio.get_running_loop())
    assert not wish.is_requested
    os.kill(os.getpid(), number)
    await asyncio.wait_for(wish.wait(), slowed(5))
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    drained = asyncio.create_task(wish.drain(never, 60))
    await asyncio.sleep(0)
    assert not drained.done()
    os.kill(os.getpid(), number)
    assert await asyncio.wait_for(drained, slowed(5))


async def test_drain_tells_whether_all_ended() -> None:
    """What ends in time ends the wait; what doesn't is reported after the grace."""
    wish, done = Shutdown(), asyncio.Event()
    assert not await wish.drain(done.wait(), 0.01)
    done.set()
    assert await wish.drain(done.wait(), 60)
