"""Reads and checks the body of a render request; nothing in it is believed or echoed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.model.errors import BodyTimeout, BodyTooLarge, InvalidRequest, MalformedRequest, UnsupportedEncoding
from gateway.model.strict_json import InvalidJson, parse_json

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings

NOT_JSON = "Content-Type must be application/json"
BROKEN_JSON = "Body is not valid JSON"
BAD_CODE = "Missing or invalid 'code' field"


async def read_code(request: web.Request, settings: Settings) -> str:
    """Return the `code` of a JSON body.

    Args:
        request: An authenticated request whose body nobody has read.
        settings: For the limits of body, code and time.

    Raises:
        InvalidRequest: Not JSON, broken JSON, or no usable `code`.
        UnsupportedEncoding: The body is compressed.
        BodyTooLarge: The body or the code is too long.
        BodyTimeout: The body didn't arrive in time.
        MalformedRequest: The body's framing broke.
    """
    if request.content_type != "application/json":
        raise InvalidRequest(NOT_JSON)
    body = await read_body(request, settings.body_limit_bytes, settings.body_timeout_s)
    code = parse_code(body)
    if len(code.encode()) > settings.code_limit_bytes:
        raise BodyTooLarge(f"'code' is longer than {settings.code_limit_bytes} bytes")
    return code


async def read_body(request: web.Request, limit_bytes: int, timeout_s: float) -> bytes:
    """Return the whole body within its limits of size and time; raises as `receive_body` does."""
    body = bytearray()
    await receive_body(request, limit_bytes, timeout_s, body.extend)
    return bytes(body)


async def receive_body(
    request: web.Request, limit_bytes: int, timeout_s: float, take: Callable[[bytes], object]
) -> None:
    """Hand a body on as it comes, within its limits.

    Args:
        request: An authenticated request whose body nobody has read.
        limit_bytes: How long the body may be.
        timeout_s: How long it may take to arrive.
        take: Called with each part of it; what it raises ends the reading.

    Raises:
        UnsupportedEncoding: The body is compressed.
        BodyTooLarge: It is too long.
        BodyTimeout: It didn't arrive in time.
    """
    too_large = f"Body is larger than {limit_bytes} bytes"
    # aiohttp would decompress by itself: a bomb we need not carry, for bodies this small.
    if any(coding.lower() != "identity" for coding in request.headers.getall("Content-Encoding", ())):
        raise UnsupportedEncoding("Content-Encoding must be identity")
    if request.content_length is not None and request.content_length > limit_bytes:
        raise BodyTooLarge(too_large)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # that was no part of the answer
    received = 0
    try:
        async with asyncio.timeout(timeout_s):
            async for chunk in request.content.iter_any():
                received += len(chunk)
                if received > limit_bytes:
                    raise BodyTooLarge(too_large)
                take(chunk)
    except web.RequestPayloadError as error:
        raise MalformedRequest("Malformed HTTP request") from error
    except TimeoutError as error:
        raise BodyTimeout("Body did not arrive in time") from error


def parse_code(body: bytes) -> str:
    """Return the `code` member of a JSON object; the charset parameter of the request is ignored.

    Raises:
        InvalidRequest: With one of this module's constant texts.
    """
    try:
        document = parse_json(body)
    except InvalidJson as error:
        raise InvalidRequest(BROKEN_JSON) from error
    code = document.get("code") if isinstance(document, dict) else None
    if not isinstance(code, str) or not code.strip() or "\0" in code or not _encodes(code):
        raise InvalidRequest(BAD_CODE)
    return code


def _encodes(text: str) -> bool:
    """Tell whether text has no lone surrogates."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
