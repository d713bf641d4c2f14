"""How many connections there may be, which make room for others, and what each key may have of them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from gateway.server import doorman as doorman_module
from tests.fakes import KEY, picture_result, until
from tests.http.conftest import limit_edge, listening, make_rig, refusals
from tests.http.raw import (
    ALIVE,
    BODY,
    CLOSE,
    JSON,
    LENGTH,
    POST,
    RENDER,
    check_problem,
    read_rest,
    read_status,
    split_answers,
)
from tests.support.keys_file import write_keys
from tests.support.machine import slowed

if TYPE_CHECKING:
    import io
    from collections.abc import Callable
    from pathlib import Path

    from gateway.settings import Settings
    from tests.http.conftest import Connect, Rig

OTHER_KEY = "the-key-of-another-customer"

Pair = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def _open(connect: Connect, rig: Rig, count: int) -> list[Pair]:
    """Open connections, and wait until they are accepted."""
    pairs = []
    for number in range(count):
        pairs.append(await connect())
        await until(lambda wanted=number + 1: rig.edge.connection_count == wanted)
    return pairs


async def test_oldest_stranger_makes_room(connect: Connect, rig: Rig) -> None:
    """When all connections are in use, the oldest without a key is closed, with the reason if a request has begun."""
    limit_edge(rig, connections=3)
    pairs = await _open(connect, rig, 3)
    pairs[0][1].write(POST[:20])
    await asyncio.sleep(0.05)
    reader, writer = await connect()
    writer.write(ALIVE)
    assert await read_status(reader) == 200
    (response,) = split_answers(await read_rest(pairs[0][0]))
    assert check_problem(response, 503, "too-many-connections")["error"] == "Too many connections are open"
    assert response[1]["Retry-After"] == "1"
    another, writer = await connect()
    writer.write(ALIVE)
    assert await read_status(another) == 200
    assert await read_rest(pairs[1][0]) == b""
    assert rig.edge.connection_count == 3
    assert refusals(rig, "made-room") == 2


async def test_who_had_a_key_stays_longer(connect: Connect, rig: Rig) -> None:
    """A connection that has served a key, such as a proxy's, is the last of the idle ones to be closed."""
    limit_edge(rig, connections=2)
    (trusted,) = await _open(connect, rig, 1)
    trusted[1].write(RENDER.replace(CLOSE, b""))
    assert await read_status(trusted[0]) == 200
    stranger = await connect()
    stranger[1].write(ALIVE)
    assert await read_status(stranger[0]) == 200
    await connect()
    assert await read_rest(stranger[0]) == b""
    trusted[1].write(RENDER)
    assert [status for status, *_ in split_answers(await read_rest(trusted[0]))] == [200]


async def test_newcomer_is_refused_when_all_work_for_a_key(connect: Connect, rig: Rig, log: io.StringIO) -> None:
    """Jobs are not cut off for new connections: those get a 503 at once, before any request, and are closed."""
    limit_edge(rig, connections=1)
    rig.launcher.result = None
    (pair,) = await _open(connect, rig, 1)
    pair[1].write(RENDER)
    await until(lambda: rig.launcher.running)
    for request in (b"", RENDER, b"x" * 100_000):
        reader, writer = await connect()
        writer.write(request)
        (response,) = split_answers(await read_rest(reader))
        check_problem(response, 503, "too-many-connections")
        assert (response[1]["Retry-After"], response[1]["Connection"]) == ("1", "close")
        writer.close()
    assert (rig.launcher.running, len(rig.launcher.jobs)) == (1, 1)
    assert refusals(rig, "too-many-connections") == 3
    assert KEY not in log.getvalue()
    await until(lambda: not rig.edge.farewells)
    pair[1].close()
    await until(lambda: not rig.edge.connection_count)
    rig.launcher.result = picture_result(b"x")
    reader, writer = await connect()
    writer.write(RENDER)
    assert [status for status, *_ in split_answers(await read_rest(reader))] == [200]


