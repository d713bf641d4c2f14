"""How a launcher begins with snapshots, does without them, and ends while one is being made."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.launcher import environment as environment_module
from gateway.launcher import launcher as module
from gateway.launcher.engine.engine import EngineFacts
from gateway.launcher.engine.specification import Sandbox
from gateway.launcher.engine.usage import CgroupUsage
from gateway.launcher.environment import Examined, reason_to_import
from gateway.launcher.launcher import EngineLauncher
from gateway.launcher.selftest.selftest import Prepared
from gateway.launcher.snapshot import keeper
from gateway.launcher.snapshot.keeper import MAKING
from gateway.launcher.snapshot.saving import NoSnapshot
from gateway.launcher.snapshot.warm_start import WarmStart
from gateway.model.errors import EngineUnavailable, StartError
from gateway.model.jobs import EnvironmentFacts, Limits, MiB
from gateway.observability.metrics import Metrics
from tests.fakes import settle, until
from tests.unit.launcher.selftest.test_monitor import GOOD

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Callable

FACTS = EngineFacts(frozenset({"runc"}), (), 4, 16384 * MiB, "1", "cgroupfs", "2", "{}")
SANDBOX = Sandbox("sha256:0", Limits(), None, "here", "now", 60)


class Snapshots:
    """Stands for the engine, as far as snapshots need it, and for what it takes to make one.

    Attributes:
        away: Whether the engine is.
        save_error: Raised in place of making a snapshot.
        hold: Set to let snapshots be made.
        saves: How many were begun.
        removed: Images that were removed.
        kept: Images that exist.
    """

    def __init__(self) -> None:
        self.away = False
        self.save_error: Exception | None = None
        self.hold = asyncio.Event()
        self.saves = 0
        self.removed: list[str] = []

    async def examine(self, _: object, name: str, settings: Any, instance: str) -> Examined:
        """Stand in for `environment.examine`."""
        if self.away:
            raise EngineUnavailable("the engine can't be reached")
        facts = EnvironmentFacts(name, SANDBOX.image_id, "default", SANDBOX.limits, {}, {}, "f")
        return Examined(settings, Prepared(FACTS, SANDBOX, GOOD, CgroupUsage("cgroupfs", "2")), facts)

    async def find(self, installation: str) -> list[Any]:
        """See `Engine.find`."""
        return []

    async def find_images(self, label: str, value: str | None = None) -> list[Any]:
        """See `DockerEngine.find_images`."""
        return []

    async def remove_image(self, image_id: str) -> bool:
        """See `DockerEngine.remove_image`."""
        self.removed.append(image_id)
        return True

    async def ping(self) -> None:
        """See `DockerEngine.ping`."""

    def close(self) -> None:
        """See `DockerEngine.close`."""

    async def save(self, *_: object) -> str:
        """Stand in for `saving.save`."""
        self.saves += 1
        if self.save_error is not None:
            raise self.save_error
        return "sha256:made"

    async def try_out(self, *_: object) -> None:
        """Stand in for `trial.try_out`."""
        await self.hold.wait()


@pytest.fixture
def snapshots(monkeypatch: pytest.MonkeyPatch) -> Snapshots:
    """Return the engine of all launchers."""
    snapshots = Snapshots()
    monkeypatch.setattr(module, "examine", snapshots.examine)
    monkeypatch.setattr(module, "ABSENT_PAUSE_S", 0.001)
    monkeypatch.setattr(keeper, "save", snapshots.save)
    monkeypatch.setattr(keeper, "try_out", snapshots.try_out)
    return snapshots


@pytest.fixture
async def launcher_with(
    snapshots: Snapshots, make_settings: Callable[..., Any]
) -> AsyncIterator[Callable[[str], EngineLauncher]]:
    """Return a function that makes a launcher with a way to start, and without warm containers."""
    made: list[EngineLauncher] = []

    def make(way: str) -> EngineLauncher:
        launcher = EngineLauncher(make_settings(warm_start=way, pool_size=0), Metrics())
        cast("Any", launcher)._engine.close()
        cast("Any", launcher)._engine = snapshots
        made.append(launcher)
        return launcher

    yield make
    for launcher in made:
        await launcher.aclose()


async def test_snapshot_is_made_while_jobs_are_served(
    snapshots: Snapshots, launcher_with: Callable[[str], EngineLauncher]
) -> None:
    """The launcher is ready before there is one, and says how it starts."""
    launcher = launcher_with("auto")
    await launcher.start()
    assert launcher.not_ready is None
    assert launcher.warm_starts == (WarmStart("default", "import", MAKING),)
    snapshots.hold.set()
    await until(lambda: launcher.warm_starts == (WarmStart("default", "snapshot", None),))


@pytest.mark.parametrize(
    ("runtime", "memory_mib", "imports"),
    [
        ("runsc", 511, True),
        ("runsc", 512, False),
        ("runsc-ptrace", 128, True),
        (None, 128, False),
        ("crun", 128, False),
    ],
)
def test_little_memory_in_gvisor_is_a_reason_to_import(runtime: str | None, memory_mib: int, *, imports: bool) -> None:
    """A restored runner needs more of it there."""
    limits = Limits(memory_limit_bytes=memory_mib * MiB)
    assert (reason_to_import(Sandbox("sha256:0", limits, runtime, "here", "now", 60)) is not None) is imports


async def test_reason_to_import_is_told(
    snapshots: Snapshots, launcher_with: Callable[[str], EngineLauncher], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With `auto` it is kept to, and `snapshot` overrules it."""
    monkeypatch.setattr(environment_module, "reason_to_import", lambda _: "too small")
    snapshots.hold.set()
    cautious, insisting = launcher_with("auto"), launcher_with("snapshot")
    await cautious.start()
    await settle()
    assert cautious.warm_starts == (WarmStart("default", "import", "too small"),)
    assert snapshots.saves == 0
    await insisting.start()
    assert insisting.warm_starts == (WarmStart("default", "snapshot", None),)


