"""A conversation over a real socket: ready, idle, exchange, and every way it can end early."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.runner.conversation import PRELUDE_LIMIT, Conversation, Phase, StreamEnded, open_conversation
from gateway.launcher.runner.frames import END, PICTURE, READY, MalformedReply, OutputExceeded, encode_frame, with_head
from gateway.launcher.runner.reply import ClaimedPicture, Reply, ReplyReader
from gateway.model.jobs import Format, Job
from gateway.model.results import Outcome
from tests.fakes import block, settle, until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READY_BLOCK = block(1, encode_frame(READY))
LIMIT = 1000
HEAD = json.dumps({"figure": 1, "label": "", "format": "png", "pixels_sha256": None}).encode()
REPLY = encode_frame(PICTURE, with_head(HEAD, b"png")) + encode_frame(END, json.dumps({"outcome": "ok"}).encode())
READ = Reply(Outcome.OK, (ClaimedPicture(1, "", Format.PNG, b"png"),))


class Runner:
    """The container's end of the stream, and ours."""

    def __init__(self, peer: socket.socket, conversation: Conversation) -> None:
        self.peer = peer
        self.talk = conversation
        self.spoilt = 0
        self.talk.on_spoilt = self._count

    def _count(self) -> None:
        self.spoilt += 1

    @property
    def is_read(self) -> bool:
        """Whether what the runner writes is still read."""
        assert self.talk._transport is not None
        return self.talk._transport.is_reading()

    async def write(self, data: bytes) -> None:
        """Write as the engine passes it on."""
        await asyncio.get_running_loop().sock_sendall(self.peer, data)

    async def become_idle(self) -> None:
        """Send the ready frame, and wait until it has been read."""
        await self.write(READY_BLOCK)
        await asyncio.wait_for(self.talk.wait_ready(), slowed(5))

    def exchange(self, limit: int = LIMIT) -> asyncio.Task[Reply]:
        """Begin to exchange a job."""
        return asyncio.create_task(self.talk.exchange(b"job", new_reader(limit), limit))


def new_reader(limit: int = LIMIT) -> ReplyReader:
    """Return what assembles the reply to a plain job."""
    return ReplyReader(Job("code"), limit)


@pytest.fixture
async def runner(caplog: pytest.LogCaptureFixture) -> AsyncIterator[Runner]:
    """Return a fresh conversation; check that asyncio logs no errors by its end."""
    ours, peer = socket.socketpair()
    peer.setblocking(False)
    runner = Runner(peer, await open_conversation(ours))
    yield runner
    runner.talk.close()
    peer.close()
    await settle()
    assert ours.fileno() == -1
    gc.collect()
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []


async def test_ready_idle_exchange(runner: Runner) -> None:
    """What happens with every good container: ready, idle, the job goes out, the reply comes back."""
    assert not runner.talk.is_idle
    await runner.become_idle()
    assert runner.talk.is_idle
    assert runner.is_read
    task = runner.exchange()
    assert await asyncio.get_running_loop().sock_recv(runner.peer, 100) == b"job"
    assert not runner.talk.is_idle
    await runner.write(block(2, b"a print") + block(1, REPLY))
    assert await task == READ
    assert runner.spoilt == 0
    assert not runner.talk.is_idle


async def test_complaint_of_a_runner_is_kept_printable(runner: Runner) -> None:
    """The last line on stderr before it was ready, cut; what a job writes is no complaint."""
    await runner.write(block(2, b"x" * 500) + block(2, b"\nit is of\x1b another kernel\n"))
    await settle()
    assert runner.talk.complaint == "it is of another kernel"
    await runner.become_idle()
    task = runner.exchange()
    await runner.write(block(2, b"a guest\n") + block(1, REPLY))
    await task
    assert runner.talk.complaint == "it is of another kernel"


async def test_reply_may_come_byte_by_byte(runner: Runner) -> None:
    """How a stream is split makes no difference, on a real socket too."""
    for byte in READY_BLOCK:
        await runner.write(bytes([byte]))
        await settle(2)
    await asyncio.wait_for(runner.talk.wait_ready(), slowed(5))
    task = runner.exchange()
    for byte in b"".join(block(1, bytes([byte])) for byte in REPLY):
        await runner.write(bytes([byte]))
        await settle(2)
    assert await asyncio.wait_for(task, slowed(5)) == READ