@pytest.mark.parametrize(("keys", "connections", "share"), [(1, 8, 7), (2, 4, 2)], ids=["only key", "one of two"])
async def test_no_key_takes_all_connections(
    make_settings: Callable[..., Settings], tmp_path: Path, keys: int, connections: int, share: int
) -> None:
    """Beyond its share of connections at work, a key's requests are refused and make room: others are served."""
    others = {"api_keys_file": write_keys(tmp_path / "keys.toml", {"other": OTHER_KEY})} if keys > 1 else {}
    rig = make_rig(make_settings, **others)
    limit_edge(rig, connections=connections)
    async with listening(rig.app(), rig.edge) as connect:
        pairs = [await connect() for _ in range(connections)]
        for _, writer in pairs:
            writer.write(POST + JSON + LENGTH + b"\r\n")  # and no body
        for reader, _ in pairs[share:]:
            check_problem(split_answers(await read_rest(reader))[0], 429, "key-share-exceeded")
        assert sum(connection.works_for_a_key for connection in rig.edge._connections) == share
        newcomers = [ALIVE.replace(b"\r\n\r\n", b"\r\n" + CLOSE + b"\r\n")]
        if keys > 1:
            newcomers.append(RENDER.replace(KEY.encode(), OTHER_KEY.encode()))
        for newcomer in newcomers:
            reader, writer = await connect()
            writer.write(newcomer)
            assert [status for status, *_ in split_answers(await read_rest(reader))] == [200]
        pairs[0][1].write(BODY)
        assert await read_status(pairs[0][0]) == 200
        await until(lambda: not rig.edge.farewells)


async def test_no_keys_take_all_connections_together(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """However many keys take all the connections that they get, the next one gets half of what is left."""
    keys = {name: f"{name}-{OTHER_KEY}" for name in ("one", "two", "three", "four")}
    rig = make_rig(make_settings, api_keys_file=write_keys(tmp_path / "keys.toml", keys))
    limit_edge(rig, connections=32)
    async with listening(rig.app(), rig.edge) as connect:
        at_work = rig.edge._connections
        for name, share in zip(keys, (16, 8, 4, 2), strict=True):
            pairs = [await connect() for _ in range(32)]
            for _, writer in pairs:
                writer.write(POST.replace(KEY.encode(), keys[name].encode()) + JSON + LENGTH + b"\r\n")  # and no body
            await until(lambda name=name, share=share: sum(each.key == name for each in at_work) == share)
        assert sum(connection.works_for_a_key for connection in at_work) == 30


async def test_farewells_are_bounded(connect: Connect, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused connections that stay open can't pile up either: those beyond a number are cut without a response."""
    monkeypatch.setattr(doorman_module, "FAREWELLS_LIMIT", 2)
    monkeypatch.setattr(doorman_module, "LINGERING_S", slowed(2))  # all are refused within it
    limit_edge(rig, connections=1)
    rig.launcher.result = None
    (pair,) = await _open(connect, rig, 1)
    pair[1].write(RENDER)
    await until(lambda: rig.launcher.running)
    responses = []
    for _ in range(4):
        reader, _ = await connect()
        responses.append(await read_rest(reader))
    assert [bool(response) for response in responses] == [True, True, False, False]
    await until(lambda: not rig.edge.farewells)


async def test_slow_reader_without_a_key_makes_room(connect: Connect, rig: Rig) -> None:
    """A stranger that sends requests and reads no response keeps its connection only until it is needed."""
    limit_edge(rig, connections=1)
    ((reader, writer),) = await _open(connect, rig, 1)
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    for _ in range(20_000):
        writer.write(ALIVE)
    await asyncio.sleep(0.1)
    other, other_writer = await connect()
    other_writer.write(ALIVE)
    assert await read_status(other) == 200
    assert rig.edge.connection_count == 1
