"""The executor turns each way in which a job can end into its outcome and sentence, or into one of our errors."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace

import pytest

from gateway.launcher.checking import TASK as CHECK
from gateway.launcher.container import Container
from gateway.launcher.engine.engine import ExitState
from gateway.launcher.executor import PoolExecutor
from gateway.launcher.runner.conversation import StreamEnded
from gateway.launcher.runner.frames import STDERR, STDOUT, MalformedReply, OutputExceeded, encode_frame
from gateway.launcher.runner.reply import ClaimedPicture, Reply
from gateway.model.errors import ContainerLost, EngineUnavailable
from gateway.model.jobs import Format, Job, Limits, MiB, NamedFile, SaveOptions
from gateway.model.results import (
    Figure,
    LimitExceeded,
    Outcome,
    Picture,
    ProgramError,
    PythonWarning,
    Result,
    Stages,
    Text,
    Usage,
)
from gateway.worker.worker_pool import WorkerPool
from tests.fakes import PNG, FakeConversation, FakeEngine, FakePool, no_usage, until
from tests.support.saved_figures import saved

LIMITS = Limits(wall_limit_s=30, memory_limit_bytes=256 * MiB, output_limit_bytes=4 * MiB, pixel_limit=10)


class Rig:
    """An executor around one fake container."""

    def __init__(
        self, reply: object, engine: FakeEngine | None = None, limits: Limits = LIMITS, stdout: bytes = b""
    ) -> None:
        self.conversation = FakeConversation(reply, stdout)
        self.pool = FakePool(Container("id-1", "name-1", self.conversation, was_idle=True))  # type: ignore[arg-type]
        self.engine = engine or FakeEngine()
        self.stages = Stages()
        self.checks = WorkerPool({CHECK: limits.output_limit_bytes})
        self.executor = PoolExecutor(self.pool, self.engine, limits, no_usage, self.checks)  # type: ignore[arg-type]

    async def run(self) -> tuple[Outcome, bytes | None, str]:
        """Run a job; return the result for the client."""
        result = await self.executor.run(Job("code", SaveOptions(dpi=200, bbox_inches="tight")), self.stages)
        assert self.pool.returned == 1
        assert result.stages is self.stages
        return result.outcome, result.picture.data if result.picture is not None else None, result.error


def claimed(data: bytes = PNG, kind: Format = Format.PNG, number: int = 1, label: str = "") -> ClaimedPicture:
    """Return a picture as a runner claims it."""
    return ClaimedPicture(number, label, kind, data)


def drawn(*pictures: bytes) -> Reply:
    """Return the reply to a job that drew figures."""
    return Reply(Outcome.OK, tuple(map(claimed, pictures)), "ignored")


async def test_checked_picture_is_ok() -> None:
    """A reply with a valid picture is OK, and the job went out once with its limits."""
    rig = Rig(drawn(PNG))
    assert await rig.run() == (Outcome.OK, PNG, "")
    (frame,) = rig.conversation.jobs
    job = json.loads(frame[5:])
    assert (job["code"], job["options"]["dpi"], job["options"]["bbox_inches"]) == ("code", 200, "tight")
    assert job["limits"] == {"memory_limit_bytes": 256 * MiB, "output_limit_bytes": 4 * MiB, "pixel_limit": 10}
    assert rig.stages.warm
    assert rig.engine.killed == []


@pytest.mark.parametrize(
    ("reply", "outcome", "sentence"),
    [
        (Reply(Outcome.PROGRAM_ERROR, error="boom"), Outcome.PROGRAM_ERROR, "boom"),
        (Reply(Outcome.NO_FIGURE, error="none"), Outcome.NO_FIGURE, "none"),
        (
            drawn(PNG + b"x"),
            Outcome.INVALID_OUTPUT,
            "The job's output is not a picture that can be served: something follows its end.",
        ),
        (
            drawn(b"<svg/>"),
            Outcome.INVALID_OUTPUT,
            "The job's output is not a picture that can be served: it does not start like a PNG.",
        ),
        (OutputExceeded("x"), Outcome.OUTPUT_LIMIT, "The job wrote more than 4 MiB and was stopped."),
        (
            MalformedReply("x"),
            Outcome.INVALID_OUTPUT,
            "The job's output is not a picture that can be served: the runner's reply was malformed.",
        ),
    ],
)
async def test_reply_gives_its_outcome(reply: object, outcome: Outcome, sentence: str) -> None:
    """What a runner claims or breaks decides the outcome, and no unchecked byte of it is passed on."""
    assert (outcome, None, sentence) == await Rig(reply).run()


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
            "The job exited with status 0 without producing a picture.",
        ),
        (
            ExitState(3, oom_killed=False),
            Outcome.INVALID_OUTPUT,
            "The job exited with status 3 without producing a picture.",
        ),
        (
            ExitState(None, oom_killed=False),
            Outcome.INVALID_OUTPUT,
            "The job closed its output without producing a picture.",
        ),
    ],
)
async def test_silent_end_is_explained_by_the_engine(state: ExitState, outcome: Outcome, sentence: str) -> None:
    """When the stream ends without a reply, the container's end says why."""
    assert (outcome, None, sentence) == await Rig(StreamEnded(), FakeEngine(state)).run()


