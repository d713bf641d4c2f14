"""Admission is bounded, fair between keys, and keeps its counts whatever happens."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.admission import RETRY_MAX_S, RETRY_MIN_S, Admission
from gateway.model.errors import Busy, KeyShareExceeded, QueueFull, QueueTimeout, ShuttingDown
from tests.fakes import settle, until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterable

BOUNDED = settings(deadline=None, max_examples=200)
KEYS = "abc"


def make(*, running: int = 1, queue: int = 10, wait_s: float = 10.0, share: int = 100) -> Admission:
    """Return an admission with room for whatever a test isn't about."""
    return Admission(running_limit=running, queue_limit=queue, queue_wait_s=wait_s, key_limit=share)


@dataclass(eq=False)
class Visit:
    """One job on its way through an admission; it runs until told to finish."""

    key: str
    end: asyncio.Event = field(default_factory=asyncio.Event)
    inside: bool = False
    task: asyncio.Task[None] = field(init=False)

    async def run(self, admission: Admission, log: list[Visit]) -> None:
        """Enter, log it, wait for the end, leave."""
        async with admission.place(self.key):
            self.inside = True
            log.append(self)
            try:
                await self.end.wait()
            finally:
                self.inside = False


class House:
    """An admission with visits, whose own view of who is inside can be compared with the counts."""

    def __init__(self, admission: Admission) -> None:
        self.admission = admission
        self.visits: list[Visit] = []
        self.entered: list[Visit] = []

    async def arrive(self, *keys: str) -> list[Visit]:
        """Send jobs, and let each get as far as it can."""
        visits = [self.send(key) for key in keys]
        await settle()
        return visits

    def send(self, key: str) -> Visit:
        """Send a job; it doesn't arrive before the loop's next turn."""
        visit = Visit(key)
        visit.task = asyncio.create_task(visit.run(self.admission, self.entered))
        self.visits.append(visit)
        return visit

    async def finish(self, visit: Visit) -> None:
        """End a job, and let others take its place."""
        visit.end.set()
        await settle()

    def inside(self) -> list[Visit]:
        """Return the jobs that hold a place."""
        return [visit for visit in self.visits if visit.inside]

    def alive(self) -> list[Visit]:
        """Return the jobs that have not ended."""
        return [visit for visit in self.visits if not visit.task.done()]

    def errors(self) -> list[BaseException | None]:
        """Return what the ended jobs ended with."""
        ended = [visit.task for visit in self.visits if visit.task.done()]
        return [task.exception() for task in ended if not task.cancelled()]

    async def empty(self) -> None:
        """End all jobs, and check that nothing is left of them."""
        while self.alive():
            for visit in self.alive():
                visit.end.set()
            await settle(3)
        assert_empty(self.admission)


def assert_empty(admission: Admission) -> None:
    """Check that nothing is counted, and no key remembered."""
    assert (admission.running_count, admission.waiting_count) == (0, 0)
    assert admission._customers == {}


async def refused(admission: Admission, key: str, kind: type[Busy]) -> Busy:
    """Check that a job is refused at once; return the error."""
    with pytest.raises(kind) as caught:
        async with admission.place(key):
            pass
    return caught.value


async def _play(admission: Admission, limits: tuple[int, int, int], steps: Iterable[tuple[str, int, bool]]) -> None:
    running, queue, share = limits
    house = House(admission)
    for action, number, turn in steps:
        alive = house.alive()
        if action == "arrive":
            house.send(KEYS[number % len(KEYS)])
        elif action == "finish" and house.inside():
            house.inside()[number % len(house.inside())].end.set()
        elif action == "cancel" and alive:
            alive[number % len(alive)].task.cancel()
        if not turn:
            continue  # so that several things happen in one turn of the loop
        await settle(6)
        inside, alive = house.inside(), house.alive()
        assert len(inside) == admission.running_count <= running
        assert len(alive) - len(inside) == admission.waiting_count <= queue
        assert all(sum(visit.key == key for visit in alive) <= share for key in KEYS)
        assert not admission.waiting_count or admission.running_count == running, "a job waits beside a free place"
    await house.empty()
    assert all(error is None or isinstance(error, Busy) for error in house.errors())


