"""In process: the old way behind aiohttp, in as many server processes as there are cores."""

from __future__ import annotations

import asyncio
import os
import sys
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.contenders.contender import REQUEST_LIMIT_S, Picture, RenderFailed
from benchmarks.ports import free_port

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

#: Seconds a server has to start, and to end.
START_LIMIT_S = 60.0
END_LIMIT_S = 10.0


class InProcess:
    """Asks the servers; client n has server n modulo their number.

    One process per core is the fair form: a single one would leave cores idle with several clients.
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

    async def settle(self) -> None:
        """Nothing outlives a request."""


@asynccontextmanager
async def run_in_process(folder: Path) -> AsyncIterator[InProcess]:
    """Start the servers, and end them.

    Args:
        folder: For Matplotlib's font list.
    """
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
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.contenders.old_way", str(port)),
        env={**os.environ, "MPLCONFIGDIR": str(folder / "mplconfig")},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None  # noqa: S101 - it was asked for; the type can't say so
    assert process.stdout is not None  # noqa: S101 - the same
    try:
        async with asyncio.timeout(START_LIMIT_S):
            if await process.stdout.readline() != b"ready\n":
                raise RenderFailed("the in-process server did not start")
        yield
    finally:
        process.stdin.close()
        try:
            async with asyncio.timeout(END_LIMIT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
