"""Before the first job, and now and then: is this engine able to hold a hostile one?

An engine can accept limits and not enforce them (rootless engines on cgroup v1 do), a kernel can lack seccomp, a
runtime can be missing. So the engine is asked what it can do, and then the sandbox is tested: a *probe* container with
exactly the specification of a job looks around inside and tries what must not work, others try to exceed each limit
(see `gateway.launcher.selftest.trials`), and one gets a job, whose picture must be good. All run our own code only; it
is the one time that a container is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.launcher.engine.specification import UID_FIRST, UID_LAST, Sandbox
from gateway.launcher.judgement import SIGNAL_BASE, judge
from gateway.launcher.maker import ContainerMaker
from gateway.launcher.runner.conversation import StreamEnded
from gateway.launcher.runner.frames import Demultiplexer, MalformedReply, Stream, encode_job
from gateway.launcher.runner.reply import ReplyReader
from gateway.launcher.selftest.trials import COMMAND, judge_trials, limits_of_trials
from gateway.launcher.selftest.verdict import Check, Verdict
from gateway.model.errors import ContainerLost, StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, Job, MiB
from gateway.model.results import Outcome

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable, Coroutine

    from gateway.launcher.engine.docker_engine import DockerEngine, EngineFacts, ExitState, Launched
    from gateway.settings import LauncherSettings

#: Seconds the probe may take.
PROBE_LIMIT_S = 60

#: Seconds the job of a self-test may take, its container's start aside.
RENDER_LIMIT_S = 60

#: What it draws.
RENDER_CODE = "plt.plot([1, 3, 2]); plt.title('self-test')"

#: Added to the installation's name for the containers of self-tests: a sweep for strays must leave them alone, and they
#: have a sweep of their own.
SELF_TEST_SUFFIX = ".selftest"

#: Bytes the probe may write.
PROBE_OUTPUT_LIMIT = 256 * 1024

#: Memory of the container that tries to use twice as much.
MEMORY_PROBE_BYTES = 48 * MiB

#: The image's mode that tries it.
MEMORY_COMMAND = ("memory", str(2 * MEMORY_PROBE_BYTES))

#: Exit status of a process ended by SIGKILL, as the kernel does when memory is over (not every engine says why).
EXIT_SIGKILL = SIGNAL_BASE + 9

#: Runtimes whose sandbox is not the host's kernel: there `/proc/self/status` and syscall filters say nothing.
USER_SPACE_KERNELS = ("runsc", "gvisor", "kata")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an engine that passed is used with."""

    facts: EngineFacts
    sandbox: Sandbox
    verdict: Verdict


async def prepare(
    engine: DockerEngine, settings: LauncherSettings, instance: str, environment: str = DEFAULT_ENVIRONMENT
) -> Prepared:
    """Check the engine, test the sandbox of an environment, and return what to use it with.

    Args:
        engine: Where its containers will live.
        settings: The environment's own.
        instance: Label of this run of the launcher.
        environment: Its name.

    Raises:
        StartError: It can't be used as configured; the text says what to do.
        EngineError: It can't be reached, now.
    """
    facts, sandbox = await find_sandbox(engine, settings, instance)
    test = SelfTest(engine, sandbox, environment)
    verdict, lowers = await _all(test.run(), memory_can_be_lowered(engine, sandbox))
    if verdict.reason is not None:
        raise StartError(verdict.reason)
    return Prepared(facts, replace(sandbox, lowers_memory=lowers), verdict)


async def find_sandbox(engine: DockerEngine, settings: LauncherSettings, instance: str) -> tuple[EngineFacts, Sandbox]:
    """Ask the engine what it is and has, and return the sandbox that the settings describe on it.

    Raises:
        StartError: It can't be used as configured; the text says what to do.
        EngineError: It can't be reached, now.
    """
    facts = await engine.facts()
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
        # A warm container outlives its time in the pool by a margin; then it has been forgotten, and ends itself.
        idle_limit_s=settings.pool_idle_s + 60,
    )
    return facts, sandbox


