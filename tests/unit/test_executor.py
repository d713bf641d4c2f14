"""The executor turns each way a job can end into its outcome and sentence, or into one of our errors."""

from __future__ import annotations

import asyncio
import json

import pytest

from gateway.errors import ContainerLost, EngineUnavailable
from gateway.jobs import Job, LimitExceeded, Limits, MiB, Outcome, SaveOptions, Stages, Usage
from gateway.launcher.conversation import StreamEnded
from gateway.launcher.engine import ExitState
from gateway.launcher.executor import PoolExecutor
from gateway.launcher.frames import Answer, MalformedAnswer, OutputExceeded
from gateway.launcher.pool import Container
from tests.fakes import PNG, FakeConversation, FakeEngine, FakePool, no_usage, until

LIMITS = Limits(wall_limit_s=30, memory_limit_bytes=256 * MiB, output_limit_bytes=4 * MiB, pixel_limit=10)


class Rig:
    """An executor around one fake container."""

    def __init__(self, answer: object, engine: FakeEngine | None = None, limits: Limits = LIMITS) -> None:
        self.conversation = FakeConversation(answer)
        self.pool = FakePool(Container("id-1", "name-1", self.conversation, was_idle=True))  # type: ignore[arg-type]
        self.engine = engine or FakeEngine()
        self.stages = Stages()
        self.executor = PoolExecutor(self.pool, self.engine, limits, no_usage)  # type: ignore[arg-type]

    async def run(self) -> tuple[Outcome, bytes | None, str]:
        """Run a job; return what the client would learn."""
        result = await self.executor.run(Job("code", SaveOptions(dpi=200, bbox_inches="tight")), self.stages)
        assert self.pool.returned == 1
        assert result.stages is self.stages
        return result.outcome, result.picture.data if result.picture is not None else None, result.error


async def test_checked_picture_is_ok() -> None:
    """An answer with a right picture is OK, and the job went out once with its limits."""
    rig = Rig(Answer(Outcome.OK, PNG, "ignored"))
    assert await rig.run() == (Outcome.OK, PNG, "")
    (frame,) = rig.conversation.jobs
    assert json.loads(frame[5:]) == {"code": "code", "dpi": 200, "bbox_inches": "tight", "wall_limit_s": 30}
    assert rig.stages.warm
    assert rig.engine.killed == []


@pytest.mark.parametrize(
    ("answer", "outcome", "sentence"),
    [
        (Answer(Outcome.PROGRAM_ERROR, None, "boom\x1b[0m"), Outcome.PROGRAM_ERROR, "boom�[0m"),
        (Answer(Outcome.NO_FIGURE, None, "none"), Outcome.NO_FIGURE, "none"),
        (
            Answer(Outcome.OK, PNG + b"x", ""),
            Outcome.INVALID_OUTPUT,
            "The job's output is not a picture that can be served: something follows its end.",
        ),
        (
            Answer(Outcome.OK, b"<svg/>", ""),
            Outcome.INVALID_OUTPUT,
            "The job's output is not a picture that can be served: it does not begin as a PNG does.",
        ),
        (OutputExceeded("x"), Outcome.OUTPUT_LIMIT, "The job wrote more than 4 MiB and was stopped."),
        (
            MalformedAnswer("x"),
            Outcome.INVALID_OUTPUT,
            "The job's output is not a picture that can be served: it is no answer of the runner.",
        ),
    ],
)
async def test_answer_gives_its_outcome(answer: object, outcome: Outcome, sentence: str) -> None:
    """What a runner claims or breaks decides the outcome, and no unchecked byte of it is passed on."""
    assert (outcome, None, sentence) == await Rig(answer).run()


