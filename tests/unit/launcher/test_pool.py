"""The pool never loses or leaks a container, or hands it out twice, whatever its maker and takers do."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.launcher import pool as pool_module
from gateway.launcher.container import Container
from gateway.launcher.pool import BREAKER_THRESHOLD, REMOVE_TRIES, Pool
from gateway.model.errors import (
    ContainerLost,
    EngineError,
    EngineUnavailable,
    ShuttingDown,
)
from tests.fakes import FakeConversation, FakeMaker, settle, until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    MakePool = Callable[..., Pool]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pauses between tries as short as can be."""
    monkeypatch.setattr(pool_module, "BACKOFF_FIRST_S", 0.002)
    monkeypatch.setattr(pool_module, "BACKOFF_MAX_S", 0.01)
    monkeypatch.setattr(pool_module, "REMOVE_PAUSE_S", 0.0)


@pytest.fixture
def maker() -> FakeMaker:
    """Return a maker that makes at once."""
    return FakeMaker()


@pytest.fixture
async def make_pool(maker: FakeMaker) -> AsyncIterator[MakePool]:
    """Make pools; afterwards close them, and check that nothing is left of them."""
    pools: list[Pool] = []

    def make(*, size: int = 0, makers: int = 2, idle_limit_s: float = 100.0, removing_limit: int = 4) -> Pool:
        pool = Pool(maker, size=size, makers=makers, idle_limit_s=idle_limit_s, removing_limit=removing_limit)
        pools.append(pool)
        return pool

    yield make
    maker.held = False
    while maker.gates:
        maker.finish()
    for pool in pools:
        await asyncio.wait_for(pool.aclose(), slowed(5))
        assert (pool.idle_count, pool.making_count, pool.removing_count) == (0, 0, 0)
    assert set() == maker.known


async def _hold(pool: Pool, got: list[Container], end: asyncio.Event) -> None:
    async with pool.lease() as container:
        got.append(container)
        await end.wait()


def _fake(container: Container) -> FakeConversation:
    conversation = container.conversation
    assert isinstance(conversation, FakeConversation)
    return conversation


async def test_empty_pool_is_a_cold_start(make_pool: MakePool, maker: FakeMaker) -> None:
    """A pool of size 0 makes a container for its taker, and destroys it afterwards."""
    pool = make_pool()
    events: list[str] = []
    pool.on_event = events.append
    async with pool.lease() as container:
        assert {container.name} == maker.live
        assert not container.was_idle
    await until(lambda: not maker.live)
    assert _fake(container).closed
    assert events == ["made", "cold"]


async def test_filled_pool_serves_at_once(make_pool: MakePool, maker: FakeMaker) -> None:
    """A started pool fills to its size and not beyond, and a taker gets what has waited longest."""
    pool = make_pool(size=3)
    pool.start()
    await until(lambda: pool.idle_count == 3)
    await settle()
    assert len(maker.made) == 3
    async with pool.lease() as container:
        assert container is maker.made[0]
        assert container.was_idle
        await settle()
        assert pool.idle_count == 2
    await until(lambda: pool.idle_count == 3 and not pool.removing_count)
    assert maker.live == {other.name for other in maker.made[1:]}


async def test_pool_is_kept_half_full_while_jobs_run(make_pool: MakePool, maker: FakeMaker) -> None:
    """While jobs run nothing is made for later, unless less than half of the pool is left."""
    pool, got, end = make_pool(size=4), list[Container](), asyncio.Event()
    pool.start()
    await until(lambda: pool.idle_count == 4)
    tasks = [asyncio.create_task(_hold(pool, got, end)) for _ in range(2)]
    await until(lambda: len(got) == 2)
    await settle()
    assert pool.idle_count == 2
    tasks.append(asyncio.create_task(_hold(pool, got, end)))
    await until(lambda: len(got) == 3 and pool.idle_count == 2)
    assert len(maker.made) == 5
    end.set()
    await asyncio.gather(*tasks)
    await until(lambda: pool.idle_count == 4)


