"""What each saving is worth: the same container with and without it, in alternating blocks.

A block is a number of containers in a row, each created, attached, started, awaited until its runner is ready, and
removed; its cost is the machine's busy time (see `benchmarks.cpu`). The gateway's engine code makes the containers from
its own specification, with one field changed.
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
from benchmarks.contenders.processes import output_of
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
    """Processor milliseconds of a container, or a picture, with and without one saving, and their difference."""

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
    savings = await _measure_containers(arena, plan)
    pairs = json.loads(await _run_module("benchmarks.drawing.savefig", str(plan.savefig_rounds)))
    savings.append(_saving("fig.savefig, not plt.savefig", pairs))
    if not plan.import_steps:
        return Savings(savings)
    printed = await _run_module("benchmarks.import_steps", "--image", arena.image, "--runs", IMPORT_RUNS)
    return Savings(savings, printed.splitlines())


def enable_network(config: Config) -> None:
    """Switch off the network by its mode only; the engine then runs a hook process for each container."""
    config["NetworkDisabled"] = False


def use_default_seccomp(config: Config) -> None:
    """Use Docker's system call filter."""
    options = config["HostConfig"]["SecurityOpt"]
    config["HostConfig"]["SecurityOpt"] = [option for option in options if not option.startswith("seccomp=")]


#: What is compared with the specification as it is.
VARIANTS: dict[str, Callable[[Config], None]] = {
    "NetworkDisabled beside network none": enable_network,
    "own seccomp list, not Docker's": use_default_seccomp,
}


def _as_it_is(_: Config) -> None:
    """Change nothing."""


async def _measure_containers(arena: Arena, plan: Plan) -> list[Saving]:
    installation = f"bench-{secrets.token_hex(6)}"
    engine = DockerEngine(find_engine_url(arena.docker_host), ENGINE_TIMEOUT_S)
    try:
        image_id = await engine.image_id(arena.image)
        if image_id is None:
            raise RenderFailed(f"the engine doesn't have the image {arena.image}")
        sandbox = Sandbox(image_id, Limits(), None, installation, "savings", idle_limit_s=600)
        await _run_containers(engine, sandbox, _as_it_is, arena, 1)
        blocks: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
        for _ in range(plan.saving_rounds):
            for name in arena.random.sample(list(VARIANTS), len(VARIANTS)):
                pair = [_as_it_is, VARIANTS[name]]
                arena.random.shuffle(pair)
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
    await _run_containers(engine, sandbox, change, arena, plan.saving_cycles)
    ended = cpu.now()
    # The SDK runs in this process, so its own time is part of the cost here.
    return 1000 * (cpu.spent_s(began, ended, idle_load) + ended.own_s - began.own_s) / plan.saving_cycles


async def _run_containers(
    engine: DockerEngine, sandbox: Sandbox, change: Callable[[Config], None], arena: Arena, count: int
) -> None:
    for _ in range(count):
        uid = arena.random.randint(UID_FIRST, UID_LAST)
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


async def _run_module(*arguments: str) -> str:
    return (await output_of(arguments[0], sys.executable, "-m", *arguments)).decode()


def _saving(name: str, pairs: list[tuple[float, float]]) -> Saving:
    return Saving(
        name,
        summarize([with_ms for with_ms, _ in pairs]),
        summarize([without_ms for _, without_ms in pairs]),
        summarize([without_ms - with_ms for with_ms, without_ms in pairs]),
    )