@pytest.mark.parametrize(
    ("state", "outcome", "sentence"),
    [
        (
            ExitState(137, oom_killed=True),
            Outcome.MEMORY_LIMIT,
            "The job needed more than 256 MiB of memory and was stopped.",
        ),
        (ExitState(137, oom_killed=False), Outcome.KILLED, "The job was killed by SIGKILL."),
        (ExitState(139, oom_killed=False), Outcome.KILLED, "The job was killed by SIGSEGV."),
        (ExitState(159, oom_killed=False), Outcome.KILLED, "The job was killed by SIGSYS."),
        (ExitState(152, oom_killed=False), Outcome.KILLED, "The job was killed by signal 24."),
        (
            ExitState(0, oom_killed=False),
            Outcome.INVALID_OUTPUT,
            "The job ended by itself with exit status 0 and gave no picture.",
        ),
        (
            ExitState(3, oom_killed=False),
            Outcome.INVALID_OUTPUT,
            "The job ended by itself with exit status 3 and gave no picture.",
        ),
        (
            ExitState(None, oom_killed=False),
            Outcome.INVALID_OUTPUT,
            "The job closed its output without giving a picture.",
        ),
    ],
)
async def test_silent_end_is_explained_by_the_engine(state: ExitState, outcome: Outcome, sentence: str) -> None:
    """When the stream ends without an answer, the container's end says why."""
    assert (outcome, None, sentence) == await Rig(StreamEnded(), FakeEngine(state)).run()


@pytest.mark.parametrize("error", [ContainerLost("gone"), EngineUnavailable("down")])
async def test_engine_that_cannot_say_is_our_failure(error: Exception) -> None:
    """Without the engine's word a silent end is not blamed on the guest; the container is given back all the same."""
    rig = Rig(StreamEnded(), FakeEngine(error))
    with pytest.raises(type(error)):
        await rig.run()
    assert rig.pool.returned == 1


async def test_deadline_kills_by_id() -> None:
    """A job that takes too long is killed by its container's id, and told so."""
    rig = Rig(None, limits=Limits(wall_limit_s=0.02))
    assert await rig.run() == (Outcome.TIME_LIMIT, None, "The job took longer than 0.02 s and was stopped.")
    assert rig.engine.killed == ["id-1"]


async def test_engine_that_cannot_kill_is_our_failure() -> None:
    """A deadline that couldn't be enforced is no time limit of the guest."""
    rig = Rig(None, FakeEngine(kill_error=EngineUnavailable("down")), Limits(wall_limit_s=0.02))
    with pytest.raises(EngineUnavailable):
        await rig.run()
    assert rig.pool.returned == 1


async def test_client_that_hangs_up_gives_the_container_back() -> None:
    """Cancelling a job ends its lease, without a kill of its own."""
    rig = Rig(None)
    task = asyncio.create_task(rig.run())
    await until(lambda: rig.conversation.jobs)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert rig.pool.returned == 1
    assert rig.engine.killed == []


async def test_usage_is_read_before_the_container_is_given_back() -> None:
    """What a container used can only be seen while it lives."""
    rig = Rig(Answer(Outcome.OK, PNG, ""))
    seen: list[tuple[str, int]] = []

    def read(container_id: str) -> Usage:
        seen.append((container_id, rig.pool.returned))
        return Usage(1.5, 42)

    rig.executor = PoolExecutor(rig.pool, rig.engine, LIMITS, read)  # type: ignore[arg-type]
    result = await rig.executor.run(Job("code"), rig.stages)
    assert Usage(1.5, 42) == result.usage
    assert seen == [("id-1", 0)]


async def test_stages_are_filled_in_also_when_it_fails() -> None:
    """The time of a failed run is known, and what didn't happen took none."""
    rig = Rig(None, FakeEngine(kill_error=EngineUnavailable("down")), Limits(wall_limit_s=0.02))
    with pytest.raises(EngineUnavailable):
        await rig.run()
    assert rig.stages.run_ms >= 20
    assert 0 < rig.stages.acquire_ms < rig.stages.run_ms
    assert rig.stages.check_ms == 0.0


async def test_a_job_may_ask_for_less_time() -> None:
    """A job's own time limit holds and is told to the runner and the client, who learns which limit it was."""
    rig = Rig(None)
    job = Job("code", wall_limit_s=0.02)
    result = await rig.executor.run(job, rig.stages)
    assert result.outcome is Outcome.TIME_LIMIT
    assert result.limit == LimitExceeded("wall_limit", 0.02, "s")
    assert result.error == "The job took longer than 0.02 s and was stopped."
    (frame,) = rig.conversation.jobs
    assert json.loads(frame[5:])["wall_limit_s"] == 0.02