@BOUNDED
@given(
    st.tuples(st.integers(1, 3), st.integers(0, 4), st.integers(1, 5)),
    st.lists(
        st.tuples(st.sampled_from(["arrive", "arrive", "finish", "cancel"]), st.integers(0, 9), st.booleans()),
        max_size=40,
    ),
)
@example(
    (1, 4, 5),
    [("arrive", 0, True), ("arrive", 1, True), ("finish", 0, False), ("arrive", 2, False), ("cancel", 1, True)],
)
def test_counts_hold_and_return_to_zero(limits: tuple[int, int, int], steps: list[tuple[str, int, bool]]) -> None:
    """Whatever comes, goes and gives up, also at once: no limit is exceeded, no free place idles, nothing is left."""
    running, queue, share = limits
    asyncio.run(_play(make(running=running, queue=queue, share=share), limits, steps))


@BOUNDED
@given(st.lists(st.sampled_from(KEYS), min_size=1, max_size=12), st.integers(1, 3))
def test_every_grant_goes_to_a_key_with_fewest_running(arrivals: list[str], running: int) -> None:
    """A free place goes to a waiting key with the fewest running jobs; among equals, first come first served."""

    async def play() -> None:
        house = House(make(running=running, queue=100))
        for key in arrivals:
            house.send(key)
            await settle(2)
        while house.alive():
            waiting = [visit for visit in house.alive() if not visit.inside]
            first = house.inside()[0]
            first.end.set()
            held = [visit.key for visit in house.inside() if visit is not first]
            count = len(house.entered)
            await settle(4)
            if waiting:
                (granted,) = house.entered[count:]
                assert held.count(granted.key) == min(held.count(visit.key) for visit in waiting)
                assert granted is next(visit for visit in waiting if visit.key == granted.key)
        assert_empty(house.admission)

    asyncio.run(play())


async def test_flood_leaves_the_next_place_to_another_key() -> None:
    """However many jobs one key has waiting, the job of another key gets the very next free place."""
    house = House(make(running=2, queue=50))
    flood = await house.arrive(*["flood"] * 30)
    (other,) = await house.arrive("other")
    assert not other.inside
    await house.finish(flood[0])
    assert other.inside
    assert house.admission.waiting_count == 28
    await house.empty()


async def test_keys_take_turns() -> None:
    """With one place and two keys waiting, they are served alternately, whichever came first with however many."""
    house = House(make(queue=20))
    await house.arrive("a")
    await house.arrive(*"aaabbb")
    for count in range(1, 8):
        assert len(house.entered) == count
        await house.finish(house.entered[-1])
    assert "".join(visit.key for visit in house.entered) == "abababa"
    await house.empty()


async def test_full_queue_refuses_at_once() -> None:
    """A job beyond the queue is refused without waiting, and refused keys are not remembered."""
    house = House(make(running=1, queue=2))
    await house.arrive(*"aaa")
    for number in range(100):
        await refused(house.admission, f"key-{number}", QueueFull)
    assert (house.admission.running_count, house.admission.waiting_count) == (1, 2)
    assert set(house.admission._customers) == {"a"}
    await house.empty()


async def test_queue_of_zero_still_serves_free_places() -> None:
    """Without a queue a job runs if a place is free and is refused otherwise."""
    admission = make(running=1, queue=0)
    async with admission.place("a"):
        await refused(admission, "b", QueueFull)
    async with admission.place("b"):
        assert admission.running_count == 1
    assert_empty(admission)


async def test_key_beyond_its_share_is_refused_alone() -> None:
    """A key's share counts running and waiting jobs together, and its refusal doesn't affect other keys."""
    house = House(make(running=1, queue=10, share=2))
    first, _ = await house.arrive(*"aa")
    await refused(house.admission, "a", KeyShareExceeded)
    (other,) = await house.arrive("b")
    assert house.errors() == []
    await house.finish(first)
    assert other.inside
    await house.arrive("a")  # its share is free again by one
    assert house.errors() == [None]
    await house.empty()


