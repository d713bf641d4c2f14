"""A launcher's server and a gateway's client on a real socket, with a launcher that renders nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from gateway.launcher.remote.client import LauncherClient
from gateway.launcher.remote.counters import PlainCounters
from gateway.launcher.remote.listener import listening
from gateway.launcher.remote.server import LauncherServer
from gateway.memory.byte_budget import ByteBudget
from gateway.model.jobs import MiB
from gateway.observability.metrics import Metrics
from tests.fakes import FakeLauncher
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path


class Rig:
    """A server that can be stopped and started again, and a client of it."""

    def __init__(self, path: Path, peers: frozenset[int] | None = None) -> None:
        self.path = path
        self.peers = frozenset({os.geteuid()}) if peers is None else peers
        self.launcher = FakeLauncher(run_ms=12.5, warm=True)
        self.counters = PlainCounters()
        self.counters.watch("figbox_pool_idle", "", lambda: 3)
        self.metrics = Metrics()
        self.client = LauncherClient(path, self.metrics)
        self.memory = ByteBudget(1024 * MiB, wait_s=slowed(5))
        self.server: LauncherServer | None = None
        self._serving = contextlib.ExitStack()

    async def start(self) -> None:
        """Begin to serve."""
        listener = self._serving.enter_context(listening(self.path))
        sizes = await self.launcher.start()
        self.server = LauncherServer(self.launcher, self.counters, self.peers, sizes, self.memory)
        self.server.start(listener)

    async def stop(self) -> None:
        """Stop, as an end of the process would."""
        if self.server is not None:
            await self.server.aclose()
            self.server = None
        self._serving.close()

    def metric(self, name: str, **labels: str) -> float | None:
        """Return a metric's value."""
        return self.metrics.registry.get_sample_value(name, labels)

    async def open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect as any process could."""
        return await asyncio.open_unix_connection(self.path)

    async def say(self, *pieces: bytes) -> bytes:
        """Connect, say something, and return all that comes back; what breaks off counts as the end."""
        reader, writer = await self.open()
        with contextlib.suppress(OSError):
            writer.writelines(pieces)
            await writer.drain()
        try:
            with contextlib.suppress(OSError):
                return await asyncio.wait_for(reader.read(), slowed(5))
            return b""
        finally:
            writer.close()
