"""A budget of bytes is never exceeded, loses nothing, and lets everybody have a turn."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.memory.byte_budget import ByteBudget
from gateway.model.errors import QueueFull, QueueTimeout
from tests.fakes import DEADLINE_S, settle, until
from tests.support.machine import slowness

if TYPE_CHECKING:
    from gateway.memory.byte_budget import Hold

BOUNDED = settings(deadline=None, max_examples=200)
TOTAL = 10

#: Seconds of a limit that a test lets pass: too many to pass while a busy machine keeps the test itself waiting.
WAIT_S = 0.5 * slowness()


@dataclass(eq=False)
class Visit:
    """One that takes bytes, perhaps after a wait, and keeps them until told to end."""

    key: str
    amount: int
    end: asyncio.Event = field(default_factory=asyncio.Event)
    has_bytes: bool = False
    task: asyncio.Task[None] = field(init=False)

    async def run(self, budget: ByteBudget, log: list[Visit]) -> None:
        """Take, log it, wait for the end, give back."""
        with budget.hold(self.key) as hold:
            await hold.grow(self.amount)
            self.has_bytes = True
            log.append(self)
            try:
                await self.end.wait()
            finally:
                self.has_bytes = False


async def arrive(budget: ByteBudget, log: list[Visit], *wanted: tuple[str, int]) -> list[Visit]:
    """Send visits, and let each get as far as it can."""
    visits = [Visit(key, amount) for key, amount in wanted]
    for visit in visits:
        visit.task = asyncio.create_task(visit.run(budget, log))
        await settle()
    return visits


async def leave(*visits: Visit) -> None:
    """Let visits end."""
    for visit in visits:
        visit.end.set()
    await settle()


ACTIONS = st.lists(
    st.one_of(
        st.tuples(st.just("arrive"), st.sampled_from("abc"), st.integers(1, TOTAL // 2)),
        st.tuples(st.just("leave"), st.integers(0, 100), st.none()),
        st.tuples(st.just("cancel"), st.integers(0, 100), st.none()),
        st.tuples(st.just("leave and cancel"), st.integers(0, 100), st.integers(0, 100)),
    ),
    max_size=30,
)


@BOUNDED
@given(actions=ACTIONS)
def test_never_above_the_total_and_nothing_leaks(actions: list[tuple[str, str | int, int | None]]) -> None:
    """However visits come, leave and are cancelled, also at the same time: the sums are right, and end at nothing."""

    async def go() -> None:
        budget = ByteBudget(TOTAL, share_bytes=TOTAL // 2 + 1)
        visits: list[Visit] = []
        for action, first, second in actions:
            if action == "arrive":
                visits += await arrive(budget, [], (str(first), int(second or 1)))
            elif visits:
                chosen = visits[int(first) % len(visits)]
                if action != "cancel":
                    chosen.end.set()
                if action != "leave":
                    visits[int(second if second is not None else first) % len(visits)].task.cancel()
                await settle()
            held = {key: sum(visit.amount for visit in visits if visit.has_bytes and visit.key == key) for key in "abc"}
            assert {key: budget.held_by(key) for key in "abc"} == held
            assert budget.held_bytes == sum(held.values()) <= TOTAL
            assert max(held.values()) <= budget.share_bytes
            waiting = [visit for visit in visits if not visit.has_bytes and not visit.task.done()]
            assert budget.waiting_count == len(waiting)
            assert not waiting or held != dict.fromkeys("abc", 0), "one waits although nothing is held"
        for visit in visits:
            visit.end.set()
        await asyncio.gather(*(visit.task for visit in visits), return_exceptions=True)
        assert (budget.held_bytes, budget.waiting_count, budget._accounts) == (0, 0, {})

    asyncio.run(go())


@BOUNDED
@given(
    others=st.lists(st.tuples(st.sampled_from("bc"), st.integers(1, 4)), min_size=1, max_size=20),
    amount=st.integers(1, TOTAL),
)
def test_nobody_starves(others: list[tuple[str, int]], amount: int) -> None:
    """Whoever waits gets bytes before those of other keys that came later have had more than a turn each."""

    async def go() -> None:
        budget = ByteBudget(TOTAL)
        log: list[Visit] = []
        (full,) = await arrive(budget, log, ("b", TOTAL))
        (patient,) = await arrive(budget, log, ("a", amount))
        later = await arrive(budget, log, *others)
        for _ in range(100):
            if patient.has_bytes:
                break
            await leave(*[visit for visit in (full, *later) if visit.has_bytes])
        assert patient.has_bytes
        before = [visit.key for visit in log[: log.index(patient)] if visit is not full]
        assert all(before.count(key) <= 1 for key in "bc"), before
        await leave(patient, full, *later)
        for _ in later:
            await leave(*later)
        await asyncio.gather(*(visit.task for visit in later))

    asyncio.run(go())


async def test_a_key_at_its_share_holds_up_nobody() -> None:
    """While one key waits for its own bytes, others get theirs at once."""
    budget, log = ByteBudget(TOTAL, share_bytes=5), list[Visit]()
    first, second, third = await arrive(budget, log, ("a", 5), ("a", 1), ("b", 5))
    assert log == [first, third]
    await leave(first)
    assert log == [first, third, second]
    await leave(second, third)


async def test_waiting_is_bounded_in_number_and_time() -> None:
    """Beyond a number of waiters, half of it for one key of several, one is refused; so is who waits for too long."""
    budget, log = ByteBudget(TOTAL, share_bytes=8, waiters_limit=4, wait_s=WAIT_S), list[Visit]()
    await arrive(budget, log, ("a", 8), ("b", 2))
    waiting = await arrive(budget, log, ("a", 1), ("a", 1))
    with budget.hold("a") as hold, pytest.raises(QueueFull):
        await hold.grow(1)
    waiting += await arrive(budget, log, ("b", 3), ("b", 3))
    with budget.hold("c") as hold, pytest.raises(QueueFull):
        await hold.grow(1)
    for visit in waiting:
        with pytest.raises(QueueTimeout):
            await visit.task
    assert budget.waiting_count == 0


async def test_what_never_fits_is_refused_at_once() -> None:
    """Nobody waits for more than the key may ever hold."""
    budget = ByteBudget(TOTAL, share_bytes=5)
    with budget.hold("a") as hold:
        await hold.grow(3)
        with pytest.raises(QueueFull):
            await hold.grow(3)
        assert not hold.try_grow(3)
        assert hold.exceeds_share(3)


async def test_shrinking_serves_those_who_wait() -> None:
    """What a hold gives back goes to the next, and those who wait elsewhere hear of it."""
    budget, log = ByteBudget(TOTAL), list[Visit]()
    heard = []
    with budget.hold("a") as hold:
        assert hold.try_grow(TOTAL)
        (waiting,) = await arrive(budget, log, ("b", 4))
        budget.on_room = lambda: heard.append(budget.held_bytes)
        hold.shrink(TOTAL)
        assert not heard, "nothing was given back"
        hold.shrink(6)
        await settle()
        assert waiting.has_bytes
        assert heard
        hold.shrink(8)
        assert hold.bytes == 6, "a hold never grows by shrinking"
    await leave(waiting)


class Client:
    """A client on whom a hold depends, until it is cut."""

    def __init__(self, budget: ByteBudget, key: str, amount: int) -> None:
        self.is_cut = False
        self.hold: Hold | None = None
        self._cut = asyncio.Event()
        self._task = asyncio.create_task(self._run(budget, key, amount))

    async def _run(self, budget: ByteBudget, key: str, amount: int) -> None:
        with budget.hold(key) as self.hold:
            assert self.hold.try_grow(amount)
            with self.hold.watched(self._cut.set):
                await self._cut.wait()
                self.is_cut = True

    async def aclose(self) -> None:
        """End it."""
        self._cut.set()
        await self._task


async def test_slow_clients_are_cut_only_under_pressure_and_oldest_first() -> None:
    """Nobody is cut while nobody waits; then those who stand still go, oldest first, and no more than are needed."""
    budget = ByteBudget(TOTAL, stall_s=0.05, stall_bytes=2)
    clients = []
    for _ in range(3):
        clients.append(Client(budget, "a", 3))
        await settle()
    await asyncio.sleep(0.1)
    assert [client.is_cut for client in clients] == [False, False, False]
    (waiting,) = await arrive(budget, [], ("b", 4))
    assert waiting.has_bytes
    assert [client.is_cut for client in clients] == [True, False, False]
    await leave(waiting)
    for client in clients[1:]:
        await client.aclose()


async def test_clients_that_advance_are_not_cut() -> None:
    """A client that goes on taking is left alone, however others wait; one that stops is cut a while later."""
    budget = ByteBudget(TOTAL, stall_s=WAIT_S, stall_bytes=2, wait_s=DEADLINE_S)
    fast, slow = Client(budget, "a", 5), Client(budget, "a", 5)
    await settle()
    (waiting,) = await arrive(budget, [], ("b", 5))
    assert fast.hold is not None
    assert slow.hold is not None
    async with asyncio.timeout(DEADLINE_S):
        while not waiting.has_bytes:
            fast.hold.advance(2)
            await asyncio.sleep(0.01)
            if not slow.is_cut:
                slow.hold.advance(0)
    assert (fast.is_cut, slow.is_cut) == (False, True)
    (another,) = await arrive(budget, [], ("b", 5))
    await until(lambda: fast.is_cut and another.has_bytes)
    await leave(waiting, another)


async def test_those_who_wait_elsewhere_press_too() -> None:
    """A refused `try_grow` cuts who stands still, and is told when it should try again."""
    budget = ByteBudget(TOTAL, stall_s=0.05)
    client = Client(budget, "a", TOTAL)
    await settle()
    with budget.hold("b") as hold:
        budget.on_room = lambda: hold.bytes or hold.try_grow(4)  # type: ignore[assignment,return-value]
        assert not hold.try_grow(4)
        await until(lambda: hold.bytes == 4)
        assert client.is_cut
        budget.on_room = lambda: None
