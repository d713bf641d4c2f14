"""What is said of the figures after a reply: over a real socket, and that a complete reply stands whatever comes."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.runner.conversation import Conversation, StreamEnded, open_conversation
from gateway.launcher.runner.frames import (
    END,
    EXPLANATIONS,
    PICTURE,
    READY,
    STDOUT,
    MalformedReply,
    OutputExceeded,
    encode_frame,
    with_head,
)
from gateway.launcher.runner.reply import ReplyReader
from gateway.model.explanation import CLAIM_LIMIT_BYTES, CLAIM_WITH_DATA_LIMIT_BYTES
from gateway.model.jobs import Describe, Job, SaveOptions
from gateway.model.results import Outcome
from tests.fakes import block, settle, until

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

LIMIT = 3 * CLAIM_WITH_DATA_LIMIT_BYTES
HEAD = json.dumps({"figure": 1, "label": "", "format": "png", "pixels_sha256": None}).encode()
REPLY = encode_frame(PICTURE, with_head(HEAD, b"png")) + encode_frame(END, json.dumps({"outcome": "ok"}).encode())
FAILURE = encode_frame(END, json.dumps({"outcome": "no_figure", "figures_drawn": 0}).encode())
SAID = encode_frame(EXPLANATIONS, b"[null]")


class Runner:
    """The container's end of the stream, and ours, with a job under way."""

    def __init__(self, peer: socket.socket, talk: Conversation) -> None:
        self.peer = peer
        self.talk = talk

    async def write(self, data: bytes) -> None:
        """Write as the engine passes it on."""
        await asyncio.get_running_loop().sock_sendall(self.peer, data)

    async def begin(self, level: Describe = Describe.FULL, limit: int = LIMIT, *, collect: bool = True) -> None:
        """Begin a job that asks for so much."""
        await self.write(block(1, encode_frame(READY)))
        await self.talk.wait_ready()
        job = Job("code", SaveOptions(describe=level), collect=collect)
        self.reply = asyncio.create_task(self.talk.exchange(b"job", ReplyReader(job, limit), limit))

    @property
    def is_read(self) -> bool:
        """Whether what the runner writes is still read."""
        assert self.talk._transport is not None
        return self.talk._transport.is_reading()


@pytest.fixture
async def runner() -> AsyncIterator[Runner]:
    """Return a fresh conversation."""
    ours, peer = socket.socketpair()
    peer.setblocking(False)
    runner = Runner(peer, await open_conversation(ours))
    yield runner
    runner.talk.close()
    peer.close()
    await settle()


@pytest.mark.parametrize("level", [Describe.SUMMARY, Describe.FULL, Describe.DATA])
async def test_they_follow_the_reply(runner: Runner, level: Describe) -> None:
    """The reply is handed over at its end, before they come; when they have come, no more is read."""
    await runner.begin(level)
    await runner.write(block(1, REPLY))
    assert (await runner.reply).outcome is Outcome.OK
    assert runner.is_read
    await runner.write(block(1, SAID + b"more"))
    assert await runner.talk.explanations() == b"[null]"
    assert not runner.is_read


@pytest.mark.parametrize("cut", range(1, len(REPLY + SAID)))
async def test_however_the_stream_is_split(runner: Runner, cut: int) -> None:
    """Where a piece ends makes no difference."""
    await runner.begin()
    whole = REPLY + SAID
    await runner.write(block(1, whole[:cut]))
    await settle(3)
    await runner.write(block(1, whole[cut:]))
    assert (await runner.reply).outcome is Outcome.OK
    assert await runner.talk.explanations() == b"[null]"


@pytest.mark.parametrize(
    ("level", "collect", "reply"),
    [(Describe.NONE, True, REPLY), (Describe.FULL, False, REPLY), (Describe.FULL, True, FAILURE)],
)
async def test_nothing_is_awaited_that_was_not_asked_for(
    runner: Runner, level: Describe, reply: bytes, *, collect: bool
) -> None:
    """Without the option, without collecting and without a picture the end of the reply is the end."""
    await runner.begin(level, collect=collect)
    await runner.write(block(1, reply))
    await runner.reply
    assert not runner.is_read


@pytest.mark.parametrize(
    ("rest", "error"),
    [
        pytest.param(encode_frame(STDOUT, b"x"), MalformedReply, id="a print"),
        pytest.param(REPLY, MalformedReply, id="another reply"),
        pytest.param(b"garbage", MalformedReply, id="garbage"),
        pytest.param(struct.pack(">cI", EXPLANATIONS, CLAIM_LIMIT_BYTES + 1), OutputExceeded, id="too long"),
    ],
)
@pytest.mark.parametrize("at_once", [True, False])
async def test_reply_stands_whatever_follows(
    runner: Runner, rest: bytes, error: type[Exception], *, at_once: bool
) -> None:
    """What follows it is refused by its first bytes, and read no further, in one piece with the reply or not."""
    await runner.begin()
    for piece in [REPLY + rest] if at_once else [REPLY, rest]:
        await runner.write(block(1, piece))
    assert (await runner.reply).outcome is Outcome.OK
    with pytest.raises(error):
        await runner.talk.explanations()
    assert not runner.is_read


async def test_values_may_be_longer() -> None:
    """The longest claim is that of the level that was asked for."""
    for level, limit in ((Describe.FULL, CLAIM_LIMIT_BYTES), (Describe.DATA, CLAIM_WITH_DATA_LIMIT_BYTES)):
        reader = ReplyReader(Job("x", SaveOptions(describe=level), collect=True), LIMIT)
        assert reader.feed(REPLY) is not None
        assert reader.feed_explanations(encode_frame(EXPLANATIONS, bytes(limit))) == bytes(limit)
        with pytest.raises(OutputExceeded):
            reader.feed_explanations(struct.pack(">cI", EXPLANATIONS, limit + 1))


@pytest.mark.parametrize("stream", [1, 2])
async def test_flood_after_the_reply_is_stopped(runner: Runner, stream: int) -> None:
    """The limit of what a job may write holds for what comes after its reply, too, on either stream."""
    await runner.begin(limit=10_000)
    await runner.write(block(1, REPLY))
    await runner.reply
    head = struct.pack(">cI", EXPLANATIONS, 200_000) if stream == 1 else b""
    sending = asyncio.create_task(runner.write(block(stream, head + bytes(1_000_000))))
    with pytest.raises(OutputExceeded):
        await runner.talk.explanations()
    await until(lambda: not runner.is_read)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)


async def test_end_of_the_stream(runner: Runner) -> None:
    """A container that ends before it has said anything leaves its reply."""
    await runner.begin()
    await runner.write(block(1, REPLY + SAID[:-1]))
    assert (await runner.reply).outcome is Outcome.OK
    runner.peer.close()
    with pytest.raises(StreamEnded):
        await runner.talk.explanations()


async def test_giving_up_leaves_no_noise(runner: Runner, caplog: pytest.LogCaptureFixture) -> None:
    """Who waits no longer isn't missed when they come, or when the conversation ends."""
    await runner.begin()
    await runner.write(block(1, REPLY))
    await runner.reply
    waiting = asyncio.create_task(runner.talk.explanations())
    await settle()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    await runner.write(block(1, SAID))
    await until(lambda: not runner.is_read)
    assert [record.getMessage() for record in caplog.records if record.name == "asyncio"] == []
