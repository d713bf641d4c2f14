"""The whole HTTP side, with a launcher that renders nothing."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from gateway.admission import Admission
from gateway.app import build_app
from gateway.context import Context
from gateway.keys.budgets import Budgets
from gateway.keys.live_keyring import load_keyring
from gateway.legacy_body import TASK as CODE
from gateway.memory.memory_plan import MemoryPlan, RequestMemory
from gateway.observability.metrics import Metrics
from gateway.render_service import RenderService
from gateway.server.connections import Edge, EdgeLimits
from gateway.server.doorman import protocol_factory
from gateway.server.protocol import PROTOCOL_OPTIONS
from gateway.shutdown import Shutdown
from gateway.v1.request.reading import TASK as READ
from gateway.worker.worker_pool import WorkerPool
from tests.fakes import DEADLINE_S, FakeLauncher

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from gateway.cache.renders import RenderCache
    from gateway.observability.tracing import Tracing
    from gateway.settings import Settings

    Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

PATH = "/render-matplotlib"


@dataclass
class Rig:
    """A gateway whose parts a test can reach.

    Attributes:
        now: What a test's own clock shows, where budgets use one.
        renders: The cache, where a test has one.
        tracing: What begins traces, where a test has that.
    """

    settings: Settings
    admission: Admission
    launcher: FakeLauncher = field(default_factory=FakeLauncher)
    metrics: Metrics = field(default_factory=Metrics)
    budgets: Budgets = field(default_factory=Budgets)
    memory: RequestMemory = field(init=False)
    now: float = 1000.25
    renders: RenderCache | None = None
    tracing: Tracing | None = None
    _service: RenderService | None = None
    _edge: Edge | None = None

    def __post_init__(self) -> None:
        """Share out the memory as the settings say."""
        self.memory = RequestMemory(MemoryPlan.of(self.settings), self.settings.queue_limit, 5)

    @property
    def service(self) -> RenderService:
        """Return what serves the rig's renders; the same object for its whole life."""
        if self._service is None:
            keyring = load_keyring(self.settings)
            limit_bytes = self.settings.files_limit_bytes
            bodies = WorkerPool({READ: limit_bytes, CODE: limit_bytes}, workers=1)
            self._service = RenderService(
                keyring,
                self.admission,
                self.launcher,
                self.metrics,
                self.memory,
                bodies,
                self.budgets,
                tracing=self.tracing,
            )
        return self._service

    @property
    def edge(self) -> Edge:
        """Return what the rig's connections share; the same object for its whole life."""
        if self._edge is None:
            self._edge = Edge(EdgeLimits.public(self.settings), self.metrics)
        return self._edge

    def app(self) -> web.Application:
        """Return the public application."""
        app = build_app(Context(self.settings, self.service, Shutdown(), self.renders))
        app.on_cleanup.append(self._end_workers)
        return app

    async def _end_workers(self, _: web.Application) -> None:
        await self.service.bodies.aclose()


def make_rig(make_settings: Callable[..., Settings], **values: object) -> Rig:
    """Return a gateway with small limits: bodies of 4 KiB, 1 MiB with files; code of 1 KiB; one job, one waiting."""
    settings = make_settings(body_limit_kib=4, files_limit_mib=1, code_limit_kib=1, body_timeout_s=DEADLINE_S, **values)
    return Rig(settings, Admission(running_limit=1, queue_limit=1, queue_wait_s=DEADLINE_S, key_limit=10))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a directory with a short name: a socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="fb") as name:
        yield Path(name)


@pytest.fixture
def rig(make_settings: Callable[..., Settings]) -> Rig:
    """Return a gateway with small limits, and the one key of `API_KEY`."""
    return make_rig(make_settings)


@pytest.fixture
async def client(rig: Rig, aiohttp_client: AiohttpClient) -> TestClient[web.Request, web.Application]:
    """Return a client of the gateway."""
    server = TestServer(rig.app())
    await server.start_server(**PROTOCOL_OPTIONS)
    return await aiohttp_client(server)


@pytest.fixture
async def connect(rig: Rig) -> AsyncIterator[Connect]:
    """Return what opens raw connections to a gateway that listens as the service does."""
    async with listening(rig.app(), rig.edge) as open_one:
        yield open_one


@asynccontextmanager
async def listening(app: web.Application, edge: Edge) -> AsyncIterator[Connect]:
    """Serve an application behind an edge; yield what opens raw connections to it."""
    async with AsyncExitStack() as stack:
        runner = web.AppRunner(app, handler_cancellation=True)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        assert runner.server is not None
        site = await asyncio.get_running_loop().create_server(protocol_factory(edge, runner.server), "127.0.0.1", 0)
        stack.callback(site.close)

        async def open_one() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
            reader, writer = await asyncio.open_connection(*site.sockets[0].getsockname())
            stack.push_async_callback(_closed, writer)
            return reader, writer

        yield open_one


async def _closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError:
        return


def limit_edge(rig: Rig, **limits: float) -> None:
    """Give the connections of a rig other limits."""
    rig.edge.limits = EdgeLimits(**{"connections": 512, "head_s": 10.0, **limits})  # type: ignore[arg-type]


def refusals(rig: Rig, reason: str) -> float:
    """Return how many requests and connections were refused for a reason."""
    return rig.metrics.registry.get_sample_value("figbox_refusals_total", {"reason": reason}) or 0
