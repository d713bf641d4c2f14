"""What a launcher lets its peers do: send a job, or watch; all else is refused, bounded and logged in few lines."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.remote import server as service_module
from gateway.launcher.remote.messages import DATA, FAILURE, JOB, JOB_DOCUMENT_LIMIT, STATE, Failure, State, encode_job
from gateway.launcher.runner.frames import FRAME_HEAD, encode_frame
from gateway.launcher.sizing import Sizes
from gateway.memory.memory_plan import received_job_bytes
from gateway.model.codec import build, parse
from gateway.model.jobs import Job, NamedFile
from gateway.model.results import Outcome, Result, Stages
from tests.fakes import DEFAULT_FACTS, until
from tests.support.launcher_rig import Rig
from tests.support.machine import slowed

if TYPE_CHECKING:
    import io
    from pathlib import Path


def failure_in(message: bytes) -> Failure:
    """Return the failure that a message is."""
    assert message[:1] == FAILURE, message[:100]
    return build(Failure, parse(message[FRAME_HEAD.size :]), b"")


async def test_strangers_are_closed_unread(folder: Path, log: io.StringIO) -> None:
    """A uid that isn't a peer's gets no message, and what it sends is not read."""
    rig = Rig(folder / "l.sock", peers=frozenset({54321}))
    await rig.start()
    assert await rig.say(*encode_job(Job("x"))) == b""
    reader, writer = await rig.open()
    writer.write_eof()
    assert await asyncio.wait_for(reader.read(), slowed(5)) == b""
    writer.close()
    assert rig.launcher.jobs == []
    assert "stranger refused" in log.getvalue()
    await rig.stop()


@pytest.mark.parametrize(
    "pieces",
    [
        pytest.param([b"GET /containers/json HTTP/1.1\r\n\r\n"], id="the engine's own language"),
        pytest.param([encode_frame(b"X", b"")], id="another verb"),
        pytest.param([encode_frame(STATE, b"{}")], id="a state"),
        pytest.param([FRAME_HEAD.pack(JOB, JOB_DOCUMENT_LIMIT + 1)], id="too long a document"),
        pytest.param([encode_frame(JOB, b"{}")], id="no job"),
        pytest.param([encode_frame(JOB, b"[" * 100_000)], id="deep"),
        pytest.param([encode_job(Job("x"))[0], FRAME_HEAD.pack(DATA, 2**32 - 1)], id="more data than announced"),
        pytest.param([encode_job(Job("x"))[0], encode_frame(JOB, b"x")], id="another frame than data"),
        pytest.param([*encode_job(Job("x", environment="../x"))], id="a value out of bounds"),
    ],
)
async def test_what_is_no_job_is_refused(rig: Rig, log: io.StringIO, pieces: list[bytes]) -> None:
    """Anything but a job is refused with one constant failure, and logged without quoting it."""
    failure = failure_in(await rig.say(*pieces))
    assert (failure.error, failure.message) == ("InvalidRequest", "the launcher does not understand the request")
    assert rig.launcher.jobs == []
    assert "peer broke the protocol" in log.getvalue()
    assert "containers" not in log.getvalue()


async def test_more_than_a_job_ends_it(rig: Rig) -> None:
    """A peer that sends more than its job has broken the protocol, and its job is cancelled."""
    rig.launcher.result = None
    reader, writer = await rig.open()
    writer.writelines(encode_job(Job("x")))
    await until(lambda: rig.launcher.running)
    writer.write(encode_frame(JOB, b"{}"))
    assert failure_in(await asyncio.wait_for(reader.read(), slowed(5))).error == "InvalidRequest"
    assert rig.launcher.cancelled == 1
    writer.close()


async def test_a_state_is_all_that_a_silent_peer_gets(rig: Rig) -> None:
    """A connection that sends nothing receives the state."""
    reader, writer = await rig.open()
    writer.write_eof()
    head = await asyncio.wait_for(reader.readexactly(FRAME_HEAD.size), slowed(5))
    kind, length = FRAME_HEAD.unpack(head)
    assert kind == STATE
    state = build(State, parse(await reader.readexactly(length)), b"")
    assert (state.sizes, state.environments, state.gauges) == (Sizes(2, 4), (DEFAULT_FACTS,), {"figbox_pool_idle": 3})
    writer.close()


@pytest.mark.parametrize("begun", [b"", b"J", encode_job(Job("x" * 100))[0]], ids=["nothing", "a byte", "no data"])
async def test_slow_peers_are_given_up_on(
    rig: Rig, log: io.StringIO, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    """A peer that sends nothing, or stops midway, is disconnected in time, and holds no place."""
    monkeypatch.setattr(service_module, "ASK_LIMIT_S", 0.05)
    monkeypatch.setattr(service_module, "SEND_LIMIT_S", 0.05)
    assert await rig.say(begun) == b""
    assert "peer too slow" in log.getvalue()
    assert rig.server is not None
    assert rig.server.running_count == 0


async def test_a_peer_that_does_not_read_is_given_up_on(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that the peer doesn't read is not kept for ever."""
    monkeypatch.setattr(service_module, "READ_LIMIT_S", 0.05)

    async def run(_: Job, __: Stages) -> Result:
        return Result(Outcome.OK, files=(NamedFile("x", bytes(5_000_000)),))

    rig.launcher.run = run  # type: ignore[method-assign]
    with socket.socket(socket.AF_UNIX) as peer:
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, str(rig.path))
        await asyncio.get_running_loop().sock_sendall(peer, b"".join(encode_job(Job("x"))))
        assert rig.server is not None
        await until(lambda: rig.server is not None and len(rig.server._connections) == 2)
        await until(lambda: rig.server is not None and len(rig.server._connections) == 1)


