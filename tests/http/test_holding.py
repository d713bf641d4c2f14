"""What requests hold of the gateway's memory, and when they give it back: bodies, jobs, answers."""

from __future__ import annotations

import asyncio
import gc
import json
import tracemalloc
from typing import TYPE_CHECKING

import pytest

from gateway.memory.byte_budget import ByteBudget
from gateway.memory.memory_plan import job_bytes
from gateway.model.jobs import Format, KiB, MiB, NamedFile
from tests.fakes import DEFAULT_FACTS, settle, until
from tests.http.raw import CLOSE, HOST, JSON, KEY_LINE, LIMIT_S, POST, RENDER, check_problem, read_rest, split_answers
from tests.http.v1 import figures_result
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.http.conftest import Connect, Rig

V1 = b"POST /v1/render HTTP/1.1\r\n" + HOST + KEY_LINE + JSON + CLOSE
CODE = b'{"code": "plt.plot([1])"}'
WITH_FILE = CODE[:-1] + b', "files": {"a": "%s"}}' % (b"x" * 300_000)

#: Seconds after which a test's slow client has stood still for too long.
STALL_S = slowed(0.2)

#: Bytes of an answer that no buffers of a connection take: it stays in the gateway until it is read.
LONG = 12 * MiB


def _limit(rig: Rig, *, bodies: int | None = None, answers: int | None = None) -> None:
    """Give a rig's budgets other totals, and clients less time; before they hold anything."""
    if bodies is not None:
        rig.memory.bodies = ByteBudget(bodies, wait_s=LIMIT_S, stall_s=STALL_S, stall_bytes=KiB)
    if answers is not None:
        rig.memory.answers = ByteBudget(answers, wait_s=LIMIT_S, stall_s=STALL_S, stall_bytes=KiB)
        rig.memory.answers.on_room = rig.admission.serve_next


def _announcing(length: int) -> bytes:
    return V1 + b"Content-Length: %d\r\n\r\n" % length


@pytest.fixture
def job() -> int:
    """Return what a job holds while it runs."""
    return job_bytes(DEFAULT_FACTS.limits.output_limit_bytes, len("plt.plot([1])"))


@pytest.mark.parametrize("head", [V1, POST + JSON + CLOSE], ids=["v1", "legacy"])
async def test_full_queue_refuses_before_the_body_comes(connect: Connect, rig: Rig, head: bytes) -> None:
    """Whose job couldn't be admitted is refused at once: its body isn't waited for, and no memory is held for it."""
    rig.launcher.result = None
    for _ in range(2):
        _, writer = await connect()
        writer.write(RENDER)
    await until(lambda: rig.admission.waiting_count == 1)
    held = rig.memory.bodies.held_bytes
    reader, writer = await connect()
    writer.write(head + b"Content-Length: 4000\r\n\r\n")
    check_problem(split_answers(await read_rest(reader))[0], 503, "queue-full")
    assert rig.memory.bodies.held_bytes == held


async def test_key_at_its_share_is_refused_before_the_body_comes(connect: Connect, rig: Rig) -> None:
    """A key with its share of jobs gets 429 without sending its body."""
    rig.admission.key_limit = 1
    rig.launcher.result = None
    _, writer = await connect()
    writer.write(RENDER)
    await until(lambda: rig.launcher.running)
    reader, writer = await connect()
    writer.write(_announcing(4000))
    check_problem(split_answers(await read_rest(reader))[0], 429, "key-share-exceeded")


async def test_body_stays_in_the_kernel_until_there_is_memory(connect: Connect, rig: Rig) -> None:
    """A body without room isn't read; it is as soon as another gives its room back."""
    _limit(rig, bodies=600 * KiB)
    _, first = await connect()
    first.write(_announcing(400_000) + b" " * 1000)
    await until(lambda: rig.memory.bodies.held_bytes > 400_000)
    reader, second = await connect()
    body = WITH_FILE
    second.write(_announcing(len(body)) + body)
    await until(lambda: rig.memory.bodies.waiting_count == 1)
    connections = [connection for connection in rig.edge._connections if connection._current_request is not None]
    unread = [connection._current_request.content._size for connection in connections]
    assert max(unread) <= 64 * KiB, unread
    first.transport.abort()
    (answer,) = split_answers(await read_rest(reader))
    assert answer[0] == 200
    await until(lambda: not rig.memory.bodies.held_bytes)


async def test_body_that_stands_still_gives_way(connect: Connect, rig: Rig) -> None:
    """While another waits for memory, a body that doesn't advance has less time than otherwise."""
    _limit(rig, bodies=600 * KiB)
    slow_reader, slow = await connect()
    slow.write(_announcing(400_000) + b" " * 1000)
    await until(lambda: rig.memory.bodies.held_bytes > 400_000)
    await asyncio.sleep(2 * STALL_S)
    assert rig.memory.bodies.held_bytes > 400_000, "nobody waits yet"
    reader, writer = await connect()
    body = WITH_FILE
    writer.write(_announcing(len(body)) + body)
    (answer,) = split_answers(await read_rest(reader))
    assert answer[0] == 200
    check_problem(split_answers(await read_rest(slow_reader))[0], 408, "body-timeout")


