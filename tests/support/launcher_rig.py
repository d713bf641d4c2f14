"""A launcher's server and a gateway's client on a real socket, with a launcher that renders nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

from gateway.launcher.remote.client import LauncherClient
from gateway.launcher.remote.counters import Tally
from gateway.launcher.remote.listener import listening
from gateway.launcher.remote.server import LauncherServer
from gateway.launcher.sizing import Sizes
from gateway.model.jobs import DEFAULT_ENVIRONMENT, EnvironmentFacts, Job, Limits, Result, Stages
from gateway.observability.metrics import Metrics
from tests.fakes import PNG, picture_result

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from gateway.launcher.selftest.verdict import Verdict

DEFAULT = EnvironmentFacts(DEFAULT_ENVIRONMENT, "sha256:1", "default", Limits(), {"python": "3"}, {"numpy": "2"}, "f")


class FakeLauncher:
    """Answers every job with the same result or error; with none it runs until it is cancelled."""

    def __init__(self) -> None:
        self.result: Result | BaseException | None = picture_result(PNG)
        self.jobs: list[Job] = []
        self.running = 0
        self.most_running = 0
        self.cancelled = 0
        self.not_ready: str | None = None
        self.verdict: Verdict | None = None
        self.environments: Mapping[str, EnvironmentFacts] = {DEFAULT.name: DEFAULT}
        self.on_sizes: Callable[[Sizes], None] = lambda _: None

    async def start(self) -> Sizes:
        """See `Launcher.start`."""
        return Sizes(2, 4)

    async def run(self, job: Job, stages: Stages) -> Result:
        """See `Launcher.run`."""
        self.jobs.append(job)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        stages.run_ms, stages.warm = 12.5, True
        try:
            if self.result is None:
                await asyncio.get_running_loop().create_future()
            if isinstance(self.result, BaseException):
                raise self.result
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        else:
            assert isinstance(self.result, Result)
            return Result(self.result.outcome, self.result.figures, stages=stages)
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        """See `Launcher.aclose`."""


class Rig:
    """A server that can be stopped and started again, and a client of it."""

    def __init__(self, path: Path, peers: frozenset[int] | None = None) -> None:
        self.path = path
        self.peers = frozenset({os.geteuid()}) if peers is None else peers
        self.launcher = FakeLauncher()
        self.tally = Tally()
        self.tally.watch("figbox_pool_idle", "", lambda: 3)
        self.metrics = Metrics()
        self.client = LauncherClient(path, self.metrics)
        self.server: LauncherServer | None = None
        self._serving = contextlib.ExitStack()

    async def start(self) -> None:
        """Begin to serve."""
        listener = self._serving.enter_context(listening(self.path))
        self.server = LauncherServer(self.launcher, self.tally, self.peers, await self.launcher.start())
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
        """Connect as anybody could."""
        return await asyncio.open_unix_connection(self.path)

    async def say(self, *pieces: bytes) -> bytes:
        """Connect, say something, and return all that comes back; what breaks off counts as the end."""
        reader, writer = await self.open()
        with contextlib.suppress(OSError):
            writer.writelines(pieces)
            await writer.drain()
        try:
            with contextlib.suppress(OSError):
                return await asyncio.wait_for(reader.read(), 5)
            return b""
        finally:
            writer.close()
