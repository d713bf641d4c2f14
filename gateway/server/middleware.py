"""What every request passes through: an id, our headers, and failures turned into problem documents."""

from __future__ import annotations

import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from loguru import logger

from gateway.keys.keyring import Holder
from gateway.model.errors import EngineError, GatewayError
from gateway.server import problems

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

REQUEST_ID = web.RequestKey("request_id", str)

#: The holder of the key that a request was sent with; set once the key is known to be right.
HOLDER = web.RequestKey("holder", Holder)

#: Called whenever a defect of ours came up.
ON_DEFECT: web.AppKey[Callable[[], None]] = web.AppKey("on_defect")

#: On every response; an endpoint may set `Cache-Control` itself.
HEADERS = {
    "Server": "figbox",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


def server_timing(milliseconds: Mapping[str, float]) -> str:
    """Return the value of a `Server-Timing` header (https://www.w3.org/TR/server-timing/)."""
    return ", ".join(f"{stage};dur={duration:.1f}" for stage, duration in milliseconds.items())


def new_request_id() -> str:
    """Return a new id of 32 hex digits; a client's own id never gets into the log."""
    return secrets.token_hex(16)


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add our headers to a response that is about to be sent (aiohttp's `on_response_prepare`)."""
    cache_control = response.headers.get(hdrs.CACHE_CONTROL, HEADERS[hdrs.CACHE_CONTROL])
    response.headers.update({**HEADERS, hdrs.CACHE_CONTROL: cache_control})
    if REQUEST_ID not in request:  # aiohttp refused it before any middleware
        request[REQUEST_ID] = new_request_id()
    response.headers["X-Request-ID"] = request[REQUEST_ID]


def raw_response(error: GatewayError | None, request_id: str) -> bytes:
    """Return a whole response as bytes, for connections without a request.

    Args:
        error: Why; None for a defect of ours.
        request_id: The id to tell the client.
    """
    if error is None:
        response = problems.internal_error_response(request_id)
    else:
        response = problems.error_response(error, request_id)
    body = response.body
    assert isinstance(body, bytes)  # noqa: S101 - aiohttp's types don't say so
    own = {"X-Request-ID": request_id, "Content-Length": str(len(body)), "Connection": "close"}
    fields = {**HEADERS, **response.headers, **own}
    lines = [f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}"]
    lines += [f"{name}: {value}" for name, value in fields.items()]
    return "\r\n".join([*lines, "", ""]).encode("ascii") + body


@web.middleware
async def identify(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give the request its id, in the response and in every line logged while it is served."""
    request[REQUEST_ID] = new_request_id()
    with logger.contextualize(request_id=request[REQUEST_ID]):
        return await handler(request)


@web.middleware
async def describe_failures(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn exceptions into responses by the table of `gateway.server.problems`."""
    request_id = request[REQUEST_ID]
    try:
        return await handler(request)
    except EngineError as error:
        logger.error("engine failure", reason=str(error), cause=error.cause)
        return problems.error_response(error, request_id)
    except GatewayError as error:
        return problems.error_response(error, request_id)
    except web.HTTPException as error:
        return problems.http_error_response(error, request_id)
    except Exception as error:  # a defect of ours, described in the log only
        has_begun = request.writer.output_size > 0
        if not (has_begun and isinstance(error, ConnectionError)):  # that is a client who is gone
            logger.exception("internal error")
            request.app[ON_DEFECT]()
        if has_begun:
            raise  # which closes the connection: nothing else can be sent after the beginning of a response
        return problems.internal_error_response(request_id)
