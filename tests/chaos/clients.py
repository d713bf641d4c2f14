"""Clients that write HTTP byte by byte, so that they can misbehave anywhere."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from typing import TYPE_CHECKING

from tests.chaos.model import Judge, Seen
from tests.chaos.plan import Manner, RequestPlan, plan_requests
from tests.chaos.programs import code_of
from tests.support.live import Response
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Seconds after which a client gives up, which is a failure: every wait of the gateway is far shorter.
PATIENCE_S = slowed(90.0)

#: Requests of one client at most.
REQUESTS_LIMIT = 5000

#: Bytes of a body that is too large.
LARGE_BYTES = 256 * 1024

LOSSES = (OSError, EOFError)


class Client:
    """One client, who sends what its plan says, one after the other.

    Args:
        judge: Gets what it saw.
        address: The gateway's host and port.
        name: Chooses its plan.
        key: Its API key.
    """

    def __init__(self, judge: Judge, address: tuple[str, int], name: str, key: str) -> None:
        self._judge = judge
        self._address = address
        self._name = name
        self._key = key

    async def run(self, seed: int, until: float) -> None:
        """Send requests until a moment has passed."""
        for number, plan in enumerate(plan_requests(seed, self._name)):
            if time.monotonic() >= until or number >= REQUESTS_LIMIT:
                return
            seen = await self.send(plan)
            await asyncio.sleep(plan.pause_s + _wished_pause_s(seen))

    async def send(self, plan: RequestPlan) -> Seen:
        """Send one request, or the few of one connection; return the last."""
        match plan.manner:
            case Manner.KEPT:
                plans = [_part(plan, number) for number in range(3)]
            case Manner.PIPELINED:
                plans = [_part(plan, number) for number in range(2)]
            case _:
                plans = [plan]
        began = time.monotonic()
        requests = [Seen(one, began) for one in plans]
        try:
            async with asyncio.timeout(PATIENCE_S), self._connected() as (reader, writer):
                await self._converse(requests, reader, writer)
        except LOSSES as error:
            for seen in requests:
                seen.failure = repr(error)
        except TimeoutError:
            for seen in requests:
                seen.overdue = seen.response is None
        for seen in requests:
            if seen.response is None:
                seen.ended = time.monotonic()
        self._judge.requests += requests
        return requests[-1]

    @contextlib.asynccontextmanager
    async def _connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        reader, writer = await asyncio.open_connection(*self._address)
        try:
            yield reader, writer
        finally:
            writer.transport.abort()
            with contextlib.suppress(*LOSSES):
                await writer.wait_closed()

    async def _converse(self, requests: list[Seen], reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send and receive as the manner of the requests is."""
        plan = requests[0].plan
        if plan.manner in (Manner.GONE_BEFORE, Manner.GONE_DURING, Manner.STALLED):
            await self._send_part(plan, writer)
        else:
            for seen in requests:
                seen.began = time.monotonic()
                await self._send_whole(seen, writer)
                if plan.manner is Manner.KEPT:
                    await _receive(seen, reader)
        match plan.manner:
            case Manner.GONE_BEFORE | Manner.GONE_DURING:
                await asyncio.sleep(0.5 * plan.chance)
            case Manner.GONE_AFTER:
                await asyncio.sleep(1.5 * plan.chance)
            case Manner.KEPT:
                pass
            case _:
                if plan.manner is Manner.HALF_CLOSED:
                    writer.write_eof()
                for seen in requests:
                    await _receive(seen, reader, piece_pause_s=0.02 if plan.manner is Manner.SLOW_READER else 0.0)

    async def _send_part(self, plan: RequestPlan, writer: asyncio.StreamWriter) -> None:
        head, body = self._request(plan)
        if plan.manner is Manner.GONE_BEFORE:
            writer.write(head[: int(len(head) * plan.chance)])
        else:
            writer.write(head + body[: int(len(body) * plan.chance)])
        await writer.drain()

    async def _send_whole(self, seen: Seen, writer: asyncio.StreamWriter) -> None:
        head, body = self._request(seen.plan)
        writer.write(head)
        if seen.plan.manner is Manner.SLOW_BODY:
            for start in range(0, len(body), 100):
                await asyncio.sleep(0.3 * seen.plan.chance)
                writer.write(body[start : start + 100])
        else:
            writer.write(body)
        await writer.drain()
        seen.sent = time.monotonic()

    def _request(self, plan: RequestPlan) -> tuple[bytes, bytes]:
        body = json.dumps({"code": code_of(plan)}).encode()
        if plan.manner is Manner.BROKEN:
            body = body[:-2]
        elif plan.manner is Manner.LARGE:
            body = body.ljust(LARGE_BYTES)
        key = "unknown" if plan.manner is Manner.STRANGER else self._key
        head = (
            "POST /render-matplotlib HTTP/1.1\r\nHost: figbox\r\nContent-Type: application/json\r\n"
            f"X-API-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode(), body


def _wished_pause_s(seen: Seen) -> float:
    """Return how long a client should wait before it comes again, but not longer than a test can."""
    if seen.response is None:
        return 0.5
    return min(2.0, float(seen.response.headers.get("Retry-After", 0)))


async def _receive(seen: Seen, reader: asyncio.StreamReader, piece_pause_s: float = 0.0) -> None:
    """Read one whole response."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:] if line)
    body, length = b"", int(headers["Content-Length"])
    while len(body) < length:
        piece = await reader.readexactly(min(length - len(body), 64 if piece_pause_s else length))
        body += piece
        await asyncio.sleep(piece_pause_s)
    document = json.loads(body) if "json" in headers.get("Content-Type", "") else {}
    seen.response = Response(int(head[0].split()[1]), headers, body, document)
    seen.ended = time.monotonic()


def _part(plan: RequestPlan, number: int) -> RequestPlan:
    return RequestPlan(plan.work, plan.manner, f"{plan.token}-{number}", plan.chance, plan.pause_s)
