"""What meets each new connection: hands it on to its protocol, or turns it away."""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING, cast

from aiohttp import hdrs, web

from gateway.model.errors import TooManyConnections
from gateway.server import problems
from gateway.server.ambiguity import is_clear
from gateway.server.connections import FAREWELLS_LIMIT, FULL
from gateway.server.middleware import REQUEST_ID, add_headers, new_request_id, raw_response
from gateway.server.protocol import LINGERING_S, EdgeProtocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.web_request import BaseRequest

    from gateway.server.connections import Edge


#: Most slashes in a path; ours have two.
DEPTH_LIMIT = 16


def protocol_factory(edge: Edge, server: web.Server) -> Callable[[], Doorman]:
    """Return what makes the protocol of each connection to `server`; ambiguous requests won't reach its handlers."""
    loop = asyncio.get_running_loop()
    handle = server.request_handler

    async def handle_if_clear(request: BaseRequest) -> web.StreamResponse:
        if not is_clear(request.version, request.method, request.raw_path, request.headers):
            return request.protocol.handle_error(request, HTTPStatus.BAD_REQUEST)
        response = await (handle(request) if is_shallow(request.raw_path) else refuse_path(request))
        if hdrs.UPGRADE in request.headers:
            response.force_close()  # what came with such a request is lost in the parser: nothing is read after it
        return response

    server.request_handler = handle_if_clear
    return lambda: Doorman(edge, server, loop)


def is_shallow(target: str) -> bool:
    """Tell whether a path has as few parts as those that there are.

    aiohttp's router looks up the path, then its parent, and so on: a path of 8000 parts takes as long as twenty
    requests.
    """
    return target.partition("?")[0].count("/") <= DEPTH_LIMIT


async def refuse_path(request: BaseRequest) -> web.StreamResponse:
    """Return the response to a path that nothing has, without looking for it."""
    request[REQUEST_ID] = new_request_id()
    response = problems.http_error_response(web.HTTPNotFound(), request[REQUEST_ID])
    await add_headers(request, response)  # type: ignore[arg-type]  # it needs no more than a base request has
    return response


class Doorman(asyncio.Protocol):
    """The protocol of a connection until it is let in or turned away."""

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
        stream.write(raw_response(error, request_id))
        stream.write_eof()

    def data_received(self, data: bytes) -> None:
        """Discard what a refused client sends: unread, it would reset the connection before the response is read."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the same however it was lost
        """End the farewell."""
        if self._end is not None:
            self._end.cancel()
            self._end = None
            self._edge.farewells -= 1
