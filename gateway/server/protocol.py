"""aiohttp's protocol for one connection, with the limits that aiohttp leaves open.

A head has a time limit (408) and a size as a whole (431). The bytes that a request brings are bounded together with
the framing that the parser swallows, such as chunk extensions. An answer has a time limit to be taken. A head that
can't be parsed is refused without a word of it in answer or log: aiohttp itself quotes it, with the API key that may
stand in it, in both.

This uses private names of aiohttp's `RequestHandler` (`_request_count`, `_waiter`, `_current_request`), there being no
other way to know where a connection stands. The version is locked, and tests see each of them go.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong
from loguru import logger

from gateway.model.errors import HeadTimeout, HeadTooLarge, MalformedRequest
from gateway.server import problems
from gateway.server.middleware import HOLDER, new_request_id, raw_answer

if TYPE_CHECKING:
    from aiohttp.web_request import BaseRequest

    from gateway.model.errors import GatewayError
    from gateway.server.connections import Edge

#: Seconds a connection may be without a request.
KEEPALIVE_S = 20.0

#: Seconds to go on reading what nobody wants, so that the client reads the refusal.
LINGERING_S = 2.0

#: Seconds an answer may take to be taken by its client, and what was sent may stay unacknowledged.
ANSWER_LIMIT_S = 120.0

#: What aiohttp's protocol is made with, besides the server.
PROTOCOL_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": KEEPALIVE_S,
    "lingering_time": LINGERING_S,
    # A compressed body is refused; what lingers of it need not be unpacked to be thrown away.
    "auto_decompress": False,
}


class EdgeProtocol(web.RequestHandler):
    """One connection that was let in.

    Args:
        edge: What it shares with the others.
        server: Whose requests it brings.
        loop: Where it runs.
    """

    __slots__ = (
        "_answer_end",
        "_answered",
        "_edge",
        "_head_bytes",
        "_head_end",
        "_is_refused",
        "_wire_bytes",
        "had_a_key",
    )

    def __init__(self, edge: Edge, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(server, loop=loop, **PROTOCOL_OPTIONS)
        self._edge = edge
        self._head_bytes = 0
        self._head_end: asyncio.TimerHandle | None = None
        self._is_refused = False
        self._wire_bytes = 0
        self._answered: BaseRequest | None = None
        self._answer_end: asyncio.TimerHandle | None = None
        #: Whether any request of this connection had a right key.
        self.had_a_key = False

    @property
    def works_for_a_key(self) -> bool:
        """Whether a request with a right key is being served or answered."""
        request = self._current_request or self._answered
        return request is not None and HOLDER in request

    @property
    def _waits_for_head(self) -> bool:
        return not self._request_count or (self._waiter is not None and not self._waiter.done())

    def make_room(self, error: GatewayError) -> None:
        """Go at once; whoever has begun to ask is told why."""
        if self.transport is None:
            return
        if self._is_refused or not self._waits_for_head:
            self.transport.abort()
            return
        if self._head_bytes:
            self.transport.write(raw_answer(error, new_request_id()))
        self.force_close()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        super().connection_made(transport)
        user_timeout = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux; elsewhere the time limit below is all
        if user_timeout is not None:
            connection: socket.socket = transport.get_extra_info("socket")
            with suppress(OSError):  # no TCP, or gone already
                connection.setsockopt(socket.IPPROTO_TCP, user_timeout, int(ANSWER_LIMIT_S * 1000))

    def connection_lost(self, exc: BaseException | None) -> None:
        """End all that waits."""
        self._edge.leave(self)
        self._end_head()
        self._end_answer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Pass on what came, and judge what it means for the limits."""
        if self._is_refused:
            return
        requests = self._request_count
        super().data_received(data)
        if self._request_count != requests:
            self._end_head()
            self._wire_bytes = 0
        elif self._waits_for_head:
            self._continue_head(data)
        elif self._current_request is not None:
            self._wire_bytes += len(data)
            if self._wire_bytes > self._edge.limits.wire_bytes and self.transport is not None:
                self._edge.note("framing-too-large")
                self.transport.abort()

    def pause_writing(self) -> None:
        """Begin to wait for a client that doesn't take its answer as fast as it comes."""
        super().pause_writing()
        self._answer_end = self._loop.call_later(ANSWER_LIMIT_S, self._cut)

    def resume_writing(self) -> None:
        """End that wait."""
        super().resume_writing()
        self._end_answer()

    # aiohttp's RequestHandler

    async def finish_response(
        self, request: BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send an answer; while it is sent, the connection still works for the one who asked."""
        self._answered = request
        try:
            if not self._is_refused:
                return await super().finish_response(request, resp, start_time)
        except ConnectionError:
            raise
        except Exception as error:  # noqa: BLE001 - a defect in what adds fields; aiohttp would close without a word
            resp = self.handle_error(request, HTTPStatus.INTERNAL_SERVER_ERROR, error)
        finally:
            self._answered = None
            if HOLDER in request and self.transport is not None:
                self.had_a_key = True
                self._edge.enter(self)
        # What still comes is thrown away for a moment: unread, it would reset the connection, and the client might not
        # see the answer. Its end or its going cancels this.
        await asyncio.sleep(LINGERING_S)
        return resp, False

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - that is the quote
    ) -> web.StreamResponse:
        """Answer a request that reached no handler, by a constant text; log one short line.

        The answer is written here and now: aiohttp would begin it with the version that the request claims.
        """
        if request.writer.output_size > 0 or self.transport is None:
            raise ConnectionError("the response has begun already, or nobody waits for it")
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
        self._write_refusal(self.transport, raw_answer(error, request_id))
        written = web.Response(status=status)
        written.force_close()
        return written

    # Own

    def _continue_head(self, data: bytes) -> None:
        """Judge a part of a head that isn't complete yet."""
        self._head_bytes += len(data)
        if self._head_bytes > self._edge.limits.head_bytes:
            self._refuse(HeadTooLarge("The head is too long"))
        elif self._head_end is None and data.strip(b"\r\n"):  # line ends alone, which old clients append, begin no head
            self.keep_alive(True)  # stops aiohttp's timer for idle connections, which this one isn't any more
            self._head_end = self._loop.call_later(self._edge.limits.head_s, self._head_is_late)

    def _head_is_late(self) -> None:
        self._refuse(HeadTimeout("The head did not arrive in time"))

    def _end_head(self) -> None:
        self._head_bytes = 0
        if self._head_end is not None:
            self._head_end.cancel()
            self._head_end = None

    def _refuse(self, error: GatewayError) -> None:
        """Answer a head that isn't complete; go on reading for a moment, or the client may not see the answer."""
        transport = self.transport
        if transport is None or self._is_refused:
            return
        request_id = new_request_id()
        self._edge.note(problems.slug_of(error), request_id)
        self._write_refusal(transport, raw_answer(error, request_id))
        self.close()
        self._loop.call_later(LINGERING_S, transport.abort)

    def _write_refusal(self, transport: asyncio.Transport, answer: bytes) -> None:
        """Send the last answer of this connection; nothing that comes from now on is looked at."""
        self._is_refused = True
        self._end_head()
        transport.write(answer)
        transport.write_eof()

    def _end_answer(self) -> None:
        if self._answer_end is not None:
            self._answer_end.cancel()
            self._answer_end = None

    def _cut(self) -> None:
        """End a connection whose client doesn't take its answer."""
        self._answer_end = None
        self._edge.note("answer-timeout")
        if self.transport is not None:
            self.transport.abort()
