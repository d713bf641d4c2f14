"""Jobs are served by imports until a snapshot has passed its trial, and whenever there is none."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.docker_engine import EngineFacts, FoundContainer, FoundImage
from gateway.launcher.engine.specification import Sandbox
from gateway.launcher.maker import RESTORE_TRIES, ContainerMaker
from gateway.launcher.snapshot import keeper as module
from gateway.launcher.snapshot.keeper import (
    AGE_LIMIT_S,
    FORGOTTEN_S,
    KEPT_TRIALS,
    LABEL_KEY,
    LABEL_MADE,
    MAKING,
    NEW_TRIALS,
    SnapshotKeeper,
    key_of,
)
from gateway.launcher.snapshot.saving import NoSnapshot
from gateway.launcher.snapshot.warm_start import WarmStart
from gateway.model.errors import EngineUnavailable, StartError
from gateway.model.jobs import Limits, MiB
from tests.fakes import settle, until

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Iterator, Mapping

SANDBOX = Sandbox("sha256:0", Limits(), None, "here", "now", 60)
FACTS = EngineFacts(frozenset({"runc"}), (), 4, 16384 * MiB, "1", "cgroupfs", "2", "{}")
KEY = key_of(SANDBOX, FACTS)


class ImageEngine:
    """An engine that keeps images, and remembers what was removed.

    Attributes:
        calls: How often it was asked for containers.
        failing: Whether it fails then.
    """

    def __init__(self) -> None:
        self.images: dict[str, FoundImage] = {}
        self.removed: list[str] = []
        self.containers = [FoundContainer("left", "figbox-20001")]
        self.calls = 0
        self.failing = False

    def add(self, image_id: str, age_s: float, key: str = KEY, **labels: str) -> None:
        """Add an image with a snapshot."""
        made = {LABEL_KEY: key, LABEL_MADE: str(time.time() - age_s), **labels}
        self.images[image_id] = FoundImage(image_id, made)

    async def find(self, installation: str) -> list[FoundContainer]:
        """See `Engine.find`."""
        assert installation == "here.snapshot.default"
        self.calls += 1
        if self.failing:
            raise EngineUnavailable("told to fail") from OSError("disk full")
        return self.containers

    async def remove(self, container_id: str) -> None:
        """See `Engine.remove`."""
        self.containers = [found for found in self.containers if found.container_id != container_id]

    async def find_images(self, label: str, value: str | None = None) -> list[FoundImage]:
        """See `DockerEngine.find_images`."""
        return [image for image in self.images.values() if value in (None, image.labels.get(label))]

    async def remove_image(self, image_id: str) -> None:
        """See `DockerEngine.remove_image`."""
        self.removed.append(image_id)
        self.images.pop(image_id, None)


class Rig:
    """A keeper, with what it works with, and the outcomes of its making and trying.

    Attributes:
        made: Errors or image ids of the next saves; when it is empty, new ids.
        bad: Images that fail their trial.
        tried: Images that were tried, with the number of restores.
        changes: How often the keeper said that something had changed.
    """

    def __init__(self) -> None:
        self.engine = ImageEngine()
        self.maker = ContainerMaker(self.engine, SANDBOX, 1)  # type: ignore[arg-type]
        self.made: list[Exception] = []
        self.saves = 0
        self.bad: set[str] = set()
        self.tried: list[tuple[str, int]] = []
        self.changes = 0
        self.hold: asyncio.Event | None = None
        self.keeper = SnapshotKeeper(
            self.engine,  # type: ignore[arg-type]
            SANDBOX,
            FACTS,
            environment="default",
            maker=self.maker,
            on_change=self._count,
        )

    def _count(self) -> None:
        self.changes += 1

    async def save(self, _: Any, sandbox: Sandbox, image_name: str, labels: Mapping[str, str]) -> str:
        """Stand in for `saving.save`."""
        assert sandbox.snapshot_id is None
        assert image_name.startswith("figbox-snapshot:")
        self.saves += 1
        await asyncio.sleep(0)
        if self.made:
            raise self.made.pop(0)
        image_id = f"new-{self.saves}"
        self.engine.images[image_id] = FoundImage(image_id, labels)
        return image_id

    async def try_out(self, _: Any, sandbox: Sandbox, snapshot_id: str, restores: int) -> None:
        """Stand in for `trial.try_out`."""
        assert sandbox.installation == "here.snapshot.default"
        self.tried.append((snapshot_id, restores))
        if self.hold is not None:
            await self.hold.wait()
        if snapshot_id in self.bad:
            raise NoSnapshot("a restored runner draws another picture than one that imports")


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Return a rig whose pauses are short."""
    rig = Rig()
    monkeypatch.setattr(module, "save", rig.save)
    monkeypatch.setattr(module, "try_out", rig.try_out)
    monkeypatch.setattr(module, "RETRY_PAUSE_S", 0.0)
    return rig


