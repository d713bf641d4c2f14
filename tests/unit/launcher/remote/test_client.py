"""Jobs and state between a gateway and a launcher in a process of its own."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.remote import client as client_module
from gateway.launcher.remote import server as service_module
from gateway.launcher.remote.counters import PlainCounters
from gateway.launcher.remote.messages import DATA, FAILURE, STATE
from gateway.launcher.runner.frames import FRAME_HEAD, encode_frame
from gateway.launcher.selftest.verdict import Check, Verdict
from gateway.launcher.sizing import Sizes
from gateway.launcher.snapshot.warm_start import WarmStart
from gateway.model.errors import (
    ContainerLost,
    EngineUnavailable,
    GatewayError,
    QueueTimeout,
    ShuttingDown,
)
from gateway.model.jobs import Job, NamedFile, SaveOptions
from gateway.model.results import Outcome, Result, Stages, Text
from tests.fakes import DEFAULT_FACTS, PNG, picture_result, settle, until
from tests.support.launcher_rig import Rig
from tests.support.machine import slowed

if TYPE_CHECKING:
    import io
    import socket
    from pathlib import Path


async def test_a_job_is_run_and_its_result_comes_back(rig: Rig) -> None:
    """The launcher gets the job unchanged, the gateway the result; each fills in its own stages."""
    job = Job("plt.plot([1])", SaveOptions(dpi=200), files=(NamedFile("a", bytes(range(256)) * 1000),), wall_limit_s=3)
    stages = Stages(queue_ms=7.0)
    result = await rig.client.run(job, stages)
    assert rig.launcher.jobs == [job]
    assert result.picture is not None
    assert result.picture.data == PNG
    assert result.stages is stages
    assert stages == Stages(queue_ms=7.0, run_ms=12.5, warm=True)


async def test_large_results_come_back_whole(rig: Rig) -> None:
    """Megabytes of files and text arrive as they were."""
    big = Result(Outcome.OK, files=(NamedFile("x", os.urandom(9_000_000)),), stdout=Text("\u20ac" * 300_000, True))

    async def run(_: Job, __: Stages) -> Result:
        return big

    rig.launcher.run = run  # type: ignore[method-assign]
    result = await rig.client.run(Job("x"), Stages())
    assert (result.files, result.stdout) == (big.files, big.stdout)


@pytest.mark.parametrize(
    "error", [EngineUnavailable("gone"), ContainerLost("lost"), ShuttingDown("ending", 9), QueueTimeout("late", 3)]
)
async def test_errors_of_ours_come_back_as_themselves(rig: Rig, error: GatewayError) -> None:
    """An error that the launcher raises is raised at the gateway, with the stages until then."""
    rig.launcher.result = error
    stages = Stages()
    with pytest.raises(type(error), match=str(error)) as caught:
        await rig.client.run(Job("x"), stages)
    assert getattr(caught.value, "retry_after_s", None) == getattr(error, "retry_after_s", None)
    assert stages.run_ms == 12.5


async def test_a_defect_of_the_launcher_is_named_in_its_log_only(rig: Rig, log: io.StringIO) -> None:
    """The gateway learns nothing of an exception that isn't one of ours; the launcher's log has all of it."""
    rig.launcher.result = RuntimeError("secret detail")
    with pytest.raises(GatewayError) as caught:
        await rig.client.run(Job("x"), Stages())
    assert type(caught.value) is GatewayError
    assert "secret" not in str(caught.value)
    assert "secret detail" in log.getvalue()


async def test_hanging_up_cancels(rig: Rig) -> None:
    """A call that is cancelled at the gateway is cancelled at the launcher, and frees its place."""
    rig.launcher.result = None
    calls = [asyncio.create_task(rig.client.run(Job("x"), Stages())) for _ in range(2)]
    await until(lambda: rig.launcher.running == 2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await until(lambda: rig.launcher.cancelled == 2)
    rig.launcher.result = picture_result(PNG)
    assert (await rig.client.run(Job("x"), Stages())).outcome is Outcome.OK


async def test_a_job_that_is_given_up_ends_before_its_call(rig: Rig) -> None:
    """A cancelled call returns when the launcher has ended its job: before that its place isn't free."""
    may_end, begun = asyncio.Event(), asyncio.Event()

    async def run(_: Job, __: Stages) -> Result:
        begun.set()
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            await may_end.wait()
        raise AssertionError

    rig.launcher.run = run  # type: ignore[method-assign]
    call = asyncio.create_task(rig.client.run(Job("x"), Stages()))
    await begun.wait()
    call.cancel()
    await asyncio.sleep(0.05)
    assert not call.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, slowed(5))


