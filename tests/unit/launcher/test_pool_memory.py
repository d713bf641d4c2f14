"""Jobs that may use less memory than usual: a warm container with a lowered limit, or one made to order."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.pool import Pool
from gateway.model.errors import ContainerLost, EngineUnavailable
from tests.fakes import FakeMaker, settle, until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

SMALL = 100


@pytest.fixture
def maker() -> FakeMaker:
    """Return a maker that makes at once."""
    return FakeMaker()


@pytest.fixture
async def pool(maker: FakeMaker) -> AsyncIterator[Pool]:
    """Return a filled pool of two; close it, and check that nothing is left."""
    pool = Pool(maker, size=2, makers=2, idle_limit_s=100, removing_limit=4)
    pool.start()
    await until(lambda: pool.idle_count == 2)
    yield pool
    maker.held = False
    while maker.gates:
        maker.finish()
    await asyncio.wait_for(pool.aclose(), slowed(5))
    assert (pool.idle_count, pool.making_count, pool.removing_count) == (0, 0, 0)
    assert set() == maker.known


async def test_warm_container_is_brought_down(pool: Pool, maker: FakeMaker) -> None:
    """A smaller job gets a warm container, its limit lowered before it is handed over."""
    async with pool.lease(SMALL) as container:
        assert maker.lowered == [(container.name, SMALL)]
        assert container.was_idle
    assert set(maker.memory) == {None}


async def test_usual_job_is_left_alone(pool: Pool, maker: FakeMaker) -> None:
    """A job with the usual limit needs no call."""
    async with pool.lease():
        assert maker.lowered == []


async def test_container_that_cannot_be_brought_down_is_replaced(pool: Pool, maker: FakeMaker) -> None:
    """If the limit can't be lowered after all, that container is destroyed and one is made to order."""
    events: Counter[str] = Counter()
    pool.on_event = lambda name: events.update([name])
    maker.lowering = False
    async with pool.lease(SMALL) as container:
        ((tried, _),) = maker.lowered
        assert container.name != tried
        assert maker.memory[-1] == SMALL or SMALL in maker.memory
        assert not container.was_idle
        await until(lambda: tried in maker.removals)
    assert events["cold"] == 1


async def test_maker_that_cannot_lower_makes_to_order(pool: Pool, maker: FakeMaker) -> None:
    """If limits can't be lowered at all, no warm container is wasted on a try."""
    maker.lowers_memory = False
    async with pool.lease(SMALL):
        assert (pool.idle_count, maker.lowered) == (2, [])
        assert maker.memory.count(SMALL) == 1


async def test_none_idle_is_made_to_order(maker: FakeMaker) -> None:
    """Without a warm container one is made with the smaller limit, for this job only."""
    pool = Pool(maker, size=0, makers=2, idle_limit_s=100, removing_limit=4)
    async with pool.lease(SMALL):
        assert (maker.memory, maker.lowered) == ([SMALL], [])
    await pool.aclose()
    assert set() == maker.live


async def test_order_does_not_count_as_a_make_for_others(maker: FakeMaker) -> None:
    """A container made to order goes to the taker that ordered it; other waiting takers get their own."""
    maker.held = True
    pool = Pool(maker, size=0, makers=2, idle_limit_s=100, removing_limit=4)

    async def use(memory: int | None) -> None:
        async with pool.lease(memory):
            pass

    tasks = [asyncio.create_task(use(memory)) for memory in (SMALL, None, SMALL)]
    await settle()
    assert (maker.under_way, pool.making_count) == (3, 3)
    for _ in tasks:
        maker.finish()
    await asyncio.wait_for(asyncio.gather(*tasks), slowed(5))
    await pool.aclose()
    assert set() == maker.live


@pytest.mark.parametrize("error", [EngineUnavailable("down"), ContainerLost("gone")])
async def test_engine_that_fails_in_lowering_fails_the_job(pool: Pool, maker: FakeMaker, error: Exception) -> None:
    """If it is unknown which limit holds, the container is destroyed, and the client can try again."""
    maker.lowering = error
    with pytest.raises(type(error)):
        async with pool.lease(SMALL):
            pass
    await until(lambda: len(maker.removals) == 1)


async def test_order_that_fails_is_told(maker: FakeMaker) -> None:
    """If a container can't be made, it is our failure, and nothing is left."""
    maker.failures = 1
    pool = Pool(maker, size=0, makers=2, idle_limit_s=100, removing_limit=4)
    with pytest.raises(EngineUnavailable):
        async with pool.lease(SMALL):
            pass
    await pool.aclose()
    assert set() == maker.live


async def test_client_that_leaves_during_an_order_leaves_nothing(maker: FakeMaker) -> None:
    """A container made for a client that has gone is destroyed when it is ready, and closing waits for that."""
    maker.held = True
    pool = Pool(maker, size=0, makers=2, idle_limit_s=100, removing_limit=4)
    task = asyncio.create_task(_use_none(pool))
    await settle()
    task.cancel()
    await settle()
    task.cancel()  # at shutdown the job isn't waited for; the pool is
    with pytest.raises(asyncio.CancelledError):
        await task
    closing = asyncio.create_task(pool.aclose())
    await settle()
    assert not closing.done()
    maker.finish()
    await asyncio.wait_for(closing, slowed(5))
    assert (len(maker.made), set()) == (1, maker.live)


async def test_order_outlives_no_job(maker: FakeMaker) -> None:
    """A job whose client has gone ends when its container is made, so no more are being made than jobs may run."""
    maker.held = True
    pool = Pool(maker, size=0, makers=2, idle_limit_s=100, removing_limit=4)
    task = asyncio.create_task(_use_none(pool))
    await settle()
    task.cancel()
    await settle()
    assert not task.done()
    maker.finish()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, slowed(5))
    await asyncio.wait_for(pool.aclose(), slowed(5))
    assert (len(maker.made), set()) == (1, maker.live)


async def _use_none(pool: Pool) -> None:
    """Take a container for a job that leaves before it gets one."""
    async with pool.lease(SMALL):
        raise AssertionError


async def test_client_that_leaves_during_lowering_leaves_nothing(pool: Pool, maker: FakeMaker) -> None:
    """A container whose limit is being lowered when its client goes is destroyed."""

    async def use() -> None:
        async with pool.lease(SMALL):
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(use())
    await asyncio.sleep(0)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    await until(lambda: len(maker.live) == 2 and pool.idle_count == 2)
