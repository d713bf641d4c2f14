"""In process: the old way behind aiohttp, with a server process for each core."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.contenders.contender import REQUEST_LIMIT_S, Contender, Picture, RenderFailed
from benchmarks.contenders.processes import free_port, server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

#: Seconds a server has to start, and to end.
START_LIMIT_S = 60.0
END_LIMIT_S = 10.0


class InProcess(Contender):
    """Asks the servers in turn, by the client's number.

    One process for each core is fair, since a single one would leave cores idle with several clients.
    """

    name = "in process"

    def __init__(self, session: aiohttp.ClientSession, ports: list[int]) -> None:
        self._session = session
        self._ports = ports

    async def render(self, code: str, client: int = 0) -> Picture:
        """Ask a server."""
        url = f"http://127.0.0.1:{self._ports[client % len(self._ports)]}/render-matplotlib"
        async with self._session.post(url, json={"code": code}) as response:
            body = await response.read()
            if response.status != 200:
                raise RenderFailed(f"{self.name}: {body[:500]!r}")
            return Picture(body)


@asynccontextmanager
async def run_in_process(folder: Path) -> AsyncIterator[InProcess]:
    """Start the servers, with their font list in a folder, and end them."""
    async with AsyncExitStack() as stack:
        ports = [free_port() for _ in range(os.cpu_count() or 1)]
        for port in ports:
            await stack.enter_async_context(_server(port, folder))
        timeout = aiohttp.ClientTimeout(total=REQUEST_LIMIT_S)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(timeout=timeout, connector=aiohttp.TCPConnector(limit=0))
        )
        yield InProcess(session, ports)


@asynccontextmanager
async def _server(port: int, folder: Path) -> AsyncIterator[None]:
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-m", "benchmarks.contenders.old_way", str(port))
    environment = {**os.environ, "MPLCONFIGDIR": str(folder / "mplconfig")}
    async with server(*command, end=_close, limit_s=END_LIMIT_S, env=environment, stdin=pipe, stdout=pipe) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for; the type can't say so
        async with asyncio.timeout(START_LIMIT_S):
            if await process.stdout.readline() != b"ready\n":
                raise RenderFailed("the in-process server didn't start")
        yield


def _close(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None  # noqa: S101 - it was asked for; the type can't say so
    process.stdin.close()