async def test_make_of_anyone_goes_to_the_longest_waiter(make_pool: MakePool, maker: FakeMaker) -> None:
    """Whichever make ends first serves the taker that came first."""
    maker.held = True
    pool, got, end = make_pool(), [list[Container]() for _ in range(3)], asyncio.Event()
    tasks = []
    for mine in got:
        tasks.append(asyncio.create_task(_hold(pool, mine, end)))
        await settle()
    for served, index in enumerate((2, 0, 0), 1):
        maker.finish(index)
        await settle()
        assert [1] * served + [0] * (3 - served) == [len(mine) for mine in got]
    end.set()
    await asyncio.gather(*tasks)


async def test_refill_makes_no_more_at_once_than_allowed(make_pool: MakePool, maker: FakeMaker) -> None:
    """While no taker waits, at most `makers` makes are under way."""
    maker.held = True
    pool = make_pool(size=5, makers=2)
    pool.start()
    while pool.idle_count < 5:
        await until(lambda: maker.gates)
        maker.finish()
        await settle()
        assert pool.making_count <= 2
    assert maker.most_under_way == 2
    assert maker.attempts == 5


async def test_takers_have_as_many_makes_as_they_need(make_pool: MakePool, maker: FakeMaker) -> None:
    """Each waiting taker has one make under way; makes for the pool count, too."""
    maker.held = True
    pool, got, end = make_pool(size=4, makers=2), list[Container](), asyncio.Event()
    pool.start()
    await until(lambda: len(maker.gates) == 2)
    tasks = [asyncio.create_task(_hold(pool, got, end)) for _ in range(3)]
    await settle()
    assert len(maker.gates) == 3
    for left in (2, 1):
        maker.finish()
        await settle()
        # Takers still wait, so nothing is made for later.
        assert left == pool.making_count
    maker.finish()
    # Now no taker waits, but jobs run: two for later, which is half of the pool.
    await until(lambda: len(got) == 3 and pool.making_count == 2)
    end.set()
    await asyncio.gather(*tasks)
    await until(lambda: pool.making_count == 2)
    maker.held = False
    maker.finish()
    maker.finish()


async def test_spoilt_idle_container_is_replaced(make_pool: MakePool, maker: FakeMaker) -> None:
    """A warm container that speaks or dies before its job is removed and replaced."""
    pool = make_pool(size=1)
    events = Counter[str]()
    pool.on_event = lambda event: events.update([event])
    pool.start()
    await until(lambda: pool.idle_count == 1)
    _fake(maker.made[0]).spoil()
    assert pool.idle_count == 0
    await until(lambda: pool.idle_count == 1 and not pool.removing_count)
    assert {maker.made[1].name} == maker.live
    assert dict(events) == {"made": 2, "spoilt": 1}


async def test_idle_containers_are_replaced_when_there_is_a_better_kind(make_pool: MakePool, maker: FakeMaker) -> None:
    """One by one, so that takers always find a warm one; those that are leased or newer stay."""
    pool = make_pool(size=3)
    pool.start()
    await until(lambda: pool.idle_count == 3)
    least: list[int] = []
    pool.on_event = lambda _: least.append(pool.idle_count)
    async with pool.lease() as leased:
        pool.replace_idle()
    await until(lambda: not set(maker.live) & {"c1", "c2", "c3"})
    assert leased.name == "c1"
    for made in (6, 9):
        await until(lambda: pool.idle_count == 3 and not pool.removing_count)
        await settle()
        assert (min(least), len(maker.made)) == (2, made)
        pool.replace_idle()
        await until(lambda: len(maker.made) == made + 3)  # noqa: B023 - the loop waits for it


async def test_idle_container_found_dead_is_not_handed_out(make_pool: MakePool, maker: FakeMaker) -> None:
    """A warm container that is no longer idle isn't handed out, even if that wasn't reported."""
    pool = make_pool(size=1)
    pool.start()
    await until(lambda: pool.idle_count == 1)
    _fake(maker.made[0]).is_idle = False
    async with pool.lease() as container:
        assert container is not maker.made[0]
    await until(lambda: maker.made[0].name not in maker.live)


