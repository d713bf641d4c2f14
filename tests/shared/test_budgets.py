"""Allowances over nodes: what one node would decide, whichever node asks, and what nodes do without the server."""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.keys.budgets import STEP_S, WINDOW_S, Budgets
from gateway.keys.shared_budgets import SharedBudgets, read_answer
from gateway.model.errors import BudgetExceeded, Busy, RateExceeded
from gateway.shared.shared_server import PREFIX
from tests.fakes import settle, until
from tests.shared.nodes import SECRET, Nodes, key
from tests.support.machine import slowed

if TYPE_CHECKING:
    import io
    from collections.abc import Sequence

    from gateway.keys.allowances import Allowances
    from gateway.keys.keyring import Holder
    from tests.shared.nodes import Node
    from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.engine

CLOCK = "local clock = redis.call('TIME')"
SET_CLOCK = "local clock = {redis.call('GET', 'seconds'), redis.call('GET', 'microseconds')}"

PAUSES = st.integers(0, 90_000_000) | st.sampled_from([0, 500_000, 1_000_000, 59_600_000, 60_000_000, 61_000_000])
KINDS = st.sampled_from(["take", "begin", "end", "begin", "end", "look", "charge"])
STEPS = st.tuples(PAUSES, KINDS, st.floats(0.2, 4) | st.floats(0.2, 40))


def with_set_clock(script: str) -> str:
    """Return the script with a clock that a test sets."""
    assert script.count(CLOCK) == 1
    return script.replace(CLOCK, SET_CLOCK)


async def burst(nodes: Sequence[Node], holder: Holder, count: int) -> int:
    """Send requests to all nodes at one moment; return how many were granted."""
    return sum(await asyncio.gather(*(node.takes(holder) for _ in range(count) for node in nodes)))


@dataclass
class Asked:
    """What allowances say to a series of wishes, so that two can be compared."""

    allowances: Allowances
    holder: Holder

    def __post_init__(self) -> None:
        self.under_way: list[tuple[object, object]] = []

    async def wish(self, kind: str, amount: float) -> object:
        """Return what comes of a wish: None, or the refusal and its time."""
        try:
            if kind == "take":
                await self.allowances.take_request(self.holder)
            elif kind == "begin":
                manager = self.allowances.hold_compute(self.holder, 30.0, 1e6)
                self.under_way.append((manager, await manager.__aenter__()))
            elif kind == "end" and self.under_way:
                manager, hold = self.under_way.pop(0)
                hold.used_s = amount  # type: ignore[attr-defined]
                await manager.__aexit__(None, None, None)  # type: ignore[attr-defined]
            elif kind == "charge":
                self.allowances.charge(self.holder, amount)
                await self.allowances.check_compute(self.holder)
            else:
                await self.allowances.check_compute(self.holder)
        except Busy as refusal:
            return type(refusal), refusal.retry_after_s
        return None

    def left(self) -> list[tuple[int, int | None]]:
        """Return what is left, and when there is more."""
        return [(quota.remaining, quota.more_in_s) for quota in self.allowances.quotas(self.holder)]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 12), st.integers(1, 30), st.lists(STEPS, min_size=10, max_size=40))
