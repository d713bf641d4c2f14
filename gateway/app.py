"""Puts the HTTP side together."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from aiohttp import web
from loguru import logger

from gateway import problems
from gateway.handlers import SERVICES, Services, add_routes
from gateway.middleware import HEADERS, add_headers, answer_failures, identify, new_request_id
from gateway.serving import HOLDER

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.web_request import BaseRequest

#: Seconds a connection may be without a request, its very first head included: so also the bound on a head that
#: trickles in.
KEEPALIVE_S = 20.0

#: Seconds to go on reading a body nobody wants, so that the client reads the refusal.
LINGERING_S = 2.0

#: What aiohttp's protocol is made with, besides the server.
PROTOCOL_OPTIONS: dict[str, Any] = {
    "access_log": None,
    "keepalive_timeout": KEEPALIVE_S,
    "lingering_time": LINGERING_S,
    # A compressed body is refused; what lingers of it need not be unpacked to be thrown away.
    "auto_decompress": False,
}


def build_app(services: Services) -> web.Application:
    """Return the public application."""
    app = web.Application(middlewares=[identify, answer_failures], client_max_size=services.settings.body_limit_bytes)
    app[SERVICES] = services
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(add_rate_headers)
    add_routes(app)
    return app


async def add_rate_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tell whoever was let in what is left to them, whatever the answer (aiohttp's `on_response_prepare`)."""
    if HOLDER in request:
        response.headers.update(request.app[SERVICES].serving.headers(request[HOLDER]))


class DiscreetHandler(web.RequestHandler):
    """aiohttp's protocol, saying nothing of a malformed request.

    aiohttp itself quotes the malformed head in its answer and its log, with the API key that may stand in it.
    """

    __slots__ = ()

    def handle_error(
        self,
        request: BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002 - that is the quote
    ) -> web.StreamResponse:
        """Answer a request that reached no handler, by a constant text; log one short line."""
        if request.writer.output_size > 0:
            raise ConnectionError("the response has begun already")
        request_id = new_request_id()
        logger.info(
            "malformed request",
            request_id=request_id,
            status=status,
            error=type(exc).__name__ if exc is not None else None,
        )
        response = web.Response(
            status=status,
            body=problems.malformed_request_body(status, request_id),
            content_type=problems.CONTENT_TYPE,
            headers={**HEADERS, "X-Request-ID": request_id},
        )
        response.force_close()
        return response


def protocol_factory(server: web.Server) -> Callable[[], DiscreetHandler]:
    """Return what makes a protocol for each connection of `server`."""
    loop = asyncio.get_running_loop()
    return lambda: DiscreetHandler(server, loop=loop, **PROTOCOL_OPTIONS)
