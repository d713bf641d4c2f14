"""Talk to a server in bytes."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from tests.fakes import KEY
from tests.support.machine import slowed

HOST = b"Host: x\r\n"
KEY_LINE = b"X-API-Key: " + KEY.encode() + b"\r\n"
POST = b"POST /render-matplotlib HTTP/1.1\r\n" + HOST + KEY_LINE
JSON = b"Content-Type: application/json\r\n"
BODY = b'{"code": "x"}'
LENGTH = b"Content-Length: 13\r\n"
CLOSE = b"Connection: close\r\n"

#: A whole request that gets a response and keeps the connection.
ALIVE = b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n"

#: A whole request that renders and ends the connection.
RENDER = POST + JSON + LENGTH + CLOSE + b"\r\n" + BODY

LIMIT_S = slowed(5)


async def read_rest(reader: asyncio.StreamReader) -> bytes:
    """Return all that comes until the server closes; a reset ends it too."""
    received = bytearray()
    try:
        async with asyncio.timeout(LIMIT_S):
            while piece := await reader.read(65536):
                received += piece
    except ConnectionError:
        pass
    return bytes(received)


def split_answers(data: bytes) -> list[tuple[int, dict[str, str], bytes]]:
    """Return the responses in what a server sent: status, fields, body."""
    found = []
    while data:
        head, mark, data = data.partition(b"\r\n\r\n")
        assert mark, head
        line, *lines = head.decode("ascii").split("\r\n")
        version, status, _ = line.split(" ", 2)
        assert version in {"HTTP/1.1", "HTTP/1.0"}
        fields = dict(text.split(": ", 1) for text in lines)
        length = int(fields.get("Content-Length", 0))
        found.append((int(status), fields, data[:length]))
        data = data[length:]
    return found


def check_problem(response: tuple[int, dict[str, str], bytes], status: int, slug: str) -> dict[str, Any]:
    """Check that a response is a problem document of ours, whole and with all our fields; return the document."""
    found, fields, body = response
    assert found == status
    assert fields["Content-Type"] == "application/problem+json"
    names = ("Server", "X-Content-Type-Options", "Content-Security-Policy", "Cache-Control")
    assert [fields[name] for name in names] == ["figbox", "nosniff", "default-src 'none'; sandbox", "no-store"]
    document: dict[str, Any] = json.loads(body)
    assert (document["status"], document["type"]) == (status, f"urn:figbox:problem:{slug}")
    assert fields["X-Request-ID"] == document["request_id"]
    assert int(fields["Content-Length"]) == len(body)
    return document


async def read_status(reader: asyncio.StreamReader) -> int:
    """Read one response on a connection that is kept; return its status."""
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length"))
    await reader.readexactly(length)
    return int(head.split(b" ")[1])