def test_the_server_decides_as_a_node_would(
    redis: RedisServer, requests: int, compute: int, steps: list[tuple[int, str, float]]
) -> None:
    """Whatever a key does and when, the script grants, refuses and tells what `Budgets` does."""
    micros = [1_700_000_000_250_000]
    holder = key(requests=requests, compute=compute)

    async def compare(nodes: Nodes) -> None:
        node = await nodes.one(1, with_set_clock)
        shared = SharedBudgets(node.server, Budgets(lambda: 0.0), 30.0, lambda: 0.0)
        shared._script = node.budgets._script
        await node.until_up()
        local = Asked(Budgets(lambda: micros[0] // 1_000_000 + micros[0] % 1_000_000 / 1_000_000), holder)
        other = Asked(shared, holder)
        try:
            with redis.client() as client:
                client.flushall()
                for pause, kind, amount in steps:
                    micros[0] += pause
                    client.mset({"seconds": micros[0] // 1_000_000, "microseconds": micros[0] % 1_000_000})
                    assert await local.wish(kind, amount) == await other.wish(kind, amount)
                    await shared._ask(holder, "look")
                    assert local.left() == other.left()
        finally:
            for asked in (local, other):
                while asked.under_way:
                    await asked.wish("end", 0.0)
        assert node.failures == {}

    async def compare_and_close() -> None:
        nodes = Nodes(redis.url)
        try:
            await compare(nodes)
        finally:
            await nodes.aclose()

    asyncio.run(compare_and_close())


async def test_a_burst_on_all_nodes_at_one_moment(nodes: Nodes) -> None:
    """Exactly the allowance is granted, and each node tells the same of what is left."""
    three = await nodes.make(3)
    holder = key(requests=50)
    assert await burst(three, holder, 60) == 50
    assert await burst(three, key("other", requests=7), 10) == 7
    assert [node.left(holder) for node in three] == [{"requests": (50, 0)}] * 3
    with pytest.raises(RateExceeded) as caught:
        await three[1].budgets.take_request(holder)
    assert WINDOW_S - slowed(20) <= caught.value.retry_after_s <= WINDOW_S + STEP_S


async def test_jobs_at_once_on_all_nodes(nodes: Nodes) -> None:
    """Holds of one node count on the others; when a job ends, what it used takes the place of its hold."""
    three = await nodes.make(3)
    holder = key(compute=5)
    inside, done = asyncio.Semaphore(0), asyncio.Event()

    async def job(node: Node) -> bool:
        try:
            async with node.budgets.hold_compute(holder, 30, 30) as hold:
                inside.release()
                await done.wait()
                hold.used_s = 0.5
        except BudgetExceeded:
            inside.release()
            return False
        return True

    jobs = [asyncio.create_task(job(node)) for node in three for _ in range(4)]
    for _ in jobs:
        await inside.acquire()
    done.set()
    assert sum(await asyncio.gather(*jobs)) == 5  # a second is held for each
    await three[0].budgets._ask(holder, "look")
    assert three[0].left(holder) == {"compute": (5, 2)}


async def test_a_debt_is_known_everywhere(nodes: Nodes) -> None:
    """After a job that used six allowances on one node, the others refuse the key for as long as that one does."""
    two = await nodes.make(2)
    holder = key(compute=5)
    assert await two[0].runs(holder, 30.0)
    with pytest.raises(BudgetExceeded) as caught:
        await two[1].budgets.check_compute(holder)
    assert 4 * WINDOW_S < caught.value.retry_after_s <= 5 * WINDOW_S + STEP_S
    assert not await two[1].runs(holder, 0.0)


async def test_charges_without_a_hold_reach_the_others(nodes: Nodes) -> None:
    """They go with the key's next question, or with the exchange that follows; small ones wait."""
    two = await nodes.make(2)
    holder = key(compute=3)
    two[0].budgets.charge(holder, 0.05)
    await two[0].budgets.send_charges()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (3, 3)}
    one = key("one", compute=1)
    two[0].budgets.charge(one, 0.05)
    assert await two[0].runs(one, 0.0)  # its whole allowance is held
    two[0].budgets.charge(holder, 2.0)
    await two[0].budgets.send_charges()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (3, 0)}


async def test_clocks_of_nodes_do_not_matter(nodes: Nodes) -> None:
    """Nodes whose clocks jump by a day, forth and back, grant no more together than the allowance."""
    two = await nodes.make(2)
    holder = key(requests=6, compute=6)
    granted = 0
    for jump in (0.0, 86_400.0, -86_400.0, 30.0, 61.0):
        two[0].ahead_s = jump
        granted += await burst(two, holder, 3)
    assert granted == 6


async def test_holds_of_a_node_that_died_lapse(nodes: Nodes) -> None:
    """They count until the longest time of the job is over; what others have settled meanwhile stays."""
    two = await nodes.make(2)
    holder = key(compute=1)
    two[0].budgets._lease_s = 0.0
    dying = two[0].budgets.hold_compute(holder, 30, 0.5)
    await dying.__aenter__()  # and it never ends
    assert not await two[1].runs(holder, 0.0)
    end = time.monotonic() + slowed(60)
    while not await two[1].runs(holder, 0.0):
        assert time.monotonic() < end, "the hold doesn't lapse"
        await asyncio.sleep(0.05)


async def test_a_job_that_is_cancelled_is_settled(nodes: Nodes) -> None:
    """Its hold becomes what it used, although its request is gone."""
    two = await nodes.make(2)
    holder = key(compute=5)

    async def job() -> None:
        async with two[0].budgets.hold_compute(holder, 30, 30) as hold:
            hold.used_s = 3.0
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(job())
    await until(lambda: "k" in two[0].budgets._answers)
    await settle()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await two[0].budgets.aclose()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (5, 2)}


async def test_a_job_that_is_cancelled_while_it_asks_holds_nothing(nodes: Nodes) -> None:
    """Whenever a client hangs up, nothing is held for its job once that is settled."""
    two = await nodes.make(2)
    holder = key(compute=5)
    for number in range(60):
        task = asyncio.create_task(two[0].runs(holder, 0.0))
        for _ in range(number % 6):
            await asyncio.sleep(0)
        await asyncio.sleep(0.0001 * (number % 5))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await two[0].budgets.aclose()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (5, 5)}


