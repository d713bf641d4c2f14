"""Figbox itself: the gateway as the process that users run, over HTTP, with settings as its only handle."""

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

from benchmarks.contenders.contender import REQUEST_LIMIT_S, Picture, RenderFailed
from benchmarks.ports import free_port
from gateway.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping
    from pathlib import Path

#: Seconds from the gateway's start to a full pool, and from SIGTERM to its end.
START_LIMIT_S = 90.0
END_LIMIT_S = 60.0

#: Seconds for a pool to be full again, and between looks at it.
SETTLE_LIMIT_S = 120.0
LOOK_PERIOD_S = 0.04

#: Seconds after that for the engine to finish what it does once it has answered.
CALM_S = 0.06

#: Settings of whoever runs the benchmark that must not change what is measured.
OWN_VARIABLES = ("API_KEY", "HOST", "PORT", "DEBUG")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the gateway, whatever its status."""

    status: int
    body: bytes
    server_timing: str


class Figbox:
    """A running gateway.

    Args:
        name: As the tables name it.
        url: Where it listens.
        metrics_url: Where its metrics are.
        session: Carries the key.
        process_id: The gateway's.
        installation: What its containers are marked with.
    """

    def __init__(
        self,
        *,
        name: str,
        url: str,
        metrics_url: str,
        session: aiohttp.ClientSession,
        process_id: int,
        installation: str,
    ) -> None:
        self.name = name
        self.process_id = process_id
        self.installation = installation
        self._url = url
        self._metrics_url = metrics_url
        self._session = session
        self._pool_size = 0.0

    async def ask(self, code: str) -> Reply:
        """Send a program and return whatever comes back."""
        async with self._session.post(f"{self._url}/render-matplotlib", json={"code": code}) as response:
            timing = response.headers.get("Server-Timing", "")
            return Reply(response.status, await response.read(), timing)

    async def render(self, code: str, client: int = 0) -> Picture:  # noqa: ARG002 - all clients are alike
        """Send a program and return its picture."""
        reply = await self.ask(code)
        if reply.status != 200:
            raise RenderFailed(f"{self.name}: {reply.status} {reply.body[:500]!r}")
        return Picture(reply.body, parse_server_timing(reply.server_timing))

    async def settle(self) -> None:
        """Wait until the pool is full, nothing is being made or removed, and a moment more."""
        async with asyncio.timeout(SETTLE_LIMIT_S):
            while not await self._is_settled():  # noqa: ASYNC110 - the pool is another process's
                await asyncio.sleep(LOOK_PERIOD_S)
        await asyncio.sleep(CALM_S)

    async def read_metrics(self) -> dict[str, float]:
        """Return the gauges and counters that have no labels, by name."""
        async with self._session.get(self._metrics_url) as response:
            text = await response.text()
        return {
            sample.name: sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if not sample.labels
        }

    async def wait_started(self) -> None:
        """Wait until it is ready and its pool has reached its size, which is not told: until it stops growing."""
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
            async with self._session.get(f"{self._url}/readyz") as response:
                return response.status == 200
        except aiohttp.ClientConnectionError:
            return False

    async def _is_settled(self) -> bool:
        metrics = await self.read_metrics()
        busy = metrics["figbox_pool_making"] + metrics["figbox_pool_removing"] + metrics["figbox_jobs_running"]
        return not busy and metrics["figbox_pool_idle"] >= self._pool_size


@asynccontextmanager
async def run_figbox(name: str, image: str, folder: Path, settings: Mapping[str, str]) -> AsyncIterator[Figbox]:
    """Run `python -m gateway` with a full pool, and end it by SIGTERM.

    Args:
        name: As the tables name it.
        image: Runner image.
        folder: Empty; its working directory, so that no `.env` is read.
        settings: Environment variables besides those that every gateway here gets.

    Raises:
        RenderFailed: It did not start; the text holds the end of its log.
    """
    folder.mkdir()  # noqa: ASYNC240 - one call, before anything is measured
    port, metrics_port, key = free_port(), free_port(), secrets.token_hex(16)
    installation = f"bench-{secrets.token_hex(6)}"
    environment = {name: value for name, value in os.environ.items() if not _is_setting(name)}
    environment |= {
        "PYTHONPATH": str(ROOT),
        "API_KEY": key,
        "PORT": str(port),
        "FIGBOX_METRICS_PORT": str(metrics_port),
        "FIGBOX_INSTALLATION": installation,
        "FIGBOX_IMAGE": image,
        # A key that fills the house gets 429 by its own share otherwise, and we want the full queue's 503.
        "FIGBOX_KEY_LIMIT": "10000",
        **settings,
    }
    log = folder / "gateway.log"
    async with AsyncExitStack() as stack:
        process = await stack.enter_async_context(_gateway(environment, folder, log))
        session = await stack.enter_async_context(
            aiohttp.ClientSession(
                headers={"X-API-Key": key},
                timeout=aiohttp.ClientTimeout(total=REQUEST_LIMIT_S),
                connector=aiohttp.TCPConnector(limit=0),
            )
        )
        host = "http://127.0.0.1"
        figbox = Figbox(
            name=name,
            url=f"{host}:{port}",
            metrics_url=f"{host}:{metrics_port}/metrics",
            session=session,
            process_id=process.pid,
            installation=installation,
        )
        if not await _starts(figbox, process):
            raise RenderFailed(f"{name} did not start: {log.read_text('utf-8')[-2000:]}")
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
    """Wait until a gateway has started, has ended, or should have started; tell whether it has."""
    started = asyncio.create_task(figbox.wait_started())
    ended = asyncio.create_task(process.wait())
    try:
        await asyncio.wait((started, ended), return_when=asyncio.FIRST_COMPLETED)
        return started.done() and not isinstance(started.exception(), TimeoutError | aiohttp.ClientError)
    finally:
        started.cancel()
        ended.cancel()


def _is_setting(name: str) -> bool:
    return name.startswith("FIGBOX_") or name in OWN_VARIABLES


@asynccontextmanager
async def _gateway(
    environment: Mapping[str, str], folder: Path, log: Path
) -> AsyncIterator[asyncio.subprocess.Process]:
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway"),
            cwd=folder,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=output,
            # Ctrl-C is for the benchmark, which then ends the gateway properly.
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(END_LIMIT_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()
