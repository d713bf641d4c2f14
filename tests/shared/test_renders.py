"""Kept renders over nodes: who gets what, and what becomes of entries that no node has made."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from gateway.cache import shared_renders
from gateway.cache.renders import RenderCache
from gateway.cache.shared_renders import SharedRenders
from gateway.model.jobs import Format, KiB, MiB
from gateway.model.results import Outcome, Result, Text
from gateway.shared import shared_server
from gateway.shared.shared_server import PREFIX, SharedServer, SharedServerGone
from tests.fakes import until
from tests.http.v1 import figures_result
from tests.shared.nodes import SECRET
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.engine

KEY = hashlib.sha256(b"a request").digest()
LIMIT = 4 * MiB


class House:
    """Makes nodes with a cache of their own that share renders."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.call_limit_s = 10.0
        self.made: list[tuple[RenderCache | None, SharedRenders]] = []

    async def shared(self, limit: int = LIMIT, lifetime_s: float = 60.0, secret: str = SECRET) -> SharedRenders:
        """Return one node's view of what is shared, with the server in use."""
        server = SharedServer(self.url, secret, "test", call_limit_s=slowed(self.call_limit_s))
        shared = SharedRenders(server, limit, lifetime_s)
        for _ in range(10):
            if not server.is_up:
                await shared.probe()
        assert server.is_up
        self.made.append((None, shared))
        return shared

    async def node(self, **options: float) -> RenderCache:
        """Return one node's cache."""
        shared = await self.shared(**options)  # type: ignore[arg-type]
        cache = RenderCache(self.folder / f"{len(self.made)}.sqlite3", LIMIT, shared)
        self.made[-1] = (cache, shared)
        return cache

    async def aclose(self) -> None:
        """End all nodes."""
        for cache, shared in self.made:
            if cache is not None:
                await cache.aclose()
            await shared.aclose()


@pytest.fixture
async def house(redis: RedisServer, tmp_path: Path) -> AsyncIterator[House]:
    """Return what makes nodes."""
    made = House(redis.url, tmp_path)
    yield made
    await made.aclose()


async def sent(shared: SharedRenders) -> None:
    """Wait until nothing is being sent."""
    await until(lambda: not shared._sending)


async def put(shared: SharedRenders, key: bytes, value: bytes) -> None:
    """Send a value and wait until it is there, or isn't kept."""
    shared.put(key, value)
    await sent(shared)


def rendered(text: str = "x") -> Result:
    """Return a render."""
    return figures_result(Format.PNG, stdout=Text(text))


async def test_one_node_keeps_it_for_the_others(redis: RedisServer, house: House) -> None:
    """What one has rendered another serves; then it has it itself, and needs the server no more."""
    one, other = await house.node(), await house.node()
    await one.put(KEY, rendered())
    await sent(house.made[0][1])
    assert await other.get(KEY) == rendered()
    redis.kill()
    assert await other.get(KEY) == rendered()
    assert await one.get(hashlib.sha256(b"another").digest()) is None


