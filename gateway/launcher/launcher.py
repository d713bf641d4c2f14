"""The launcher that works with an engine: runs jobs in all environments, and copes with an engine that goes away.

If the engine can't be reached at the start, the launcher waits for it. After that it watches it: with a ping every few
seconds, a sweep for strays every minute, and a self-test of the sandbox every hour and whenever the engine was away.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sys
import time
from functools import partial
from typing import TYPE_CHECKING

from loguru import logger

from gateway.launcher.checking import TASK as CHECK
from gateway.launcher.engine.docker_engine import DockerEngine, find_engine_url
from gateway.launcher.engine.engine import EngineFacts
from gateway.launcher.environment import Examined, OpenEnvironment, examine, open_environment
from gateway.launcher.interface import GAUGES
from gateway.launcher.selftest.verdict import merged
from gateway.launcher.sizing import OTHER_MAKERS, Plan, Sizes, make_plan
from gateway.model.errors import EngineError, EngineRefused, EngineUnavailable, InvalidRequest, ShuttingDown, StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT
from gateway.worker.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from gateway.launcher.interface import Counters
    from gateway.launcher.selftest.verdict import Verdict
    from gateway.launcher.snapshot.warm_start import WarmStart
    from gateway.model.jobs import EnvironmentFacts, Job
    from gateway.model.results import Result, Stages
    from gateway.settings import LauncherSettings

#: Seconds between pings of the engine, and how long one may take.
PING_PERIOD_S = 5.0
PING_LIMIT_S = 5.0

#: Events of the pool when an engine is restarted between two pings: makes fail, and warm containers die.
SUSPICIOUS_EVENTS = frozenset({"failed", "spoilt"})

#: Seconds between attempts to reach an engine that was not there at the start: as many as the last one took, at least
#: and at most. Where a snapshot is demanded, each makes one.
ABSENT_PAUSE_S = 2.0
ABSENT_PAUSE_MAX_S = 30.0

#: Seconds that removing all containers may take at the end; the next start sweeps what is left.
CLOSE_LIMIT_S = 20.0


class EngineLauncher:
    """Runs jobs in containers of one engine; see `gateway.launcher.interface.Launcher`.

    Args:
        settings: Those of the engine, the environments and the pools.
        counters: Where to count.
    """

    def __init__(self, settings: LauncherSettings, counters: Counters) -> None:
        self._settings = settings
        self._counters = counters
        self.on_sizes: Callable[[Sizes], None] = lambda _: None
        self._engine = DockerEngine(find_engine_url(settings.docker_host), settings.engine_timeout_s)
        self._instance = secrets.token_hex(8)
        self._open: dict[str, OpenEnvironment] = {}
        largest_bytes = max(own.limits.output_limit_bytes for own in settings.environments.values())
        # Bounded by the jobs that run, each of which holds its place while it is checked.
        self._checks = WorkerPool(
            {CHECK: largest_bytes},
            waiting_limit=sys.maxsize,
            key_limit=sys.maxsize,
            start_limit_s=settings.start_limit_s,
            on_end=partial(counters.count_worker_end, "check"),
        )
        #: Held while a snapshot is made or tried: environments that can share one wait for it.
        self._snapshot_turn = asyncio.Lock()
        self._tasks: list[asyncio.Task[None]] = []
        self._problem: str | None = "the engine has not been reached yet"
        self._logged: tuple[str, str | None] | None = None
        self._suspicious = False
        self._closing = False
        for name, text in GAUGES.items():
            counters.watch(name, text, partial(self._gauge, name))

    @property
    def not_ready(self) -> str | None:
        """Why a job would fail now, or None."""
        if self._problem is not None:
            return self._problem
        default = self._open.get(DEFAULT_ENVIRONMENT)
        if default is not None and default.monitor.reason is not None:
            return default.monitor.reason
        if default is not None and default.pool.breaker_open and not default.pool.idle_count:
            return "the engine fails to start containers"
        return None

    @property
    def is_broken(self) -> bool:
        """Whether one of its tasks has ended by an exception, which none of them expects."""
        return any(task.done() and not task.cancelled() and task.exception() for task in self._tasks)

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the last self-test; None before the first."""
        if not self._open:
            return None
        return merged({name: environment.monitor.verdict for name, environment in self._open.items()})

    @property
    def environments(self) -> Mapping[str, EnvironmentFacts]:
        """The environments that jobs can name."""
        return {name: environment.facts for name, environment in self._open.items()}

    @property
    def warm_starts(self) -> Sequence[WarmStart]:
        """How the runners of each environment start."""
        return tuple(environment.warm_start for environment in self._open.values())

    async def start(self) -> Sizes:
        """Check the engine and begin to fill the pools; an engine that can't be reached is waited for.

        Returns:
            The sizes, or guesses from our own host while there is no engine.

        Raises:
            StartError: The engine is there, but can't be used as configured.
        """
        try:
            sizes = await self._prepare()
        except EngineError as error:
            if isinstance(error, EngineRefused) and error.is_final:
                raise StartError(f"the engine refuses what Figbox asks for: {error.cause}") from error
            self._note_unusable(error)
            self._spawn(self._wait_for_engine())
            sizes = make_plan(self._settings, _facts_of_this_host()).sizes
        self._checks.start()
        self._spawn(self._watch())
        self._spawn(self._sweep_now_and_then())
        return sizes

    async def run(self, job: Job, stages: Stages) -> Result:
        """Run one job; see `Launcher.run`."""
        if self._closing:
            raise ShuttingDown("The service is shutting down")
        if self._problem is not None:
            raise EngineUnavailable(self._problem)
        environment = self._open.get(job.environment)
        if environment is None:
            raise InvalidRequest("there is no such environment")
        if environment.monitor.reason is not None:
            raise EngineUnavailable(environment.monitor.reason)
        return await environment.executor.run(job, stages)

    async def aclose(self) -> None:
        """Remove every container and close the engine."""
        self._closing = True
        for task in self._tasks:
            task.cancel()
        try:
            async with asyncio.timeout(CLOSE_LIMIT_S):
                await asyncio.gather(
                    asyncio.gather(*self._tasks, return_exceptions=True),
                    *(environment.pool.aclose() for environment in self._open.values()),
                )
        except TimeoutError:
            left = sum(environment.pool.removing_count for environment in self._open.values())
            logger.error("containers not removed in time", left=left)
            await asyncio.gather(*(environment.pool.give_up() for environment in self._open.values()))
        await self._checks.aclose()
        self._engine.close()

    # Background

    async def _prepare(self) -> Sizes:
        """Examine and open all environments, or none."""
        environments = self._settings.environments
        examined = {
            name: await examine(self._engine, name, settings, self._instance) for name, settings in environments.items()
        }
        engine_facts = examined[DEFAULT_ENVIRONMENT].prepared.facts
        plan = make_plan(self._settings, engine_facts)
        await self._sweep()
        opened = [self._open_environment(found, plan) for found in examined.values()]
        if self._settings.warm_start == "snapshot":
            for environment in opened:
                if environment.keeper is not None:
                    await environment.keeper.insist()
        for environment, found in zip(opened, examined.values(), strict=True):
            self._begin(environment, found, plan)
        self._problem = None
        logger.info(
            "engine ready",
            engine=engine_facts.version,
            running_limit=plan.running,
            pool_size=plan.sizes.pool,
            installation=self._settings.installation_name,
        )
        return plan.sizes

    def _open_environment(self, found: Examined, plan: Plan) -> OpenEnvironment:
        name = found.facts.name
        return open_environment(
            self._engine,
            found,
            pool_size=plan.pools[name],
            pool_makers=self._settings.pool_makers if name == DEFAULT_ENVIRONMENT else OTHER_MAKERS,
            running=plan.running,
            on_event=self._note_pool_event,
            snapshot_turn=self._snapshot_turn,
            checks=self._checks,
        )

    def _begin(self, opened: OpenEnvironment, found: Examined, plan: Plan) -> None:
        name = found.facts.name
        self._open[name] = opened
        opened.pool.start()
        self._spawn(opened.monitor.keep_fresh())
        if opened.keeper is not None:
            self._spawn(opened.keeper.keep_fresh())
        logger.info(
            "environment ready",
            environment=name,
            runtime=found.facts.runtime,
            image=found.facts.image_id,
            pool_size=plan.pools[name],
            self_test_s=round(found.prepared.verdict.duration_s, 2),
        )

    async def _wait_for_engine(self) -> None:
        """Try to prepare it again and again; after an attempt that took long, since that can cost much, not at once."""
        took_s = 0.0
        while True:
            await asyncio.sleep(max(ABSENT_PAUSE_S, min(took_s, ABSENT_PAUSE_MAX_S)))
            began = time.monotonic()
            try:
                sizes = await self._prepare()
            except (EngineError, StartError) as error:
                self._note_unusable(error)
                took_s = time.monotonic() - began
            else:
                self.on_sizes(sizes)
                return

    def _note_unusable(self, error: EngineError | StartError) -> None:
        """Say why the engine can't be used: to clients without its own words, which may name paths of the host."""
        self._problem = f"the container engine can't be used yet: {error}"
        said = (str(error), error.cause if isinstance(error, EngineError) else None)
        if said != self._logged:
            self._logged = said
            logger.warning("engine can't be used", reason=said[0], cause=said[1])

    async def _watch(self) -> None:
        """Notice when the engine hangs, is gone, or is back."""
        while True:
            await asyncio.sleep(PING_PERIOD_S)
            if not self._open:
                continue
            try:
                async with asyncio.timeout(PING_LIMIT_S):
                    await self._engine.ping()
            except (EngineError, TimeoutError):
                self._counters.count_engine_failure()
                if self._problem is None:
                    logger.error("engine lost")
                self._problem = "the container engine doesn't respond"
            else:
                if await self._is_trusted_again():
                    self._problem = None

    async def _is_trusted_again(self) -> bool:
        """Test an engine that was or may have been away; tell whether it can be used.

        It may be another engine, on another kernel, so one that was away is not used before a self-test has finished.
        """
        was_away = self._problem is not None
        if was_away:
            logger.info("engine back")
        starts = not any(environment.pool.breaker_open for environment in self._open.values())
        if not (was_away or (self._suspicious and starts)):
            return True
        self._suspicious = False
        renewed = [await environment.monitor.renew() for environment in self._open.values()]
        return all(renewed) or not was_away

    def _note_pool_event(self, event: str) -> None:
        self._counters.count_pool_event(event)
        if event in SUSPICIOUS_EVENTS:
            self._suspicious = True

    async def _sweep_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self._settings.sweep_period_s)
            if self._open:
                with contextlib.suppress(EngineError):
                    await self._sweep()

    async def _sweep(self) -> None:
        """Remove strays: containers of this installation that no maker owns, left by a crash or an engine's failure."""
        removed = 0
        for found in await self._engine.find(self._settings.installation_name):
            if not any(environment.maker.owns(found.name) for environment in self._open.values()):
                with contextlib.suppress(EngineError):
                    await self._engine.remove(found.container_id)
                    removed += 1
        self._counters.count_sweep(removed)
        if removed:
            logger.info("strays removed", count=removed)

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        task.add_done_callback(_tell_if_broken)
        self._tasks.append(task)

    def _gauge(self, name: str) -> float:
        """Return the value of one of the `GAUGES`."""
        if name == "figbox_engine_up":
            return float(self._problem is None)
        if name == "figbox_sandbox_holds":
            return float(self.verdict is not None and self.verdict.holds)
        if name == "figbox_self_test_period_seconds":
            return self._settings.selftest_period_s
        counts = {
            "figbox_pool_size": "size",
            "figbox_pool_idle": "idle_count",
            "figbox_pool_making": "making_count",
            "figbox_pool_removing": "removing_count",
        }
        return float(sum(getattr(environment.pool, counts[name]) for environment in self._open.values()))


def _tell_if_broken(task: asyncio.Task[None]) -> None:
    """Log why a task ended that should not have: whoever asks for its exception keeps asyncio from saying it."""
    if not task.cancelled() and (error := task.exception()) is not None:
        logger.opt(exception=error).error("launcher broken", task=task.get_name())


def _facts_of_this_host() -> EngineFacts:
    """Take our own host for the engine's, as long as no engine responds."""
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return EngineFacts(frozenset(), (), os.cpu_count() or 1, memory_bytes, "unknown", "", "1")