async def test_old_idle_container_is_replaced(make_pool: MakePool, maker: FakeMaker) -> None:
    """A warm container beyond its age is removed and another one made."""
    pool = make_pool(size=1, idle_limit_s=0.03)
    events: list[str] = []
    pool.on_event = events.append
    pool.start()
    await until(lambda: events.count("aged") >= 2)
    await until(lambda: pool.idle_count == 1 and maker.made[0].name not in maker.live)
    assert len(maker.live) <= pool.idle_ceiling


async def test_container_dead_on_arrival_leaves_no_taker_waiting(make_pool: MakePool, maker: FakeMaker) -> None:
    """A taker whose container died as soon as it was made gets an error; the next one is served."""
    maker.dead_on_arrival = 1
    pool = make_pool()
    with pytest.raises(ContainerLost):
        async with asyncio.timeout(slowed(5)), pool.lease():
            pass
    async with asyncio.timeout(slowed(5)), pool.lease():
        pass
    await until(lambda: not maker.live)


async def test_container_that_dies_while_handed_over_is_not_used(make_pool: MakePool, maker: FakeMaker) -> None:
    """A container that died in the moment between make and take is our failure, not the guest's."""
    maker.held = True
    pool, got = make_pool(), list[Container]()
    task = asyncio.create_task(_hold(pool, got, asyncio.Event()))
    await until(lambda: maker.gates)
    pool.on_event = lambda event: asyncio.get_running_loop().call_soon(_fake(maker.made[0]).spoil) and None
    maker.finish()
    with pytest.raises(ContainerLost):
        await asyncio.wait_for(task, slowed(5))
    assert got == []
    pool.on_event = lambda _: None


@pytest.mark.parametrize("defect", [OSError("too many open files"), RuntimeError("a defect")])
async def test_make_that_breaks_unexpectedly_leaves_no_taker_waiting(
    make_pool: MakePool, maker: FakeMaker, defect: Exception
) -> None:
    """Whatever a make raises, the taker gets it as an engine error, with its cause for the log."""
    maker.held = True
    pool, got = make_pool(), list[Container]()
    task = asyncio.create_task(_hold(pool, got, asyncio.Event()))
    await until(lambda: maker.gates)
    maker.finish(error=defect)
    with pytest.raises(EngineUnavailable) as caught:
        await asyncio.wait_for(task, slowed(5))
    assert caught.value.__cause__ is defect


async def test_breaker_opens_refuses_at_once_and_heals(make_pool: MakePool, maker: FakeMaker) -> None:
    """After several failures takers are refused without a make; the pool goes on trying until a make succeeds."""
    maker.held = True
    pool = make_pool(size=0)
    for failed in range(BREAKER_THRESHOLD):
        assert not pool.breaker_open, failed
        task = asyncio.create_task(_hold(pool, [], asyncio.Event()))
        await until(lambda: maker.gates)
        maker.finish(error=EngineUnavailable("told to"))
        with pytest.raises(EngineUnavailable, match="told to"):
            await task
    assert pool.breaker_open
    before = maker.attempts
    with pytest.raises(EngineUnavailable):
        async with pool.lease():
            pass
    assert before == maker.attempts
    maker.held, maker.failures = False, 2
    pool.start()
    await until(lambda: not pool.breaker_open)
    assert before + 3 == maker.attempts
    async with pool.lease():
        pass


async def test_one_try_at_a_time_while_failing(make_pool: MakePool, maker: FakeMaker) -> None:
    """A failing engine isn't flooded: the pool tries one make at a time, with pauses that grow up to a bound."""
    maker.failures = 10_000
    pool = make_pool(size=4, makers=4)
    pool.start()
    await until(lambda: maker.attempts >= 12)
    maker.most_under_way = 0
    await until(lambda: maker.attempts >= 16)
    assert maker.most_under_way == 1
    maker.failures = 0
    await until(lambda: pool.idle_count == 4)


async def test_open_breaker_still_hands_out_what_is_warm(make_pool: MakePool, maker: FakeMaker) -> None:
    """Warm containers are handed out even if new ones can't be made."""
    pool = make_pool(size=1)
    pool.start()
    await until(lambda: pool.idle_count == 1)
    pool._failures = BREAKER_THRESHOLD
    async with pool.lease() as container:
        assert container.was_idle