async def test_failures_are_not_shared(redis: RedisServer, house: House) -> None:
    """Only what the local cache keeps goes to the server."""
    one = await house.node()
    await one.put(KEY, Result(Outcome.PROGRAM_ERROR, error="x"))
    await one.put(KEY, figures_result(Format.PNG, stdout=Text("y" * (LIMIT // 2))))
    await sent(house.made[0][1])
    with redis.client() as client:
        assert client.keys(f"{PREFIX}render:*") == []


async def test_entries_that_no_node_has_made_are_not_served(redis: RedisServer, house: House) -> None:
    """Changed, cut, lengthened, moved to another request, or made with another secret: each is a miss."""
    shared = await house.shared()
    stranger = await house.shared(secret=SECRET[::-1])
    other = hashlib.sha256(b"another").digest()
    await put(shared, KEY, b"picture")
    assert await shared.get(KEY) == b"picture"
    name = f"{PREFIX}{shared._name(KEY)}"
    with redis.client() as client:
        entry = client.get(name)
        assert isinstance(entry, bytes)
        for forged in (
            entry[:-1] + b"!",
            entry[:-1],
            entry + b"!",
            entry[:32],
            entry[:31],
            b"",
            bytes(32) + entry[32:],
            hashlib.sha256(entry[32:]).digest() + entry[32:],
            stranger._proof(KEY, b"picture") + b"picture",
            b"x" * (3 * MiB),
        ):
            client.set(name, forged)
            assert await shared.get(KEY) is None
        client.set(f"{PREFIX}{shared._name(other)}", entry)
        assert await shared.get(other) is None
        client.delete(name)
        client.rpush(name, "a list")
        assert await shared.get(KEY) is None
        client.delete(name)
        client.set(name, entry)
        assert await shared.get(KEY) == b"picture"
    assert await stranger.get(KEY) is None


async def test_what_is_kept_is_bounded_in_bytes(redis: RedisServer, house: House) -> None:
    """The oldest make room; the sum is that of what is there, and what is replaced counts once."""
    shared = await house.shared(limit=256 * KiB)
    keys = [hashlib.sha256(bytes([number])).digest() for number in range(20)]
    for key in keys:
        await put(shared, key, bytes(40 * KiB))
        await put(shared, key, bytes(40 * KiB))
    found = [await shared.get(key) is not None for key in keys]
    assert found == [False] * 14 + [True] * 6
    with redis.client() as client:
        sizes = [client.strlen(name) for name in client.keys(f"{PREFIX}render:*")]
        total = int(client.hget(f"{PREFIX}sizes", "") or 0)
        assert client.zcard(f"{PREFIX}renders") == client.hlen(f"{PREFIX}sizes") - 1 == len(sizes) == 6
        assert client.ttl(f"{PREFIX}sizes") > 0
        assert client.ttl(f"{PREFIX}renders") > 0
    assert sum(sizes) <= total <= 256 * KiB
    smaller = await house.shared(limit=100 * KiB)
    await put(smaller, KEY, bytes(20 * KiB))
    assert [await shared.get(key) is not None for key in keys[-6:]] == [False] * 5 + [True]


async def test_what_is_kept_ends_by_itself(redis: RedisServer, house: House) -> None:
    """An entry is gone after its lifetime, and the next one takes its room."""
    shared = await house.shared(lifetime_s=1.0)
    await put(shared, KEY, b"picture")
    with redis.client() as client:
        await until(lambda: not client.keys(f"{PREFIX}render:*"), limit_s=slowed(30))
        assert await shared.get(KEY) is None
        await put(shared, hashlib.sha256(b"b").digest(), b"picture")
        assert client.zcard(f"{PREFIX}renders") == 1


async def test_an_index_that_is_none_is_made_anew(redis: RedisServer, house: House) -> None:
    """Something else in its place, or sums that make no sense, keep nothing from being kept."""
    shared = await house.shared()
    with redis.client() as client:
        client.set(f"{PREFIX}renders", "x")
        client.lpush(f"{PREFIX}sizes", "x")
        await put(shared, KEY, b"picture")
        assert await shared.get(KEY) == b"picture"
        client.hset(f"{PREFIX}sizes", "", 10**12)
        other = hashlib.sha256(b"another").digest()
        await put(shared, other, b"picture")
        assert await shared.get(other) == b"picture"
        assert int(client.hget(f"{PREFIX}sizes", "") or 0) < KiB


@pytest.mark.parametrize("total", ["-1e300", "nan", "inf", "1e300", "x"])
async def test_a_sum_that_cannot_be_one_lifts_no_bound(redis: RedisServer, house: House, total: str) -> None:
    """Whatever others have written in place of the sum, entries are kept, and no more of them than may be."""
    shared = await house.shared()
    value = bytes(LIMIT // 8)
    with redis.client() as client:
        await put(shared, KEY, value)
        client.hset(f"{PREFIX}sizes", "", total)
        for number in range(20):
            await put(shared, hashlib.sha256(bytes([number])).digest(), value)
        assert await shared.get(hashlib.sha256(bytes([19])).digest()) == value
        names = client.keys(f"{PREFIX}render:*")
        assert 1 < len(names) < 8
        assert client.zcard(f"{PREFIX}renders") == len(names)


async def test_nothing_but_renders_makes_room(redis: RedisServer, house: House) -> None:
    """Names that others have put into the index are taken out of it, and what they name stays."""
    shared = await house.shared()
    with redis.client() as client:
        client.set("of-others", "x")
        client.zadd(f"{PREFIX}renders", {"of-others": 1, f"{PREFIX}generation": 2})
        client.set(f"{PREFIX}generation", "1.2")
        await put(shared, KEY, b"picture")
        assert await shared.get(KEY) == b"picture"
        assert client.exists("of-others", f"{PREFIX}generation") == 2
        assert client.zcard(f"{PREFIX}renders") == 1


async def test_large_ones_and_many_at_once_are_left_out(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing waits for what is sent, and there are never more than a few of them in memory."""
    shared = await house.shared()
    shared.put(KEY, bytes(LIMIT // 4))  # with its proof it is more than a quarter
    assert not shared._sending
    for number in range(10):
        shared.put(hashlib.sha256(bytes([number])).digest(), b"picture")
    assert len(shared._sending) == shared_renders.SENDING_LIMIT


async def test_a_hanging_server_costs_renders_nothing_but_a_miss(redis: RedisServer, house: House) -> None:
    """After one call that took too long nothing is asked and nothing sent until a probe finds it well."""
    house.call_limit_s = 1.0
    cache = await house.node()
    shared = house.made[0][1]
    await cache.put(KEY, rendered())
    await sent(shared)
    redis.hang()
    try:
        assert await cache.get(hashlib.sha256(b"a").digest()) is None
        assert not shared._server.is_up
        await cache.put(hashlib.sha256(b"b").digest(), rendered())
        assert not shared._sending
        assert await cache.get(KEY) == rendered()
        with pytest.raises(SharedServerGone):
            await shared.probe()
    finally:
        redis.go_on()
    await asyncio.sleep(0)


async def test_a_full_server_stays_out_of_use(
    redis: RedisServer, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that answers what only reads isn't taken into use again after each render that it doesn't keep."""
    monkeypatch.setattr(shared_server, "PAUSE_S", 0.0)
    shared = await house.shared()
    with redis.client() as client:
        client.execute_command("CONFIG", "SET", "maxmemory", "1")
        await put(shared, KEY, b"value")
        for expected in (False, True):
            with suppress(SharedServerGone):
                await shared.probe()
            assert shared._server.is_up is expected
            client.execute_command("CONFIG", "SET", "maxmemory", "0")