async def test_wait_for_a_place_has_an_end() -> None:
    """A job that waited its time is refused, and leaves the queue."""
    house = House(make(wait_s=0.02))
    await house.arrive(*"ab")
    await until(house.errors)
    assert [type(error) for error in house.errors()] == [QueueTimeout]
    assert (house.admission.running_count, house.admission.waiting_count) == (1, 0)
    await house.empty()


async def test_closing_refuses_waiting_and_new_jobs_but_not_running_ones() -> None:
    """At the end running jobs finish, all others are refused, and then the admission is empty."""
    house = House(make())
    running, _ = await house.arrive(*"ab")
    empty = asyncio.create_task(house.admission.wait_empty())
    house.admission.close()
    house.admission.close()
    await refused(house.admission, "c", ShuttingDown)
    await settle()
    assert running.inside
    assert not empty.done()
    assert [type(error) for error in house.errors()] == [ShuttingDown]
    running.end.set()
    await asyncio.wait_for(empty, slowed(5))
    assert_empty(house.admission)


async def test_unused_admission_is_empty() -> None:
    """An admission without any job is empty at once."""
    await asyncio.wait_for(make().wait_empty(), slowed(5))


async def test_place_granted_in_the_moment_of_giving_up_is_passed_on() -> None:
    """A waiting job that is cancelled just after its place was granted passes the place on."""
    house = House(make())
    first, second, third = await house.arrive(*"abc")
    first.end.set()
    while not house.admission._customers["b"].running:  # noqa: ASYNC110 - turn by turn, to act within one
        await asyncio.sleep(0)
    assert not second.inside
    second.task.cancel()
    await settle()
    assert (second.inside, third.inside) == (False, True)
    await house.empty()


async def test_arrival_behind_a_job_that_just_gave_up_is_served() -> None:
    """A place that frees up while the only waiting job gives up goes to the one that arrives in the same moment."""
    house = House(make())
    first, second = await house.arrive(*"ab")
    first.end.set()
    third = house.send("c")
    second.task.cancel()
    await settle()
    assert third.inside
    await house.empty()


async def test_place_is_free_again_after_a_failing_job() -> None:
    """An exception inside isn't swallowed, and the place is given back."""
    admission = make()
    with pytest.raises(ZeroDivisionError):
        async with admission.place("a"):
            raise ZeroDivisionError
    with contextlib.suppress(asyncio.CancelledError):
        async with admission.place("a"):
            raise asyncio.CancelledError
    assert_empty(admission)


@pytest.mark.parametrize(
    ("mean_s", "running", "jobs_ahead", "expected"),
    [
        (0.001, 1, 1, RETRY_MIN_S),
        (10.0, 1, 1, 10),
        (10.0, 4, 2, 5),
        (10.0, 4, 3, 8),
        (1000.0, 1, 64, RETRY_MAX_S),
        (0.0, 1, 0, RETRY_MIN_S),
    ],
)
def test_retry_after_is_what_the_queue_will_take(mean_s: float, running: int, jobs_ahead: int, expected: int) -> None:
    """The advice is the mean time of a job times the jobs ahead, divided by the places, in whole seconds in bounds."""
    admission = make(running=running)
    admission._mean_s = mean_s
    assert admission.retry_after_s(jobs_ahead) == expected


async def test_refusals_advise_by_what_is_ahead() -> None:
    """The advice grows with the jobs ahead: those of the key if its share is used up, otherwise all that wait."""
    house = House(make(running=1, queue=4, share=2))
    house.admission._mean_s = 10.0
    await house.arrive(*"aabb")
    share = await refused(house.admission, "a", KeyShareExceeded)
    await house.arrive("c")
    full = await refused(house.admission, "a", QueueFull)
    assert (full.retry_after_s, share.retry_after_s) == (50, 20)
    await house.empty()


async def test_mean_follows_the_jobs() -> None:
    """Quick jobs lower the advice from the first guess."""
    admission = make()
    before = admission._mean_s
    for _ in range(20):
        async with admission.place("a"):
            pass
    assert 0 < admission._mean_s < before / 2