class SelfTest:
    """Tests a sandbox on its engine, as often as asked; one run at a time.

    Args:
        engine: Where.
        sandbox: What jobs get.
        environment: Where they get it: tests of several environments may run at once, and know theirs by its name.
    """

    def __init__(self, engine: DockerEngine, sandbox: Sandbox, environment: str = DEFAULT_ENVIRONMENT) -> None:
        self._engine = engine
        suffix = SELF_TEST_SUFFIX if environment == DEFAULT_ENVIRONMENT else f"{SELF_TEST_SUFFIX}.{environment}"
        self._sandbox = replace(sandbox, installation=sandbox.installation + suffix)

    async def run(self) -> Verdict:
        """Try everything, and leave no container.

        What doesn't hold is tried once more: a container that somebody kills meanwhile reads like one that failed, and
        a sandbox that doesn't hold doesn't do so twice.

        Raises:
            EngineError: The engine failed meanwhile, so that nothing is proved either way.
        """
        verdict = await self._run_once()
        return verdict if verdict.holds else await self._run_once()

    async def _run_once(self) -> Verdict:
        began = time.monotonic()
        for stray in await self._engine.find(self._sandbox.installation):  # of a self-test that was killed
            await self._engine.remove(stray.container_id)
        report, holds, trials, render_fault = await _all(
            probe(self._engine, self._sandbox),
            memory_limit_holds(self._engine, self._sandbox),
            try_limits(self._engine, self._sandbox),
            try_render(self._engine, self._sandbox),
        )
        host_kernel = meets_host_kernel(self._sandbox.runtime)
        faults = {
            **judge_probe(report, host_kernel=host_kernel, tmpfs_limit_bytes=self._sandbox.limits.tmpfs_limit_bytes),
            "memory": () if holds else ("its memory limit is not enforced",),
            **judge_trials(trials, host_kernel=host_kernel),
            "render": (render_fault,) if render_fault else (),
        }
        checks = tuple(Check(name, found) for name, found in faults.items())
        return Verdict(checks, time.time(), time.monotonic() - began)


def meets_host_kernel(runtime: str | None) -> bool:
    """Tell whether system calls of containers meet the host's kernel, by the runtime's name."""
    return not (runtime or "").startswith(USER_SPACE_KERNELS)


async def try_limits(engine: DockerEngine, sandbox: Sandbox) -> dict[str, Any]:
    """Run the program that tries to exceed limits, and return its report; empty if it came to none.

    Raises:
        EngineError: It couldn't be run.
    """
    small = replace(sandbox, limits=limits_of_trials(sandbox.limits))
    output, state = await run_to_end(engine, _command(small, *COMMAND))
    report = _read_report(output)
    if report is None and state.exit_code in (None, EXIT_SIGKILL):
        raise ContainerLost("the container that tries the limits was killed")
    return report or {}


async def try_render(engine: DockerEngine, sandbox: Sandbox) -> str:
    """Have a job drawn as clients' jobs are; return what is wrong, or nothing.

    Raises:
        EngineError: No container came to where a job could be handed over.
    """
    maker = ContainerMaker(engine, sandbox, PROBE_LIMIT_S)
    job = Job(RENDER_CODE)
    try:
        container = await maker.make()
    except ContainerLost as error:
        return f"it renders nothing ({error})"
    try:
        reader = ReplyReader(job, sandbox.limits.output_limit_bytes)
        frames = encode_job(job, sandbox.limits)
        async with asyncio.timeout(RENDER_LIMIT_S):
            reply = await container.conversation.exchange(frames, reader, sandbox.limits.output_limit_bytes)
        result = await judge(reply, sandbox.limits)
    except (TimeoutError, StreamEnded, MalformedReply) as error:
        return f"it renders nothing ({type(error).__name__})"
    finally:
        container.conversation.close()
        await maker.remove(container)
    return "" if result.outcome is Outcome.OK and result.picture else f"it renders nothing ({result.outcome})"


async def probe(engine: DockerEngine, sandbox: Sandbox) -> dict[str, Any]:
    """Run the probe container and return its report.

    Raises:
        ContainerLost: It gave none.
        EngineError: It couldn't be started.
    """
    output, _ = await run_to_end(engine, sandbox.probe_config)
    report = _read_report(output)
    if report is None:
        raise ContainerLost("the probe container gave no report")
    return report


def _read_report(output: bytes) -> dict[str, Any] | None:
    """Return what a container of ours reports; None if that can't be read."""
    try:
        report = json.loads(output)
    except ValueError:
        return None
    return report if isinstance(report, dict) else None


async def memory_limit_holds(engine: DockerEngine, sandbox: Sandbox) -> bool:
    """Tell whether a container that touches more memory than it may have is killed."""
    config = _command(sandbox.with_memory(MEMORY_PROBE_BYTES), *MEMORY_COMMAND)
    return _was_killed(*await run_to_end(engine, config))