@pytest.mark.parametrize(
    "rest",
    [
        pytest.param(block(1, REPLY), id="a reply"),
        pytest.param(READY_BLOCK, id="ready again"),
        pytest.param(block(1, b"x"), id="one byte"),
    ],
)
async def test_runner_that_speaks_before_its_job_is_spoilt(runner: Runner, rest: bytes) -> None:
    """A warm container that writes to stdout before its job is never given one, and this is reported once."""
    await runner.become_idle()
    await runner.write(rest)
    await until(lambda: runner.spoilt)
    await runner.write(rest)
    runner.talk.close()
    await settle()
    assert runner.spoilt == 1
    with pytest.raises(StreamEnded):
        await runner.talk.exchange(b"job", new_reader(), LIMIT)


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(block(1, encode_frame(READY) + b"x"), id="ready and more in one block"),
        pytest.param(block(1, encode_frame(READY) * 2), id="ready twice in one block"),
        pytest.param(block(1, b"hello world"), id="a print"),
        pytest.param(block(1, encode_frame(PICTURE, b"x")), id="a picture"),
        pytest.param(block(1, struct.pack(">cI", READY, 1)), id="ready with a body"),
        pytest.param(b"HTTP/1.1 500", id="not a stream of blocks"),
    ],
)
async def test_first_words_that_are_not_ready_end_it(runner: Runner, first: bytes) -> None:
    """Anything but exactly one ready frame first is malformed; such a container never becomes idle."""
    await runner.write(first)
    with pytest.raises(MalformedReply):
        await asyncio.wait_for(runner.talk.wait_ready(), slowed(5))
    assert not runner.talk.is_idle
    assert runner.spoilt == 0


async def test_warnings_of_the_import_are_let_pass(runner: Runner) -> None:
    """What a runner writes to stderr before its job is ignored."""
    await runner.write(block(2, b"warning"))
    await runner.become_idle()
    await runner.write(block(2, b"warning"))
    task = runner.exchange()
    await runner.write(block(1, REPLY))
    assert Outcome.OK is (await task).outcome


@pytest.mark.parametrize("stream", [1, 2])
async def test_flood_before_ready_ends_it(runner: Runner, stream: int) -> None:
    """A container can't fill the memory before it is ready, on either stream."""
    kind = b"R" if stream == 1 else b"x"
    sending = asyncio.create_task(runner.write(block(stream, kind * (2 * PRELUDE_LIMIT))))
    with pytest.raises(MalformedReply):
        await asyncio.wait_for(runner.talk.wait_ready(), slowed(5))
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_flood_while_idle_spoils_it(runner: Runner) -> None:
    """A warm container that floods stderr is spoilt."""
    await runner.become_idle()
    sending = asyncio.create_task(runner.write(block(2, bytes(2 * PRELUDE_LIMIT))))
    await until(lambda: runner.spoilt)
    assert runner.spoilt == 1
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


@pytest.mark.parametrize("stream", [1, 2])
async def test_flood_during_the_job_is_told_and_not_read_on(runner: Runner, stream: int) -> None:
    """Output beyond its cap ends the job, on either stream, and the rest stays in the guest's pipe."""
    await runner.become_idle()
    task = runner.exchange()
    payload = struct.pack(">cI", PICTURE, LIMIT) + bytes(LIMIT)
    await runner.write(block(stream, payload))
    with pytest.raises(OutputExceeded):
        await asyncio.wait_for(task, slowed(5))
    assert not runner.is_read


async def test_flood_after_the_reply_is_not_read(runner: Runner) -> None:
    """What a guest writes after its reply stays in its pipe."""
    await runner.become_idle()
    task = runner.exchange()
    await runner.write(block(1, REPLY))
    await asyncio.wait_for(task, slowed(5))
    assert not runner.is_read


