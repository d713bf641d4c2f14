"""The way of every request that renders: who asks, may they, and run it.

    enter    → the key's holder, its request counted           401, 429; before a byte of the body is read
    (the endpoint reads and checks the body, and may answer from elsewhere)
    run      → hold processor time, wait for a place, render   429, 503
             → settle, count, one log line, whatever happened

Every endpoint takes this way, so what holds for one holds for all.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiohttp import web
from loguru import logger

from gateway.keys.budgets import Budgets, Quota
from gateway.keys.keyring import HEADER, Holder
from gateway.keys.rate_headers import rate_headers
from gateway.model.errors import Busy, EngineError, RateExceeded, Unauthorized
from gateway.observability.log_gate import LogGate
from gateway.server import problems

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.admission import Admission
    from gateway.keys.live_keyring import LiveKeyring
    from gateway.launcher.executor import Executor
    from gateway.model.jobs import EnvironmentFacts, Job, Limits, Result, Stages
    from gateway.observability.metrics import Metrics

#: Who sent a request; there once `Serving.enter` has let it in.
HOLDER = web.RequestKey("holder", Holder)


@dataclass(frozen=True, slots=True)
class Serving:
    """Lets requests in and runs their jobs.

    Attributes:
        keyring: Whom to let in.
        admission: Who runs next.
        executor: Runs.
        metrics: Where to count.
        limits: What a job may use where its environment isn't known, before the wishes of key and request.
        budgets: What each key has used.
        environments: Returns what jobs can run in, by name; nothing for as long as nobody knows.
    """

    keyring: LiveKeyring
    admission: Admission
    executor: Executor
    metrics: Metrics
    limits: Limits
    budgets: Budgets = field(default_factory=Budgets)
    refusals: LogGate = field(default_factory=LogGate)
    environments: Callable[[], Mapping[str, EnvironmentFacts]] = dict

    def enter(self, request: web.Request) -> Holder:
        """Return who sends a request, and count it; to be called before the body is touched.

        Raises:
            Unauthorized: No key, several, or not one of ours.
            RateExceeded: The key has had its requests of a minute.
        """
        began = time.perf_counter()
        try:
            holder = self.keyring.authenticate(request.headers.getall(HEADER, ()))
        except Unauthorized:
            self.metrics.count_refusal("unauthorized")
            raise
        request[HOLDER] = holder
        try:
            self.budgets.take_request(holder)
        except RateExceeded as error:
            self._report_unserved(holder, error, None, began)
            raise
        return holder

    async def run(self, holder: Holder, job: Job, stages: Stages, began: float) -> Result:
        """Run a job within what its holder may have.

        Args:
            holder: Whose job it is.
            job: What to draw; its limits are brought down to what the holder may have.
            stages: Filled in with where the time goes, also when the call fails.
            began: When the request came, by `time.perf_counter`.

        Raises:
            Busy: The key's budget or share is used up, or the house is full.
            EngineError: The engine failed us.
        """
        try:
            result = await self._run(holder, holder.policy.lowered_job(job), stages)
        except BaseException as error:
            self._report_unserved(holder, error, stages, began)
            raise
        self._report(holder, job, result, began)
        return result

    def headers(self, holder: Holder) -> dict[str, str]:
        """Return the header fields that tell a holder what is left."""
        share = holder.policy.concurrent_jobs or self.admission.key_limit
        left = max(0, share - self.admission.count_of(holder.name))
        return rate_headers([Quota("jobs", "concurrent-requests", share, left), *self.budgets.quotas(holder)])

    async def _run(self, holder: Holder, job: Job, stages: Stages) -> Result:
        result: Result | None = None
        facts = self.environments().get(job.environment)
        limits = (facts.limits if facts is not None else self.limits).lowered(job.wall_limit_s)
        worst_s = limits.wall_limit_s * limits.cpus
        with self.budgets.hold_compute(holder, worst_s) as hold:
            asked = time.perf_counter()
            try:
                async with self.admission.place(holder.name, holder.policy.concurrent_jobs):
                    stages.queue_ms = (time.perf_counter() - asked) * 1000
                    result = await self.executor.run(job, stages)
                    return result
            finally:
                if result is not None and result.usage is not None:
                    hold.used_s = result.usage.cpu_s
                else:  # not to be seen, or cut short: what it can have used at most in the time that it ran
                    hold.used_s = stages.run_ms / 1000 * limits.cpus

    def _report(self, holder: Holder, job: Job, result: Result, began: float) -> None:
        """Count a finished job and write its one log line."""
        self.metrics.count_job(result, job.environment)
        usage = result.usage
        logger.info(
            "job finished",
            key=holder.name,
            environment=job.environment,
            outcome=result.outcome.value,
            **_timings(result.stages, began),
            cpu_s=round(usage.cpu_s, 3) if usage is not None else None,
            memory_peak_bytes=usage.memory_peak_bytes if usage is not None else None,
            picture_bytes=sum(len(picture.data) for figure in result.figures for picture in figure.pictures) or None,
        )

    def _report_unserved(self, holder: Holder, error: BaseException, stages: Stages | None, began: float) -> None:
        """Count a request that ended without a result, and write its one log line.

        A client that knocks on and on at a closed door is one to count, not one to write a line about each time.
        """
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
                **_timings(stages, began),
                left_out=left_out or None,
            )


def _timings(stages: Stages | None, began: float) -> dict[str, float | bool]:
    total = {"total_ms": round((time.perf_counter() - began) * 1000, 1)}
    if stages is None:
        return dict(total)
    return {
        "warm": stages.warm,
        "queue_ms": round(stages.queue_ms, 1),
        "acquire_ms": round(stages.acquire_ms, 1),
        "run_ms": round(stages.run_ms, 1),
        "check_ms": round(stages.check_ms, 1),
        **total,
    }