async def memory_can_be_lowered(engine: DockerEngine, sandbox: Sandbox) -> bool:
    """Tell whether the same holds for a limit that is brought down while the container runs; not every runtime can."""
    config = _command(sandbox.with_memory(4 * MEMORY_PROBE_BYTES), *MEMORY_COMMAND, "--when-told")
    lowered = False

    async def lower(launched: Launched) -> None:
        nonlocal lowered
        lowered = await engine.lower_memory(launched.container_id, MEMORY_PROBE_BYTES)
        with contextlib.suppress(OSError):  # it has ended: how, it says below
            launched.stream.sendall(b"\n")

    output, state = await run_to_end(engine, config, lower)
    return lowered and _was_killed(output, state)


def _command(sandbox: Sandbox, *command: str) -> Callable[[int], dict[str, Any]]:
    """Return what makes the create body of a container that runs a mode of the image."""
    return lambda uid: sandbox.container_config(uid, command)


def _was_killed(output: bytes, state: ExitState) -> bool:
    return not output and (state.oom_killed or state.exit_code == EXIT_SIGKILL)


async def run_to_end(
    engine: DockerEngine,
    config: Callable[[int], dict[str, Any]],
    begin: Callable[[Launched], Awaitable[None]] | None = None,
) -> tuple[bytes, ExitState]:
    """Run a container of our own code; return what it wrote to stdout, and how it ended.

    Args:
        engine: Where it runs.
        config: Makes the create body, from a uid.
        begin: Called once it runs.
    """
    uid = random.randint(UID_FIRST, UID_LAST)  # noqa: S311 - spreads, protects nothing
    launched = await engine.launch(config(uid), f"figbox-{uid}")
    try:
        with contextlib.closing(launched.stream):
            if begin is not None:
                await begin(launched)
            async with asyncio.timeout(PROBE_LIMIT_S):
                output = await _read_stdout(launched.stream)
        return output, await engine.exit_state(launched.container_id)
    except (OSError, MalformedReply) as error:  # TimeoutError is one of the former
        raise ContainerLost("a probe container did not end, or its stream broke") from error
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
            if len(output) > PROBE_OUTPUT_LIMIT:
                raise MalformedReply("the probe writes too much")
    finally:
        writer.close()
    return bytes(output)


async def _all(*works: Coroutine[Any, Any, Any]) -> list[Any]:
    """Do several things at once and return what they give, when the last of them has cleaned up.

    Raises:
        EngineError: Whatever went wrong first, in the order of the arguments.
    """
    done = await asyncio.gather(*works, return_exceptions=True)
    for outcome in done:
        if isinstance(outcome, BaseException):
            raise outcome
    return list(done)


def judge_probe(report: dict[str, Any], *, host_kernel: bool, tmpfs_limit_bytes: int) -> dict[str, tuple[str, ...]]:
    """Return what is wrong with a sandbox that describes itself as `report`, by the name of the check.

    Args:
        report: As the runner's probe mode prints it.
        host_kernel: Whether its system calls meet the host's kernel.
        tmpfs_limit_bytes: Size that the working directory must have.
    """
    status, refused, tmp = report.get("status") or {}, report.get("refused") or {}, report.get("tmp") or {}
    capabilities = [int(status.get(name) or "1", 16) for name in ("CapEff", "CapBnd")]
    expected = [
        ("network", "it has a network interface", report.get("interfaces") in (["lo"], [])),
        ("user", "its uid is not ours", report.get("uid") in range(UID_FIRST, UID_LAST + 1)),
        ("user", "it is in other groups", set(report.get("groups", [-1])) <= {report.get("gid")}),
        ("capabilities", "it has capabilities", not any(capabilities)),
        ("files", "its file system can be written", all((report.get("writable") or {"": None}).values())),
        ("files", "its working directory is not bounded", tmp.get("bytes") == tmpfs_limit_bytes),
    ]
    if host_kernel:
        # Under a kernel in user space these calls meet that kernel, not the host's, and may succeed there.
        inert = all(tmp.get(flag) for flag in ("noexec", "nosuid", "nodev"))
        allowed = sorted(name for name, error in refused.items() if error is None)
        open_calls = f"system calls are open: {', '.join(allowed)}"
        expected += [
            ("files", "its working directory is not inert", inert),
            ("files", "its working directory's files are not counted", bool(tmp.get("inodes"))),
            ("privileges", "it may gain privileges", status.get("NoNewPrivs") == "1"),
            ("system calls", "no system call filter is on", status.get("Seccomp") == "2"),
            ("system calls", open_calls, bool(refused) and not allowed),
        ]
    names = dict.fromkeys(name for name, _, _ in expected)
    return {name: tuple(fault for of, fault, holds in expected if of == name and not holds) for name in names}
