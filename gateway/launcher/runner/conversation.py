"""One container's attach stream as an asyncio protocol: ready, then one job, then one reply.

    STARTING --R--> IDLE --send--> RUNNING --reply--> DONE
                                           --reply--> EXPLAINING --explanations--> DONE, if the job asks for them
        any of these --stream ends, bytes out of turn, too many bytes--> DONE, with the reason

A complete reply stands, whatever comes of the explanations. The bytes are parsed as they arrive, so only the reply
itself accumulates, and a warm container that speaks or dies before its job is noticed at once.
"""

from __future__ import annotations

import asyncio
from enum import Enum, auto
from typing import TYPE_CHECKING, cast

from gateway.launcher.runner.frames import (
    READY,
    Demultiplexer,
    FrameReader,
    MalformedReply,
    OutputExceeded,
    Stream,
    last_words,
)
from gateway.model.jobs import Describe
from gateway.model.results import Outcome

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from gateway.launcher.runner.reply import Reply, ReplyReader

#: Bytes a container may write before its job, warnings of the import included.
PRELUDE_LIMIT = 64 * 1024

#: Longest complaint of a runner that doesn't become ready, in bytes.
COMPLAINT_LIMIT = 200

#: Bytes that are read at once.
READ_BYTES = 64 * 1024


class StreamEnded(Exception):
    """The container's stream ended before its reply did."""


class Phase(Enum):
    """Where a conversation is."""

    STARTING = auto()
    IDLE = auto()
    RUNNING = auto()
    EXPLAINING = auto()
    DONE = auto()


class Conversation(asyncio.Protocol):
    """Talks to one runner; serves one job, like its container."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._phase = Phase.STARTING
        self._transport: asyncio.Transport | None = None
        self._demultiplexer = Demultiplexer()
        self._prelude = FrameReader({READY: 0})
        self._reply_reader: ReplyReader | None = None
        self._allowance = PRELUDE_LIMIT
        self._said = b""
        self._ready: asyncio.Future[None] = loop.create_future()
        self._reply: asyncio.Future[Reply] = loop.create_future()
        self._explanations: asyncio.Future[bytes] = loop.create_future()
        #: Called once if the conversation ends while idle, which spoils the warm container.
        self.on_spoilt: Callable[[], None] | None = None

    @property
    def is_idle(self) -> bool:
        """Whether the runner waits for its job and has behaved so far."""
        return self._phase is Phase.IDLE

    @property
    def complaint(self) -> str:
        """The last line that the runner, which has seen no job yet, wrote to stderr before it was ready."""
        return last_words(self._said)

    async def wait_ready(self) -> None:
        """Wait until the runner says it is ready.

        Raises:
            StreamEnded, OutputExceeded, MalformedReply: It never will be.
        """
        await asyncio.shield(self._ready)

    async def exchange(self, job_frames: bytes, reader: ReplyReader, output_limit_bytes: int) -> Reply:
        """Hand the job over and return the reply.

        Args:
            job_frames: As `frames.encode_job` makes them.
            reader: Assembles the reply, and keeps what was printed even if the reply never completes.
            output_limit_bytes: Bytes the container may write from now on, on both streams together.

        Raises:
            StreamEnded, OutputExceeded, MalformedReply: No complete reply came.
        """
        if self._phase is not Phase.IDLE or self._transport is None:
            raise StreamEnded
        self._phase = Phase.RUNNING
        self._allowance = output_limit_bytes
        self._reply_reader = reader
        self._transport.write(job_frames)
        return await self._reply

    async def explanations(self) -> bytes:
        """Return what the runner says of the figures of its reply, which came and was OK, to a job that asks for that.

        Raises:
            StreamEnded, OutputExceeded, MalformedReply: It says nothing that can be read.
        """
        return await asyncio.shield(self._explanations)

    def close(self) -> None:
        """End the conversation from our side; the engine then closes the runner's stdin."""
        self._finish(StreamEnded())
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport for writing, and read little at once: a guest can make a read of 256 KiB take 0.1 s."""
        if hasattr(transport, "max_size"):  # of asyncio's own transports
            transport.max_size = READ_BYTES
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Parse what came; anything wrong with it ends the conversation."""
        if self._phase is Phase.DONE:
            return
        allowed = data[: self._allowance]
        self._allowance -= len(allowed)
        try:
            for stream, piece in self._demultiplexer.feed(allowed):
                if stream is Stream.STDOUT:
                    self._take_output(piece)
                elif self._phase is Phase.STARTING:
                    self._said = (self._said + piece)[-COMPLAINT_LIMIT:]
        except MalformedReply as error:
            self._finish(error)
        if len(allowed) < len(data):  # has no effect after a complete reply: where the stream is cut must not matter
            self._finish(OutputExceeded())

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the caller asks the engine why
        """End the conversation."""
        self._finish(StreamEnded())

    def _take_output(self, piece: bytes) -> None:
        if self._phase is Phase.RUNNING and self._reply_reader is not None:
            reply = self._reply_reader.feed(piece)
            if reply is not None:
                self._take_reply(reply, self._reply_reader)
        elif self._phase is Phase.EXPLAINING and self._reply_reader is not None:
            self._take_explanations(piece, self._reply_reader)
        elif self._phase is Phase.STARTING:
            frames = list(self._prelude.feed(piece))
            if frames and (len(frames) > 1 or not self._prelude.is_empty):
                raise MalformedReply("it spoke before its job")
            if frames:
                self._phase = Phase.IDLE
                self._ready.set_result(None)
        elif self._phase is Phase.IDLE:
            raise MalformedReply("it spoke before its job")

    def _take_reply(self, reply: Reply, reader: ReplyReader) -> None:
        """Hand over a complete reply, and go on only if something is to follow it."""
        if not self._reply.done():  # its reader may have been cancelled
            self._reply.set_result(reply)
        if reader.level is Describe.NONE or reply.outcome is not Outcome.OK:
            self._end_reading()
        else:
            self._phase = Phase.EXPLAINING
            self._take_explanations(b"", reader)

    def _take_explanations(self, piece: bytes, reader: ReplyReader) -> None:
        explanations = reader.feed_explanations(piece)
        if explanations is not None:
            self._end_reading()
            self._explanations.set_result(explanations)

    def _end_reading(self) -> None:
        """Read no more: what follows the end is ignored, and must not flood us."""
        self._phase = Phase.DONE
        if self._transport is not None:
            self._transport.pause_reading()

    def _finish(self, error: Exception) -> None:
        """End the conversation, and raise `error` in those that wait; does nothing if it has ended already."""
        was, self._phase = self._phase, Phase.DONE
        if was is Phase.STARTING:
            self._ready.set_exception(error)
            self._ready.exception()  # marks it as retrieved: it is fine if nothing waits for it
        elif was is Phase.RUNNING and not self._reply.done():
            self._reply.set_exception(error)
            self._reply.exception()
        elif was is Phase.EXPLAINING:
            self._explanations.set_exception(error)
            self._explanations.exception()
        elif was is Phase.IDLE and self.on_spoilt is not None:
            self.on_spoilt()
        if was is not Phase.DONE and self._transport is not None and not isinstance(error, StreamEnded):
            # What we don't read fills the engine's pipe and blocks the guest: a flood stops at its source.
            self._transport.pause_reading()


async def open_conversation(stream: socket.socket) -> Conversation:
    """Return a conversation over the socket of an attach call, which it owns from now on."""
    loop = asyncio.get_running_loop()
    stream.setblocking(False)
    _, conversation = await loop.create_unix_connection(Conversation, sock=stream)
    return conversation
