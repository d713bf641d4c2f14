"""What it takes to make a snapshot, once for each image and runtime."""

from __future__ import annotations

import secrets
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks import cpu
from gateway.launcher.engine.docker_engine import DockerEngine, find_engine_url
from gateway.launcher.engine.specification import Sandbox
from gateway.launcher.snapshot.keeper import NEW_TRIALS, REPOSITORY
from gateway.launcher.snapshot.saving import save
from gateway.launcher.snapshot.trial import try_out
from gateway.model.jobs import Limits

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.plan import Plan

ENGINE_LIMIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Seconds to make a snapshot and to try it, processor seconds of both, and its MiB."""

    made_s: float
    tried_s: float
    cpu_s: float
    mib: float


async def measure_snapshot(arena: Arena, plan: Plan) -> Snapshot:
    """Make one as a launcher does, on the default runtime, and remove it."""
    with closing(DockerEngine(find_engine_url(arena.docker_host), ENGINE_LIMIT_S)) as engine:
        sandbox = Sandbox(
            arena.engine.inspect_image(arena.image)["Id"],
            Limits(),
            None,
            f"bench-{secrets.token_hex(6)}",
            "snapshot",
            idle_limit_s=600,
        )
        idle_load = await cpu.measure_idle_load(plan.baseline_s)
        began = cpu.now()
        start = time.perf_counter()
        image_id = await save(engine, sandbox, f"{REPOSITORY}:bench-{secrets.token_hex(6)}", {})
        made = time.perf_counter()
        try:
            await try_out(engine, sandbox, image_id, NEW_TRIALS)
            tried = time.perf_counter()
            sizes = [arena.engine.inspect_image(image)["Size"] for image in (image_id, sandbox.image_id)]
        finally:
            await engine.remove_image(image_id)
        return Snapshot(
            made - start, tried - made, cpu.spent_s(began, cpu.now(), idle_load), (sizes[0] - sizes[1]) / 2**20
        )
