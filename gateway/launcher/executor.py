"""Runs one job in one container, and turns whatever happens there into a result or one of our errors.

The path of a job: take a container from the pool, hand the job over, read the reply under the deadline, judge it. The
deadline kills the container by its id. What is said of the figures follows the reply, and can't spoil it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.launcher.engine.engine import EXIT_SIGKILL
from gateway.launcher.judgement import Ending, explain, judge
from gateway.launcher.runner.conversation import StreamEnded
from gateway.launcher.runner.frames import MalformedReply, OutputExceeded, encode_job
from gateway.launcher.runner.reply import ClaimedExplanations, Reply, ReplyReader
from gateway.model.explanation_reader import MALFORMED, TOO_LARGE
from gateway.model.jobs import Describe
from gateway.model.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from gateway.launcher.container import Container
    from gateway.launcher.engine.engine import Engine
    from gateway.launcher.pool import Pool
    from gateway.model.jobs import Job, Limits
    from gateway.model.results import Result, Stages, Usage
    from gateway.worker.worker_pool import WorkerPool

    UsageReader = Callable[[str], Usage | None]

#: Seconds after a complete reply that a runner has to say what its figures show, within the time limit of the job.
EXPLANATION_LIMIT_S = 5.0

#: Why nothing is said of the figures, each the end of a sentence; the reader has others.
TOO_SLOW = f"looking at them took longer than {EXPLANATION_LIMIT_S:g} s"
OUT_OF_TIME = "the job's time was over"
ENDED = "the container ended before that"

#: Exit statuses of containers in which the kernel killed a process for its memory: SIGKILL's, and with gVisor also 1.
OOM_EXIT_CODES = frozenset({EXIT_SIGKILL, 1})


class PoolExecutor:
    """Runs jobs in containers of a pool.

    Args:
        pool: Gives a container for each job.
        engine: Kills at the deadline, and says how a container ended.
        limits: The same for every job.
        read_usage: Returns what a container has used, by its id.
        checks: Where large pictures are checked.
    """

    def __init__(self, pool: Pool, engine: Engine, limits: Limits, read_usage: UsageReader, checks: WorkerPool) -> None:
        self._pool = pool
        self._engine = engine
        self._limits = limits
        self._read_usage = read_usage
        self._checks = checks

    async def run(self, job: Job, stages: Stages) -> Result:
        """Run one job; see `gateway.launcher.interface.Launcher.run`."""
        limits = self._limits.lowered(job.wall_limit_s, job.memory_limit_bytes)
        memory = limits.memory_limit_bytes if limits.memory_limit_bytes < self._limits.memory_limit_bytes else None
        job_frames = encode_job(job, limits)
        reader = ReplyReader(job, limits.output_limit_bytes)
        async with AsyncExitStack() as lease:
            with _timed(stages, "acquire_ms"):
                container = await lease.enter_async_context(self._pool.lease(memory))
            stages.warm = container.was_idle
            with _timed(stages, "run_ms"):
                reply = await self._exchange(container, job_frames, reader, limits)
            usage = self._read_usage(container.container_id)
        with _timed(stages, "check_ms"):
            if isinstance(reply, Ending):
                result = explain(reply, limits, usage)
            else:
                result = await judge(reply, limits, self._checks)
        return replace(result, stdout=reader.stdout, stderr=reader.stderr, limits=limits, stages=stages, usage=usage)

    async def _exchange(
        self, container: Container, job_frames: bytes, reader: ReplyReader, limits: Limits
    ) -> Reply | Ending:
        """Return the container's reply, or how it ended without one."""
        ends_at = asyncio.get_running_loop().time() + limits.wall_limit_s
        try:
            async with asyncio.timeout_at(ends_at):
                reply = await container.conversation.exchange(job_frames, reader, limits.output_limit_bytes)
            return await self._explained(container, reply, reader.level, ends_at)
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

    async def _explained(self, container: Container, reply: Reply, level: Describe, ends_at: float) -> Reply:
        """Return a reply with what its runner says of the figures, or with why it says nothing."""
        if level is Describe.NONE or reply.outcome is not Outcome.OK:
            return reply
        text, lost = b"", None
        limit_at = asyncio.get_running_loop().time() + EXPLANATION_LIMIT_S
        try:
            async with asyncio.timeout_at(min(limit_at, ends_at)):
                text = await container.conversation.explanations()
            lost = None if text else MALFORMED
        except TimeoutError:  # the end of the lease kills the container
            lost = TOO_SLOW if limit_at <= ends_at else OUT_OF_TIME
        except OutputExceeded:
            lost = TOO_LARGE
        except MalformedReply:
            lost = MALFORMED
        except StreamEnded:
            lost = ENDED
        return replace(reply, explanations=ClaimedExplanations(level, text, lost))

    async def _ask_ending(self, container: Container) -> Ending:
        """Ask how a container ended whose stream has ended."""
        state = await self._engine.exit_state(container.container_id)
        oom_killed = state.oom_killed
        if state.exit_code in OOM_EXIT_CODES and not oom_killed:
            # The status alone proves nothing: a guest can end with any.
            oom_killed = await self._engine.saw_oom(container.container_id)
        return Ending(exit_code=state.exit_code, oom_killed=oom_killed)


@contextmanager
def _timed(stages: Stages, field: str) -> Iterator[None]:
    """Write the milliseconds that a block takes into a field of the stages, also when it fails."""
    began = time.perf_counter()
    try:
        yield
    finally:
        setattr(stages, field, (time.perf_counter() - began) * 1000)