async def test_cancelled_taker_leaves_its_make_to_others(make_pool: MakePool, maker: FakeMaker) -> None:
    """When a taker goes away while it waits, its make serves the next one or becomes idle."""
    maker.held = True
    pool, got, end = make_pool(size=1), list[Container](), asyncio.Event()
    task = asyncio.create_task(_hold(pool, got, end))
    await until(lambda: maker.gates)
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
    maker.finish()
    await until(lambda: pool.idle_count == 1)
    assert {maker.made[0].name} == maker.live


async def test_taker_cancelled_in_the_moment_of_handing_over_loses_nothing(
    make_pool: MakePool, maker: FakeMaker
) -> None:
    """A container handed to a taker that is cancelled in the same moment goes to the next taker."""
    maker.held = True
    pool, got, end = make_pool(), list[Container](), asyncio.Event()
    first = asyncio.create_task(_hold(pool, [], end))
    await until(lambda: len(maker.gates) == 1)
    second = asyncio.create_task(_hold(pool, got, end))
    await until(lambda: len(maker.gates) == 2)
    maker.finish()
    while not pool._takers[0].done():  # noqa: ASYNC110 - turn by turn, to act within one
        await asyncio.sleep(0)
    first.cancel()
    await settle()
    assert maker.made == got
    end.set()
    await second


async def test_idle_containers_never_exceed_their_ceiling(make_pool: MakePool, maker: FakeMaker) -> None:
    """When many takers go away while their containers are made, the surplus is destroyed."""
    maker.held = True
    pool = make_pool(size=1, makers=2)
    tasks = [asyncio.create_task(_hold(pool, [], asyncio.Event())) for _ in range(8)]
    await until(lambda: len(maker.gates) == 8)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    while maker.gates:
        maker.finish()
        await settle(3)
        assert pool.idle_count <= pool.idle_ceiling == 3
    await until(lambda: not pool.removing_count)
    assert 3 == pool.idle_count == len(maker.live)


async def test_removal_is_tried_and_then_left_to_the_sweep(make_pool: MakePool, maker: FakeMaker) -> None:
    """The removal of a container is tried a few times; then the container is forgotten, so that a sweep removes it."""
    maker.remove_failures = REMOVE_TRIES
    pool = make_pool()
    events: list[str] = []
    pool.on_event = events.append
    async with pool.lease() as container:
        assert maker.owns(container.name)
    await until(lambda: not pool.removing_count)
    assert [container.name] * REMOVE_TRIES == maker.removals
    assert events.count("remove_failed") == REMOVE_TRIES
    assert not maker.owns(container.name)


async def test_removal_that_fails_once_succeeds_the_next_time(make_pool: MakePool, maker: FakeMaker) -> None:
    """A single failure of the engine leaves no container."""
    maker.remove_failures = 1
    pool = make_pool()
    async with pool.lease() as container:
        pass
    await until(lambda: not pool.removing_count)
    assert [container.name] * 2 == maker.removals
    assert set() == maker.live


