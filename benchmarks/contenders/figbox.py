"""Figbox: the gateway in the process that users run, with settings, over HTTP."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from benchmarks.contenders.contender import REQUEST_LIMIT_S, Contender, Picture, RenderFailed
from benchmarks.contenders.processes import free_port, server
from gateway.launcher.snapshot.keeper import MAKING
from gateway.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

#: Seconds that the gateway may take from its start to a full pool, and from SIGTERM to its end.
START_LIMIT_S = 90.0
END_LIMIT_S = 60.0

#: Seconds that a pool may take to be full again, and between two checks.
SETTLE_LIMIT_S = 120.0
LOOK_PERIOD_S = 0.04

#: Seconds after that, for what the engine still does once it has responded.
CALM_S = 0.06

#: How the user's settings begin, which must not affect the benchmark.
OWN_VARIABLES = ("FIGBOX_", "API_KEY", "HOST", "PORT", "DEBUG")


@dataclass(frozen=True, slots=True)
class Response:
    """A response of the gateway."""

    status: int
    body: bytes
    server_timing: str


@dataclass(slots=True)
class Figbox(Contender):
    """A running gateway; `session` sends its key, and `installation` is the label of its containers."""

    name: str
    url: str
    metrics_url: str
    session: aiohttp.ClientSession
    process_id: int
    installation: str
    _pool_size: float = 0.0

    async def ask(self, code: str) -> Response:
        """Send a program; return the response, whatever its status."""
        async with self.session.post(f"{self.url}/render-matplotlib", json={"code": code}) as response:
            return Response(response.status, await response.read(), response.headers.get("Server-Timing", ""))

    async def render(self, code: str, client: int = 0) -> Picture:  # noqa: ARG002 - all clients are alike
        """Send a program; return its picture."""
        response = await self.ask(code)
        if response.status != 200:
            raise RenderFailed(f"{self.name}: {response.status} {response.body[:500]!r}")
        return Picture(response.body, parse_server_timing(response.server_timing))

    async def settle(self) -> None:
        """Wait until the pool is full and nothing is being made or removed, and a moment more."""
        async with asyncio.timeout(SETTLE_LIMIT_S):
            while not await self._is_settled():  # noqa: ASYNC110 - another process can't signal
                await asyncio.sleep(LOOK_PERIOD_S)
        await asyncio.sleep(CALM_S)

    async def read_metrics(self) -> dict[str, float]:
        """Return the gauges and counters without labels, by name."""
        async with self.session.get(self.metrics_url) as response:
            text = await response.text()
        return {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if not sample.labels
        }

    async def wait_started(self) -> None:
        """Wait until it is ready, its warm start is settled, and its pool has stopped growing."""
        async with asyncio.timeout(START_LIMIT_S):
            while not await self._is_ready():  # noqa: ASYNC110 - the same
                await asyncio.sleep(LOOK_PERIOD_S)
            calm_since = time.monotonic()
            while time.monotonic() - calm_since < 5 * LOOK_PERIOD_S:
                await asyncio.sleep(LOOK_PERIOD_S)
                metrics = await self.read_metrics()
                if metrics["figbox_pool_making"] or metrics["figbox_pool_idle"] != self._pool_size:
                    self._pool_size = metrics["figbox_pool_idle"]
                    calm_since = time.monotonic()

    async def _is_ready(self) -> bool:
        try:
            async with self.session.get(f"{self.url}/readyz") as response:
                if response.status != 200:
                    return False
                warm_start = (await response.json())["warm_start"]["default"]
        except aiohttp.ClientConnectionError:
            return False
        return bool(warm_start.get("reason") != MAKING)

    async def _is_settled(self) -> bool:
        metrics = await self.read_metrics()
        busy = metrics["figbox_pool_making"] + metrics["figbox_pool_removing"] + metrics["figbox_jobs_running"]
        return not busy and metrics["figbox_pool_idle"] >= self._pool_size


@asynccontextmanager
async def run_figbox(name: str, image: str, folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Figbox]:
    """Run `python -m gateway` with a full pool; end it by SIGTERM.

    Args:
        name: As in the tables.
        image: Runner image.
        folder: Its working directory, which is made, so that it doesn't read a `.env`.
        settings: More environment variables.

    Raises:
        RenderFailed: It didn't start; the text has the end of its log.
    """
    folder.mkdir()  # noqa: ASYNC240 - one call, before anything is measured
    port, metrics_port, key = free_port(), free_port(), secrets.token_hex(16)
    installation = f"bench-{secrets.token_hex(6)}"
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OWN_VARIABLES)}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "API_KEY": key,
        "PORT": str(port),
        "FIGBOX_METRICS_PORT": str(metrics_port),
        "FIGBOX_INSTALLATION": installation,
        "FIGBOX_IMAGE": image,
        # So that one key can fill the queue, and gets 503 instead of the 429 of its own share.
        "FIGBOX_KEY_LIMIT": "10000",
        "FIGBOX_REQUESTS_PER_MINUTE": "100000",
        **settings,
    }
    log = folder / "gateway.log"
    async with AsyncExitStack() as stack:
        nothing = asyncio.subprocess.DEVNULL
        gateway = server(
            *(sys.executable, "-m", "gateway"),
            end=lambda process: process.send_signal(signal.SIGTERM),
            limit_s=END_LIMIT_S,
            cwd=folder,
            env=environment,
            stdin=nothing,
            stdout=nothing,
            stderr=stack.enter_context(log.open("wb")),
            start_new_session=True,  # Ctrl-C is for the benchmark, which then ends the gateway
        )
        process = await stack.enter_async_context(gateway)
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                headers={"X-API-Key": key},
                timeout=aiohttp.ClientTimeout(total=REQUEST_LIMIT_S),
                connector=aiohttp.TCPConnector(limit=0),
            )
        )
        url, metrics_url = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{metrics_port}/metrics"
        figbox = Figbox(name, url, metrics_url, session, process.pid, installation)
        if not await _starts(figbox, process):
            raise RenderFailed(f"{name} didn't start: {log.read_text('utf-8')[-2000:]}")
        yield figbox


def parse_server_timing(value: str) -> dict[str, float]:
    """Return milliseconds by stage from a `Server-Timing` header."""
    stages = {}
    for part in value.split(","):
        stage, separator, duration = part.strip().partition(";dur=")
        if separator:
            stages[stage] = float(duration)
    return stages


async def _starts(figbox: Figbox, process: asyncio.subprocess.Process) -> bool:
    """Wait until a gateway has started or ended, or took too long; tell whether it has started."""
    started = asyncio.create_task(figbox.wait_started())
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait((started, ended), return_when=asyncio.FIRST_COMPLETED)
        return started.done() and not isinstance(started.exception(), TimeoutError | aiohttp.ClientError)
    finally:
        started.cancel()
        ended.cancel()
