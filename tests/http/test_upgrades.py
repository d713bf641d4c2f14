"""Gateways follow one another on one socket while clients never pause: without an engine, so with many requests."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.fakes import KEY, PNG, until
from tests.support.machine import slowed
from tests.support.no_engine import Running, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRONMENT = {"API_KEY": KEY, "FIGBOX_REQUESTS_PER_MINUTE": "100000", "FIGBOX_GRACE_S": "120"}
UPGRADES = 3
CLIENTS = 4

#: Pictures that must come between two steps.
SOME = 20


class Clients:
    """Clients of one address, half of which connect anew for each request.

    Attributes:
        answered: How many pictures came.
        lost: What came instead.
        is_over: Whether they are to stop.
    """

    def __init__(self, url: str) -> None:
        self._url = f"{url}/render-matplotlib"
        self.answered = 0
        self.lost: list[str] = []
        self.is_over = False

    async def run(self, number: int) -> None:
        """Be one of them."""
        connector = aiohttp.TCPConnector(force_close=number % 2 == 1)
        timeout = aiohttp.ClientTimeout(slowed(120))
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            while not self.is_over and not self.lost:
                await self._ask(session)

    async def _ask(self, session: aiohttp.ClientSession) -> None:
        try:
            async with session.post(self._url, headers={"X-API-Key": KEY}, json={"code": "0"}) as response:
                body = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.lost.append(repr(error))
            return
        if response.status == 200 and body == PNG:
            self.answered += 1
        else:
            self.lost.append(f"{response.status}: {body[:200]!r}")

    async def more(self) -> None:
        """Wait until some more pictures have come, or one is lost."""
        end = self.answered + SOME
        await until(lambda: self.lost or self.answered >= end, "pictures come", slowed(120))
        assert not self.lost, self.lost


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return a socket as a service manager makes it."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as made:
        yield made


async def ended(old: Running) -> None:
    """Ask a gateway for its end, and wait for that."""
    old.gateway.send_signal(signal.SIGTERM)
    assert await asyncio.to_thread(old.gateway.wait, slowed(120)) == 0


@pytest.mark.parametrize("overlap", [False, True], ids=["one after the other", "one beside the other"])
async def test_no_request_is_lost(tmp_path: Path, listener: socket.socket, overlap: bool) -> None:  # noqa: FBT001
    """Several times in a row, each client gets a picture for each request, and the old process is gone."""
    clients = Clients(f"http://127.0.0.1:{listener.getsockname()[1]}")
    with ExitStack() as stack:

        async def started(number: int) -> Running:
            folder = tmp_path / str(number)
            folder.mkdir()
            way = running(folder, ENVIRONMENT, apart=False, listener=listener)
            return await asyncio.to_thread(stack.enter_context, way)

        old = await started(0)
        tasks = [asyncio.create_task(clients.run(number)) for number in range(CLIENTS)]
        for number in range(1, UPGRADES + 1):
            await clients.more()
            if not overlap:
                await ended(old)
            new = await started(number)
            if overlap:
                await ended(old)
            old = new
        await clients.more()
        clients.is_over = True
        await asyncio.gather(*tasks)
    assert not clients.lost, clients.lost
