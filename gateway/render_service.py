"""The way of every request that renders: who asks, may they, and run it.

    enter    → the key's holder, its request counted           401, 429; before a byte of the body is read
    (the endpoint reads and checks the body)
    bound    → the job, with the limits that hold for it       400
    (the endpoint may respond from the cache)
    run      → hold processor time, wait for a place, render   429, 503
             → settle, count, one log line, whatever happened

Every endpoint takes this way, so what holds for one holds for all.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from loguru import logger

from gateway.keys.budgets import Budgets, Quota
from gateway.keys.keyring import HEADER
from gateway.keys.rate_headers import rate_headers
from gateway.model.errors import (
    Busy,
    EngineError,
    EngineUnavailable,
    InvalidOptions,
    OptionError,
    RateExceeded,
    Unauthorized,
)
from gateway.model.jobs import MiB
from gateway.model.results import Stages
from gateway.observability.logs import LogGate
from gateway.server import problems
from gateway.server.middleware import HOLDER

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.admission import Admission
    from gateway.keys.keyring import Holder
    from gateway.keys.live_keyring import LiveKeyring
    from gateway.launcher.interface import Launcher
    from gateway.model.jobs import EnvironmentFacts, Job
    from gateway.model.results import Result
    from gateway.observability.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Timing:
    """When a request came, and where its time goes.

    Attributes:
        began: When it came, by `time.perf_counter`.
        stages: Filled in on its way.
    """

    began: float = field(default_factory=time.perf_counter)
    stages: Stages = field(default_factory=Stages)

    def total_ms(self) -> float:
        """Return the milliseconds since the request came."""
        return (time.perf_counter() - self.began) * 1000

    def log_members(self) -> dict[str, float | bool]:
        """Return the members of a log line that tell where the time went."""
        stages = self.stages
        return {
            "warm": stages.warm,
            **{f"{name}_ms": round(milliseconds, 1) for name, milliseconds in stages.by_name().items()},
            "total_ms": round(self.total_ms(), 1),
        }


@dataclass(frozen=True, slots=True)
class RenderService:
    """Lets requests in and runs their jobs.

    Attributes:
        keyring: The keys that are let in.
        admission: Decides which job runs next.
        launcher: Runs admitted jobs.
        metrics: Where to count.
        budgets: What each key has used.
        refusals: Bounds the log lines about refused requests.
    """

    keyring: LiveKeyring
    admission: Admission
    launcher: Launcher
    metrics: Metrics
    budgets: Budgets = field(default_factory=Budgets)
    refusals: LogGate = field(default_factory=LogGate)

    def enter(self, request: web.Request, timing: Timing) -> Holder:
        """Return who sends a request, and count it; to be called before the body is touched.

        Raises:
            Unauthorized: No key, several, or an unknown one.
            RateExceeded: The key has had its requests of a minute.
            EngineUnavailable: No environment is known yet, or any more: the launcher or its engine is gone.
        """
        try:
            holder = self.keyring.authenticate(request.headers.getall(HEADER, ()))
        except Unauthorized:
            self.metrics.count_refusal("unauthorized")
            raise
        request[HOLDER] = holder
        try:
            self.budgets.take_request(holder)
            self._check_launcher()
        except (RateExceeded, EngineUnavailable) as error:
            self._report_unserved(holder, error, timing)
            raise
        return holder

    def environment(self, name: str) -> EnvironmentFacts:
        """Return what is known of an environment.

        Raises:
            InvalidOptions: There is no such environment.
            EngineUnavailable: None is known any more.
        """
        self._check_launcher()
        environments = self.launcher.environments
        if name not in environments:
            raise InvalidOptions.of([OptionError("environment", f"must be one of {', '.join(sorted(environments))}")])
        return environments[name]

    def bound(self, holder: Holder, job: Job) -> Job:
        """Return a job with the limits of time and memory that hold for it.

        These are the environment's, brought down to what the key may have and then to what the job itself asks for.

        Raises:
            InvalidOptions: It asks for more than it may have, or for an environment that doesn't exist.
            EngineUnavailable: As `environment`.
        """
        allowed = holder.policy.lowered(self.environment(job.environment).limits)
        errors = []
        if job.wall_limit_s is not None and job.wall_limit_s > allowed.wall_limit_s:
            errors.append(OptionError("timeout_s", f"may be at most {allowed.wall_limit_s:g} here"))
        if job.memory_limit_bytes is not None and job.memory_limit_bytes > allowed.memory_limit_bytes:
            errors.append(OptionError("memory_mib", f"may be at most {allowed.memory_limit_bytes // MiB} here"))
        if errors:
            raise InvalidOptions.of(errors)
        limits = allowed.lowered(job.wall_limit_s, job.memory_limit_bytes)
        return replace(job, wall_limit_s=limits.wall_limit_s, memory_limit_bytes=limits.memory_limit_bytes)

    async def run(self, holder: Holder, job: Job, timing: Timing) -> Result:
        """Run a job within what its holder may have.

        Args:
            holder: Whose job it is.
            job: What to draw, as `bound` returned it.
            timing: Its stages are filled in, also if the call fails.

        Raises:
            Busy: The key's budget or share is used up, or too many jobs wait.
            EngineError: The engine failed.
        """
        try:
            result = await self._run(holder, job, timing.stages)
        except BaseException as error:
            self._report_unserved(holder, error, timing)
            raise
        self._report(holder, job, result, timing)
        return result

    def report_kept(self, holder: Holder, result: Result, timing: Timing) -> None:
        """Count a request that the cache served, and write its one log line."""
        self.metrics.count_kept()
        logger.info(
            "answered from the cache",
            key=holder.name,
            outcome=result.outcome.value,
            total_ms=round(timing.total_ms(), 1),
        )

    def headers(self, holder: Holder) -> dict[str, str]:
        """Return the header fields that tell a holder what is left."""
        share = holder.policy.concurrent_jobs or self.admission.key_limit
        left = max(0, share - self.admission.count_of(holder.name))
        return rate_headers([Quota("jobs", "concurrent-requests", share, left), *self.budgets.quotas(holder)])

    def _check_launcher(self) -> None:
        if not self.launcher.environments:
            raise EngineUnavailable(self.launcher.not_ready or "no environment is known yet")

    async def _run(self, holder: Holder, job: Job, stages: Stages) -> Result:
        result: Result | None = None
        limits = self.environment(job.environment).limits.lowered(job.wall_limit_s)
        with self.budgets.hold_compute(holder, limits.wall_limit_s * limits.cpus) as hold:
            asked = time.perf_counter()
            try:
                async with self.admission.place(holder.name, holder.policy.concurrent_jobs):
                    stages.queue_ms = (time.perf_counter() - asked) * 1000
                    result = await self.launcher.run(job, stages)
                    return result
            finally:
                if result is not None and result.usage is not None:
                    hold.used_s = result.usage.cpu_s
                else:  # unknown, or cut short: the most that it can have used in the time that it ran
                    hold.used_s = stages.run_ms / 1000 * limits.cpus

    def _report(self, holder: Holder, job: Job, result: Result, timing: Timing) -> None:
        """Count a finished job and write its one log line."""
        self.metrics.count_job(result, job.environment)
        usage = result.usage
        logger.info(
            "job finished",
            key=holder.name,
            environment=job.environment,
            outcome=result.outcome.value,
            **timing.log_members(),
            cpu_s=round(usage.cpu_s, 3) if usage is not None else None,
            memory_peak_bytes=usage.memory_peak_bytes if usage is not None else None,
            picture_bytes=sum(len(picture.data) for figure in result.figures for picture in figure.pictures) or None,
        )

    def _report_unserved(self, holder: Holder, error: BaseException, timing: Timing) -> None:
        """Count a request that ended without a result, and write its one log line, unless too many are refused."""
        gone = isinstance(error, asyncio.CancelledError)
        outcome = "client-gone" if gone else problems.slug_of(error)
        self.metrics.count_request(outcome)
        if isinstance(error, EngineError):
            self.metrics.count_engine_failure()
        left_out = self.refusals.passes() if isinstance(error, Busy) else 0
        if left_out is not None:
            logger.info(
                "job not served",
                key=holder.name,
                outcome=outcome,
                **timing.log_members(),
                left_out=left_out or None,
            )