async def test_a_refused_peer_may_send_the_rest(rig: Rig) -> None:
    """A peer that sends its job's bytes after the job was refused is not reset, which could lose it the refusal."""
    assert rig.server is not None
    rig.server.refuse()
    document, *data = encode_job(Job("x"))
    reader, writer = await rig.open()
    writer.write(document)
    kind, length = FRAME_HEAD.unpack(await asyncio.wait_for(reader.readexactly(FRAME_HEAD.size), slowed(5)))
    assert failure_in(FRAME_HEAD.pack(kind, length) + await reader.readexactly(length)).error == "ShuttingDown"
    await asyncio.sleep(0.05)
    assert len(rig.server._connections) == 2  # the watcher's, and this one
    writer.writelines(data)
    await until(lambda: rig.server is not None and len(rig.server._connections) == 1)
    assert await asyncio.wait_for(reader.read(), slowed(5)) == b""  # raises where the connection was reset
    writer.close()


@pytest.mark.parametrize("sends", [False, True])
async def test_a_refused_peer_is_given_up_on(rig: Rig, monkeypatch: pytest.MonkeyPatch, *, sends: bool) -> None:
    """A peer that sends nothing more after its refusal, or more than its job, is disconnected in time."""
    assert rig.server is not None
    if not sends:
        monkeypatch.setattr(service_module, "LINGER_LIMIT_S", 0.05)
    rig.server.refuse()
    document, *data = encode_job(Job("x"))
    with socket.socket(socket.AF_UNIX) as peer:
        peer.setblocking(False)
        await asyncio.get_running_loop().sock_connect(peer, str(rig.path))
        peer.send(document)
        if sends:
            peer.send(b"".join(data) + bytes(1_000))
        await until(lambda: rig.server is not None and len(rig.server._connections) == 1)


async def test_connections_are_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection beyond the bound is closed at once; when others end, there is room again."""
    monkeypatch.setattr(service_module, "CONNECTIONS_LIMIT", 4)
    opened = [await rig.open() for _ in range(5)]  # besides the watcher; two are for jobs
    await until(lambda: rig.server is not None and len(rig.server._connections) == 6)
    reader, writer = await rig.open()
    assert await asyncio.wait_for(reader.read(), slowed(5)) == b""
    writer.close()
    for _, one in opened:
        one.close()
    await until(lambda: rig.server is not None and len(rig.server._connections) == 1)
    assert (await rig.client.run(Job("x"), Stages())).outcome is Outcome.OK


async def test_watchers_are_bounded(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many connections may watch; others are closed, and a watcher that ends makes room."""
    monkeypatch.setattr(service_module, "WATCHERS_LIMIT", 2)
    opened = [await rig.open() for _ in range(3)]
    for _, writer in opened:
        writer.write_eof()
    received = [await asyncio.wait_for(reader.read(1), slowed(5)) for reader, _ in opened]
    assert sorted(received) == [b"", b"", STATE]
    for _, writer in opened:
        writer.close()
    await until(lambda: rig.server is not None and rig.server._watchers == 1)


async def test_complaints_are_bounded(rig: Rig, log: io.StringIO) -> None:
    """However often a peer breaks the protocol, the log stays short."""
    for _ in range(100):
        await rig.say(b"X" * 20)
    assert log.getvalue().count("\n") < 60


async def test_unread_results_hold_memory_and_jobs_wait_for_it(rig: Rig) -> None:
    """A result holds its bytes twice until it is read; a job isn't read before there is room for what it may write."""
    size = 5_000_000

    async def run(_: Job, __: Stages) -> Result:
        return Result(Outcome.OK, files=(NamedFile("x", bytes(size)),))

    rig.launcher.run = run  # type: ignore[method-assign]
    rig.memory.total_bytes = received_job_bytes(DEFAULT_FACTS.limits.output_limit_bytes, 1) + size
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX) as peer:
        peer.setblocking(False)
        await loop.sock_connect(peer, str(rig.path))
        await loop.sock_sendall(peer, b"".join(encode_job(Job("x"))))
        await until(lambda: 2 * size <= rig.memory.held_bytes < 2 * size + 100_000)
        waiting = asyncio.create_task(rig.client.run(Job("x"), Stages()))
        await until(lambda: rig.memory.waiting_count)
        assert rig.server is not None
        assert rig.server.running_count == 1
    assert (await waiting).outcome is Outcome.OK
    await until(lambda: not rig.memory.held_bytes)


async def test_job_without_memory_is_refused_in_time(rig: Rig) -> None:
    """A job for which no memory becomes free is told so, and the gateway hears of it as of a full queue."""
    rig.memory._wait_s = 0.05
    with rig.memory.hold("another") as hold:
        assert hold.try_grow(rig.memory.total_bytes)
        assert failure_in(await rig.say(*encode_job(Job("x")))).error == "QueueTimeout"
    assert (await rig.client.run(Job("x"), Stages())).outcome is Outcome.OK


async def test_server_works_while_it_accepts_and_its_launcher_is_whole(rig: Rig) -> None:
    """The watchdog of a launcher's process depends on both."""
    assert rig.server is not None
    assert rig.server.works
    rig.launcher.is_broken = True
    assert not rig.server.works
    rig.launcher.is_broken = False
    assert rig.server.works
    await rig.server.aclose()
    assert not rig.server.works
