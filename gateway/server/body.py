"""Read the body of a request within its limits of size and time."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from gateway.memory.memory_plan import body_bytes
from gateway.model.errors import BodyTimeout, BodyTooLarge, MalformedRequest, UnsupportedEncoding

if TYPE_CHECKING:
    from gateway.memory.byte_budget import Hold
    from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class BodyLimits:
    """What a body may take.

    Attributes:
        code_bytes: The longest code in it.
        timeout_s: The longest time it may take to arrive.
        hold: Holds the memory for it, from before it is read.
    """

    code_bytes: int
    timeout_s: float
    hold: Hold

    @classmethod
    def of(cls, settings: Settings, hold: Hold) -> BodyLimits:
        """Return those of the settings."""
        return cls(settings.code_limit_bytes, settings.body_timeout_s, hold)


async def read_body(request: web.Request, limit_bytes: int, limits: BodyLimits) -> bytes:
    """Return the whole body; until there is memory for all of it, it stays in the kernel.

    A body of unknown length is taken for one of the largest until it has arrived. Growing step by step could end with
    many bodies that each hold a part and wait for the rest.

    Args:
        request: An authenticated request whose body hasn't been read.
        limit_bytes: The longest body.
        limits: Of time and memory; while others wait for memory, a body that doesn't advance has less time.

    Raises:
        UnsupportedEncoding: The body is compressed.
        BodyTooLarge: It is too long.
        BodyTimeout: It didn't arrive in time.
        Busy: There was no memory for it.
    """
    too_large = f"Body is larger than {limit_bytes} bytes"
    # aiohttp would decompress it, and bodies are too small to be worth the risk of a bomb.
    if any(coding.lower() != "identity" for coding in request.headers.getall("Content-Encoding", ())):
        raise UnsupportedEncoding("Content-Encoding must be identity")
    if request.content_length is not None and request.content_length > limit_bytes:
        raise BodyTooLarge(too_large)
    await limits.hold.grow(body_bytes(_expected(request, limit_bytes), limits.code_bytes))
    if request.headers.get("Expect", "").lower() == "100-continue":
        await request.writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        request.writer.output_size = 0  # that was not part of the response
    body = bytearray()
    try:
        async with asyncio.timeout(limits.timeout_s) as deadline:
            with limits.hold.watched(lambda: _end(deadline)):
                async for chunk in request.content.iter_any():
                    if len(body) + len(chunk) > limit_bytes:
                        raise BodyTooLarge(too_large)
                    limits.hold.advance(len(chunk))
                    body += chunk
    except web.RequestPayloadError as error:
        raise MalformedRequest("Malformed HTTP request") from error
    except TimeoutError as error:
        raise BodyTimeout("Body did not arrive in time") from error
    limits.hold.shrink(body_bytes(len(body), limits.code_bytes))
    return bytes(body)


def _end(deadline: asyncio.Timeout) -> None:
    """Let a deadline be over soon, if it isn't already."""
    if not deadline.expired():
        deadline.reschedule(0)


def _expected(request: web.Request, limit_bytes: int) -> int:
    """Return how many bytes of body may come."""
    if request.content_length is not None:
        return request.content_length
    return limit_bytes if request.can_read_body else 0
