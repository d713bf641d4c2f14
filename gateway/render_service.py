"""What every request that renders goes through, whichever endpoint it comes by.

enter    → find the holder of the key, count the request          401, 429; the body is not read yet
intake   → look whether its job could be admitted                 429, 503; the body is not read yet
(the endpoint reads the body, for which the key holds memory)
work     → parse and check it, where it can do no harm            400, 413, 429, 503; the key pays
bound    → set the limits of the job                              400
(the endpoint may respond from the cache)
run      → reserve processor time, wait for a place and memory for what it may write, run the job  429, 503
         → settle, count, write one log line, in any case
(the endpoint sends the answer, and gives the memory back as soon as it can)
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from loguru import logger

from gateway.keys.budgets import Budgets, Quota
from gateway.keys.rate_headers import rate_headers
from gateway.memory.memory_plan import Reservation
from gateway.model.errors import (
    Busy,
    EngineError,
    EngineUnavailable,
    InvalidOptions,
    InvalidRequest,
    OptionError,
    RateExceeded,
    Unauthorized,
)
from gateway.model.jobs import MiB
from gateway.model.missing_packages import with_packages
from gateway.observability.logs import LogGate
from gateway.server import problems
from gateway.server.credentials import BEARER_CHALLENGE, KEY_CHALLENGE, keys_given
from gateway.server.middleware import HOLDER, REQUEST_ID
from gateway.server.protocol import EdgeProtocol
from gateway.worker.task import Unfinished

if TYPE_CHECKING:
    from collections.abc import Iterator

    from aiohttp import web

    from gateway.admission import Admission
    from gateway.keys.allowances import Allowances
    from gateway.keys.keyring import Holder
    from gateway.keys.live_keyring import LiveKeyring
    from gateway.launcher.interface import Launcher
    from gateway.memory.byte_budget import Hold
    from gateway.memory.memory_plan import RequestMemory
    from gateway.model.jobs import EnvironmentFacts, Job
    from gateway.model.results import Result, Stages
    from gateway.observability.metrics import Metrics
    from gateway.observability.timing import Timing
    from gateway.observability.tracing import Tracing
    from gateway.worker.task import Task
    from gateway.worker.worker_pool import WorkerPool

Q = TypeVar("Q")
A = TypeVar("A")


#: Processor seconds of a container that was made for a client who hung up, at least; and those that a MiB of a kept
#: render takes to be read and hashed. `python -m tests.exploits.hostile_load` and `python -m benchmarks` print them.
CONTAINER_S = 0.25
KEPT_S_PER_MIB = 0.015

#: How a request ended whose client hung up.
CLIENT_GONE = "client-gone"


@dataclass(frozen=True, slots=True)
class RenderService:
    """Authenticates requests and runs their jobs.

    Attributes:
        keyring: The accepted keys.
        admission: Decides which job runs next.
        launcher: Runs admitted jobs.
        metrics: Where to count.
        memory: What bodies, jobs and answers may take.
        bodies: Where large bodies are read.
        budgets: What each key has used.
        refusals: Limits the log lines about refused requests.
        hang_ups: Limits those about clients that hung up.
        tracing: Begins traces; None if there are none.
    """

    keyring: LiveKeyring
    admission: Admission
    launcher: Launcher
    metrics: Metrics
    memory: RequestMemory
    bodies: WorkerPool
    budgets: Allowances = field(default_factory=Budgets)
    refusals: LogGate = field(default_factory=LogGate)
    hang_ups: LogGate = field(default_factory=LogGate)
    tracing: Tracing | None = None

    def __post_init__(self) -> None:
        """Let waiting jobs run when memory becomes free."""
        self.memory.answers.on_room = self.admission.serve_next

    async def enter(self, request: web.Request, timing: Timing, *, bearer: bool = True) -> Holder:
        """Return the holder of a request's key, and count the request; to be called before the body is read.

        Args:
            request: Its head has been read.
            timing: When it came.
            bearer: Whether `Authorization: Bearer` may bring the key.

        Raises:
            Unauthorized: The request has no key, several, or an unknown one.
            KeyShareExceeded: The key's requests take its share of connections; this one isn't counted.
            RateExceeded: The key has used its requests of a minute.
            EngineUnavailable: No environment is known, because the launcher or its engine can't be reached.
        """
        try:
            holder = self.keyring.authenticate(keys_given(request.headers, bearer=bearer))
        except Unauthorized as error:
            self.metrics.count_refusal("unauthorized")
            raise Unauthorized(str(error), BEARER_CHALLENGE if bearer else KEY_CHALLENGE) from None
        if isinstance(request.protocol, EdgeProtocol):
            with self.reporting(holder, timing):
                request.protocol.check_share(holder.name, len(self.keyring))
        request[HOLDER] = holder
        try:
            await self.budgets.take_request(holder)
            self._check_launcher()
        except (RateExceeded, EngineUnavailable) as error:
            self._report_unserved(holder, error, timing)
            raise
        if self.tracing is not None:  # only now: without a key, or beyond its rate, nobody makes us do more
            self.tracing.begin(request, request[REQUEST_ID], timing)
        return holder

    @contextmanager
    def intake(self, holder: Holder, timing: Timing) -> Iterator[Hold]:
        """Refuse a request whose job couldn't be admitted now, before the block reads its body.

        That a job can be admitted before its body is read doesn't promise that it can be afterwards.

        Returns:
            A context manager; it holds what the body takes until the block ends.

        Raises:
            Busy: The key has its share of jobs, or too many wait.
        """
        with self.reporting(holder, timing):
            self.admission.check(holder.name, holder.policy.concurrent_jobs)
        with self.memory.bodies.hold(holder.name) as body:
            yield body

    async def work(self, holder: Holder, task: Task[Q, A], body: Q) -> A:
        """Return what a task makes of a body, at its holder's expense, whatever becomes of the request.

        Args:
            holder: Whose request it is.
            task: One of those of `bodies`.
            body: What to read.

        Raises:
            InvalidRequest: It takes too much time or memory.
            Busy: The key has no processor time left for a large one, or too many wait to be read.
        """
        if not task.at_once(body):
            await self.budgets.check_compute(holder)
        try:
            return await self.bodies.do(task, body, key=holder.name, paid=partial(self._pay, holder))
        except Unfinished as error:
            raise InvalidRequest(f"Body can't be read: {error}") from error

    @contextmanager
    def reading(self, holder: Holder, timing: Timing) -> Iterator[None]:
        """Tell the trace that the block reads a body, and report a refusal within it."""
        with timing.stage("read"), self.reporting(holder, timing):
            yield

    @contextmanager
    def reporting(self, holder: Holder, timing: Timing) -> Iterator[None]:
        """Count and log a refusal within the block, which must not run a job: `run` does that itself."""
        try:
            yield
        except Busy as error:
            self._report_unserved(holder, error, timing)
            raise

    def environment(self, name: str) -> EnvironmentFacts:
        """Return the facts of an environment.

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
        """Return a job with its limits of time and memory: its own, or else the key's and the environment's.

        Raises:
            InvalidOptions: Its own are higher than those, or its environment doesn't exist.
            EngineUnavailable: As `environment`.
        """
        allowed = holder.policy.lowered(self.environment(job.environment).limits)
        limits = allowed.lowered(job.wall_limit_s, job.memory_limit_bytes)
        errors = []
        if job.wall_limit_s not in (None, limits.wall_limit_s):
            errors.append(OptionError("timeout_s", f"may be at most {allowed.wall_limit_s:g} here"))
        if job.memory_limit_bytes not in (None, limits.memory_limit_bytes):
            errors.append(OptionError("memory_mib", f"may be at most {allowed.memory_limit_bytes // MiB} here"))
        if errors:
            raise InvalidOptions.of(errors)
        return replace(job, wall_limit_s=limits.wall_limit_s, memory_limit_bytes=limits.memory_limit_bytes)

    async def run(self, holder: Holder, job: Job, timing: Timing, answer: Hold) -> Result:
        """Run a job.

        Args:
            holder: Whose job it is.
            job: What to draw, as `bound` returned it.
            answer: Holds memory for all that the job may write from when it runs; the caller gives it back once the
                answer needs less.
            timing: Its stages are filled in, also if the call fails.

        Raises:
            Busy: The key's budget or share is used up, or too many jobs wait.
            EngineError: The engine failed.
        """
        try:
            result = await self._run(holder, job, timing, answer)
        except BaseException as error:
            self._report_unserved(holder, error, timing)
            raise
        self._report(holder, job, result, timing)
        return with_packages(result, job.environment, self.launcher.environments)

    async def report_cache_hit(self, holder: Holder, result: Result, timing: Timing) -> None:
        """Count a request that the cache serves, at its holder's expense, and write its one log line.

        Raises:
            BudgetExceeded: The render is large, and the key has no processor time left.
        """
        mib = result.size / MiB
        with self.reporting(holder, timing):
            if mib >= 1:
                await self.budgets.check_compute(holder)
        self.budgets.charge(holder, mib * KEPT_S_PER_MIB)
        self.metrics.count_kept()
        total_ms = round(timing.total_ms(), 1)
        if timing.trace is not None:
            timing.trace.note_result(result, cached=True)
        outcome = result.outcome.value
        logger.info(
            "served from the cache", key=holder.name, outcome=outcome, total_ms=total_ms, trace_id=timing.trace_id
        )

    def headers(self, holder: Holder) -> dict[str, str]:
        """Return the header fields that tell a holder what is left."""
        return rate_headers(self.quotas(holder))

    def part_used(self, holder: Holder) -> float:
        """Return which part of an allowance a holder has used, of the one of which that is most."""
        share = holder.policy.concurrent_jobs or self.admission.key_limit
        return max(self.admission.count_of(holder.name) / share, self.budgets.part_used(holder))

    def quotas(self, holder: Holder) -> list[Quota]:
        """Return what is left of each of a holder's allowances."""
        share = holder.policy.concurrent_jobs or self.admission.key_limit
        left = max(0, share - self.admission.count_of(holder.name))
        return [Quota("jobs", "concurrent-requests", share, left), *self.budgets.quotas(holder)]

    def _check_launcher(self) -> None:
        if not self.launcher.environments:
            raise EngineUnavailable(self.launcher.not_ready or "no environment is known yet")

    async def _run(self, holder: Holder, job: Job, timing: Timing, answer: Hold) -> Result:
        stages = timing.stages
        result: Result | None = None
        placed: float | None = None
        limits = self.environment(job.environment).limits.lowered(job.wall_limit_s)
        room = Reservation.of(answer, job, limits.output_limit_bytes)
        worst_s = limits.wall_limit_s * limits.cpus
        async with self.budgets.hold_compute(holder, worst_s, limits.wall_limit_s) as hold:
            asked = time.perf_counter()
            spent_s = 0.0
            try:
                async with self.admission.place(holder.name, holder.policy.concurrent_jobs, room):
                    placed = time.perf_counter()
                    stages.queue_ms = (placed - asked) * 1000
                    spent_s = CONTAINER_S
                    result = await self._launch(job, stages)
                    return result
            finally:
                # Where it is unknown, or was cut short: the most that can have been used in the time that it took.
                usage = result.usage if result is not None else None
                hold.used_s = usage.cpu_s if usage is not None else stages.run_ms / 1000 * limits.cpus
                hold.used_s += result.check_cpu_s if result is not None else stages.check_ms / 1000
                if isinstance(sys.exception(), asyncio.CancelledError):  # the client hung up, and its container is lost
                    hold.used_s = max(hold.used_s, spent_s)
                if timing.trace is not None:
                    timing.trace.job(asked, placed, stages)

    async def _launch(self, job: Job, stages: Stages) -> Result:
        began = time.perf_counter()
        try:
            return await self.launcher.run(job, stages)
        except asyncio.CancelledError:
            if not stages.acquire_ms + stages.run_ms:  # a launcher in a process of its own tells nothing then
                stages.run_ms = (time.perf_counter() - began) * 1000
            raise

    def _pay(self, holder: Holder, cpu_s: float) -> None:
        """Charge what reading a body took."""
        self.budgets.charge(holder, cpu_s)
        self.metrics.count_hostile_cpu("read", cpu_s)

    def _report(self, holder: Holder, job: Job, result: Result, timing: Timing) -> None:
        """Count a finished job and write its one log line."""
        ways = {each.environment: each.way for each in self.launcher.warm_starts}
        way = ways.get(job.environment, "unknown")
        self.metrics.count_job(result, job.environment, way=way, total_s=timing.total_ms() / 1000)
        if timing.trace is not None:
            timing.trace.note_result(result, cached=False)
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
        """Count a request that ended without a result, and write its one log line unless there are too many."""
        outcome = CLIENT_GONE if isinstance(error, asyncio.CancelledError) else problems.slug_of(error)
        self.metrics.count_request(outcome)
        if timing.trace is not None:
            timing.trace.note_outcome(outcome)
        if isinstance(error, EngineError):
            self.metrics.count_engine_failure()
        gate = self.hang_ups if outcome == CLIENT_GONE else self.refusals if isinstance(error, Busy) else None
        left_out = gate.passes() if gate is not None else 0
        if left_out is not None:
            members = timing.log_members()
            logger.info("job not served", key=holder.name, outcome=outcome, **members, left_out=left_out or None)