@pytest.mark.parametrize("exit_code", [137, 1])
async def test_late_notice_of_want_of_memory_is_waited_for(exit_code: int) -> None:
    """The engine may learn of a container's end before it learns that the kernel killed it for its memory."""
    engine = FakeEngine(ExitState(exit_code, oom_killed=False), late_oom=True)
    sentence = "The job needed more than 256 MiB of memory and was stopped."
    assert await Rig(StreamEnded(), engine).run() == (Outcome.MEMORY_LIMIT, None, sentence)


@pytest.mark.parametrize("exit_code", [None, 0, 3, 139])
async def test_other_ends_wait_for_no_notice(exit_code: int | None) -> None:
    """If the kernel can't have killed it for its memory, the engine is asked once."""
    engine = FakeEngine(ExitState(exit_code, oom_killed=False), late_oom=True)
    outcome, _, _ = await Rig(StreamEnded(), engine).run()
    assert outcome is not Outcome.MEMORY_LIMIT


@pytest.mark.parametrize("error", [ContainerLost("gone"), EngineUnavailable("down")])
async def test_engine_that_cannot_say_is_our_failure(error: Exception) -> None:
    """If the engine can't explain a silent end, the guest isn't blamed; the container is still given back."""
    rig = Rig(StreamEnded(), FakeEngine(error))
    with pytest.raises(type(error)):
        await rig.run()
    assert rig.pool.returned == 1


async def test_deadline_kills_by_id() -> None:
    """A job that takes too long is killed by its container's id, and its client learns why."""
    rig = Rig(None, limits=Limits(wall_limit_s=0.02))
    assert await rig.run() == (Outcome.TIME_LIMIT, None, "The job took longer than 0.02 s and was stopped.")
    assert rig.engine.killed == ["id-1"]


async def test_engine_that_cannot_kill_is_our_failure() -> None:
    """A deadline that couldn't be enforced is our failure, not the guest's."""
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
    rig = Rig(drawn(PNG))
    seen: list[tuple[str, int]] = []

    def read(container_id: str) -> Usage:
        seen.append((container_id, rig.pool.returned))
        return Usage(1.5, 42)

    rig.executor = PoolExecutor(rig.pool, rig.engine, LIMITS, read, rig.checks)  # type: ignore[arg-type]
    result = await rig.executor.run(Job("code"), rig.stages)
    assert Usage(1.5, 42) == result.usage
    assert seen == [("id-1", 0)]


async def test_stages_are_filled_in_also_when_it_fails() -> None:
    """The time of a failed run is recorded, and stages that didn't happen took none."""
    rig = Rig(None, FakeEngine(kill_error=EngineUnavailable("down")), Limits(wall_limit_s=0.02))
    with pytest.raises(EngineUnavailable):
        await rig.run()
    assert rig.stages.run_ms >= 20
    assert 0 < rig.stages.acquire_ms < rig.stages.run_ms
    assert rig.stages.check_ms == 0.0


async def test_a_job_may_ask_for_less_time() -> None:
    """A job's own time limit holds; the client learns which limit it was."""
    rig = Rig(None)
    job = Job("code", wall_limit_s=0.02)
    result = await rig.executor.run(job, rig.stages)
    assert result.outcome is Outcome.TIME_LIMIT
    assert result.limit == LimitExceeded("wall_limit", 0.02, "s")
    assert result.error == "The job took longer than 0.02 s and was stopped."


async def test_a_job_may_ask_for_less_memory() -> None:
    """A job's own memory limit is passed to the pool and reported to the client; it can't exceed the usual one."""
    for wish, asked in ((128 * MiB, 128 * MiB), (256 * MiB, None), (1024 * MiB, None), (None, None)):
        rig = Rig(StreamEnded(), FakeEngine(ExitState(137, oom_killed=True)))
        result = await rig.executor.run(Job("code", memory_limit_bytes=wish), rig.stages)
        assert rig.pool.memory == [asked]
        allowed = asked or 256 * MiB
        assert result.limits == replace(LIMITS, memory_limit_bytes=allowed)
        assert result.limit == LimitExceeded("memory_limit", allowed, "bytes")
        assert f"more than {allowed // MiB} MiB" in result.error


