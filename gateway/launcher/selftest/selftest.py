"""Tests whether the engine's sandbox can hold a hostile job: at the start, and now and then while jobs run.

An engine can accept limits and not enforce them (rootless engines on cgroup v1 do), a kernel can lack seccomp, a
runtime can be missing. So the engine is asked what it can do, and then containers of a job's own specification run our
own programs: one reports what it sees and what it may do, others try to exceed each limit, and one draws a picture.
These are the only containers whose word is trusted.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.launcher.engine.engine import EXIT_SIGKILL
from gateway.launcher.engine.specification import UID_FIRST, UID_LAST, Sandbox
from gateway.launcher.engine.usage import CgroupUsage
from gateway.launcher.judgement import judge
from gateway.launcher.maker import ContainerMaker
from gateway.launcher.runner.conversation import StreamEnded
from gateway.launcher.runner.frames import Demultiplexer, MalformedReply, Stream, encode_job
from gateway.launcher.runner.reply import ReplyReader
from gateway.launcher.selftest.trials import COMMAND, judge_probe, judge_trials, limits_of_trials
from gateway.launcher.selftest.verdict import Check, Verdict
from gateway.model.errors import ContainerLost, StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, Job, MiB
from gateway.model.results import Outcome

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Coroutine

    from gateway.launcher.engine.docker_engine import DockerEngine
    from gateway.launcher.engine.engine import EngineFacts, ExitState, Launched
    from gateway.settings import LauncherSettings

#: What the job of a self-test draws.
RENDER_CODE = "plt.plot([1, 3, 2]); plt.title('self-test')"

#: Appended to the installation's name for the containers of self-tests: a sweep for strays must leave them alone, and
#: they have a sweep of their own.
SELF_TEST_SUFFIX = ".selftest"

#: Longest report, in bytes.
REPORT_LIMIT = 256 * 1024

#: Memory of the container that tries to use twice as much, and the image's mode that tries it.
MEMORY_TRIAL_BYTES = 48 * MiB
MEMORY_COMMAND = ("memory", str(2 * MEMORY_TRIAL_BYTES))

#: Why Podman can't be used; `make doctor` says the same.
PODMAN = (
    "the engine is Podman, which doesn't hold the sandbox: in a read-only container it leaves /var/tmp, /dev/shm and "
    "/dev/mqueue writable, it bounds no number of files on a tmpfs, and it takes no system call filter from a client; "
    "use Docker Engine 20.10 or newer, rootless if you like"
)

#: Runtimes with a kernel of their own, where `/proc/self/status` and system call filters prove nothing about the host.
USER_SPACE_KERNELS = ("runsc", "gvisor", "kata")


@dataclass(frozen=True, slots=True)
class Prepared:
    """A tested sandbox and its engine.

    Attributes:
        usage: Reads what containers use there.
    """

    facts: EngineFacts
    sandbox: Sandbox
    verdict: Verdict
    usage: CgroupUsage


async def prepare(
    engine: DockerEngine, settings: LauncherSettings, instance: str, environment: str = DEFAULT_ENVIRONMENT
) -> Prepared:
    """Check the engine and test the sandbox of an environment.

    Args:
        engine: Runs the containers.
        settings: The environment's own.
        instance: Label of this run of the launcher.
        environment: Its name.

    Raises:
        StartError: The engine can't be used as configured; the text says what to do.
        EngineError: The engine can't be reached.
    """
    facts, sandbox = await find_sandbox(engine, settings, instance)
    usage = CgroupUsage(facts.cgroup_driver, facts.cgroup_version)
    test = SelfTest(engine, sandbox, environment)
    verdict, lowers = await side_by_side(test.run(), memory_can_be_lowered(engine, sandbox, usage))
    if verdict.reason is not None:
        raise StartError(verdict.reason)
    return Prepared(facts, replace(sandbox, lowers_memory=lowers), verdict, usage)


async def find_sandbox(engine: DockerEngine, settings: LauncherSettings, instance: str) -> tuple[EngineFacts, Sandbox]:
    """Ask the engine for its facts, and return the sandbox that the settings describe.

    Raises:
        StartError: The engine can't be used as configured; the text says what to do.
        EngineError: The engine can't be reached.
    """
    facts = await engine.facts()
    if facts.is_podman:
        raise StartError(PODMAN)
    if facts.missing_limits:
        raise StartError(
            f"the engine can't enforce {', '.join(facts.missing_limits)}: use one that runs as root, "
            "or a rootless one on cgroup v2 with all controllers delegated"
        )
    if settings.runtime is not None and settings.runtime not in facts.runtimes:
        known = ", ".join(sorted(facts.runtimes))
        raise StartError(f"FIGBOX_RUNTIME {settings.runtime!r} is not a runtime of the engine, which has {known}")
    image_id = await engine.image_id(settings.image)
    if image_id is None:
        raise StartError(f"the engine has no image {settings.image!r}: run `make image`, or set FIGBOX_IMAGE")
    sandbox = Sandbox(
        image_id=image_id,
        limits=settings.limits,
        runtime=settings.runtime,
        installation=settings.installation_name,
        instance=instance,
        # A warm container that outlives its time in the pool by this margin has been forgotten, and ends itself.
        idle_limit_s=settings.pool_idle_s + 60,
        start_limit_s=settings.start_limit_s,
    )
    return facts, sandbox


class SelfTest:
    """Tests one environment's sandbox, one run at a time.

    Args:
        engine: Runs the containers.
        sandbox: What jobs get.
        environment: Its name, which tells its containers from those of other environments' self-tests.
    """

    def __init__(self, engine: DockerEngine, sandbox: Sandbox, environment: str = DEFAULT_ENVIRONMENT) -> None:
        self._engine = engine
        suffix = SELF_TEST_SUFFIX if environment == DEFAULT_ENVIRONMENT else f"{SELF_TEST_SUFFIX}.{environment}"
        self._sandbox = replace(sandbox, installation=sandbox.installation + suffix)

    async def run(self) -> Verdict:
        """Try everything, and leave no container behind.

        A test that fails is repeated once: a container killed by someone else looks like a failed one, while a real gap
        fails both runs.

        Raises:
            EngineError: The engine failed, so nothing is proved either way.
        """
        verdict = await self._run_once()
        return verdict if verdict.holds else await self._run_once()

    async def _run_once(self) -> Verdict:
        began = time.monotonic()
        for stray in await self._engine.find(self._sandbox.installation):  # of a self-test that was killed
            await self._engine.remove(stray.container_id)
        report, memory_holds, trials, render_gap = await side_by_side(
            probe(self._engine, self._sandbox),
            memory_limit_holds(self._engine, self._sandbox),
            try_limits(self._engine, self._sandbox),
            try_render(self._engine, self._sandbox),
        )
        host_kernel = meets_host_kernel(self._sandbox.runtime)
        gaps = {
            **judge_probe(report, host_kernel=host_kernel, tmpfs_limit_bytes=self._sandbox.limits.tmpfs_limit_bytes),
            "memory": () if memory_holds else ("its memory limit is not enforced",),
            **judge_trials(trials, host_kernel=host_kernel),
            "render": (render_gap,) if render_gap else (),
        }
        checks = tuple(Check(name, found) for name, found in gaps.items())
        return Verdict(checks, time.time(), time.monotonic() - began)


def meets_host_kernel(runtime: str | None) -> bool:
    """Tell by a runtime's name whether containers' system calls reach the host's kernel."""
    return not (runtime or "").startswith(USER_SPACE_KERNELS)


