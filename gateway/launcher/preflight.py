"""Before the first job: is this engine able to hold a hostile one?

An engine can accept limits and not enforce them (rootless engines on cgroup v1 do), a kernel can lack seccomp, a
runtime can be missing. So the engine is asked what it can do, a *probe* container with exactly the
specification of a job looks at its sandbox from inside and tries what must not work, and two more try to use
more memory than they may. All run our own code only; it is the one time that a container is believed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gateway.errors import ContainerLost, StartError
from gateway.jobs import SIGNAL_BASE, MiB
from gateway.launcher.frames import Demultiplexer, MalformedAnswer, Stream
from gateway.launcher.hardening import UID_FIRST, UID_LAST, Sandbox
from gateway.launcher.sizing import Sizes, choose_sizes

if TYPE_CHECKING:
    import socket
    from collections.abc import Awaitable, Callable

    from gateway.launcher.engine import DockerEngine, EngineFacts, ExitState, Launched
    from gateway.settings import LauncherSettings

#: Seconds the probe may take.
PROBE_LIMIT_S = 60

#: Bytes the probe may write.
PROBE_OUTPUT_LIMIT = 256 * 1024

#: Memory of the container that tries to use twice as much.
MEMORY_PROBE_BYTES = 48 * MiB

#: How it tries.
GREED = f"b'x' * {2 * MEMORY_PROBE_BYTES}; print('survived')"

#: Exit status of a process ended by SIGKILL, as the kernel does when memory is over (not every engine says why).
EXIT_SIGKILL = SIGNAL_BASE + 9

#: Runtimes whose sandbox is not the host's kernel: there `/proc/self/status` and syscall filters say nothing.
USER_SPACE_KERNELS = ("runsc", "gvisor", "kata")


@dataclass(frozen=True, slots=True)
class Prepared:
    """What an engine that passed is used with."""

    facts: EngineFacts
    sandbox: Sandbox
    sizes: Sizes


async def prepare(engine: DockerEngine, settings: LauncherSettings, instance: str) -> Prepared:
    """Check the engine and return what to use it with.

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
    sizes = choose_sizes(settings, facts)
    report = await probe(engine, sandbox)
    faults = judge_probe(report, runtime=settings.runtime, tmpfs_limit_bytes=settings.limits.tmpfs_limit_bytes)
    holds, lowers = await asyncio.gather(memory_limit_holds(engine, sandbox), memory_can_be_lowered(engine, sandbox))
    if not holds:
        faults.append("its memory limit is not enforced")
    if faults:
        raise StartError("the sandbox does not hold: " + "; ".join(faults))
    return Prepared(facts, replace(sandbox, lowers_memory=lowers), sizes)


async def probe(engine: DockerEngine, sandbox: Sandbox) -> dict[str, Any]:
    """Run the probe container and return its report.

    Raises:
        ContainerLost: It gave none.
        EngineError: It couldn't be started.
    """
    output, _ = await _run_to_end(engine, sandbox.probe_config)
    try:
        report = json.loads(output)
    except ValueError as error:
        raise ContainerLost("the probe container gave no report") from error
    if not isinstance(report, dict):
        raise ContainerLost("the probe container gave no report")
    return report


async def memory_limit_holds(engine: DockerEngine, sandbox: Sandbox) -> bool:
    """Tell whether a container that touches more memory than it may have is killed."""
    config = _greedy(sandbox.with_memory(MEMORY_PROBE_BYTES), GREED)
    return _was_killed(*await _run_to_end(engine, config))


async def memory_can_be_lowered(engine: DockerEngine, sandbox: Sandbox) -> bool:
    """Tell whether the same holds for a limit that is brought down while the container runs; not every runtime can."""
    config = _greedy(sandbox.with_memory(4 * MEMORY_PROBE_BYTES), "input(); " + GREED)
    lowered = False

    async def lower(launched: Launched) -> None:
        nonlocal lowered
        lowered = await engine.lower_memory(launched.container_id, MEMORY_PROBE_BYTES)
        with contextlib.suppress(OSError):  # it has ended: how, it says below
            launched.stream.sendall(b"\n")

    output, state = await _run_to_end(engine, config, lower)
    return lowered and _was_killed(output, state)


def _greedy(sandbox: Sandbox, program: str) -> Callable[[int], dict[str, Any]]:
    """Return what makes the create body of a container that runs a line of Python."""
    return lambda uid: {**sandbox.container_config(uid, ("-c", program)), "Entrypoint": ["python3"]}


def _was_killed(output: bytes, state: ExitState) -> bool:
    return not output and (state.oom_killed or state.exit_code == EXIT_SIGKILL)


async def _run_to_end(
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
    except (OSError, MalformedAnswer) as error:  # TimeoutError is one of the former
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
                raise MalformedAnswer("the probe writes too much")
    finally:
        writer.close()
    return bytes(output)


def judge_probe(report: dict[str, Any], *, runtime: str | None, tmpfs_limit_bytes: int) -> list[str]:
    """Return what is wrong with a sandbox that describes itself as `report`; empty when it holds.

    Args:
        report: As the runner's probe mode prints it.
        runtime: OCI runtime in use; None is the engine's default.
        tmpfs_limit_bytes: Size that the working directory must have.
    """
    status, refused, tmp = report.get("status") or {}, report.get("refused") or {}, report.get("tmp") or {}
    expected = {
        "it has a network interface": report.get("interfaces") in (["lo"], []),
        "its uid is not ours": report.get("uid") in range(UID_FIRST, UID_LAST + 1),
        "it is in other groups": set(report.get("groups", [-1])) <= {report.get("gid")},
        "it has capabilities": all(int(status.get(name) or "1", 16) == 0 for name in ("CapEff", "CapBnd")),
        "its file system can be written": all((report.get("writable") or {"": None}).values()),
        "its working directory is not bounded": tmp.get("bytes") == tmpfs_limit_bytes,
    }
    if not (runtime or "").startswith(USER_SPACE_KERNELS):
        # Under a kernel in user space these calls meet that kernel, not the host's, and may succeed there.
        expected["its working directory is not inert"] = all(tmp.get(flag) for flag in ("noexec", "nosuid", "nodev"))
        expected["its working directory's files are not counted"] = bool(tmp.get("inodes"))
        expected["it may gain privileges"] = status.get("NoNewPrivs") == "1"
        expected["no system call filter is on"] = status.get("Seccomp") == "2"
        allowed = sorted(name for name, error in refused.items() if error is None)
        expected[f"system calls are open: {', '.join(allowed)}"] = bool(refused) and not allowed
    return [fault for fault, holds in expected.items() if not holds]