async def test_import_makes_none(snapshots: Snapshots, launcher_with: Callable[[str], EngineLauncher]) -> None:
    """No reason is given for what was wished."""
    launcher = launcher_with("import")
    await launcher.start()
    await settle()
    assert launcher.warm_starts == (WarmStart("default", "import", None),)
    assert snapshots.saves == 0


async def test_launcher_that_needs_a_snapshot_waits_for_it(
    snapshots: Snapshots, launcher_with: Callable[[str], EngineLauncher]
) -> None:
    """It isn't ready before, and doesn't make another one afterwards."""
    launcher = launcher_with("snapshot")
    starting = asyncio.create_task(launcher.start())
    await until(lambda: snapshots.saves)
    await settle()
    assert not starting.done()
    assert launcher.not_ready is not None
    snapshots.hold.set()
    await starting
    await settle()
    assert launcher.warm_starts == (WarmStart("default", "snapshot", None),)
    assert (launcher.not_ready, snapshots.saves) == (None, 1)


async def test_launcher_that_needs_a_snapshot_refuses_to_start_without(
    snapshots: Snapshots, launcher_with: Callable[[str], EngineLauncher]
) -> None:
    """In one sentence, with no environment open."""
    snapshots.save_error = NoSnapshot("the process has more than one thread")
    launcher = launcher_with("snapshot")
    with pytest.raises(StartError) as raised:
        await launcher.start()
    assert str(raised.value) == (
        "no snapshot can be used here: the process has more than one thread; "
        "set FIGBOX_WARM_START=auto (see docs/snapshot.md)"
    )
    assert (launcher.environments, launcher.warm_starts) == ({}, ())


@pytest.mark.parametrize("way", ["auto", "snapshot"])
async def test_engine_that_comes_late(
    snapshots: Snapshots, launcher_with: Callable[[str], EngineLauncher], way: str
) -> None:
    """Nothing is known of snapshots without an engine; once it is there they are made as at the start."""
    snapshots.away = True
    snapshots.hold.set()
    launcher = launcher_with(way)
    await launcher.start()
    await asyncio.sleep(0.02)
    assert (launcher.warm_starts, snapshots.saves) == ((), 0)
    snapshots.away = False
    await until(lambda: launcher.warm_starts == (WarmStart("default", "snapshot", None),))
    assert launcher.not_ready is None


async def test_end_while_a_snapshot_is_tried(
    snapshots: Snapshots, launcher_with: Callable[[str], EngineLauncher]
) -> None:
    """Its image is removed before the launcher has ended."""
    launcher = launcher_with("auto")
    await launcher.start()
    await until(lambda: snapshots.saves)
    await settle()
    await launcher.aclose()
    assert snapshots.removed == ["sha256:made"]


async def test_end_does_not_wait_for_ever(
    snapshots: Snapshots, launcher_with: Callable[[str], EngineLauncher], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that hangs while an image is removed holds up neither the end nor the pools."""
    monkeypatch.setattr(module, "CLOSE_LIMIT_S", 0.05)
    launcher = launcher_with("auto")
    await launcher.start()
    await until(lambda: snapshots.saves)
    await settle()

    async def hang(_: str) -> bool:
        return await asyncio.get_running_loop().create_future()

    closed = []

    async def close() -> None:
        closed.append("pool")

    cast("Any", snapshots).remove_image = hang
    environment = SimpleNamespace(pool=SimpleNamespace(aclose=close, removing_count=0))
    cast("Any", launcher)._open["other"] = environment
    await asyncio.wait_for(launcher.aclose(), 20)
    assert closed == ["pool"]


async def test_task_that_ended_by_a_bug_breaks_the_launcher(
    monkeypatch: pytest.MonkeyPatch, launcher_with: Callable[[str], EngineLauncher], log: io.StringIO
) -> None:
    """A launcher whose search for strays has ended by an exception is broken, although ready, and says by what."""
    launcher = launcher_with("import")
    swept, fault = asyncio.Event(), asyncio.Event()

    async def sweep(*_: object) -> None:
        swept.set()
        await fault.wait()
        raise ZeroDivisionError

    monkeypatch.setattr(EngineLauncher, "_sweep_now_and_then", sweep)
    await launcher.start()
    await swept.wait()
    assert not launcher.is_broken
    fault.set()
    await until(lambda: launcher.is_broken)
    assert launcher.not_ready is None
    await until(lambda: '"event": "launcher broken"' in log.getvalue())
    assert "ZeroDivisionError" in log.getvalue()