async def test_takers_wait_behind_removals_that_pile_up(
    make_pool: MakePool, maker: FakeMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When as many containers are being removed as allowed, the next one is not started before one is gone."""
    gate = asyncio.Event()

    async def slow(container: Container) -> None:
        await gate.wait()
        maker.live.discard(container.name)

    monkeypatch.setattr(maker, "remove", slow)
    pool, got, end = make_pool(removing_limit=1), list[Container](), asyncio.Event()
    async with pool.lease():
        pass
    await settle()
    task = asyncio.create_task(_hold(pool, got, end))
    await settle()
    assert got == []
    assert maker.attempts == 1
    gate.set()
    await until(lambda: got)
    end.set()
    await task


async def test_removals_that_are_given_up(
    make_pool: MakePool, maker: FakeMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the engine doesn't remove in time isn't asked for once it is closed, and no end waits for it."""
    asked = list[str]()

    async def hang(container: Container) -> None:
        asked.append(container.name)
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(maker, "remove", hang)
    pool = make_pool(removing_limit=1)
    for _ in range(2):
        async with pool.lease():
            pass
    await settle()
    assert (len(asked), pool.removing_count) == (1, 2)
    await pool.give_up()
    await asyncio.wait_for(pool.aclose(), slowed(5))
    assert (len(asked), pool.removing_count) == (1, 0)
    maker.live.clear()  # a sweep removes them


async def test_closing_refuses_takers_and_removes_what_is_made(maker: FakeMaker) -> None:
    """At the end takers are refused, makes under way end and are destroyed, and nothing is left."""
    pool = Pool(maker, size=2, makers=2, idle_limit_s=100, removing_limit=2)
    pool.start()
    await until(lambda: pool.idle_count == 2)
    maker.held = True
    end, got = asyncio.Event(), list[Container]()
    leases = [asyncio.create_task(_hold(pool, got, end)) for _ in range(2)]
    await until(lambda: len(got) == 2 and maker.gates)
    waiting = asyncio.create_task(_hold(pool, [], asyncio.Event()))
    await settle()
    closing = asyncio.create_task(pool.aclose())
    await settle()
    with pytest.raises(ShuttingDown):
        await waiting
    with pytest.raises(ShuttingDown):
        async with pool.lease():
            pass
    assert not closing.done()
    end.set()
    await asyncio.gather(*leases)
    while maker.gates:
        maker.finish()
    await asyncio.wait_for(closing, slowed(5))
    assert (pool.idle_count, pool.making_count, pool.removing_count) == (0, 0, 0)
    assert set() == maker.live == maker.known


async def test_failing_job_destroys_its_container(make_pool: MakePool, maker: FakeMaker) -> None:
    """However a lease ends, its container is destroyed and never idle again."""
    pool = make_pool(size=1)
    pool.start()
    await until(lambda: pool.idle_count == 1)
    for error in (ZeroDivisionError, asyncio.CancelledError):
        with pytest.raises(error):
            async with pool.lease() as container:
                raise error
        await until(lambda gone=container.name: gone not in maker.live)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "release", "cancel", "make", "make", "fail", "defect", "spoil", "dead"]),
        st.integers(0, 9),
        st.booleans(),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=120)
@given(st.integers(0, 3), st.integers(1, 3), STEPS)
def test_no_schedule_hands_out_twice_or_leaks(size: int, makers: int, steps: list[tuple[str, int, bool]]) -> None:
    """In whatever order things happen, each container serves once, no taker hangs, and in the end nothing is left."""
    asyncio.run(_play(size, makers, steps))


async def _play(size: int, makers: int, steps: list[tuple[str, int, bool]]) -> None:
    maker = FakeMaker(held=True)
    pool = Pool(maker, size=size, makers=makers, idle_limit_s=100, removing_limit=2)
    pool.start()
    got: list[Container] = []
    takers: list[tuple[asyncio.Task[None], asyncio.Event]] = []
    for action, number, turn in steps:
        alive = [taker for taker in takers if not taker[0].done()]
        if action == "take":
            end = asyncio.Event()
            takers.append((asyncio.create_task(_hold(pool, got, end)), end))
        elif action == "release" and alive:
            alive[number % len(alive)][1].set()
        elif action == "cancel" and alive:
            alive[number % len(alive)][0].cancel()
        elif action in ("make", "fail", "defect", "dead") and maker.gates:
            errors = {"fail": EngineUnavailable("told to"), "defect": OSError("told to")}
            maker.dead_on_arrival += action == "dead"
            maker.finish(number % len(maker.gates), errors.get(action))
        elif action == "spoil" and pool._idle:
            _fake(pool._idle[number % len(pool._idle)]).spoil()
        if turn:
            await settle()
        assert pool.idle_count <= pool.idle_ceiling
        assert len(got) == len({container.name for container in got}), "handed out twice"
        waiting = sum(not future.done() for future in pool._takers)
        assert pool.making_count >= waiting, "a taker waits for no make"
    maker.held = False
    while maker.gates:
        maker.finish()
    for _, end in takers:
        end.set()
    results = await asyncio.wait_for(asyncio.gather(*(task for task, _ in takers), return_exceptions=True), slowed(5))
    assert all(result is None or isinstance(result, (EngineError, asyncio.CancelledError)) for result in results)
    await asyncio.wait_for(pool.aclose(), slowed(5))
    assert set() == maker.live == maker.known