async def test_a_launcher_that_hangs_keeps_nobody_waiting_for_ever(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cancelled call returns in the end, also if the launcher doesn't end its job."""
    monkeypatch.setattr(client_module, "LEAVE_LIMIT_S", 0.1)
    may_end, begun = asyncio.Event(), asyncio.Event()

    async def run(_: Job, __: Stages) -> Result:
        begun.set()
        try:
            await may_end.wait()
        except asyncio.CancelledError:
            await may_end.wait()
        return picture_result(PNG)

    rig.launcher.run = run  # type: ignore[method-assign]
    call = asyncio.create_task(rig.client.run(Job("x"), Stages()))
    await begun.wait()
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(call, slowed(5))
    may_end.set()


async def test_no_more_jobs_run_than_may_whatever_the_gateway_wants(rig: Rig) -> None:
    """Jobs beyond the launcher's own number wait, however many a gateway sends."""
    rig.launcher.result = None
    calls = [asyncio.create_task(rig.client.run(Job("x"), Stages())) for _ in range(6)]
    await until(lambda: rig.launcher.running == 2)
    await asyncio.sleep(0.05)
    assert rig.launcher.most_running == 2
    rig.launcher.on_sizes(Sizes(3, 0))
    await until(lambda: rig.launcher.running == 3)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    await until(lambda: rig.launcher.running == 0)
    assert rig.launcher.most_running == 3
    assert rig.server is not None
    await until(lambda: rig.server is not None and rig.server.running_count == 0)


async def test_no_job_waits_for_ever(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job that gets no place in time fails with that error, and the place is not lost."""
    assert rig.server is not None
    monkeypatch.setattr(rig.server._places, "_queue_wait_s", 0.05)
    rig.launcher.result = None
    calls = [asyncio.create_task(rig.client.run(Job("x"), Stages())) for _ in range(2)]
    await until(lambda: rig.launcher.running == 2)
    with pytest.raises(QueueTimeout):
        await rig.client.run(Job("x"), Stages())
    calls.pop().cancel()
    await until(lambda: rig.launcher.running == 1)
    calls.append(asyncio.create_task(rig.client.run(Job("x"), Stages())))
    await until(lambda: rig.launcher.running == 2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_an_ending_launcher_refuses_and_lets_finish(rig: Rig) -> None:
    """After the signal to end, running jobs go on, new ones are refused, and the state says why."""
    rig.launcher.result = None
    call = asyncio.create_task(rig.client.run(Job("x"), Stages()))
    await until(lambda: rig.launcher.running)
    assert rig.server is not None
    rig.server.refuse()
    with pytest.raises(ShuttingDown):
        await rig.client.run(Job("x"), Stages())
    await until(lambda: rig.client.not_ready == "the launcher is shutting down")
    idle = asyncio.create_task(rig.server.wait_idle())
    await settle()
    assert not idle.done()
    call.cancel()
    await asyncio.wait_for(idle, slowed(5))


# The state


async def test_the_state_is_told_and_told_again(rig: Rig) -> None:
    """The gateway has the launcher's readiness, verdict, sizes, environments, counts and gauges soon after a change."""
    sizes: list[Sizes] = []
    rig.client.on_sizes = sizes.append
    assert rig.client.not_ready is None
    assert rig.client.environments == {DEFAULT_FACTS.name: DEFAULT_FACTS}
    assert rig.metric("figbox_pool_idle") == 3
    assert rig.client.verdict is None
    rig.launcher.verdict = Verdict((Check("memory", ("it is not enforced",)),), 1.5, 0.5)
    rig.launcher.not_ready = "the engine is tired"
    rig.launcher.on_sizes(Sizes(5, 6))
    rig.counters.count_pool_event("warm", 2)
    rig.counters.count_sweep(4)
    rig.counters.count_engine_failure()
    rig.counters.count_worker_end("check", "lost", 3)
    await until(lambda: rig.client.not_ready == "the engine is tired")
    assert rig.client.verdict == rig.launcher.verdict
    rig.launcher.warm_starts = (WarmStart("default", "import", "no saver"),)
    rig.launcher.on_sizes(Sizes(5, 6))
    await until(lambda: rig.client.warm_starts == rig.launcher.warm_starts)
    await until(lambda: sizes == [Sizes(5, 6)])
    assert rig.metric("figbox_pool_events_total", event="warm") == 2
    assert rig.metric("figbox_sweeps_total") == 1
    assert rig.metric("figbox_strays_removed_total") == 4
    assert rig.metric("figbox_engine_failures_total") == 1
    assert rig.metric("figbox_workers_ended_total", work="check", reason="lost") == 3


async def test_a_launcher_that_comes_back_is_found(rig: Rig, log: io.StringIO) -> None:
    """Without a launcher jobs are refused at once; when it is back they run again, and counters go on."""
    rig.counters.count_pool_event("made", 5)
    await until(lambda: rig.metric("figbox_pool_events_total", event="made") == 5)
    rig.launcher.result = None
    call = asyncio.create_task(rig.client.run(Job("x"), Stages()))
    await until(lambda: rig.launcher.running)
    await rig.stop()
    with pytest.raises(EngineUnavailable):
        await call
    await until(lambda: rig.client.not_ready)
    with pytest.raises(EngineUnavailable):
        await rig.client.run(Job("x"), Stages())
    assert rig.metric("figbox_engine_up") == 0
    assert rig.client.environments == {}
    rig.launcher.result = picture_result(PNG)
    rig.counters = PlainCounters()
    rig.counters.count_pool_event("made", 2)
    await rig.start()
    await until(lambda: rig.client.not_ready is None)
    assert (await rig.client.run(Job("x"), Stages())).outcome is Outcome.OK
    assert rig.metric("figbox_pool_events_total", event="made") == 7
    assert log.getvalue().count("launcher lost") == 1


async def test_a_gateway_starts_without_its_launcher(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that starts first says what it waits for, and takes over the sizes when they come."""
    monkeypatch.setattr(client_module, "START_LIMIT_S", 0.05)
    rig = Rig(folder / "l.sock")
    sizes: list[Sizes] = []
    await rig.client.start()
    rig.client.on_sizes = sizes.append
    assert rig.client.not_ready == "the launcher has no socket yet"
    with pytest.raises(EngineUnavailable, match="no socket"):
        await rig.client.run(Job("x"), Stages())
    await rig.start()
    await until(lambda: rig.client.not_ready is None)
    assert sizes == [Sizes(2, 4)]
    await rig.client.aclose()
    with pytest.raises(ShuttingDown):
        await rig.client.run(Job("x"), Stages())
    await rig.stop()


async def test_a_silent_launcher_is_lost(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A launcher that hangs is given up on, and so are the jobs that wait for it."""
    monkeypatch.setattr(client_module, "SILENCE_LIMIT_S", 0.3)
    monkeypatch.setattr(service_module, "LOOK_S", 60)
    rig = Rig(folder / "l.sock")
    await rig.start()
    await rig.client.start()
    rig.launcher.result = None
    call = asyncio.create_task(rig.client.run(Job("x"), Stages()))
    with pytest.raises(EngineUnavailable, match="lost"):
        await asyncio.wait_for(call, slowed(10))
    await until(lambda: rig.launcher.cancelled == 1)
    await rig.client.aclose()
    await rig.stop()


async def test_another_version_is_not_spoken_to(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A launcher with another schema is reported as another version, and gets no job."""
    monkeypatch.setattr(service_module, "SCHEMA", "another")
    await until(lambda: rig.client.not_ready == "the launcher is of another version than the gateway")
    with pytest.raises(EngineUnavailable):
        await rig.client.run(Job("x"), Stages())


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"A", id="half a head"),
        pytest.param(FRAME_HEAD.pack(b"A", 2**31), id="a document too long"),
        pytest.param(encode_frame(b"A", b"{}") + encode_frame(DATA), id="no result"),
        pytest.param(encode_frame(b"Z", b""), id="another kind"),
        pytest.param(encode_frame(FAILURE, b"[]"), id="no failure"),
        pytest.param(encode_frame(STATE, b"{}"), id="a state"),
    ],
)
async def test_malformed_messages_are_blamed_on_the_launcher(rig: Rig, answer: bytes) -> None:
    """Anything that isn't a valid message is a failure of the launcher, never an internal error or a hang."""

    async def attend(connection: socket.socket) -> None:
        _, writer = await asyncio.open_unix_connection(sock=connection)
        writer.write(answer)
        await writer.drain()
        writer.close()

    assert rig.server is not None
    rig.server._attend = attend  # type: ignore[method-assign]
    with pytest.raises(EngineUnavailable):
        await asyncio.wait_for(rig.client.run(Job("x"), Stages()), slowed(5))


async def test_client_that_watches_no_more_is_broken(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A client is broken when its watch has ended because of a bug, but not because the launcher is away."""
    await rig.stop()
    await until(lambda: rig.client.not_ready is not None)
    assert not rig.client.is_broken

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(rig.client, "_lose", fail)
    await until(lambda: rig.client.is_broken)