async def try_limits(engine: DockerEngine, sandbox: Sandbox) -> dict[str, Any]:
    """Run the program that tries to exceed limits, and return its report, which is empty if it made none.

    Raises:
        EngineError: The engine failed.
    """
    small = replace(sandbox, limits=limits_of_trials(sandbox.limits))
    output, state = await run_to_end(engine, small, COMMAND)
    report = _read_report(output)
    if report is None and state.exit_code in (None, EXIT_SIGKILL):
        raise ContainerLost("the container that tries the limits was killed")
    return report or {}


async def try_render(engine: DockerEngine, sandbox: Sandbox) -> str:
    """Run a job as clients' jobs are run, and return what is wrong, if anything.

    Raises:
        EngineError: The engine failed.
    """
    try:
        await draw(engine, sandbox, Job(RENDER_CODE))
    except NothingDrawn as error:
        if error.was_killed:
            raise ContainerLost("the container that draws was killed") from error
        return f"it renders nothing ({error})"
    return ""


class NothingDrawn(Exception):
    """A job of our own drew nothing; the text says why.

    Attributes:
        was_killed: Whether its container may have been killed by somebody else, which proves nothing.
    """

    def __init__(self, reason: str, *, was_killed: bool = False) -> None:
        super().__init__(reason)
        self.was_killed = was_killed


async def draw(engine: DockerEngine, sandbox: Sandbox, job: Job) -> list[bytes]:
    """Run a job of our own as clients' jobs are run, and return its pictures.

    Args:
        engine: Runs its container.
        sandbox: What that is; it has its time for a start to become ready, and again to draw.
        job: Draws something.

    Raises:
        NothingDrawn: There is no picture.
        EngineError: The engine failed.
    """
    maker = ContainerMaker(engine, sandbox)
    try:
        container = await maker.make()
    except ContainerLost as error:
        raise NothingDrawn(str(error), was_killed=error.was_killed) from error
    try:
        reader = ReplyReader(job, sandbox.limits.output_limit_bytes)
        frames = encode_job(job, sandbox.limits)
        async with asyncio.timeout(sandbox.start_limit_s):
            reply = await container.conversation.exchange(frames, reader, sandbox.limits.output_limit_bytes)
        result = await judge(reply, sandbox.limits)
    except StreamEnded as error:
        state = await engine.exit_state(container.container_id)
        raise NothingDrawn(f"it ends with {state.exit_code}", was_killed=state.was_killed) from error
    except (TimeoutError, MalformedReply) as error:
        raise NothingDrawn(type(error).__name__) from error
    finally:
        container.conversation.close()
        await maker.remove(container)
    pictures = [picture.data for figure in result.figures for picture in figure.pictures]
    if result.outcome is not Outcome.OK or not pictures:
        raise NothingDrawn(str(result.outcome))
    return pictures


