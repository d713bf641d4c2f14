"""aiohttp's protocol for one connection, with the limits that aiohttp leaves open.

A head has a time limit (408) and a size limit as a whole (431). The bytes that a request brings are bounded together
with what the parser swallows, such as chunk extensions. A response has to be read within a time limit. A head that
can't be parsed is refused without quoting it: aiohttp itself quotes it, with the API key that may be in it, in both
response and log.

This uses private names of aiohttp's `RequestHandler` (`_request_count`, `_waiter`, `_current_request`), because there
is no other way to know what a connection is doing, and sets `MAX_MSG_QUEUE_SIZE` of its module. The version is locked,
and tests fail if one of them disappears.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web, web_protocol
from aiohttp.http_exceptions import LineTooLong
from aiohttp.streams import EMPTY_PAYLOAD
from loguru import logger

from gateway.model.errors import HeadTimeout, HeadTooLarge, MalformedRequest
from gateway.server import problems
from gateway.server.middleware import HOLDER, new_request_id, raw_response

if TYPE_CHECKING:
    from aiohttp.streams import StreamReader
    from aiohttp.web_request import BaseRequest

    from gateway.model.errors import GatewayError
    from gateway.server.connections import Edge

#: Seconds a connection may be without a request.
KEEPALIVE_S = 20.0

#: Seconds to go on reading and discarding after a refusal: closing at once would reset the connection, and the client
#: might not see the response.
LINGERING_S = 2.0

#: Bytes that may delimit a body's chunks, and the share of the body (an eighth) that may do so beyond them. A chunk
#: costs microseconds whatever its length, so a body in chunks of one byte costs a hundred times as much as a whole one.
#: Chunks of 48 bytes and more always stay below.
FRAMING_LIMIT_BYTES = 64 * 1024
FRAMING_SHARE = 8

#: Seconds a client may take to read a response, and may leave what was sent unacknowledged.
RESPONSE_LIMIT_S = 120.0

#: Bytes that a connection reads from the kernel at once, and bytes of a body that aiohttp keeps unread before it stops
#: reading: the kernel keeps the rest. With their own 256 KiB each, a connection could take 768 KiB before its body is
#: wanted.
READ_BYTES = 32 * 1024
UNREAD_BYTES = 16 * 1024

#: Requests of one connection that wait for the one before them. A head of many short fields takes twenty times its
#: bytes, and aiohttp would let 32 of them wait: 600 KiB for each connection whose client reads no response. With fewer
#: than three it stops reading after one that is malformed, and doesn't notice that the client hangs up.
WAITING_REQUESTS = 3
web_protocol.MAX_MSG_QUEUE_SIZE = WAITING_REQUESTS

#: Bytes that may wait to be written before the writer has to wait.
UNWRITTEN_BYTES = 32 * 1024

#: Arguments of aiohttp's protocol besides the server.
PROTOCOL_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": KEEPALIVE_S,
    "lingering_time": LINGERING_S,
    "read_bufsize": UNREAD_BYTES,
    # A compressed body is refused; there is no need to unpack the rest of it.
    "auto_decompress": False,
}


class EdgeProtocol(web.RequestHandler):
    """One connection that was let in.

    Args:
        edge: What it shares with the others.
        server: The server of its requests.
        loop: The running event loop.
    """

    __slots__ = (
        "_body",
        "_body_begun",
        "_edge",
        "_head_bytes",
        "_head_end",
        "_is_refused",
        "_request_bytes",
        "_responding_to",
        "_response_end",
        "had_a_key",
    )

    def __init__(self, edge: Edge, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, **PROTOCOL_OPTIONS)
        self._edge = edge
        self._head_bytes = 0
        self._head_end: asyncio.TimerHandle | None = None
        self._is_refused = False
        self._request_bytes = 0
        self._body: StreamReader = EMPTY_PAYLOAD
        self._body_begun = 0
        self._responding_to: BaseRequest | None = None
        self._response_end: asyncio.TimerHandle | None = None
        #: Whether any request of this connection had a right key.
        self.had_a_key = False

    @property
    def works_for_a_key(self) -> bool:
        """Whether a request with a right key is being served, or its response sent."""
        return self.key is not None

    @property
    def key(self) -> str | None:
        """Name of the right key whose request is being served, or its response sent."""
        request = self._current_request or self._responding_to
        return request[HOLDER].name if request is not None and HOLDER in request else None

    @property
    def is_new(self) -> bool:
        """Whether nothing has come yet."""
        return not self._request_count and self._head_end is None and not self._is_refused

    @property
    def is_at_work(self) -> bool:
        """Whether a request is under way, from the first byte of its head to the last of its response."""
        return not self._is_refused and (self._head_end is not None or not self._waits_for_head)

    def check_share(self, key: str, key_count: int) -> None:
        """Refuse a request whose key has its share of connections; see `Edge.check_share`."""
        self._edge.check_share(key, key_count)

    @property
    def _waits_for_head(self) -> bool:
        return not self._request_count or (self._waiter is not None and not self._waiter.done())

    def make_room(self, error: GatewayError) -> None:
        """Close at once; a client that has begun to send a head is told why."""
        if self.transport is None:
            return
        if self._is_refused or not self._waits_for_head:
            self.transport.abort()
            return
        if self._head_bytes:
            self.transport.write(raw_response(error, new_request_id()))
        self.force_close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        if isinstance(transport, asyncio.WriteTransport):
            transport.set_write_buffer_limits(UNWRITTEN_BYTES)
        if hasattr(transport, "max_size"):  # of asyncio's own transports
            transport.max_size = READ_BYTES
        user_timeout = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux; elsewhere there is only the time limit below
        if user_timeout is not None:
            connection: socket.socket = transport.get_extra_info("socket")
            with suppress(OSError):  # not TCP, or gone already
                connection.setsockopt(socket.IPPROTO_TCP, user_timeout, int(RESPONSE_LIMIT_S * 1000))

    def connection_lost(self, exc: BaseException | None) -> None:
        """Stop all timers."""
        if self._response_end is not None and isinstance(exc, TimeoutError):
            self._edge.note("response-timeout")  # the kernel's clock, set above, was ahead of ours
        self._edge.leave(self)
        self._end_head()
        self._end_response()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what came, and apply the limits."""
        if self._is_refused:
            return
        requests = self._request_count
        super().data_received(data)
        if self._request_count != requests:
            self._end_head()
            self._begin_body()
        elif self._waits_for_head:
            self._continue_head(data)
        else:  # also a body that nobody wants any more
            self._request_bytes += len(data)
            if self._brings_too_much() and self.transport is not None:
                self._edge.note("framing-too-large")
                self._is_refused = True  # or the reader of the body would have the rest parsed that is here already
                self.transport.abort()

    def pause_writing(self) -> None:
        """Start the time limit of a client that reads its response slowly."""
        super().pause_writing()
        self._response_end = self._loop.call_later(RESPONSE_LIMIT_S, self.cut)

    def resume_writing(self) -> None:
        """Stop that time limit."""
        super().resume_writing()
        self._end_response()

    # aiohttp's RequestHandler

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response; meanwhile the connection still works for the request's key."""
        self._responding_to = request
        try:
            if not self._is_refused:
                return await super().finish_response(request, resp, start_time)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect in what adds headers; aiohttp would close silently
            resp = self.handle_error(request, HTTPStatus.INTERNAL_SERVER_ERROR, error)
        finally:
            self._responding_to = None
            if HOLDER in request and self.transport is not None:
                self.had_a_key = True
                self._edge.enter(self)
        await asyncio.sleep(LINGERING_S)  # cancelled when the client closes
        return resp, False

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - it quotes the request
    ) -> web.StreamResponse:
        """Respond with a constant text to a request that reached no handler, and log one short line.

        The response is written here: aiohttp would begin it with the version that the request claims.
        """
        if request.writer.output_size > 0 or self.transport is None:
            raise ConnectionError("the response has begun already, or the client is gone")
        if isinstance(exc, LineTooLong):
            error: GatewayError | None = HeadTooLarge("A line of the head is too long")
        elif status == problems.PROBLEMS[MalformedRequest].status:
            error = MalformedRequest("Malformed HTTP request")
        else:
            error = None
        request_id = new_request_id()
        if error is not None:
            cause = type(exc).__name__ if exc is not None else "ambiguous"
            self._edge.note(problems.slug_of(error), request_id, cause)
        else:
            logger.opt(exception=exc).bind(request_id=request_id).error("internal error")
            self._edge.count_defect()
        self._write_refusal(self.transport, raw_response(error, request_id))
        written = web.Response(status=status)
        written.force_close()
        return written

    # Own

    def _continue_head(self, data: bytes) -> None:
        """Apply the limits to a head that isn't complete yet."""
        self._head_bytes += len(data)
        if self._head_bytes > self._edge.limits.head_bytes:
            self._refuse(HeadTooLarge("The head is too long"))
        elif self._head_end is None and data.strip(b"\r\n"):  # old clients append line ends, which don't begin a head
            self.keep_alive(True)  # stops aiohttp's timer for idle connections
            late = HeadTimeout("The head did not arrive in time")
            self._head_end = self._loop.call_later(self._edge.limits.head_s, self._refuse, late)

    def _begin_body(self) -> None:
        """Count from here what the newest request brings; part of its body may have come with its head."""
        _, self._body = self._messages[-1]
        self._body_begun = self._body.total_bytes
        self._request_bytes = 0

    def _brings_too_much(self) -> bool:
        """Tell whether a request brings more than it may, or too little body for what comes around it."""
        if self._request_bytes > self._edge.limits.request_bytes:
            return True
        body = self._body.total_bytes - self._body_begun
        # aiohttp's parser keeps what it has got unread while it is told to pause.
        unparsed = getattr(self.transport, "max_size", 0) if self._reading_paused else 0
        return self._request_bytes - body > FRAMING_LIMIT_BYTES + body // FRAMING_SHARE + unparsed

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_end is not None:
            self._head_end.cancel()
            self._head_end = None

    def _refuse(self, error: GatewayError) -> None:
        """Refuse a head that isn't complete, and linger."""
        transport = self.transport
        if transport is None or self._is_refused:
            return
        request_id = new_request_id()
        self._edge.note(problems.slug_of(error), request_id)
        self._write_refusal(transport, raw_response(error, request_id))
        self.close()
        self._loop.call_later(LINGERING_S, transport.abort)

    def _write_refusal(self, transport: asyncio.Transport, response: bytes) -> None:
        """Send the last response of this connection; nothing received from now on is read."""
        self._is_refused = True
        self._end_head()
        transport.write(response)
        transport.write_eof()

    def _end_response(self) -> None:
        if self._response_end is not None:
            self._response_end.cancel()
            self._response_end = None

    def cut(self) -> None:
        """End a connection whose client doesn't read its response."""
        self._end_response()
        self._edge.note("response-timeout")
        if self.transport is not None:
            self.transport.abort()
