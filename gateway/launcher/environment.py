"""One environment, ready for jobs: its examined image, the maker of its containers, and its pool.

Each environment has its own, so jobs in one never wait for containers of another, and a container is always what its
environment's image and limits say.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from loguru import logger

from gateway.launcher.engine.engine import EXIT_SIGKILL
from gateway.launcher.engine.specification import RUNNER
from gateway.launcher.executor import PoolExecutor
from gateway.launcher.maker import ContainerMaker
from gateway.launcher.pool import Pool
from gateway.launcher.selftest.monitor import Monitor
from gateway.launcher.selftest.selftest import SelfTest, meets_host_kernel, prepare, run_to_end
from gateway.launcher.snapshot.keeper import SnapshotKeeper
from gateway.launcher.snapshot.warm_start import WarmStart
from gateway.model.errors import ContainerLost, StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, EnvironmentFacts, MiB

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from gateway.launcher.engine.docker_engine import DockerEngine
    from gateway.launcher.engine.specification import Sandbox
    from gateway.launcher.selftest.selftest import Prepared
    from gateway.settings import LauncherSettings
    from gateway.worker.worker_pool import WorkerPool

#: Memory limit in bytes from which restored runners are worth it in gVisor. They need up to 100 MiB more of it there
#: than runners that import, since gVisor keeps its own copy of what it reads from the snapshot, and copies a large
#: piece where a page is written to. `tests/engine/test_restored_runner.py` measures it.
ROOMY_BYTES = 512 * MiB

#: Entries, and characters of each text, that an image's report of itself may have.
ENTRIES_LIMIT = 2000
TEXT_LIMIT = 200


@dataclass(frozen=True, slots=True)
class Examined:
    """An environment whose image and sandbox passed all checks.

    Attributes:
        settings: Its own.
        prepared: Its tested sandbox.
        facts: What it is.
    """

    settings: LauncherSettings
    prepared: Prepared
    facts: EnvironmentFacts


@dataclass(frozen=True, slots=True)
class OpenEnvironment:
    """An environment that accepts jobs.

    Attributes:
        import_reason: Why `auto` leaves snapshots alone here; None where it doesn't.
    """

    facts: EnvironmentFacts
    maker: ContainerMaker
    pool: Pool
    executor: PoolExecutor
    monitor: Monitor
    keeper: SnapshotKeeper | None
    import_reason: str | None

    @property
    def warm_start(self) -> WarmStart:
        """How its runners start."""
        if self.keeper is None:
            return WarmStart(self.facts.name, "import", self.import_reason)
        return self.keeper.state


async def examine(engine: DockerEngine, name: str, settings: LauncherSettings, instance: str) -> Examined:
    """Check an environment's image, and test its sandbox.

    Args:
        engine: Runs its containers.
        name: As requests name it.
        settings: The environment's own.
        instance: Label of this run of the launcher.

    Raises:
        StartError: It can't be used as configured; the text names it unless it is the default one.
        EngineError: The engine can't be reached.
    """
    try:
        prepared, image_facts = await _examine(engine, name, settings, instance)
    except StartError as error:
        if name == DEFAULT_ENVIRONMENT:
            raise
        raise StartError(f"environment {name!r}: {error}") from error
    sandbox = prepared.sandbox
    facts = EnvironmentFacts(name, sandbox.image_id, sandbox.runtime or "default", sandbox.limits, **image_facts)
    return Examined(settings, prepared, facts)


async def _examine(
    engine: DockerEngine, name: str, settings: LauncherSettings, instance: str
) -> tuple[Prepared, dict[str, Any]]:
    config = await engine.image_config(settings.image)
    if config is not None:
        check_image(config)
    elif name != DEFAULT_ENVIRONMENT:
        raise StartError(
            f"the engine has no image {settings.image!r}: run `make image ENVIRONMENT={name}`, "
            "or see docs/environments.md"
        )
    prepared = await prepare(engine, settings, instance, name)
    return prepared, await read_image_facts(engine, prepared.sandbox)


def check_image(config: dict[str, Any]) -> None:
    """Check that an image's configuration doesn't defeat the specification of containers, which can't override it.

    Args:
        config: As the engine reports it.

    Raises:
        StartError: It does.
    """
    if volumes := sorted(config.get("Volumes") or ()):
        raise StartError(
            f"its image declares volumes ({', '.join(volumes)}), where jobs could write without limit: "
            "build it without them"
        )
    if tuple(config.get("Entrypoint") or ()) != RUNNER:
        raise StartError("its image doesn't run Figbox's runner: build it from the runner image")


def open_environment(
    engine: DockerEngine,
    examined: Examined,
    *,
    pool_size: int,
    pool_makers: int,
    running: int,
    on_event: Callable[[str], None],
    snapshot_turn: asyncio.Lock,
    checks: WorkerPool,
) -> OpenEnvironment:
    """Return the environment; its pool is yet to be started.

    Args:
        engine: Runs its containers.
        examined: What it is.
        pool_size: Warm containers to keep.
        pool_makers: Warm containers to make at the same time.
        running: Jobs that run at once.
        on_event: See `Pool`.
        snapshot_turn: See `SnapshotKeeper`.
        checks: See `PoolExecutor`.
    """
    settings, prepared = examined.settings, examined.prepared
    maker = ContainerMaker(engine, prepared.sandbox)
    pool = Pool(
        maker,
        size=pool_size,
        makers=pool_makers,
        idle_limit_s=settings.pool_idle_s,
        removing_limit=2 * running + pool_makers,
        on_event=on_event,
    )
    executor = PoolExecutor(pool, engine, settings.limits, prepared.usage.read, checks)
    test = SelfTest(engine, prepared.sandbox, examined.facts.name)
    monitor = Monitor(test, prepared.verdict, settings.selftest_period_s)
    keeper = None
    import_reason = reason_to_import(prepared.sandbox) if settings.warm_start == "auto" else None
    if import_reason is not None:
        logger.info("no snapshot: runners import", environment=examined.facts.name, reason=import_reason)
    elif settings.warm_start != "import":
        keeper = SnapshotKeeper(
            engine,
            prepared.sandbox,
            prepared.facts,
            environment=examined.facts.name,
            maker=maker,
            turn=snapshot_turn,
            on_change=pool.replace_idle,
        )
    return OpenEnvironment(examined.facts, maker, pool, executor, monitor, keeper, import_reason)


def reason_to_import(sandbox: Sandbox) -> str | None:
    """Return why runners had better import though they could be restored, or None."""
    if meets_host_kernel(sandbox.runtime) or sandbox.limits.memory_limit_bytes >= ROOMY_BYTES:
        return None
    return f"restored runners need more memory in {sandbox.runtime}: raise its limit to {ROOMY_BYTES // MiB} MiB"


async def read_image_facts(engine: DockerEngine, sandbox: Sandbox) -> dict[str, Any]:
    """Return what an image says it is made of: `versions`, `packages` and `fonts_sha256` of `EnvironmentFacts`.

    A container of a job's own specification reports it. The report is trusted as the image is, whose code makes it;
    only its form is checked.

    Raises:
        StartError: There is no such report.
        EngineError: The engine failed.
    """
    output, state = await run_to_end(engine, sandbox, ("facts",))
    try:
        report = json.loads(output)
        return {
            "versions": _texts(report["versions"]),
            "packages": _texts(report["packages"]),
            "fonts_sha256": _text(report["fonts_sha256"]),
        }
    except (ValueError, TypeError, LookupError) as error:
        if state.exit_code in (None, EXIT_SIGKILL):
            raise ContainerLost("a container ended before it had reported on its image") from error
        raise StartError("its image doesn't say what it is made of: rebuild it (`make image`)") from error


def _texts(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or len(value) > ENTRIES_LIMIT:
        raise TypeError("not a table of texts")
    return {_text(name): _text(text) for name, text in value.items()}


def _text(value: object) -> str:
    if not isinstance(value, str) or len(value) > TEXT_LIMIT or not value.isprintable():
        raise TypeError("not a text")
    return value
