"""Runs one job in one container, and turns whatever happens there into a result or one of our errors.

The path of a job: take a container from the pool, hand the job over, read the answer under the deadline,
check the picture. The deadline kills the container by its id. What the runner says is a claim; only the
checked picture makes an outcome OK.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from gateway.jobs import (
    SIGNAL_BASE,
    Ending,
    Figure,
    Format,
    Job,
    LimitExceeded,
    Limits,
    MiB,
    Outcome,
    Picture,
    Result,
    Stages,
    decide_outcome,
    printable,
)
from gateway.launcher.conversation import StreamEnded
from gateway.launcher.frames import Answer, MalformedAnswer, OutputExceeded, encode_job
from gateway.picture import InvalidPicture
from gateway.png import check_png

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.jobs import Usage
    from gateway.launcher.engine import Engine
    from gateway.launcher.pool import Container, Pool

    UsageReader = Callable[[str], Usage | None]


class Executor(Protocol):
    """What the HTTP side needs: run a job, get a result."""

    async def run(self, job: Job, stages: Stages) -> Result:
        """Run one job.

        Args:
            job: What to draw.
            stages: Filled in with where the time goes, also when the call fails.

        Raises:
            EngineError: The engine failed us; the job may be tried again.
            ShuttingDown: The launcher is ending.
        """


class PoolExecutor:
    """Runs jobs in containers of a pool.

    Args:
        pool: Gives a container for each job.
        engine: Kills at the deadline, and says how a silent container ended.
        limits: The same for every job.
        read_usage: Says what a container has used, by its id.
    """

    def __init__(self, pool: Pool, engine: Engine, limits: Limits, read_usage: UsageReader) -> None:
        self._pool = pool
        self._engine = engine
        self._limits = limits
        self._read_usage = read_usage

    async def run(self, job: Job, stages: Stages) -> Result:
        """Run one job; see `Executor.run`."""
        limits = self._limits.lowered(job.wall_limit_s)
        job_frame = encode_job(job, limits)
        with _timed(stages, "acquire_ms") as acquired:
            async with self._pool.lease() as container:
                acquired()
                stages.warm = container.was_idle
                with _timed(stages, "run_ms"):
                    answer = await self._exchange(container, job_frame, limits)
                usage = self._read_usage(container.container_id)
        if isinstance(answer, Ending):
            outcome = decide_outcome(answer)
            return Result(
                outcome,
                error=explain_ending(outcome, answer, limits),
                limit=exceeded_limit(outcome, limits),
                signal=_signal_name(answer) if outcome is Outcome.KILLED else None,
                limits=limits,
                stages=stages,
                usage=usage,
            )
        with _timed(stages, "check_ms"):
            outcome, figures, error = judge(answer, limits)
        return Result(outcome, figures, error, limits=limits, stages=stages, usage=usage)

    async def _exchange(self, container: Container, job_frame: bytes, limits: Limits) -> Answer | Ending:
        """Return the container's answer, or how it ended without one."""
        try:
            async with asyncio.timeout(limits.wall_limit_s):
                return await container.conversation.exchange(job_frame, limits.output_limit_bytes)
        except TimeoutError:
            # By id, and confirmed: an engine that can't even kill is our failure, not the guest's slowness.
            await self._engine.kill(container.container_id)
            return Ending(deadline=True)
        except OutputExceeded:
            return Ending(output_exceeded=True)
        except MalformedAnswer:
            return Ending(malformed=True)
        except StreamEnded:
            state = await self._engine.exit_state(container.container_id)
            exit_code = container.forked.exit_code if container.forked is not None else state.exit_code
            return Ending(exit_code=exit_code, oom_killed=state.oom_killed)


def judge(answer: Answer, limits: Limits) -> tuple[Outcome, tuple[Figure, ...], str]:
    """Return what a claimed answer is worth: its checked figures, or what to tell the client when there are none."""
    if answer.outcome is not Outcome.OK or answer.picture is None:
        return answer.outcome, (), printable(answer.error)
    try:
        size = check_png(answer.picture, limits.pixel_limit)
    except InvalidPicture as error:
        return Outcome.INVALID_OUTPUT, (), f"The job's output is not a picture that can be served: {error}."
    picture = Picture(Format.PNG, answer.picture, size.width, size.height)
    return Outcome.OK, (Figure(0, "", (picture,)),), ""


def exceeded_limit(outcome: Outcome, limits: Limits) -> LimitExceeded | None:
    """Return the limit that an outcome speaks of."""
    match outcome:
        case Outcome.TIME_LIMIT:
            return LimitExceeded("wall_limit", limits.wall_limit_s, "s")
        case Outcome.MEMORY_LIMIT:
            return LimitExceeded("memory_limit", limits.memory_limit_bytes, "bytes")
        case Outcome.OUTPUT_LIMIT:
            return LimitExceeded("output_limit", limits.output_limit_bytes, "bytes")
        case _:
            return None


def explain_ending(outcome: Outcome, ending: Ending, limits: Limits) -> str:
    """Return one sentence for the client about a job that ended without an answer."""
    match outcome:
        case Outcome.TIME_LIMIT:
            text = f"The job took longer than {limits.wall_limit_s:g} s and was stopped."
        case Outcome.MEMORY_LIMIT:
            text = f"The job needed more than {limits.memory_limit_bytes // MiB} MiB of memory and was stopped."
        case Outcome.OUTPUT_LIMIT:
            text = f"The job wrote more than {limits.output_limit_bytes // MiB} MiB and was stopped."
        case Outcome.KILLED:
            text = f"The job was killed by {_signal_name(ending)}."
        case _ if ending.malformed:
            text = "The job's output is not a picture that can be served: it is no answer of the runner."
        case _ if ending.exit_code is None:
            text = "The job closed its output without giving a picture."
        case _:
            text = f"The job ended by itself with exit status {ending.exit_code} and gave no picture."
    return text


def _signal_name(ending: Ending) -> str:
    """Name the Linux signal that ended a job; the gateway's own platform may number them otherwise."""
    number = (ending.exit_code or 0) - SIGNAL_BASE
    names = {4: "SIGILL", 6: "SIGABRT", 7: "SIGBUS", 8: "SIGFPE", 9: "SIGKILL", 11: "SIGSEGV", 31: "SIGSYS"}
    return names.get(number, f"signal {number}")


class _Clock:
    """Writes milliseconds since its start into one field of the stages, once."""

    def __init__(self, stages: Stages, field: str) -> None:
        self._stages, self._field = stages, field
        self._began: float | None = time.perf_counter()

    def __call__(self) -> None:
        if self._began is not None:
            setattr(self._stages, self._field, (time.perf_counter() - self._began) * 1000)
            self._began = None


@contextmanager
def _timed(stages: Stages, field: str) -> Iterator[_Clock]:
    """Time a block; calling the yielded object ends the stage earlier."""
    clock = _Clock(stages, field)
    try:
        yield clock
    finally:
        clock()
