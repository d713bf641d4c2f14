"""The first signal begins the shutdown, the second ends it at once."""

from __future__ import annotations

import asyncio
import os
import signal

import pytest

from gateway.shutdown import Shutdown
from tests.support.machine import slowed


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_ask_and_then_insist(number: signal.Signals) -> None:
    """The first signal lets running jobs finish; the second ends the wait for them."""
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
    """The wait ends when all jobs have; those that don't end in time are reported after the grace period."""
    wish, done = Shutdown(), asyncio.Event()
    assert not await wish.drain(done.wait(), 0.01)
    done.set()
    assert await wish.drain(done.wait(), 60)
