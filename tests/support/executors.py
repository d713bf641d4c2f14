"""An executor in this process with real containers, without the HTTP side."""

from __future__ import annotations

import secrets
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from gateway.launcher.checking import TASK as CHECK
from gateway.launcher.engine.docker_engine import DockerEngine
from gateway.launcher.engine.specification import Sandbox
from gateway.launcher.executor import PoolExecutor
from gateway.launcher.maker import ContainerMaker
from gateway.launcher.pool import Pool
from gateway.model.jobs import Job, Limits, SaveOptions
from gateway.model.results import Result, Stages
from gateway.worker.worker_pool import WorkerPool
from tests.fakes import no_usage, until
from tests.support.live import IMAGE, containers_of, engine_url, remove_containers_of
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@dataclass
class LiveExecutor:
    """A running executor.

    Attributes:
        installation: What its containers are marked with.
    """

    executor: PoolExecutor
    pool: Pool
    installation: str

    async def run(self, code: str, **job: Any) -> Result:
        """Run a job that collects; `options` are those of `SaveOptions`, all else of `Job`."""
        options = SaveOptions(**job.pop("options", {}))
        return await self.executor.run(Job(code, options, **{"collect": True, **job}), Stages())

    async def full(self) -> None:
        """Wait until the pool holds what it should."""
        await until(lambda: self.pool.idle_count >= self.pool._size, "the pool is full")


@asynccontextmanager
async def live_executor(
    *, size: int = 0, limits: Limits | None = None, url: str | None = None, **sandbox: Any
) -> AsyncIterator[LiveExecutor]:
    """Run an executor on an engine; afterwards nothing of it is left.

    Args:
        size: Of the warm pool.
        limits: Of each job.
        url: The engine's; None is the one under test.
        sandbox: Other fields of the sandbox.
    """
    limits, url, name = limits or Limits(), url or engine_url(), f"test-{secrets.token_hex(6)}"
    engine = DockerEngine(url, slowed(30))
    try:
        image_id = await engine.image_id(IMAGE)
        assert image_id is not None
        fields = {"runtime": None, "installation": name, "instance": name, "idle_limit_s": 300.0}
        maker = ContainerMaker(engine, Sandbox(image_id, limits, **{**fields, "start_limit_s": slowed(60), **sandbox}))
        pool = Pool(maker, size=size, makers=2, idle_limit_s=300, removing_limit=8)
        pool.start()
        checks = WorkerPool({CHECK: limits.output_limit_bytes})
        try:
            yield LiveExecutor(PoolExecutor(pool, engine, limits, no_usage, checks), pool, name)
        finally:
            await pool.aclose()
            await checks.aclose()
    finally:
        engine.close()
        left = containers_of(name, url)
        remove_containers_of(name, url)
        assert left == []
