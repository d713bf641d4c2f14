"""How many requests are under way at once, and when they are held back."""

from __future__ import annotations

import asyncio
import time

import pytest

from figbox.cli.batch.throttle import FIRST_JOBS, MOST_JOBS, Stopped, Throttle
from tests.support.machine import slowed


async def enter(throttle: Throttle, begun: list[int], leave: asyncio.Event) -> None:
    """Take a place and keep it until told to leave."""
    async with throttle.place() as began:
        begun.append(began)
        await leave.wait()


async def settle() -> None:
    """Let every task go as far as it can."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_no_more_than_the_places_are_under_way() -> None:
    """Requests beyond the places wait until one is free."""
    throttle, begun, leave = Throttle(2), [], asyncio.Event()
    tasks = [asyncio.create_task(enter(throttle, begun, leave)) for _ in range(3)]
    await settle()
    assert len(begun) == 2
    leave.set()
    await asyncio.gather(*tasks)
    assert len(begun) == 3


def test_responses_add_places_up_to_the_most() -> None:
    """A round of responses adds one place, up to the limit."""
    throttle = Throttle(None)
    assert throttle.places == FIRST_JOBS
    for _ in range(FIRST_JOBS + 1):
        throttle.succeeded()
    assert throttle.places == FIRST_JOBS + 1
    for _ in range(1000):
        throttle.succeeded()
    assert throttle.places == MOST_JOBS
    fixed = Throttle(3)
    fixed.succeeded()
    assert fixed.places == 3


async def test_refusal_halves_the_places_once() -> None:
    """Requests that were sent together and are refused together count once."""
    throttle = Throttle(8)
    async with throttle.place() as one, throttle.place() as other:
        await throttle.refused(one, 0)
        assert throttle.places == 4
        await throttle.refused(other, 0)
        assert throttle.places == 4
    async with throttle.place() as later:
        await throttle.refused(later, 0)
    assert throttle.places == 2


async def test_one_place_is_left_whatever_happens() -> None:
    """Refusals never stop a run."""
    throttle = Throttle(None)
    for _ in range(10):
        async with throttle.place() as began:
            await throttle.refused(began, 0)
    assert throttle.places == 1


async def test_nothing_is_sent_while_held_back() -> None:
    """After a refusal all requests wait, for the longest pause."""
    throttle = Throttle(4)
    began = time.monotonic()
    async with throttle.place() as first, throttle.place() as second:
        await throttle.refused(first, 0.2)
        await throttle.refused(second, 0.05)
    async with throttle.place():
        assert time.monotonic() - began >= 0.2


async def test_stop_ends_the_waiting_and_leaves_the_running() -> None:
    """After a stop, waiting requests end, and those under way finish."""
    throttle, begun, leave = Throttle(1), [], asyncio.Event()
    running = asyncio.create_task(enter(throttle, begun, leave))
    await settle()
    waiting = asyncio.create_task(enter(throttle, begun, leave))
    await settle()
    await throttle.stop()
    with pytest.raises(Stopped):
        await waiting
    with pytest.raises(Stopped):
        await enter(throttle, begun, leave)
    leave.set()
    await running
    assert len(begun) == 1


async def test_cancelled_waiter_leaves_no_trace() -> None:
    """A place isn't lost with a cancelled request."""
    throttle, begun, leave = Throttle(1), [], asyncio.Event()
    running = asyncio.create_task(enter(throttle, begun, leave))
    await settle()
    waiting = asyncio.create_task(enter(throttle, begun, leave))
    await settle()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    leave.set()
    await running
    async with asyncio.timeout(slowed(5)), throttle.place():
        pass