@contextlib.asynccontextmanager
async def running(rig: Rig) -> AsyncIterator[None]:
    """Let a keeper work."""
    task = asyncio.create_task(rig.keeper.keep_fresh())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def changed(**fields: Any) -> Iterator[str]:
    """Yield the key with one field of the sandbox or the engine changed."""
    for name, value in fields.items():
        of_sandbox = name in SANDBOX.__dataclass_fields__
        yield key_of(
            replace(SANDBOX, **{name: value}) if of_sandbox else SANDBOX,
            FACTS if of_sandbox else replace(FACTS, **{name: value}),
        )


def test_key_follows_what_a_snapshot_depends_on() -> None:
    """Image, runtime and engine count; whose it is and what a job may use don't."""
    others = list(changed(image_id="sha256:1", runtime="runsc", version="2", runtime_versions="{1}"))
    assert len({KEY, *others}) == 1 + len(others)
    same = changed(installation="x", instance="y", limits=Limits(memory_limit_bytes=1), snapshot_id="z", cpus=1)
    assert set(same) == {KEY}


async def test_new_snapshot_is_used_once_it_was_tried(rig: Rig) -> None:
    """Until then runners import, and the reason says so."""
    rig.hold = asyncio.Event()
    assert rig.keeper.state == WarmStart("default", "import", MAKING)
    async with running(rig):
        await until(lambda: rig.tried == [("new-1", NEW_TRIALS)])
        assert (rig.maker.snapshot_id, rig.changes) == (None, 0)
        rig.hold.set()
        await until(lambda: rig.maker.snapshot_id == "new-1")
    assert rig.keeper.state == WarmStart("default", "snapshot", None)
    assert rig.changes == 1
    assert rig.engine.containers == []


async def test_kept_snapshot_is_used_again(rig: Rig) -> None:
    """The newest that fits and isn't too old; what it replaces is removed, other keys' only when nobody renews them."""
    rig.engine.add("old", AGE_LIMIT_S / 2)
    rig.engine.add("newest", 60)
    rig.engine.add("other", 3600, key="other")
    rig.engine.add("forgotten", 2 * FORGOTTEN_S, key="another")
    async with running(rig):
        await until(lambda: rig.maker.snapshot_id == "newest")
        await until(lambda: len(rig.engine.images) == 2)
    assert (rig.saves, rig.tried) == (0, [("newest", KEPT_TRIALS)])
    assert set(rig.engine.removed) == {"old", "forgotten"}


@pytest.mark.parametrize(
    ("age_s", "labels"), [(AGE_LIMIT_S + 1, {}), (-3600, {}), (60, {LABEL_MADE: "yesterday"}), (60, {LABEL_KEY: "x"})]
)
async def test_kept_snapshot_that_does_not_fit_is_left(rig: Rig, age_s: float, labels: dict[str, str]) -> None:
    """One that is too old, from the future, without a time or of another key is not even tried."""
    rig.engine.add("kept", age_s, **labels)
    await rig.keeper.obtain()
    assert (rig.maker.snapshot_id, rig.tried) == ("new-1", [("new-1", NEW_TRIALS)])


async def test_snapshot_of_the_future_hides_no_other(rig: Rig) -> None:
    """Where the clock was set back, what fits is found all the same, and what nobody can have made goes."""
    rig.engine.add("next year", -365 * AGE_LIMIT_S)
    rig.engine.add("kept", 60)
    async with running(rig):
        await until(lambda: rig.maker.snapshot_id == "kept")
        await until(lambda: rig.engine.removed == ["next year"])


