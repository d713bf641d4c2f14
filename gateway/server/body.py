"""Read the body of a request within its limits of size and time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.model.errors import BodyTimeout, BodyTooLarge, MalformedRequest, UnsupportedEncoding

if TYPE_CHECKING:
    from collections.abc import Callable


async def read_body(request: web.Request, limit_bytes: int, timeout_s: float) -> bytes:
    """Return the whole body within its limits of size and time; raises as `receive_body` does."""
    body = bytearray()
    await receive_body(request, limit_bytes, timeout_s, body.extend)
    return bytes(body)


async def receive_body(
    request: web.Request, limit_bytes: int, timeout_s: float, take: Callable[[bytes], object]
) -> None:
    """Pass a body on as it arrives, within its limits.

    Args:
        request: An authenticated request whose body hasn't been read.
        limit_bytes: The longest body.
        timeout_s: The longest time it may take to arrive.
        take: Called with each part of it; an exception of its own ends the reading.

    Raises:
        UnsupportedEncoding: The body is compressed.
        BodyTooLarge: It is too long.
        BodyTimeout: It didn't arrive in time.
    """
    too_large = f"Body is larger than {limit_bytes} bytes"
    # aiohttp would decompress it, and bodies are too small to be worth the risk of a bomb.
    if any(coding.lower() != "identity" for coding in request.headers.getall("Content-Encoding", ())):
        raise UnsupportedEncoding("Content-Encoding must be identity")
    if request.content_length is not None and request.content_length > limit_bytes:
        raise BodyTooLarge(too_large)
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # that was not part of the response
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
