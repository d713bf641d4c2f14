"""Runs one job in one container, and turns whatever happens there into a result or one of our errors.

The path of a job: take a container from the pool, hand the job over, read the reply under the deadline,
check the picture. The deadline kills the container by its id. What the runner says is a claim; only the
checked picture makes an outcome OK.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.launcher.judgement import SIGNAL_BASE, Ending, decide_outcome
from gateway.launcher.runner.conversation import StreamEnded
from gateway.launcher.runner.frames import MalformedReply, OutputExceeded, encode_job
from gateway.launcher.runner.reply import Reply, ReplyReader
from gateway.model.jobs import Job, KiB, Limits, MiB
from gateway.model.results import Figure, LimitExceeded, Outcome, Picture, Result, Stages
from gateway.pictures.check import check_picture
from gateway.pictures.picture import InvalidPicture, TooManyPixels

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.launcher.container import Container
    from gateway.launcher.engine.docker_engine import Engine
    from gateway.launcher.pool import Pool
    from gateway.model.results import Usage

    UsageReader = Callable[[str], Usage | None]

#: Bytes of pictures beyond which they are checked in a thread: checks take up to a second for the largest, and every
#: other client would wait for it.
CHECKED_AT_ONCE_BYTES = 512 * KiB

#: Exit statuses of containers in which the kernel killed a process for its memory: by SIGKILL, and of gVisor also 1.
OOM_EXIT_CODES = frozenset({SIGNAL_BASE + 9, 1})

NOT_SERVED = "The job's output is not a picture that can be served"


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
        """Run one job; see `gateway.launcher.interface.Launcher.run`."""
        limits = self._limits.lowered(job.wall_limit_s, job.memory_limit_bytes)
        memory = limits.memory_limit_bytes if limits.memory_limit_bytes < self._limits.memory_limit_bytes else None
        job_frames = encode_job(job, limits)
        reader = ReplyReader(job, limits.output_limit_bytes)
        with _timed(stages, "acquire_ms") as acquired:
            async with self._pool.lease(memory) as container:
                acquired()
                stages.warm = container.was_idle
                with _timed(stages, "run_ms"):
                    reply = await self._exchange(container, job_frames, reader, limits)
                usage = self._read_usage(container.container_id)
        with _timed(stages, "check_ms"):
            result = explain(reply, limits, usage) if isinstance(reply, Ending) else await judge(reply, limits)
        return replace(
            result,
            stdout=reader.stdout,
            stderr=reader.stderr,
            limits=limits,
            stages=stages,
            usage=usage,
        )

    async def _exchange(
        self, container: Container, job_frames: bytes, reader: ReplyReader, limits: Limits
    ) -> Reply | Ending:
        """Return the container's reply, or how it ended without one."""
        try:
            async with asyncio.timeout(limits.wall_limit_s):
                return await container.conversation.exchange(job_frames, reader, limits.output_limit_bytes)
        except TimeoutError:
            # By id, and confirmed: an engine that can't even kill is our failure, not the guest's slowness.
            await self._engine.kill(container.container_id)
            return Ending(deadline=True)
        except OutputExceeded:
            return Ending(output_exceeded=True)
        except MalformedReply:
            return Ending(malformed=True)
        except StreamEnded:
            return await self._ask_ending(container)

    async def _ask_ending(self, container: Container) -> Ending:
        """Ask how a container ended whose stream has ended."""
        state = await self._engine.exit_state(container.container_id)
        exit_code, oom_killed = state.exit_code, state.oom_killed
        if container.forked is not None and exit_code is not None:
            # Of process 1 it says nothing: the stub is killed when its runner has ended.
            exit_code = await container.forked.wait_exit()
        if exit_code in OOM_EXIT_CODES and not oom_killed:
            # The status alone proves nothing: a guest can end with any.
            oom_killed = await self._engine.saw_oom(container.container_id)
        return Ending(exit_code=exit_code, oom_killed=oom_killed)


async def judge(reply: Reply, limits: Limits) -> Result:
    """Return what a claimed reply is worth: its checked figures, or what to tell the client when there are none."""
    size = sum(len(picture.data) for picture in reply.pictures)
    try:
        if size <= CHECKED_AT_ONCE_BYTES:
            figures = check_figures(reply, limits.pixel_limit)
        else:
            figures = await asyncio.to_thread(check_figures, reply, limits.pixel_limit)
    except InvalidPicture as error:
        limit = None
        if isinstance(error, TooManyPixels):
            limit = LimitExceeded("pixel_limit", limits.pixel_limit, "pixels", error.pixels)
        return Result(Outcome.INVALID_OUTPUT, error=f"{NOT_SERVED}: {error}.", limit=limit)
    return Result(
        reply.outcome,
        figures,
        "" if reply.outcome is Outcome.OK else reply.error,
        reply.files,
        files_truncated=reply.files_left_out,
        warnings=reply.warnings,
        program_error=reply.program_error if reply.outcome is Outcome.PROGRAM_ERROR else None,
        figures_drawn=reply.figures_drawn,
    )


def check_figures(reply: Reply, pixel_limit: int) -> tuple[Figure, ...]:
    """Return the figures of a reply, each picture checked.

    Raises:
        InvalidPicture: One of them can't be served, so none is.
    """
    figures: list[Figure] = []
    for claimed in reply.pictures:
        size = check_picture(claimed.format, claimed.data, pixel_limit)
        picture = Picture(claimed.format, claimed.data, size.width, size.height, claimed.pixels_sha256)
        # The reader has seen to it that the formats of a figure follow each other, the same ones for each.
        if not figures or claimed.format is reply.pictures[0].format:
            figures.append(Figure(claimed.number, claimed.label, (picture,)))
        else:
            figures[-1] = replace(figures[-1], pictures=(*figures[-1].pictures, picture))
    return tuple(figures)


def explain(ending: Ending, limits: Limits, usage: Usage | None) -> Result:
    """Return what to tell the client about a job that ended without a reply."""
    outcome = decide_outcome(ending)
    return Result(
        outcome,
        error=explain_ending(outcome, ending, limits),
        limit=exceeded_limit(outcome, limits, usage),
        signal=_signal_name(ending) if outcome is Outcome.KILLED else None,
    )


def exceeded_limit(outcome: Outcome, limits: Limits, usage: Usage | None) -> LimitExceeded | None:
    """Return the limit that an outcome speaks of; how far a job would have gone beyond it is mostly unknown."""
    match outcome:
        case Outcome.TIME_LIMIT:
            return LimitExceeded("wall_limit", limits.wall_limit_s, "s")
        case Outcome.MEMORY_LIMIT:
            peak = usage.memory_peak_bytes if usage is not None else None
            return LimitExceeded("memory_limit", limits.memory_limit_bytes, "bytes", peak)
        case Outcome.OUTPUT_LIMIT:
            return LimitExceeded("output_limit", limits.output_limit_bytes, "bytes")
        case _:
            return None


def explain_ending(outcome: Outcome, ending: Ending, limits: Limits) -> str:
    """Return one sentence for the client about a job that ended without a reply."""
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
            text = f"{NOT_SERVED}: the runner's reply was malformed."
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