async def test_flood_in_one_piece_with_the_answer_spoils_nothing(runner: Runner) -> None:
    """A whole reply within the cap counts, even if the bytes that complete it also exceed the cap."""
    await runner.become_idle()
    task = runner.exchange()
    await settle()
    runner.talk.data_received(block(1, REPLY) + block(1, b"x" * (LIMIT + 1)))
    assert await asyncio.wait_for(task, slowed(5)) == READ
    assert not runner.is_read


async def test_output_of_exactly_the_cap_passes(runner: Runner) -> None:
    """The cap counts all bytes of both streams with their framing; the cap itself is allowed."""
    await runner.become_idle()
    data = block(2, b"print") + block(1, REPLY)
    task = runner.exchange(len(data))
    await runner.write(data)
    assert Outcome.OK is (await asyncio.wait_for(task, slowed(5))).outcome


async def test_end_before_ready(runner: Runner) -> None:
    """If a container dies while it starts, waiting for it fails."""
    runner.peer.close()
    with pytest.raises(StreamEnded):
        await asyncio.wait_for(runner.talk.wait_ready(), slowed(5))
    assert runner.spoilt == 0


async def test_end_before_ready_without_a_waiter(runner: Runner) -> None:
    """If a container dies and no task waits for it, asyncio logs no error."""
    runner.peer.close()
    await until(lambda: runner.talk._phase is Phase.DONE)


async def test_end_while_idle_spoils_it(runner: Runner) -> None:
    """The death of a warm container is noticed at that moment, and reported once."""
    await runner.become_idle()
    runner.peer.close()
    await until(lambda: runner.spoilt)
    assert not runner.talk.is_idle
    runner.talk.close()
    assert runner.spoilt == 1


@pytest.mark.parametrize("cut", [0, 4, 8, 10, len(block(1, REPLY)) - 1])
async def test_end_within_a_reply_is_not_a_reply(runner: Runner, cut: int) -> None:
    """A stream that ends before the reply does is distinguished from one that ends after it, wherever it is cut."""
    await runner.become_idle()
    task = runner.exchange()
    await settle()
    await asyncio.get_running_loop().sock_recv(runner.peer, 100)
    await runner.write(block(1, REPLY)[:cut])
    runner.peer.close()
    with pytest.raises(StreamEnded):
        await asyncio.wait_for(task, slowed(5))
    assert runner.spoilt == 0


async def test_malformed_reply_ends_the_job(runner: Runner) -> None:
    """A guest that writes to the reply's stream only spoils its own job."""
    await runner.become_idle()
    task = runner.exchange()
    await runner.write(block(1, b"forged"))
    with pytest.raises(MalformedReply):
        await asyncio.wait_for(task, slowed(5))


async def test_cancelled_exchange_leaves_no_noise(runner: Runner) -> None:
    """When the job's client is gone, what still arrives causes no error."""
    await runner.become_idle()
    task = runner.exchange()
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await runner.write(block(1, REPLY))
    await settle()
    runner.peer.close()
    await settle()


async def test_cancelled_wait_for_ready_leaves_it_usable(runner: Runner) -> None:
    """A cancelled wait for the ready frame doesn't affect the next one."""
    task = asyncio.create_task(runner.talk.wait_ready())
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await runner.become_idle()


async def test_conversation_serves_one_job(runner: Runner) -> None:
    """A second job is refused, as is one before ready."""
    with pytest.raises(StreamEnded):
        await runner.talk.exchange(b"job", new_reader(), LIMIT)
    await runner.become_idle()
    task = runner.exchange()
    await runner.write(block(1, REPLY))
    await task
    with pytest.raises(StreamEnded):
        await runner.talk.exchange(b"job", new_reader(), LIMIT)


async def test_close_ends_the_runners_stdin(runner: Runner) -> None:
    """When we close, the runner sees the end of its stdin, and a pending wait fails."""
    waiting = asyncio.create_task(runner.talk.wait_ready())
    await settle()
    runner.talk.close()
    assert await asyncio.wait_for(asyncio.get_running_loop().sock_recv(runner.peer, 10), slowed(5)) == b""
    with pytest.raises(StreamEnded):
        await waiting