async def test_body_larger_than_any_room_is_refused(connect: Connect, rig: Rig) -> None:
    """A body that could never be held gets 503 with `Retry-After`, unread."""
    _limit(rig, bodies=100 * KiB)
    reader, writer = await connect()
    writer.write(_announcing(400_000))
    answer = split_answers(await read_rest(reader))[0]
    check_problem(answer, 503, "queue-full")
    assert int(answer[1]["Retry-After"]) >= 1
    assert rig.metrics.registry.get_sample_value("figbox_requests_total", {"outcome": "queue-full"}) == 1


async def test_body_of_unknown_length_holds_the_most(connect: Connect, rig: Rig) -> None:
    """A chunked body holds as much as the largest until it has arrived, and then what it has."""
    rig.launcher.result = None
    _, writer = await connect()
    writer.write(V1 + b"Transfer-Encoding: chunked\r\n\r\n")
    await until(lambda: rig.memory.bodies.held_bytes > rig.settings.files_limit_bytes)
    writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(CODE), CODE))
    await until(lambda: rig.launcher.running)
    assert rig.memory.bodies.held_bytes < 64 * KiB


def _bad_chunk(body: bytes) -> bytes:
    return V1 + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%sNO CRLF" % (len(body), body)


def _cut_short(body: bytes) -> bytes:
    return _announcing(len(body) + 1) + body


@pytest.mark.parametrize("request_of", [_bad_chunk, _cut_short])
async def test_nothing_is_left_of_a_bad_body(connect: Connect, rig: Rig, request_of: Callable[[bytes], bytes]) -> None:
    """A body that breaks off is gone with its request, also before Python looks for cycles."""

    async def send() -> None:
        _, writer = await connect()
        writer.write(request_of(b" " * 900_000))
        await writer.drain()
        await until(lambda: rig.memory.bodies.held_bytes > 900_000)
        await asyncio.sleep(0.05)
        writer.transport.abort()
        await until(lambda: not rig.memory.bodies.held_bytes and not rig.edge.connection_count)
        await settle()

    await send()
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        for _ in range(3):
            await send()
        assert tracemalloc.get_traced_memory()[0] < 900_000
    finally:
        tracemalloc.stop()
        gc.enable()


async def test_unread_answer_gives_way_to_a_job(connect: Connect, rig: Rig, job: int) -> None:
    """An answer holds its bytes; a job waits for room, and for that the client who doesn't read is cut off."""
    _limit(rig, answers=job + LONG // 2)
    rig.launcher.result = figures_result(Format.PNG, files=(NamedFile("a", b"x" * LONG),))
    reader, writer = await connect()
    writer.write(V1 + b"Accept: application/json\r\nContent-Length: %d\r\n\r\n" % len(CODE) + CODE)
    await until(lambda: LONG < rig.memory.answers.held_bytes < LONG + MiB)
    await asyncio.sleep(2 * STALL_S)
    assert rig.memory.answers.held_bytes > LONG, "nobody waits yet"
    rig.launcher.result = figures_result(Format.PNG)
    other_reader, other = await connect()
    other.write(RENDER)
    assert [status for status, *_ in split_answers(await read_rest(other_reader))] == [200]
    assert rig.metrics.registry.get_sample_value("figbox_refusals_total", {"reason": "response-timeout"}) == 1
    with pytest.raises(asyncio.IncompleteReadError):
        await reader.readexactly(LONG)
    await until(lambda: not rig.memory.answers.held_bytes)


async def test_answer_that_is_read_is_not_cut(connect: Connect, rig: Rig, job: int) -> None:
    """A client that reads is left alone, and the job that needs its room waits until it is through."""
    _limit(rig, answers=job + LONG // 2)
    rig.launcher.result = figures_result(Format.PNG, files=(NamedFile("a", b"x" * LONG),))
    reader, writer = await connect()
    writer.write(V1 + b"Accept: application/json\r\nContent-Length: %d\r\n\r\n" % len(CODE) + CODE)
    await until(lambda: LONG < rig.memory.answers.held_bytes < LONG + MiB)
    rig.launcher.result = figures_result(Format.PNG)
    other_reader, other = await connect()
    other.write(RENDER)
    received = bytearray()
    while piece := await reader.read(MiB):
        received += piece
        await asyncio.sleep(STALL_S / 50)
    ((status, _, body),) = split_answers(bytes(received))
    assert (status, json.loads(body)["files"][0]["bytes"]) == (200, LONG)
    assert [status for status, *_ in split_answers(await read_rest(other_reader))] == [200]


async def test_job_without_room_waits_in_the_queue(connect: Connect, rig: Rig, job: int) -> None:
    """While there is no room for what a job may write it waits, and gets 503 when that takes too long."""
    _limit(rig, answers=job)
    rig.admission._queue_wait_s = 0.2
    with rig.memory.answers.hold("another") as hold:
        assert hold.try_grow(KiB)
        reader, writer = await connect()
        writer.write(RENDER)
        check_problem(split_answers(await read_rest(reader))[0], 503, "queue-timeout")
    assert rig.launcher.jobs == []
    reader, writer = await connect()
    writer.write(RENDER)
    assert [status for status, *_ in split_answers(await read_rest(reader))] == [200]
