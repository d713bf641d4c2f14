"""The launcher that works with an engine: engine, pool and executor as one object, kept alive through its absence.

When the engine can't be reached at the start, the launcher waits for it and says so; once it was reached and
found fit, it is watched: a ping every few seconds, a sweep for strays every minute, and a self-test of the sandbox
every hour and whenever the engine was away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from functools import partial
from typing import TYPE_CHECKING

from loguru import logger

from gateway.errors import EngineError, EngineUnavailable, ShuttingDown, StartError
from gateway.jobs import DEFAULT_ENVIRONMENT, EnvironmentFacts
from gateway.launcher.engine import DockerEngine, EngineFacts, find_engine_url
from gateway.launcher.executor import PoolExecutor
from gateway.launcher.interface import GAUGES
from gateway.launcher.maker import ContainerMaker, ForkingMaker
from gateway.launcher.pool import Pool
from gateway.launcher.preflight import Prepared, SelfTest, prepare
from gateway.launcher.proof import Proof
from gateway.launcher.sizing import Sizes, choose_sizes
from gateway.launcher.usage import CgroupUsage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from gateway.jobs import Job, Result, Stages
    from gateway.launcher.interface import Books
    from gateway.launcher.verdict import Verdict
    from gateway.settings import LauncherSettings

#: Seconds between signs of life asked of the engine, and how long one may take.
PING_PERIOD_S = 5.0
PING_LIMIT_S = 5.0

#: What happens in the pool when an engine is restarted faster than it is missed: makes fail, warm containers die.
SUSPICIOUS_EVENTS = frozenset({"failed", "spoilt"})

#: Seconds between tries to reach an engine that was not there at the start.
ABSENT_PAUSE_S = 2.0

#: Seconds from a container's start to its runner being ready.
START_LIMIT_S = 60.0

#: Seconds all containers together may take to be removed at the end; what stays is swept at the next start.
CLOSE_LIMIT_S = 20.0


class EngineLauncher:
    """Runs jobs in containers of one engine; see `gateway.launcher.interface.Launcher`.

    Args:
        settings: The engine, the limits, the pool.
        books: Where to count.
    """

    def __init__(self, settings: LauncherSettings, books: Books) -> None:
        self._settings = settings
        self._books = books
        self.on_sizes: Callable[[Sizes], None] = lambda _: None
        self._environments: dict[str, EnvironmentFacts] = {}
        self._engine = DockerEngine(find_engine_url(settings.docker_host), settings.engine_timeout_s)
        self._instance = secrets.token_hex(8)
        self._maker: ContainerMaker | None = None
        self._pool: Pool | None = None
        self._executor: PoolExecutor | None = None
        self._proof: Proof | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._fault: str | None = "the engine has not been reached yet"
        self._suspicious = False
        self._closing = False
        for name, text in GAUGES.items():
            books.watch(name, text, partial(self._gauge, name))

    @property
    def not_ready(self) -> str | None:
        """Why a job would fail now, or None."""
        if self._fault is not None:
            return self._fault
        if self._proof is not None and self._proof.reason is not None:
            return self._proof.reason
        if self._breaker_open:
            return "the engine fails to start containers"
        return None

    @property
    def verdict(self) -> Verdict | None:
        """What the last self-test of the sandbox came to; None before the first."""
        return None if self._proof is None else self._proof.verdict

    @property
    def environments(self) -> Mapping[str, EnvironmentFacts]:
        """The environments that jobs can name."""
        return self._environments

    async def start(self) -> Sizes:
        """Check the engine and begin to fill the pool; an engine that can't be reached is waited for.

        Returns:
            The sizes in force, or good guesses while there is no engine.

        Raises:
            StartError: The engine is there, but can't be used as configured.
        """
        try:
            sizes = await self._prepare()
        except EngineError as error:
            self._fault = f"the container engine can't be used yet: {error}"
            logger.warning("engine not reached", reason=str(error), cause=error.cause)
            self._spawn(self._wait_for_engine())
            sizes = choose_sizes(self._settings, _facts_of_this_host())
        self._spawn(self._watch())
        self._spawn(self._sweep_now_and_then())
        return sizes

    async def run(self, job: Job, stages: Stages) -> Result:
        """Run one job; see `Launcher.run`."""
        if self._closing:
            raise ShuttingDown("The service is shutting down")
        if self._executor is None or self._fault is not None:
            raise EngineUnavailable(self._fault or "the engine has not been reached yet")
        if self._proof is not None and self._proof.reason is not None:
            raise EngineUnavailable(self._proof.reason)
        return await self._executor.run(job, stages)

    async def aclose(self) -> None:
        """Remove every container and give up the engine."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._pool is not None:
            try:
                async with asyncio.timeout(CLOSE_LIMIT_S):
                    await self._pool.aclose()
            except TimeoutError:
                logger.error("containers not removed in time", left=self._pool.removing_count)
        if self._maker is not None:
            with contextlib.suppress(EngineError):
                await self._maker.aclose()
        self._engine.close()

    # Background

    async def _prepare(self) -> Sizes:
        prepared = await prepare(self._engine, self._settings, self._instance)
        forks = self._settings.warm_start == "fork"
        maker = (ForkingMaker if forks else ContainerMaker)(self._engine, prepared.sandbox, START_LIMIT_S)
        await self._sweep(maker)
        await maker.open()
        self._begin(prepared, maker)
        return prepared.sizes

    def _begin(self, prepared: Prepared, maker: ContainerMaker) -> None:
        sizes, facts = prepared.sizes, prepared.facts
        self._maker = maker
        self._pool = Pool(
            maker,
            size=sizes.pool,
            makers=self._settings.pool_makers,
            idle_limit_s=self._settings.pool_idle_s,
            removing_limit=2 * sizes.running + self._settings.pool_makers,
        )
        self._pool.on_event = self._note_pool_event
        usage = CgroupUsage(facts.cgroup_driver, facts.cgroup_version)
        self._executor = PoolExecutor(self._pool, self._engine, self._settings.limits, usage.read)
        self._environments = {
            DEFAULT_ENVIRONMENT: EnvironmentFacts(
                DEFAULT_ENVIRONMENT,
                prepared.sandbox.image_id,
                prepared.sandbox.runtime or "default",
                prepared.sandbox.limits,
            )
        }
        test = SelfTest(self._engine, prepared.sandbox)
        self._proof = Proof(test, prepared.verdict, self._settings.selftest_period_s)
        self._spawn(self._proof.keep_fresh())
        self._fault = None
        self._pool.start()
        logger.info(
            "engine ready",
            engine=facts.version,
            runtime=prepared.sandbox.runtime or "default",
            image=prepared.sandbox.image_id,
            running_limit=sizes.running,
            pool_size=sizes.pool,
            self_test_s=round(prepared.verdict.duration_s, 2),
            installation=prepared.sandbox.installation,
        )

    async def _wait_for_engine(self) -> None:
        while True:
            await asyncio.sleep(ABSENT_PAUSE_S)
            try:
                sizes = await self._prepare()
            except (EngineError, StartError) as error:
                self._fault = f"the container engine can't be used yet: {error}"
            else:
                self.on_sizes(sizes)
                return

    async def _watch(self) -> None:
        """Notice an engine that hangs or is gone, and that it is back."""
        while True:
            await asyncio.sleep(PING_PERIOD_S)
            if self._executor is None:
                continue
            try:
                async with asyncio.timeout(PING_LIMIT_S):
                    await self._engine.ping()
            except (EngineError, TimeoutError):
                self._books.count_engine_failure()
                if self._fault is None:
                    logger.error("engine lost")
                self._fault = "the container engine doesn't answer"
            else:
                if await self._is_trusted_again():
                    self._fault = None

    async def _is_trusted_again(self) -> bool:
        """Test an engine that was away, or that may have been; tell whether it can be worked with.

        It may be another engine, on another kernel. Until that is known, one that was away still is.
        """
        was_away = self._fault is not None
        if was_away:
            logger.info("engine back")
        if self._proof is None or not (was_away or (self._suspicious and not self._breaker_open)):
            return True
        self._suspicious = False
        return await self._proof.renew() or not was_away

    @property
    def _breaker_open(self) -> bool:
        return self._pool is not None and self._pool.breaker_open

    def _note_pool_event(self, event: str) -> None:
        self._books.count_pool_event(event)
        if event in SUSPICIOUS_EVENTS:
            self._suspicious = True

    async def _sweep_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._settings.sweep_period_s)
            if self._maker is not None:
                with contextlib.suppress(EngineError):
                    await self._sweep(self._maker)

    async def _sweep(self, maker: ContainerMaker) -> None:
        """Remove this installation's containers that nobody here knows: strays of a crash or an engine's fault."""
        removed = 0
        for found in await self._engine.find(self._settings.installation_name):
            if not maker.owns(found.name):
                with contextlib.suppress(EngineError):
                    await self._engine.remove(found.container_id)
                    removed += 1
        self._books.count_sweep(removed)
        if removed:
            logger.info("strays removed", count=removed)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        self._tasks.append(asyncio.create_task(work))

    def _gauge(self, name: str) -> float:
        """Return the value of one of the `GAUGES`."""
        if name == "figbox_engine_up":
            return float(self._fault is None)
        if name == "figbox_sandbox_holds":
            return float(self.verdict is not None and self.verdict.holds)
        counts = {
            "figbox_pool_idle": "idle_count",
            "figbox_pool_making": "making_count",
            "figbox_pool_removing": "removing_count",
        }
        return float(getattr(self._pool, counts[name])) if self._pool is not None else 0.0


def _facts_of_this_host() -> EngineFacts:
    """Guess an engine's host by ours, for as long as no engine answers."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return EngineFacts(frozenset(), (), os.cpu_count() or 1, memory_bytes, "unknown", "", "1")
