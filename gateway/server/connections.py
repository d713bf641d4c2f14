"""Who may have a connection.

    accepted ─> Doorman ─┬─ there is room, or somebody makes room ─> EdgeProtocol ─> handlers
                         └─ all connections work for a key ────────> 503, closed

Strangers can't keep clients out by holding connections: when all are taken, one that doesn't work for a key makes room,
those that never sent a right key first, of equals the one that has waited longest. Only if every connection works for
a key is the newcomer refused. A limit for each address is left to a proxy in front: behind one, and on loopback, all
clients have the same.
"""

from __future__ import annotations

import asyncio
import resource
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from aiohttp import hdrs, http_parser
from loguru import logger

from gateway.model.errors import StartError, TooManyConnections
from gateway.observability.log_gate import LogGate
from gateway.server import problems
from gateway.server.ambiguity import is_clear
from gateway.server.middleware import new_request_id, raw_answer
from gateway.server.protocol import LINGERING_S, EdgeProtocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp import web
    from aiohttp.web_request import BaseRequest

    from gateway.observability.metrics import Metrics
    from gateway.settings import Settings

#: Bytes of a head, all its lines together; aiohttp bounds each line (8190) and their number (128) only.
HEAD_LIMIT_BYTES = 32 * 1024

#: Connections that are refused and linger at the same time; those beyond are cut without an answer.
FAREWELLS_LIMIT = 64

#: File descriptors beside those of connections: containers' streams, the engine's socket, files.
OTHER_DESCRIPTORS = 256

FULL = "Too many connections are open"


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What connections of one listener may do.

    Attributes:
        connections: How many there may be.
        head_s: Seconds from a head's first byte to its last.
        head_bytes: Bytes of a head.
        wire_bytes: Bytes a request may bring after its head, framing included.
    """

    connections: int = 64
    head_s: float = 10.0
    head_bytes: int = HEAD_LIMIT_BYTES
    wire_bytes: int = HEAD_LIMIT_BYTES

    @classmethod
    def public(cls, settings: Settings) -> EdgeLimits:
        """Return the limits of the public listener."""
        # Twice the body has room for chunks of eight bytes and more, and for no long chunk extensions.
        wire_bytes = 2 * max(settings.body_limit_bytes, settings.files_limit_bytes) + HEAD_LIMIT_BYTES
        return cls(settings.connections_limit, settings.head_timeout_s, HEAD_LIMIT_BYTES, wire_bytes)


class Edge:
    """What all connections of one listener share.

    Args:
        limits: What they may do.
        metrics: Where to count refusals.
    """

    def __init__(self, limits: EdgeLimits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics
        self._connections: dict[EdgeProtocol, None] = {}
        self._gates: dict[str, LogGate] = {}
        #: Connections that are refused and linger.
        self.farewells = 0

    @property
    def connection_count(self) -> int:
        """Connections that were let in and are open."""
        return len(self._connections)

    def factory(self, server: web.Server) -> Callable[[], Doorman]:
        """Return what makes a protocol for each connection of `server`."""
        loop = asyncio.get_running_loop()
        handle = server.request_handler

        async def handle_if_clear(request: BaseRequest) -> web.StreamResponse:
            if not is_clear(request.version, request.method, request.raw_path, request.headers):
                return request.protocol.handle_error(request, HTTPStatus.BAD_REQUEST)
            response = await handle(request)
            if hdrs.UPGRADE in request.headers:
                response.force_close()  # what came with such a request is lost in the parser: nothing is read after it
            return response

        server.request_handler = handle_if_clear
        return lambda: Doorman(self, server, loop)

    def has_room(self) -> bool:
        """Tell whether a connection may be let in, after another made room for it where that was needed."""
        if len(self._connections) < self.limits.connections:
            return True
        candidates = [connection for connection in self._connections if not connection.works_for_a_key]
        if not candidates:
            return False
        leaving = min(candidates, key=lambda connection: connection.had_a_key)  # of equals the first, so the oldest
        self.leave(leaving)
        self.note("made-room")
        leaving.make_room(TooManyConnections(FULL))
        return True

    def enter(self, connection: EdgeProtocol) -> None:
        """Count a connection as the newest, also one that has worked for a key and begins to wait anew."""
        self._connections.pop(connection, None)
        self._connections[connection] = None

    def leave(self, connection: EdgeProtocol) -> None:
        """Count a connection no more."""
        self._connections.pop(connection, None)

    def note(self, reason: str, request_id: str | None = None, cause: str | None = None) -> None:
        """Count a refusal, and write its line unless there are too many of its kind.

        Args:
            reason: Of the refusal, one of few.
            request_id: As the client is told, if it is.
            cause: Name of what was found, in our words only.
        """
        self._metrics.count_refusal(reason)
        left_out = self._gates.setdefault(reason, LogGate()).passes()
        if left_out is not None:
            logger.info(
                "refused at the edge", reason=reason, request_id=request_id, cause=cause, left_out=left_out or None
            )


class Doorman(asyncio.Protocol):
    """Stands at each new connection: hands it on, or turns it away."""

    def __init__(self, edge: Edge, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        self._edge = edge
        self._server = server
        self._loop = loop
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Decide."""
        stream = cast("asyncio.Transport", transport)
        if self._edge.has_room():
            connection = EdgeProtocol(self._edge, self._server, self._loop)
            self._edge.enter(connection)
            stream.set_protocol(connection)
            connection.connection_made(stream)
            return
        error = TooManyConnections(FULL)
        request_id = new_request_id()
        self._edge.note(problems.slug_of(error), request_id)
        if self._edge.farewells >= FAREWELLS_LIMIT:
            stream.abort()
            return
        self._edge.farewells += 1
        self._end = self._loop.call_later(LINGERING_S, stream.abort)
        stream.write(raw_answer(error, request_id))
        stream.write_eof()

    def data_received(self, data: bytes) -> None:
        """Throw away what a client sends that is turned away; while it is read, the refusal isn't reset."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - however it went
        """End the farewell."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
            self._edge.farewells -= 1


def check_parser() -> None:
    """Make sure that requests are parsed by llhttp, as everything about the edge was tested with.

    Raises:
        StartError: aiohttp has fallen back to its parser in Python, which reads some malformed requests otherwise.
    """
    if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
        raise StartError(
            "aiohttp parses HTTP in pure Python here: unset AIOHTTP_NO_EXTENSIONS, or install a build of aiohttp with "
            "its C extensions"
        )


def check_descriptors(connections: int) -> None:
    """Make sure that there are file descriptors for this many connections.

    Raises:
        StartError: There aren't, and the limit can't be raised.
    """
    needed = connections + FAREWELLS_LIMIT + OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise StartError(
            f"{needed} file descriptors are needed and {hard} allowed: raise the limit (ulimit -n), or lower "
            "FIGBOX_CONNECTIONS_LIMIT"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
