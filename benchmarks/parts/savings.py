"""What each saving is worth, one by one: the same container without it, in alternating blocks.

A block is some containers one after the other, each created, attached, started, awaited until its runner is ready,
and removed; its cost is the machine's busy time (see `benchmarks.cpu`). Containers are made by the gateway's own engine
code, from the specification it uses, with one field changed.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from benchmarks import cpu, engine_view
from benchmarks.contenders.contender import RenderFailed
from benchmarks.statistics import Summary, summarize
from gateway.launcher.engine.docker_engine import DockerEngine, find_engine_url
from gateway.launcher.engine.specification import UID_FIRST, UID_LAST, Sandbox
from gateway.launcher.runner.conversation import open_conversation
from gateway.model.jobs import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.arena import Arena
    from benchmarks.plan import Plan

Config = dict[str, Any]

#: Seconds an engine call, and a runner's start, may take.
ENGINE_TIMEOUT_S = 60.0
READY_LIMIT_S = 60.0

#: Runs of each step of the import.
IMPORT_RUNS = "7"


@dataclass(frozen=True, slots=True)
class Saving:
    """What a container, or a picture, costs with and without one saving.

    Attributes:
        name: What is saved, and how.
        with_ms: Processor milliseconds with it.
        without_ms: Without it.
        saved_ms: Difference, pair by pair.
    """

    name: str
    with_ms: Summary
    without_ms: Summary
    saved_ms: Summary


@dataclass(frozen=True, slots=True)
class Savings:
    """All savings; `import_steps` is what `benchmarks.import_steps` printed."""

    savings: list[Saving]
    import_steps: list[str] = field(default_factory=list)


async def measure_savings(arena: Arena, plan: Plan) -> Savings:
    """Measure container savings, how a figure is saved, and the import."""
    await arena.settle()
    savings = [*await _measure_containers(arena, plan), await _measure_savefig(plan)]
    return Savings(savings, await _measure_import(arena.image) if plan.import_steps else [])


def enable_network(config: Config) -> None:
    """Ask for no network by its mode alone; the engine then runs a hook process for every container."""
    config["NetworkDisabled"] = False


def use_default_seccomp(config: Config) -> None:
    """Leave the system call filter to Docker."""
    options = config["HostConfig"]["SecurityOpt"]
    config["HostConfig"]["SecurityOpt"] = [option for option in options if not option.startswith("seccomp=")]


def draw_ahead(config: Config) -> None:
    """Let the runner draw a tiny figure before it is ready; a cost here, a gain at the request."""
    config["Cmd"] = [*config["Cmd"], "--warm-up"]


#: What is measured against the specification as it is.
VARIANTS: dict[str, Callable[[Config], None]] = {
    "NetworkDisabled beside network none": enable_network,
    "own seccomp list, not Docker's": use_default_seccomp,
    "no warm-up draw": draw_ahead,
}


def _as_it_is(_: Config) -> None:
    """Change nothing."""


async def _measure_containers(arena: Arena, plan: Plan) -> list[Saving]:
    installation = f"bench-{secrets.token_hex(6)}"
    engine = DockerEngine(find_engine_url(arena.docker_host), ENGINE_TIMEOUT_S)
    try:
        image_id = await engine.image_id(arena.image)
        if image_id is None:
            raise RenderFailed(f"the engine has no image {arena.image}")
        sandbox = Sandbox(image_id, Limits(), None, installation, "savings", idle_limit_s=600)
        await _run_containers(engine, sandbox, _as_it_is, arena, 1)
        blocks: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
        for _ in range(plan.saving_rounds):
            for name in arena.lots.sample(list(VARIANTS), len(VARIANTS)):
                pair = [_as_it_is, VARIANTS[name]]
                arena.lots.shuffle(pair)
                costs = {change: await _measure_block(engine, sandbox, change, arena, plan) for change in pair}
                blocks[name].append((costs[_as_it_is], costs[VARIANTS[name]]))
    finally:
        engine.close()
        await asyncio.to_thread(engine_view.remove_leftovers, arena.engine, installation)
    return [_saving(name, pairs) for name, pairs in blocks.items()]


async def _measure_block(
    engine: DockerEngine, sandbox: Sandbox, change: Callable[[Config], None], arena: Arena, plan: Plan
) -> float:
    """Return processor milliseconds of one container."""
    idle_load = await cpu.measure_idle_load(plan.baseline_s)
    began = cpu.now()
    own_before = began.own_s
    await _run_containers(engine, sandbox, change, arena, plan.saving_cycles)
    ended = cpu.now()
    # The SDK's calls are made here, in this process, so they belong to the cost this time.
    own_s = ended.own_s - own_before
    return 1000 * (cpu.spent_s(began, ended, idle_load) + own_s) / plan.saving_cycles


async def _run_containers(
    engine: DockerEngine, sandbox: Sandbox, change: Callable[[Config], None], arena: Arena, count: int
) -> None:
    for _ in range(count):
        uid = arena.lots.randint(UID_FIRST, UID_LAST)
        config = sandbox.job_config(uid)
        change(config)
        launched = await engine.launch(config, f"figbox-bench-{secrets.token_hex(6)}")
        try:
            conversation = await open_conversation(launched.stream)
            try:
                async with asyncio.timeout(READY_LIMIT_S):
                    await conversation.wait_ready()
            finally:
                conversation.close()
        finally:
            await engine.remove(launched.container_id)


async def _measure_savefig(plan: Plan) -> Saving:
    """Compare `fig.savefig` with `plt.savefig` in a process of its own."""
    output = await _run_module("benchmarks.parts.savefig", str(plan.savefig_rounds))
    return _saving("fig.savefig, not plt.savefig", json.loads(output))


async def _measure_import(image: str) -> list[str]:
    return (await _run_module("benchmarks.import_steps", "--image", image, "--runs", IMPORT_RUNS)).splitlines()


async def _run_module(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        output, errors = await process.communicate()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if process.returncode != 0:
        raise RenderFailed(f"{arguments[0]} failed: {errors.decode(errors='replace')[-2000:]}")
    return output.decode()


def _saving(name: str, pairs: list[tuple[float, float]]) -> Saving:
    return Saving(
        name,
        summarize([with_ms for with_ms, _ in pairs]),
        summarize([without_ms for _, without_ms in pairs]),
        summarize([without_ms - with_ms for with_ms, without_ms in pairs]),
    )