async def test_what_a_job_used_while_the_server_was_lost_is_told_later(redis: RedisServer, nodes: Nodes) -> None:
    """A job that ends meanwhile is charged for when the server is back."""
    two = await nodes.make(2)
    holder = key(compute=10)
    async with two[0].budgets.hold_compute(holder, 30, 30) as hold:
        hold.used_s = 3.0
        redis.kill()
    redis.start()
    for node in two:
        await node.until_up()
    await two[0].budgets.send_charges()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (10, 7)}


async def test_a_hold_that_the_server_makes_too_late_is_released(redis: RedisServer, nodes: Nodes) -> None:
    """A server that hangs reads what it was asked when it goes on: nobody waits for the answer, and nothing is held."""
    two = await nodes.make(2)
    holder = key(compute=4)
    await two[0].budgets.check_compute(holder)  # now the server has the script
    two[0].server._call_limit_s = slowed(0.3)
    redis.hang()
    assert await two[0].runs(holder, 2.0)  # of its own share
    redis.go_on()
    two[0].server._call_limit_s = nodes.call_limit_s
    await two[0].until_up()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (4, 3)}
    await two[0].budgets.send_charges()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (4, 4)}


async def test_a_hold_that_is_settled_in_vain_is_released_later(redis: RedisServer, nodes: Nodes) -> None:
    """What the job used counts once, and not what was held for it too."""
    two = await nodes.make(2)
    holder = key(compute=10)
    async with two[0].budgets.hold_compute(holder, 30, 30) as hold:
        hold.used_s = 3.0
        two[0].server._is_up = False
    await two[0].until_up()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (10, 9)}
    await two[0].budgets.send_charges()
    await two[1].budgets.check_compute(holder)
    assert two[1].left(holder) == {"compute": (10, 7)}


async def test_without_the_server_each_node_gives_its_share(redis: RedisServer, nodes: Nodes) -> None:
    """Killed: nodes go on by themselves with a third each, say so, and count what they had granted before."""
    three = await nodes.make(3)
    holder = key(requests=10, compute=10)
    assert await burst(three[:1], holder, 2) == 2
    redis.kill()
    assert [await burst([node], holder, 10) for node in three] == [1, 3, 3]
    assert three[0].left(holder) == {"requests": (3, 0), "compute": (3, 3)}
    assert [await node.runs(holder, 3.0) for node in three] == [True] * 3
    assert [await node.runs(holder, 3.0) for node in three] == [False] * 3
    with pytest.raises(BudgetExceeded):
        await three[0].budgets.check_compute(holder)
    assert [node.budgets.part_used(holder) for node in three] == [1.0] * 3


async def test_back_again_a_key_keeps_to_the_share_for_a_minute(redis: RedisServer, nodes: Nodes) -> None:
    """Restarted with nothing in it, the server would grant all again, and the nodes that were alone don't."""
    two = await nodes.make(2)
    holder, other = key(requests=10), key("other", requests=10)
    redis.kill()
    assert await burst(two, holder, 20) == 10
    redis.start()
    for node in two:
        await node.until_up()
    assert await burst(two, holder, 20) == 0
    assert [node.left(holder)["requests"][0] for node in two] == [5, 5]
    assert await burst(two, other, 20) == 10
    assert [node.left(other)["requests"] for node in two] == [(10, 0)] * 2
    for node in two:
        node.ahead_s += WINDOW_S + STEP_S + 1
    assert await burst(two, holder, 20) == 10


async def test_a_server_that_has_forgotten_is_noticed(redis: RedisServer, nodes: Nodes, log: io.StringIO) -> None:
    """Emptied without a connection lost: each node grants one question more, then keeps to its share for a minute."""
    two = await nodes.make(2)
    holder = key(requests=10)
    assert await burst(two, holder, 10) == 10
    with redis.client() as client:
        client.flushall()
    granted = 0
    for _ in range(10):
        granted += await burst(two, holder, 1)
    assert granted <= 2
    assert log.getvalue().count("shared server has forgotten what keys have used") == 2
    assert all(node.failures == {} for node in two)


@pytest.mark.parametrize("value", [b"", b"x", b"\xc1", b"\x80", b"\x91" * 500, b"\x81\xa8requests\x92\x01\x02"])
async def test_what_is_no_state_is_forgotten(redis: RedisServer, nodes: Nodes, value: bytes) -> None:
    """Where something else is in a key's place, it is replaced, and the node keeps to its share for a minute."""
    [node] = await nodes.make(1, of=2)
    holder = key(requests=10, compute=10)
    assert await node.takes(holder)
    with redis.client() as client:
        [name] = client.keys(f"{PREFIX}key:*")
        client.set(name, value)
        assert await burst([node], holder, 20) == 4
        client.delete(name)
        client.hset(name, "a", "b")
        assert await node.runs(holder, 1.0)
        client.delete(f"{PREFIX}generation")
        client.lpush(f"{PREFIX}generation", "a")
        assert await node.runs(holder, 1.0)
    assert node.failures == {}
    assert node.left(holder) == {"requests": (5, 0), "compute": (5, 3)}


