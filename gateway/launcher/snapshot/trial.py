"""Tries a snapshot before any job gets it: it must be whole, and draw what a runner that imports draws."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.launcher.engine.engine import EXIT_SIGKILL
from gateway.launcher.engine.specification import SNAPSHOT, Sandbox
from gateway.launcher.runner.frames import last_words
from gateway.launcher.selftest.selftest import NothingDrawn, draw, run_to_end, side_by_side
from gateway.launcher.snapshot.saving import REASON_LIMIT, NoSnapshot
from gateway.model.errors import ContainerLost
from gateway.model.jobs import Format, Job, MiB, SaveOptions

if TYPE_CHECKING:
    from gateway.launcher.engine.docker_engine import DockerEngine
    from gateway.model.jobs import Limits

#: How many times as long as a runner may take to start one container of a trial may take: it draws much.
TRIAL_STARTS = 2

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
    """Check a snapshot and restore it several times; meanwhile a runner that imports draws the same.

    Two containers at most run at once, since jobs go on.

    Args:
        engine: Runs the containers.
        sandbox: What jobs get.
        snapshot_id: Digest of the image with the snapshot.
        restores: How many times it is restored.

    Raises:
        NoSnapshot: It can't be used here.
        EngineError: The engine failed, so nothing is known.
    """
    limit_s = TRIAL_STARTS * sandbox.start_limit_s
    sandbox = replace(sandbox, start_limit_s=limit_s, limits=_roomy(sandbox.limits, limit_s))
    restored = replace(sandbox, snapshot_id=snapshot_id)
    await check(engine, restored)
    expected, drawn = await side_by_side(_pictures(engine, sandbox), _each_time(engine, restored, restores))
    if any(pictures != expected for pictures in drawn):
        raise NoSnapshot("a restored runner draws another picture than one that imports")


def _roomy(limits: Limits, limit_s: float) -> Limits:
    return replace(
        limits,
        memory_limit_bytes=max(limits.memory_limit_bytes, TRIAL_MEMORY_BYTES),
        output_limit_bytes=max(limits.output_limit_bytes, TRIAL_OUTPUT_BYTES),
        wall_limit_s=max(limits.wall_limit_s, limit_s),
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
        said = last_words(output[:REASON_LIMIT]).removeprefix("snapshot not restored: ")
        raise NoSnapshot(said or f"its check ended with {state.exit_code}")


async def _each_time(engine: DockerEngine, restored: Sandbox, restores: int) -> list[list[bytes]]:
    return [await _pictures(engine, restored) for _ in range(restores)]


async def _pictures(engine: DockerEngine, sandbox: Sandbox) -> list[bytes]:
    options = SaveOptions(formats=(Format.PNG, Format.SVG), all_figures=True, rc={"svg.hashsalt": "trial"})
    try:
        return await draw(engine, sandbox, Job(CODE, options=options))
    except NothingDrawn as error:
        if error.was_killed:
            raise ContainerLost("a container ended before it had drawn") from error
        raise NoSnapshot(f"a trial runner draws nothing ({error})") from error
