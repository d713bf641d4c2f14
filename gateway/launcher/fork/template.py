"""The launcher's end of the template: asks it to fork runners, and hears of their ends.

What the template is and does stands in runner-image/fork/template.py; how a forked runner is judged, in
`gateway.launcher.fork.comparison`.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from loguru import logger

from gateway.launcher.fork.call_filter import read_call_filter
from gateway.launcher.fork.comparison import Process, ProcessGone, confine, differences, resource_limits
from gateway.launcher.runner.frames import Demultiplexer, FrameReader, MalformedReply, Stream, encode_frame
from gateway.model.errors import ContainerLost

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Mapping
    from typing import Self

READY, FILTER, FORK, FORKED, ENDED = b"R", b"B", b"K", b"C", b"X"

#: Longest payload of the template's frames in bytes: small JSON.
REPLY_LIMIT = 4096

#: Seconds the template may take to fork.
FORK_LIMIT_S = 10.0

#: Seconds the template's word for how a runner ended may come after its container's end: two ways lead here.
EXIT_LIMIT_S = 2.0


class TemplateFailed(ContainerLost):
    """The template did not do what it was asked: it has ended, or a container has."""


class CanNotFork(TemplateFailed):
    """Runners can't be forked on this host, or not alike: trying again gives the same."""


class TemplateLink(asyncio.Protocol):
    """The template's streams, as frames."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.lost: asyncio.Future[None] = loop.create_future()
        #: Called with a child's process id and its exit code when it has ended.
        self.on_end: Callable[[int, int], None] = lambda *_: None
        self._transport: asyncio.Transport | None = None
        self._demultiplexer = Demultiplexer()
        self._frames = FrameReader({READY: 0, FORKED: REPLY_LIMIT, ENDED: REPLY_LIMIT})
        self._forks: dict[int, asyncio.Future[int]] = {}

    async def fork(self, stub: int, wishes: Mapping[str, object]) -> int:
        """Return the process id of a child forked into a stub's container, and made what `wishes` say.

        Raises:
            TemplateFailed: It couldn't.
        """
        if self._transport is None or self.lost.done():
            raise TemplateFailed("the template has ended")
        reply: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._forks[stub] = reply
        try:
            self._transport.write(encode_frame(FORK, json.dumps({"stub": stub, **wishes}).encode()))
            async with asyncio.timeout(FORK_LIMIT_S):
                return await reply
        except TimeoutError as error:
            raise TemplateFailed("the template doesn't fork") from error
        finally:
            self._forks.pop(stub, None)

    def tell_filter(self, call_filter: bytes) -> None:
        """Hand over the filter that children put on."""
        if self._transport is not None:
            self._transport.write(encode_frame(FILTER, call_filter))

    def close(self) -> None:
        """Close the streams; the template then ends by itself."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to write."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - of a stream socket it always is
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Take what the template says; anything out of form ends it."""
        try:
            for stream, piece in self._demultiplexer.feed(data):
                if stream is Stream.STDOUT:
                    for kind, payload in self._frames.feed(piece):
                        self._take(kind, json.loads(payload) if payload else {})
        except (MalformedReply, ValueError, LookupError, TypeError) as error:
            logger.error("template out of form", error=type(error).__name__)
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the engine says why, if asked
        """Tell everybody who waits."""
        error = TemplateFailed("the template has ended")
        waiters: list[asyncio.Future[Any]] = [self.ready, *self._forks.values()]
        for waiting in waiters:
            if not waiting.done():
                waiting.set_exception(error)
                waiting.exception()
        if not self.lost.done():
            self.lost.set_result(None)

    def _take(self, kind: bytes, document: dict[str, Any]) -> None:
        if kind == READY:
            if not self.ready.done():
                self.ready.set_result(None)
        elif kind == ENDED:
            self.on_end(int(document["child"]), int(document["exit_code"]))
        elif (reply := self._forks.get(int(document["stub"]))) is not None and not reply.done():
            if "child" in document:
                reply.set_result(int(document["child"]))
            else:
                reply.set_exception(TemplateFailed(f"the template can't fork: {str(document.get('fault'))[:200]!r}"))


class ForkedRunner:
    """A runner and its container's process 1, both held by their directories in `/proc`."""

    def __init__(self, stub: Process, runner: Process) -> None:
        self.stub = stub
        self.runner = runner
        self._exit_code: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    def note_exit(self, exit_code: int) -> None:
        """Take the template's word for how the runner ended."""
        if not self._exit_code.done():
            self._exit_code.set_result(exit_code)

    async def wait_exit(self) -> int:
        """Return the runner's exit status, which its parent learns about when its container ends, or a moment later.

        Raises:
            ContainerLost: The template doesn't say; it may have ended, too.
        """
        try:
            async with asyncio.timeout(EXIT_LIMIT_S):
                return await asyncio.shield(self._exit_code)
        except TimeoutError as error:
            raise ContainerLost("how a runner ended can't be told") from error

    def judge(self) -> None:
        """Raise unless the runner is like its stub, system call filter included; blocks for a moment.

        Raises:
            TemplateFailed: It isn't, or one of them has ended.
        """
        try:
            found = differences(self.stub, self.runner)
            if not found and read_call_filter(self.runner.process_id) != read_call_filter(self.stub.process_id):
                found = ["the system call filter"]
        except (ProcessGone, OSError) as error:
            raise TemplateFailed("a runner or its container ended early") from error
        if found:
            raise CanNotFork(f"a forked runner is not like its container's process 1: {', '.join(found)}")

    def close(self) -> None:
        """Give up both processes."""
        self.stub.close()
        self.runner.close()

    @classmethod
    async def fork(cls, link: TemplateLink, stub: Process, *, uid: int, idle_limit_s: float) -> Self:
        """Fork a runner into the container of `stub`, and confine it; it is judged when it says that it is ready.

        Raises:
            TemplateFailed: It couldn't be done.
        """
        try:
            groups = [int(group) for group in stub.status().get("Groups", "").split()]
            limits = resource_limits(stub)
        except (ProcessGone, LookupError, ValueError) as error:
            raise TemplateFailed("a container's process 1 can't be read") from error
        wishes = {"uid": uid, "gid": uid, "groups": groups, "limits": limits, "idle_limit_s": idle_limit_s}
        child = await link.fork(stub.process_id, wishes)
        try:
            runner = Process(child)
        except ProcessGone as error:
            raise TemplateFailed("a forked runner ended at once") from error
        try:
            confine(stub, runner)
        except (ProcessGone, OSError, LookupError) as error:
            runner.kill()
            runner.close()
            raise TemplateFailed("a forked runner can't be confined") from error
        return cls(stub, runner)


async def open_link(stream: socket.socket) -> TemplateLink:
    """Speak over the socket of the template's attach call, which from now on belongs to the link."""
    stream.setblocking(False)
    _, link = await asyncio.get_running_loop().create_unix_connection(TemplateLink, sock=stream)
    return link