async def probe(engine: DockerEngine, sandbox: Sandbox) -> dict[str, Any]:
    """Run the container that describes its sandbox from inside, and return its report.

    Raises:
        EngineError: The engine failed, or there is no report.
    """
    output, _ = await run_to_end(engine, sandbox, ("probe",))
    report = _read_report(output)
    if report is None:
        raise ContainerLost("the probe container gave no report")
    return report


def _read_report(output: bytes) -> dict[str, Any] | None:
    """Return a report, or None if it can't be read."""
    try:
        report = json.loads(output)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


async def memory_limit_holds(engine: DockerEngine, sandbox: Sandbox) -> bool:
    """Tell whether a container that uses more memory than allowed is killed."""
    return _was_killed(*await run_to_end(engine, sandbox.with_memory(MEMORY_TRIAL_BYTES), MEMORY_COMMAND))


async def memory_can_be_lowered(engine: DockerEngine, sandbox: Sandbox, usage: CgroupUsage | None = None) -> bool:
    """Tell whether the limit also holds when it is lowered while the container runs; not every runtime can do that.

    Args:
        engine: Runs the container.
        sandbox: What it is.
        usage: Learns from it, while it waits, where the kernel keeps its accounts.

    Raises:
        EngineError: The engine failed.
    """
    roomy = sandbox.with_memory(4 * MEMORY_TRIAL_BYTES)
    lowered = False

    async def lower(launched: Launched) -> None:
        nonlocal lowered
        if usage is not None:
            usage.learn(launched.container_id, await engine.process_id(launched.container_id))
        lowered = await engine.lower_memory(launched.container_id, MEMORY_TRIAL_BYTES)
        with contextlib.suppress(OSError):  # it has ended; `run_to_end` returns how
            launched.stream.sendall(b"\n")

    output, state = await run_to_end(engine, roomy, (*MEMORY_COMMAND, "--when-told"), lower)
    return lowered and _was_killed(output, state)


def _was_killed(output: bytes, state: ExitState) -> bool:
    return not output and (state.oom_killed or state.exit_code == EXIT_SIGKILL)


async def run_to_end(
    engine: DockerEngine,
    sandbox: Sandbox,
    command: tuple[str, ...],
    begin: Callable[[Launched], Awaitable[None]] | None = None,
    *,
    config: Callable[[Sandbox, int, tuple[str, ...]], dict[str, Any]] = Sandbox.container_config,
) -> tuple[bytes, ExitState]:
    """Run a mode of the image, which is our own code; return what it wrote to stdout, and how it ended.

    Args:
        engine: Runs the container.
        sandbox: What it is.
        command: The mode and its arguments.
        begin: Called once it runs.
        config: Returns the create body for a uid and the command.

    Raises:
        EngineError: The engine failed, or the container neither ended nor can be read.
    """
    uid = random.randint(UID_FIRST, UID_LAST)  # noqa: S311 - spreads, protects nothing
    launched = await engine.launch(config(sandbox, uid, command), f"figbox-{uid}")
    try:
        with contextlib.closing(launched.stream):
            if begin is not None:
                await begin(launched)
            async with asyncio.timeout(sandbox.start_limit_s):
                output = await _read_stdout(launched.stream)
        return output, await engine.exit_state(launched.container_id)
    except (OSError, MalformedReply) as error:  # TimeoutError is one of the former
        raise ContainerLost("a container of our own did not end, or its stream broke") from error
    finally:
        await engine.remove(launched.container_id)


async def _read_stdout(stream: socket.socket) -> bytes:
    """Return everything a container writes to stdout until its stream ends."""
    stream.setblocking(False)
    reader, writer = await asyncio.open_unix_connection(sock=stream)
    demultiplexer = Demultiplexer()
    output = bytearray()
    try:
        while data := await reader.read(65536):
            for name, piece in demultiplexer.feed(data):
                if name is Stream.STDOUT:
                    output += piece
            if len(output) > REPORT_LIMIT:
                raise MalformedReply("the report is too long")
    finally:
        writer.close()
    return bytes(output)


async def side_by_side(*works: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run several coroutines at once and return their results, after the last of them has cleaned up.

    Raises:
        EngineError: The first failure, in the order of the arguments.
    """
    done = await asyncio.gather(*works, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
    return list(done)