async def test_resizing_serves_waiting_jobs_and_keeps_running_ones() -> None:
    """When the launcher's sizes change, waiting jobs get the new places, and running ones keep theirs."""
    house = House(make(running=1, share=3))
    await house.arrive(*"aaa")
    assert len(house.inside()) == 1
    house.admission.resize(running_limit=2)
    await settle()
    assert len(house.inside()) == 2
    house.admission.resize(running_limit=1)
    await house.finish(house.inside()[0])
    assert (len(house.inside()), house.admission.waiting_count) == (1, 1)
    await house.empty()


@dataclass
class Purse:
    """What jobs need besides a place: so many coins, of which a key may have so many."""

    coins: int
    share: int = 100
    taken: dict[str, int] = field(default_factory=dict)

    def room(self, key: str, price: int) -> PricedRoom:
        """Return what a job of a key needs."""
        return PricedRoom(self, key, price)


@dataclass
class PricedRoom:
    """What one job needs; see `Room`."""

    purse: Purse
    key: str
    price: int

    @property
    def waits_for_own_key(self) -> bool:
        """See `Room`."""
        return self.purse.taken.get(self.key, 0) + self.price > self.purse.share

    def take(self) -> bool:
        """See `Room`."""
        if self.waits_for_own_key or self.purse.coins < self.price:
            return False
        self.purse.coins -= self.price
        self.purse.taken[self.key] = self.purse.taken.get(self.key, 0) + self.price
        return True


async def _place(admission: Admission, purse: Purse, log: list[str], name: str, price: int) -> None:
    async with admission.place(name[0], None, purse.room(name[0], price)):
        log.append(name)
        await asyncio.sleep(0)


async def test_job_waits_for_room_beside_a_free_place() -> None:
    """Without room a job waits although places are free, nobody of another key overtakes it, and room is taken once."""
    admission, purse, log = make(running=3), Purse(coins=1), list[str]()
    dear = asyncio.create_task(_place(admission, purse, log, "a1", 2))
    await settle()
    cheap = asyncio.create_task(_place(admission, purse, log, "b1", 1))
    await settle()
    assert (log, admission.running_count, admission.waiting_count, purse.coins) == ([], 0, 2, 1)
    purse.coins += 2
    admission.serve_next()
    await asyncio.gather(dear, cheap)
    assert (log, purse.coins) == (["a1", "b1"], 0)
    assert_empty(admission)


async def test_job_that_waits_for_its_own_key_holds_up_nobody() -> None:
    """A key that has its share of room waits by itself; others pass."""
    admission, purse, log = make(running=3), Purse(coins=10, share=2), list[str]()
    await _place(admission, purse, log, "a1", 2)
    waiting = asyncio.create_task(_place(admission, purse, log, "a2", 1))
    await settle()
    await _place(admission, purse, log, "b1", 2)
    assert log == ["a1", "b1"]
    purse.taken["a"] = 0
    admission.serve_next()
    await waiting
    assert_empty(admission)


async def test_without_a_queue_a_job_without_room_is_refused() -> None:
    """Where nothing may wait, it doesn't wait for room either, and leaves nothing behind."""
    admission = make(queue=0)
    with pytest.raises(QueueFull):
        await _place(admission, Purse(coins=0), [], "a1", 1)
    assert_empty(admission)


async def test_check_raises_what_place_would() -> None:
    """Looking ahead gives the same errors as asking for a place, but at the shutdown, and holds nothing."""
    house = House(make(queue=1, share=2))
    house.admission.check("a")
    await house.arrive(*"aa")
    for key, error in (("a", QueueFull), ("b", QueueFull)):
        with pytest.raises(error):
            house.admission.check(key)
    house.admission.resize(running_limit=2)
    with pytest.raises(KeyShareExceeded):
        house.admission.check("a")
    house.admission.check("b")
    house.admission.check("a", 3)
    assert (house.admission.running_count, house.admission.waiting_count) == (2, 0)
    await house.empty()
    house.admission.close()
    house.admission.check("a")