@pytest.mark.parametrize("value", [b"", b"\xff", b"broken 1.2", b"7" * 5_000_000, b"1.2\n"])
async def test_a_generation_that_is_none_is_replaced(redis: RedisServer, nodes: Nodes, value: bytes) -> None:
    """What somebody has written in its place is in no reply, and keeps no node from asking."""
    [node] = await nodes.make(1, of=2)
    holder = key(requests=10)
    assert await node.takes(holder)
    with redis.client() as client:
        client.set(f"{PREFIX}generation", value)
        assert await node.takes(holder)
        assert client.get(f"{PREFIX}generation") != value
    assert node.failures == {}


@pytest.mark.parametrize("lie", [b"-1", b"1e300", b"inf", b"nan", b""])
@pytest.mark.parametrize("place", range(1, 9))
def test_numbers_that_no_script_says_are_no_answer(place: int, lie: bytes) -> None:
    """If 1e300 were held, nothing that a node counts beside it would be more than a rounding error."""
    reply = [b"1.5", *[b"1.000000"] * 8]
    assert read_answer(reply).held_s == 1.0
    reply[place] = lie
    with pytest.raises(ValueError, match=r"expected|convert"):
        read_answer(reply)


@pytest.mark.parametrize(
    "written", ["debt = 9e11", "at = 0, debt = 9e11", "holds = {x = {9, 9e11, 9e11}}", "holds = {x = {9, 9e11, 3e6}}"]
)
async def test_nobody_locks_a_key_for_good(redis: RedisServer, nodes: Nodes, written: str) -> None:
    """However much somebody has written that a key owes or holds, it doesn't count for longer than a month."""
    [node] = await nodes.make(1)
    holder = key(compute=10)
    assert await node.runs(holder, 0.5)
    with redis.client() as client:
        [name] = client.keys(f"{PREFIX}key:*")
        client.eval(
            f"""
            local state = {{requests = {{}}, compute = {{}}, holds = {{}}, estimate = 1, debt = 0, at = 2e9}}
            for name, value in pairs({{{written}}}) do state[name] = value end
            redis.call('SET', KEYS[1], cmsgpack.pack(state))
            """,
            1,
            name,
        )
        with suppress(BudgetExceeded):
            await node.budgets.check_compute(holder)
        assert 0 < client.ttl(name) < 31 * 86_400 + 100
    assert node.failures == {}


async def test_what_is_kept_there(redis: RedisServer, nodes: Nodes) -> None:
    """Names and values have neither a key's name nor the secret, all of it ends by itself, and it stays small."""
    two = await nodes.make(2)
    holder = key("name-of-a-customer", requests=100_000, compute=100_000)
    for _ in range(300):
        assert await two[0].takes(holder)
        assert await two[1].runs(holder, 2.0)
    with redis.client() as client:
        names = {bytes(name) for name in client.keys("*")}
        values = {name: client.get(name) or b"" for name in names}
        ends = {name: client.ttl(name) for name in names}
        used = max(client.memory_usage(name) or 0 for name in names)
    assert all(name.startswith(PREFIX.encode()) for name in names)
    for text in (b"name-of-a-customer", SECRET.encode()):
        assert not any(text in name or text in value for name, value in values.items())
    assert {name for name, left in ends.items() if left < 0} == {f"{PREFIX}generation".encode()}
    assert used < 8192


async def test_two_versions_share_one_server(redis: RedisServer, nodes: Nodes) -> None:
    """Names begin with the number of the layout, so that a version with another one has names of its own."""
    [node] = await nodes.make(1)
    with redis.client() as client:
        client.set(f"figbox:0:key:{node.server.name('key', b'k')}", "of another version")
    assert await burst([node], key(requests=3), 5) == 3
    assert node.failures == {}


async def test_a_clock_of_the_server_that_is_set_back(redis: RedisServer, nodes: Nodes) -> None:
    """What was used counts for a minute of the new time, not for as long as the clock was ahead."""
    node = await nodes.one(1, with_set_clock)
    holder = key(requests=2, compute=2)
    with redis.client() as client:
        client.mset({"seconds": 1_700_086_400, "microseconds": 0})
        await node.until_up()
        assert await burst([node], holder, 3) == 2
        assert await node.runs(holder, 1.0)
        client.mset({"seconds": 1_700_000_000})
        assert await burst([node], holder, 3) == 0
        client.mset({"seconds": 1_700_000_000 + WINDOW_S + STEP_S})
        assert await burst([node], holder, 3) == 2
        assert await node.runs(holder, 1.0)
