"""Clients that never pause, and what they got."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import aiohttp

from tests.fakes import KEY, until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

PATH = "/render-matplotlib"
PLOTS = [f"plt.plot([1, {number}])" for number in range(3)]
LONG = "import time; time.sleep({}); plt.plot([5, 1])"

#: Longest wait for a picture: that one comes at all is what is tested.
PATIENCE_S = 240

#: Clients that connect for each request, and those that keep their connection while the service does.
CONNECTING, KEEPING = 1, 1


@dataclass
class Load:
    """What clients have sent, and what came back.

    Attributes:
        url: Where they send it.
        right: The right picture for each code.
        answered: How many right pictures came.
        lost: What came instead of others, which is nothing if no request is lost.
        clients: They send until it is over.
        is_over: Whether it is.
    """

    url: str
    right: dict[str, bytes] = field(default_factory=dict)
    answered: int = 0
    lost: list[str] = field(default_factory=list)
    clients: list[asyncio.Task[None]] = field(default_factory=list)
    is_over: bool = False

    async def send(self, code: str, session: aiohttp.ClientSession) -> None:
        """Send one request, and note what comes back; the first picture of a code is the right one."""
        try:
            async with session.post(self.url + PATH, headers={"X-API-Key": KEY}, json={"code": code}) as response:
                body = await response.read()
                good = response.status == 200 and body == self.right.setdefault(code, body)
                what = f"{response.status}: {body[:200]!r}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            good, what = False, repr(error)
        if good:
            self.answered += 1
        else:
            self.lost.append(what)

    async def send_alone(self, code: str) -> None:
        """Send one request by a connection of its own."""
        async with session() as once:
            await self.send(code, once)

    async def more(self, count: int) -> None:
        """Wait until so many more pictures have come, or a request is lost."""
        end = self.answered + count
        await until(lambda: self.lost or self.answered >= end, "clients get pictures", slowed(PATIENCE_S))

    async def end(self) -> None:
        """Let clients send no more, and make sure that none has lost a request."""
        self.is_over = True
        await asyncio.gather(*self.clients)
        assert not self.lost, self.lost


@asynccontextmanager
async def load(url: str) -> AsyncIterator[Load]:
    """Send requests without a pause; until the end none is lost, and each picture is right."""
    found = Load(url)
    for code in PLOTS:
        await found.send_alone(code)
    assert len(set(found.right.values())) == len(PLOTS), found.lost

    async def connect(turn: int) -> None:
        while not found.is_over:
            turn += 1
            await found.send_alone(PLOTS[turn % len(PLOTS)])

    async def keep(turn: int) -> None:
        async with session() as kept:
            while not found.is_over:
                turn += 1
                await found.send(PLOTS[turn % len(PLOTS)], kept)

    found.clients = [asyncio.create_task(connect(turn)) for turn in range(CONNECTING)]
    found.clients += [asyncio.create_task(keep(turn)) for turn in range(KEEPING)]
    try:
        yield found
    finally:
        await found.end()


def session() -> aiohttp.ClientSession:
    """Return what keeps its connection."""
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(slowed(PATIENCE_S)))
