"""Send an answer piece by piece, within the memory that its request holds.

What isn't sent yet is held until it is sent or the client is gone. So an answer is sent within its handler: aiohttp's
own way, to return a response from the handler and send it later, would leave a gap in which nobody owns it.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.memory.memory_plan import ANSWER_LEAST_BYTES
from gateway.model.jobs import KiB
from gateway.server.protocol import EdgeProtocol

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from aiohttp import web

    from gateway.memory.byte_budget import Hold

#: Bytes that are written before the next are made; divisible by 4, so that pieces of base64 fit together.
PIECE_BYTES = 64 * KiB


@dataclass(frozen=True, slots=True)
class AsBase64:
    """Bytes that are sent as base64, which is made while it is sent."""

    data: bytes

    def __len__(self) -> int:
        """Return the length of the base64."""
        return 4 * -(-len(self.data) // 3)


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that isn't sent yet.

    Attributes:
        response: Its status and header fields; its body is sent after the parts.
        parts: What is sent, one after the other.
        kept_bytes: What it takes until it is sent.
    """

    response: web.StreamResponse
    parts: Sequence[bytes | AsBase64]
    kept_bytes: int

    @classmethod
    def of_parts(cls, response: web.StreamResponse, parts: Sequence[bytes | AsBase64]) -> Answer:
        """Return a response with these parts as its body; its length is set."""
        response.content_length = sum(map(len, parts))
        kept_bytes = sum(len(part.data if isinstance(part, AsBase64) else part) for part in parts)
        return cls(response, parts, kept_bytes)

    @classmethod
    def whole(cls, response: web.Response) -> Answer:
        """Return a response that has its body, which aiohttp writes at once: it is kept twice."""
        body = response.body
        return cls(response, (), 2 * len(body) if isinstance(body, bytes) else 0)


async def send(request: web.Request, answer: Answer, hold: Hold) -> web.StreamResponse:
    """Send an answer, and return its response.

    Args:
        request: What it answers.
        answer: What to send; the caller has dropped whatever else it was made from.
        hold: Has what the answer takes, or more, which is given back. The client is cut off if it reads too slowly
            while others wait for memory.

    Raises:
        ConnectionError: The client is gone.
    """
    hold.shrink(answer.kept_bytes + ANSWER_LEAST_BYTES)
    response = answer.response
    protocol, transport = request.protocol, request.transport
    if transport is None:
        raise ConnectionResetError("the client is gone")
    cut = protocol.cut if isinstance(protocol, EdgeProtocol) else transport.abort
    await response.prepare(request)
    with hold.watched(cut):
        for piece in gathered(answer.parts):
            await response.write(piece)
            hold.advance(len(piece))
        await response.write_eof()
    return response


def gathered(parts: Sequence[bytes | AsBase64]) -> Iterator[bytearray]:
    """Yield the parts as pieces of at most `PIECE_BYTES`, none much smaller than that but the last."""
    piece = bytearray()
    for part in parts:
        for more in _cut(part):
            if len(piece) + len(more) > PIECE_BYTES:
                yield piece
                piece = bytearray()
            piece += more
    if piece:
        yield piece


def _cut(part: bytes | AsBase64) -> Iterator[bytes | memoryview]:
    if isinstance(part, AsBase64):
        view, step = memoryview(part.data), PIECE_BYTES // 4 * 3
        for start in range(0, len(view), step):
            yield binascii.b2a_base64(view[start : start + step], newline=False)
    else:
        view = memoryview(part)
        for start in range(0, len(view), PIECE_BYTES):
            yield view[start : start + PIECE_BYTES]