async def test_kept_snapshot_that_fails_its_trial_is_replaced(rig: Rig, log: io.StringIO) -> None:
    """It is removed, and the log says why; another is made at once."""
    rig.engine.add("kept", 60)
    rig.bad = {"kept"}
    async with running(rig):
        await until(lambda: rig.maker.snapshot_id == "new-1")
    assert rig.engine.removed == ["kept"]
    assert '"event": "kept snapshot not used"' in log.getvalue()


async def test_kept_snapshot_that_fails_its_trial_is_removed(rig: Rig) -> None:
    """It is where no other can be made, too."""
    rig.engine.add("kept", 60)
    rig.bad = {"kept"}
    rig.made = [NoSnapshot("the process has more than one thread")]
    async with running(rig):
        await until(lambda: rig.keeper.state.reason == "the process has more than one thread")
    assert rig.engine.images == {}


async def test_new_snapshot_that_fails_its_trial_is_removed(rig: Rig) -> None:
    """Runners go on importing, with the reason."""
    rig.bad = {"new-1"}
    async with running(rig):
        await until(lambda: rig.engine.removed == ["new-1"])
        await until(lambda: rig.keeper.state.reason != MAKING)
    assert rig.keeper.state == WarmStart(
        "default", "import", "a restored runner draws another picture than one that imports"
    )
    assert (rig.maker.snapshot_id, rig.engine.images) == (None, {})


async def test_cancelled_trial_leaves_no_image(rig: Rig) -> None:
    """As at a shutdown."""
    rig.hold = asyncio.Event()
    async with running(rig):
        await until(lambda: rig.tried)
    assert rig.engine.images == {}


async def test_failing_engine_is_tried_again_soon(rig: Rig, log: io.StringIO) -> None:
    """Nothing is known of snapshots then; the log, not the reason, has the engine's words, and says it once."""
    rig.engine.failing = True
    async with running(rig):
        await until(lambda: rig.keeper.state.reason == "the engine failed: told to fail")
        await until(lambda: rig.engine.calls > 3)
        rig.engine.failing = False
        await until(lambda: rig.maker.snapshot_id == "new-1")
    assert log.getvalue().count('"cause": "OSError: disk full"') == 1


async def test_snapshot_is_renewed_while_it_is_in_use(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old one is used until the new one has passed its trial, and stays if that fails."""
    rig.engine.add("kept", 60)
    await rig.keeper.obtain()
    monkeypatch.setattr(module, "AGE_LIMIT_S", 30.0)
    rig.bad = {"new-1"}
    async with running(rig):
        await until(lambda: rig.engine.removed == ["new-1"])
        await settle()
        assert (rig.maker.snapshot_id, rig.keeper.state.way) == ("kept", "snapshot")
    async with running(rig):
        await until(lambda: rig.maker.snapshot_id == "new-2")
        await until(lambda: "kept" in rig.engine.removed)
    assert rig.changes == 2


async def test_failed_restores_bring_imports_and_another_snapshot(rig: Rig) -> None:
    """The maker says so after several in a row."""
    async with running(rig):
        await until(lambda: rig.maker.snapshot_id == "new-1")
        rig.engine.images.clear()
        rig.maker.on_restore_failed("it is of another kernel")
        assert rig.maker.snapshot_id is None
        assert rig.keeper.state == WarmStart("default", "import", "it is of another kernel")
        await until(lambda: rig.maker.snapshot_id == "new-2")


async def test_insisting_refuses_in_one_sentence(rig: Rig) -> None:
    """The way out is in it; a failure of the engine stays one."""
    rig.made = [NoSnapshot("the process has more than one thread"), EngineUnavailable("gone")]
    with pytest.raises(StartError, match=r"more than one thread; set FIGBOX_WARM_START=auto \(see docs/snapshot.md\)"):
        await rig.keeper.insist()
    with pytest.raises(EngineUnavailable):
        await rig.keeper.insist()
    rig.engine.add("replaced", 2 * AGE_LIMIT_S)
    await rig.keeper.insist()
    assert (rig.maker.snapshot_id, rig.engine.removed) == ("new-3", ["replaced"])


def test_one_failed_restore_is_not_enough() -> None:
    """Containers are lost for other reasons as well."""
    assert RESTORE_TRIES > 1