async def run(job: Job, reply: object, *, engine: FakeEngine | None = None, stdout: bytes = b"") -> Result:
    """Run a job in a container with this reply; return the result without its stages."""
    rig = Rig(reply, engine, replace(LIMITS, pixel_limit=10_000_000, wall_limit_s=0.2), stdout)
    try:
        return replace(await rig.executor.run(job, rig.stages), stages=Stages(), check_cpu_s=0.0)
    finally:
        await rig.checks.aclose()


async def test_all_that_a_job_brings_is_in_its_result() -> None:
    """Figures with every picture checked and measured, files, prints, warnings: nothing is lost on the way."""
    svg, pdf = saved("svg"), saved("pdf")
    pictures = [(kind, data) for kind, data in ((Format.PNG, PNG), (Format.SVG, svg), (Format.PDF, pdf))]
    reply = Reply(
        Outcome.OK,
        tuple(claimed(data, kind, number, label) for number, label in ((1, "a"), (1, "a")) for kind, data in pictures),
        files=(NamedFile("a.csv", b"1"),),
        files_left_out=True,
        warnings=(PythonWarning("UserWarning", "careful", 3),),
    )
    job = Job("code", SaveOptions(formats=tuple(kind for kind, _ in pictures), all_figures=True), collect=True)
    prints = encode_frame(STDOUT, b"out") + encode_frame(STDERR, b"err")
    result = await run(job, reply, stdout=prints)
    figure = Figure(
        1,
        "a",
        (Picture(Format.PNG, PNG, 1, 1), Picture(Format.SVG, svg, 288, 216), Picture(Format.PDF, pdf, 288, 216)),
    )
    assert result == Result(
        Outcome.OK,
        (figure, figure),
        files=reply.files,
        files_truncated=True,
        stdout=Text("out"),
        stderr=Text("err"),
        warnings=reply.warnings,
        limits=result.limits,
    )


async def test_one_bad_picture_spoils_all() -> None:
    """If one picture of a job can't be served, none is, and the client learns of no other; it gets the files."""
    job = Job("code", SaveOptions(formats=(Format.PNG, Format.SVG)), collect=True)
    reply = Reply(Outcome.OK, (claimed(), claimed(b"<svg/>", Format.SVG)), files=(NamedFile("a", b""),))
    result = await run(job, reply)
    assert (result.outcome, result.figures, result.files) == (Outcome.INVALID_OUTPUT, (), reply.files)
    assert "does not start like an SVG" in result.error


async def test_too_many_pixels_name_the_limit() -> None:
    """A picture beyond the pixel limit says by how much."""
    rig = Rig(drawn(saved("png")))
    result = await rig.executor.run(Job("code"), rig.stages)
    assert result.outcome is Outcome.INVALID_OUTPUT
    assert result.limit == LimitExceeded("pixel_limit", 10, "pixels", 400 * 300)


async def test_program_error_and_number_of_figures_are_passed_on() -> None:
    """What the runner knows of a failure reaches the client, if it belongs to the outcome."""
    program_error = ProgramError("ValueError", "no", 3, 1, "x")
    result = await run(Job("code"), Reply(Outcome.PROGRAM_ERROR, error="no", program_error=program_error))
    assert (result.program_error, result.figures_drawn) == (program_error, None)
    result = await run(
        Job("code"), Reply(Outcome.NO_FIGURE, error="none", program_error=program_error, figures_drawn=3)
    )
    assert (result.program_error, result.figures_drawn) == (None, 3)


@pytest.mark.parametrize(
    ("ending", "engine", "outcome"),
    [
        (None, None, Outcome.TIME_LIMIT),
        (OutputExceeded("x"), None, Outcome.OUTPUT_LIMIT),
        (MalformedReply("x"), None, Outcome.INVALID_OUTPUT),
        (StreamEnded(), FakeEngine(ExitState(139, oom_killed=False)), Outcome.KILLED),
        (StreamEnded(), FakeEngine(ExitState(137, oom_killed=True)), Outcome.MEMORY_LIMIT),
    ],
)
async def test_prints_before_any_end_are_kept(ending: object, engine: FakeEngine | None, outcome: Outcome) -> None:
    """However a job ends, what it had printed by then is in its result."""
    prints = encode_frame(STDOUT, b"step 1\n") + encode_frame(STDERR, b"careful")
    result = await run(Job("code", collect=True), ending, engine=engine, stdout=prints + b"O\0")
    assert (result.outcome, result.stdout, result.stderr) == (outcome, Text("step 1\n"), Text("careful"))
    assert (result.signal is not None) == (outcome is Outcome.KILLED)
