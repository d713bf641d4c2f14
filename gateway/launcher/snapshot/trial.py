"""Tries a snapshot before any job gets it: it must be whole, and draw what a runner that imports draws."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.launcher.engine.specification import SNAPSHOT, Sandbox
from gateway.launcher.judgement import judge
from gateway.launcher.maker import ContainerMaker
from gateway.launcher.runner.conversation import StreamEnded
from gateway.launcher.runner.frames import MalformedReply, encode_job
from gateway.launcher.runner.reply import ReplyReader
from gateway.launcher.selftest.selftest import EXIT_SIGKILL, run_to_end
from gateway.launcher.snapshot.saving import REASON_LIMIT, NoSnapshot
from gateway.model.errors import ContainerLost
from gateway.model.jobs import Format, Job, MiB, SaveOptions
from gateway.model.results import Outcome

if TYPE_CHECKING:
    from gateway.launcher.engine.docker_engine import DockerEngine
    from gateway.model.jobs import Limits

#: Seconds for one container of a trial.
TRIAL_LIMIT_S = 120.0

#: What a trial's containers may use at least: an importing one needs more, and the pictures are larger, than what the
#: smallest limits allow that a job may have.
TRIAL_MEMORY_BYTES = 512 * MiB
TRIAL_OUTPUT_BYTES = 16 * MiB
TRIAL_CPUS = 1.0

#: Figures that use most of Matplotlib's compiled code: text, formulas, images, lines, 3D, files in two formats.
CODE = r"""
import numpy as np
import matplotlib.pyplot as plt
x = np.linspace(0, 6, 200)
figure, (left, right) = plt.subplots(1, 2, figsize=(6, 3), layout="constrained")
left.plot(x, np.sin(x), label=r"$\sin x$"); left.fill_between(x, np.cos(x), alpha=.3); left.legend()
left.set_title(r"$\int_0^1 \frac{\alpha}{\sqrt{x}}$"); left.set_yscale("symlog")
figure.colorbar(right.imshow(np.outer(np.sin(x), np.cos(x)), cmap="magma"))
right.set_xlabel("Größe \u6e2c\u8a66")
plt.figure().add_subplot(projection="3d").plot_surface(*np.meshgrid(x[::20], x[::20]), np.outer(x, x)[::20, ::20])
plt.figure(); plt.hist(np.random.default_rng(0).normal(size=1000), bins=30); np.linalg.svd(np.outer(x, x) + np.eye(200))
"""


async def try_out(engine: DockerEngine, sandbox: Sandbox, snapshot_id: str, restores: int) -> None:
    """Check a snapshot and restore it several times.

    Args:
        engine: Runs the containers.
        sandbox: What jobs get.
        snapshot_id: Digest of the image with the snapshot.
        restores: How many times it is restored.

    Raises:
        NoSnapshot: It can't be used here.
        EngineError: The engine failed, so nothing is known.
    """
    sandbox = replace(sandbox, limits=_roomy(sandbox.limits))
    restored = replace(sandbox, snapshot_id=snapshot_id)
    await check(engine, restored)
    expected = await draw(engine, sandbox)
    for _ in range(restores):
        if await draw(engine, restored) != expected:
            raise NoSnapshot("a restored runner draws another picture than one that imports")


def _roomy(limits: Limits) -> Limits:
    return replace(
        limits,
        memory_limit_bytes=max(limits.memory_limit_bytes, TRIAL_MEMORY_BYTES),
        output_limit_bytes=max(limits.output_limit_bytes, TRIAL_OUTPUT_BYTES),
        wall_limit_s=max(limits.wall_limit_s, TRIAL_LIMIT_S),
        cpus=max(limits.cpus, TRIAL_CPUS),
    )


async def check(engine: DockerEngine, restored: Sandbox) -> None:
    """Let the restorer read the whole file, and compare kernel and processor.

    Raises:
        NoSnapshot: It is damaged, or of another machine.
        EngineError: The engine failed, or somebody else killed the container.
    """
    output, state = await run_to_end(engine, restored, ("--check", SNAPSHOT), config=Sandbox.restorer_config)
    if state.exit_code in (None, EXIT_SIGKILL):
        raise ContainerLost("a container ended before it had checked the snapshot")
    if state.exit_code != 0:
        said = "".join(filter(str.isprintable, output.decode("utf-8", "replace")[:REASON_LIMIT]))
        raise NoSnapshot(said.removeprefix("snapshot not restored: ") or f"its check ended with {state.exit_code}")


async def draw(engine: DockerEngine, sandbox: Sandbox) -> list[bytes]:
    """Return the pictures that a runner of this sandbox draws.

    Raises:
        NoSnapshot: It draws none.
        EngineError: The engine failed, or somebody else killed the container.
    """
    maker = ContainerMaker(engine, sandbox, TRIAL_LIMIT_S)
    options = SaveOptions(formats=(Format.PNG, Format.SVG), all_figures=True, rc={"svg.hashsalt": "trial"})
    job = Job(CODE, options=options)
    try:
        container = await maker.make()
    except ContainerLost as error:
        raise NoSnapshot(str(error)) from error
    try:
        reader = ReplyReader(job, sandbox.limits.output_limit_bytes)
        async with asyncio.timeout(TRIAL_LIMIT_S):
            reply = await container.conversation.exchange(
                encode_job(job, sandbox.limits), reader, sandbox.limits.output_limit_bytes
            )
        result = await judge(reply, sandbox.limits)
    except StreamEnded as error:
        state = await engine.exit_state(container.container_id)
        if state.exit_code in (None, EXIT_SIGKILL) and not state.oom_killed:
            raise ContainerLost("a container ended before it had drawn") from error
        raise NoSnapshot(f"a trial runner draws nothing and ends with {state.exit_code}") from error
    except (TimeoutError, MalformedReply) as error:
        raise NoSnapshot(f"a trial runner draws nothing ({type(error).__name__})") from error
    finally:
        container.conversation.close()
        await maker.remove(container)
    if result.outcome is not Outcome.OK:
        raise NoSnapshot(f"a trial runner draws nothing ({result.outcome})")
    return [picture.data for figure in result.figures for picture in figure.pictures]
