"""Jobs are served by imports until a snapshot has passed its trial, and whenever there is none."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.engine import EngineFacts, FoundContainer, FoundImage
from gateway.launcher.engine.specification import Sandbox
from gateway.launcher.maker import RESTORE_TRIES, ContainerMaker
from gateway.launcher.snapshot import keeper as module
from gateway.launcher.snapshot.keeper import (
    AGE_LIMIT_S,
    FAILED_PAUSE_S,
    FORGOTTEN_S,
    KEPT_TRIALS,
    LABEL_KEY,
    LABEL_MADE,
    LABEL_OWNER,
    MAKING,
    NEW_TRIALS,
    REMOVE_TRIES,
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
OWNER = "here.snapshot.default"


class ImageEngine:
    """An engine that keeps images, and remembers what was removed.

    Attributes:
        failing: Whether it fails all calls.
        in_use: Images that containers use.
        refusals: How many of the next removals it refuses for such a reason.
    """

    def __init__(self) -> None:
        self.images: dict[str, FoundImage] = {}
        self.removed: list[str] = []
        self.containers = [FoundContainer("left", "figbox-20001")]
        self.failing = False
        self.in_use: set[str] = set()
        self.refusals = 0

    def add(self, image_id: str, age_s: float, *, key: str = KEY, owner: str = OWNER, **labels: str) -> None:
        """Add an image with a snapshot."""
        made = {LABEL_KEY: key, LABEL_MADE: str(time.time() - age_s), LABEL_OWNER: owner, **labels}
        self.images[image_id] = FoundImage(image_id, made)

    async def find(self, installation: str) -> list[FoundContainer]:
        """See `Engine.find`."""
        assert installation.startswith("here.snapshot.")
        if self.failing:
            raise EngineUnavailable("told to fail")
        return self.containers

    async def remove(self, container_id: str) -> None:
        """See `Engine.remove`."""
        self.containers = [found for found in self.containers if found.container_id != container_id]

    async def find_images(self, label: str, value: str | None = None) -> list[FoundImage]:
        """See `DockerEngine.find_images`."""
        return [image for image in self.images.values() if value in (None, image.labels.get(label))]

    async def remove_image(self, image_id: str) -> bool:
        """See `DockerEngine.remove_image`."""
        if image_id in self.in_use or self.refusals:
            self.refusals = max(0, self.refusals - 1)
            return False
        self.removed.append(image_id)
        self.images.pop(image_id, None)
        return True


class Rig:
    """A keeper, with what it works with, and the outcomes of its making and trying.

    Attributes:
        made: Errors or image ids of the next saves; when it is empty, new ids.
        bad: Images that fail their trial.
        tried: Images that were tried, with the number of restores.
        trial_error: Raised by all trials.
        changes: How often the keeper said that something had changed.
    """

    def __init__(self) -> None:
        self.engine = ImageEngine()
        self.turn = asyncio.Lock()
        self.maker = ContainerMaker(self.engine, SANDBOX)  # type: ignore[arg-type]
        self.made: list[Exception] = []
        self.saves = 0
        self.bad: set[str] = set()
        self.tried: list[tuple[str, int]] = []
        self.changes = 0
        self.hold: asyncio.Event | None = None
        self.trial_error: Exception | None = None
        self.keeper = self.new_keeper("default")

    def new_keeper(self, environment: str) -> SnapshotKeeper:
        """Return a keeper of an environment with the same sandbox."""
        return SnapshotKeeper(
            self.engine,  # type: ignore[arg-type]
            SANDBOX,
            FACTS,
            environment=environment,
            maker=self.maker,
            turn=self.turn,
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
        assert sandbox.installation.startswith("here.snapshot.")
        self.tried.append((snapshot_id, restores))
        if self.hold is not None:
            await self.hold.wait()
        if self.trial_error is not None:
            raise self.trial_error
        if snapshot_id in self.bad:
            raise NoSnapshot("a restored runner draws another picture than one that imports")


@pytest.fixture
async def rig(monkeypatch: pytest.MonkeyPatch) -> Rig:
    """Return a rig whose pauses are short."""
    rig = Rig()
    monkeypatch.setattr(module, "save", rig.save)
    monkeypatch.setattr(module, "try_out", rig.try_out)
    for name in ("RETRY_PAUSE_S", "REMOVE_PAUSE_S", "REMOVE_TRY_PAUSE_S"):
        monkeypatch.setattr(module, name, 0.0)
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
    """Image, runtime and engine count; whose it is, what a job may use and how long a container waits do not."""
    others = list(changed(image_id="sha256:1", runtime="runsc", version="2", runtime_versions="{1}"))
    assert len({KEY, *others}) == 1 + len(others)
    limits = Limits(memory_limit_bytes=1)
    same = changed(installation="x", instance="y", limits=limits, idle_limit_s=1, snapshot_id="z", cpus=1)
    assert set(same) == {KEY}


async def test_new_snapshot_is_used_once_it_was_tried(rig: Rig) -> None:
    """Until then runners import, and the reason says so; what a launcher that was killed has left is removed first."""
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
    """The newest that fits and isn't too old, whoever made it."""
    rig.engine.add("old", AGE_LIMIT_S / 2)
    rig.engine.add("newest", 60, owner="there.snapshot.default")
    rig.engine.add("of the future", -3600)
    await rig.keeper.obtain()
    assert (rig.maker.snapshot_id, rig.saves, rig.tried) == ("newest", 0, [("newest", KEPT_TRIALS)])
    assert rig.keeper.state == WarmStart("default", "snapshot", None)


async def test_what_a_snapshot_replaces_is_removed(rig: Rig) -> None:
    """All others of the same installation and environment; of others what has been left for days, or has no time."""
    rig.engine.add("old", 7200)
    rig.engine.add("of another image", 60, key="other")
    rig.engine.add("of the future", -3600)
    rig.engine.add("theirs", 9000, owner="there.snapshot.default")
    rig.engine.add("theirs too", 60, owner="here.snapshot.science", key="other")
    rig.engine.add("forgotten", 2 * FORGOTTEN_S, owner="there.snapshot.default")
    rig.engine.add("without a time", 0, owner="there.snapshot.default", **{LABEL_MADE: "nan"})
    rig.engine.in_use = {"old"}
    rig.bad = {"old"}
    async with running(rig):
        await until(lambda: rig.keeper.state.way == "snapshot")
        used = rig.maker.snapshot_id
        await until(lambda: len(rig.engine.images) == 4)
        assert rig.engine.images.keys() == {used, "old", "theirs", "theirs too"}
        rig.engine.in_use.clear()
        await until(lambda: "old" in rig.engine.removed, "it is removed once no container uses it")
    assert rig.engine.images.keys() == {used, "theirs", "theirs too"}


async def test_what_is_tried_is_not_taken_for_replaced(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that isn't in use yet stays, though those that it will replace are being removed."""
    rig.engine.add("kept", 60)
    rig.engine.add("old", 7200)
    rig.engine.in_use = {"old"}
    await rig.keeper.obtain()
    monkeypatch.setattr(module, "AGE_LIMIT_S", 30.0)
    rig.hold = asyncio.Event()
    async with running(rig):
        await until(lambda: rig.tried[-1] == ("new-1", NEW_TRIALS))
        rig.engine.in_use.clear()
        await settle(100)
        assert rig.engine.removed == []
        rig.hold.set()
        await until(lambda: rig.engine.images.keys() == {"new-1"})


async def test_environments_share_a_snapshot(rig: Rig) -> None:
    """The second waits for the first, and finds what that has made."""
    other = Rig()
    other.turn, other.engine = rig.turn, rig.engine
    second = other.new_keeper("science")
    rig.hold = asyncio.Event()
    tasks = [asyncio.create_task(keeper.obtain()) for keeper in (rig.keeper, second)]
    await until(lambda: rig.tried)
    await settle()
    assert rig.saves == 1
    rig.hold.set()
    await asyncio.gather(*tasks)
    assert (rig.maker.snapshot_id, other.maker.snapshot_id, rig.saves) == ("new-1", "new-1", 1)
    assert second.state == WarmStart("science", "snapshot", None)


@pytest.mark.parametrize(
    ("age_s", "labels"), [(AGE_LIMIT_S + 1, {}), (-3600, {}), (60, {LABEL_MADE: "yesterday"}), (60, {LABEL_KEY: "x"})]
)
async def test_kept_snapshot_that_does_not_fit_is_left(rig: Rig, age_s: float, labels: dict[str, str]) -> None:
    """One that is too old, from the future, without a time or of another key is not even tried."""
    rig.engine.add("kept", age_s, **labels)
    await rig.keeper.obtain()
    assert (rig.maker.snapshot_id, rig.tried) == ("new-1", [("new-1", NEW_TRIALS)])


async def test_kept_snapshot_that_fails_its_trial_is_replaced(rig: Rig, log: io.StringIO) -> None:
    """Another is made at once, and the bad one is removed."""
    rig.engine.add("kept", 60)
    rig.bad = {"kept"}
    rig.engine.refusals = REMOVE_TRIES - 1  # the trial's container is just being removed
    await rig.keeper.obtain()
    assert (rig.maker.snapshot_id, rig.engine.removed) == ("new-1", ["kept"])
    assert log.getvalue().count('"event": "kept snapshot not used"') == 1


@pytest.mark.parametrize("end", ["cancel", "engine"])
async def test_kept_snapshot_outlives_a_trial_that_proves_nothing(rig: Rig, end: str) -> None:
    """At a shutdown, or when the engine fails, nothing is known against it."""
    rig.engine.add("kept", 60)
    rig.hold = asyncio.Event()
    task = asyncio.create_task(rig.keeper.obtain())
    await until(lambda: rig.tried)
    if end == "cancel":
        task.cancel()
    else:
        rig.trial_error = EngineUnavailable("told to fail")
        rig.hold.set()
    await asyncio.gather(task, return_exceptions=True)
    assert rig.engine.images.keys() == {"kept"}


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


async def test_failing_engine_is_tried_again_soon(rig: Rig) -> None:
    """Nothing is known of snapshots then."""
    rig.engine.failing = True
    async with running(rig):
        await until(lambda: rig.keeper.state.reason == "the engine failed: told to fail")
        rig.engine.failing = False
        await until(lambda: rig.maker.snapshot_id == "new-1")


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


async def test_failed_restores_bring_imports_and_another_snapshot(rig: Rig, log: io.StringIO) -> None:
    """The maker says so after several in a row; the one that failed isn't used again, though its image is there."""
    async with running(rig):
        await until(lambda: rig.maker.snapshot_id == "new-1")
        rig.engine.in_use = {"new-1"}  # by containers that wait
        rig.maker.on_restore_failed("it is of another kernel")
        assert rig.maker.snapshot_id is None
        assert rig.keeper.state == WarmStart("default", "import", "it is of another kernel")
        await until(lambda: rig.maker.snapshot_id == "new-2")
    assert [tried for tried, _ in rig.tried] == ["new-1", "new-2"]
    assert log.getvalue().count('"event": "no snapshot: runners import"') == 1


async def test_pauses_grow_while_restores_fail(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A snapshot that passes its trial and then fails must not be made over and over; one that lasted begins anew."""
    monkeypatch.setattr(module, "RETRY_PAUSE_S", 30.0)
    pauses = []
    for _ in range(9):
        await rig.keeper.obtain()
        rig.maker.on_restore_failed("an address is taken")
        pauses.append(rig.keeper._retry_pause_s())
    assert pauses[:3] == [60, 120, 240]
    assert pauses[-1] == FAILED_PAUSE_S
    await rig.keeper.obtain()
    rig.keeper._in_use_since -= 2 * FAILED_PAUSE_S
    rig.maker.on_restore_failed("an address is taken")
    assert rig.keeper._retry_pause_s() == 30


async def test_pauses_grow_while_the_engine_cannot_store(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    """Making a snapshot costs much, so a full disk isn't tried twice a minute; asking an absent engine is cheap."""
    monkeypatch.setattr(module, "RETRY_PAUSE_S", 30.0)
    rig.made = [EngineUnavailable("the engine refused a call") for _ in range(3)]
    assert [await rig.keeper._renew() for _ in range(3)] == [30, 60, 120]
    assert rig.keeper.state == WarmStart("default", "import", "the engine failed: the engine refused a call")
    assert log.getvalue().count('"event": "no snapshot: runners import"') == 1
    rig.engine.failing = True
    assert [await rig.keeper._renew() for _ in range(3)] == [240, 240, 240]


async def test_engine_s_own_words_are_for_the_log_alone(rig: Rig, log: io.StringIO) -> None:
    """Readiness is for everyone, and an engine's message can name what isn't."""
    error = EngineUnavailable("the engine refused a call")
    error.__cause__ = OSError("no space left in /srv/docker")
    rig.made = [error]
    await rig.keeper._renew()
    assert rig.keeper.state.reason == "the engine failed: the engine refused a call"
    assert "no space left in /srv/docker" in log.getvalue()


async def test_bug_of_ours_is_told_and_jobs_go_on(rig: Rig, log: io.StringIO) -> None:
    """An error that nobody foresaw ends neither the keeper nor what is in use."""
    rig.made = [KeyError("Id")]
    async with running(rig):
        await until(lambda: rig.keeper.state.reason == "an internal error")
        rig.maker.snapshot_id = "x"
        rig.maker.on_restore_failed("it is of another vdso")
        await until(lambda: rig.maker.snapshot_id == "new-2")
    assert "KeyError" in log.getvalue()


async def test_insisting_refuses_in_one_sentence(rig: Rig) -> None:
    """The way out is in it; a failure of the engine stays one."""
    rig.made = [NoSnapshot("the process has more than one thread"), EngineUnavailable("gone")]
    with pytest.raises(StartError, match=r"more than one thread; set FIGBOX_WARM_START=auto \(see docs/snapshot.md\)"):
        await rig.keeper.insist()
    with pytest.raises(EngineUnavailable):
        await rig.keeper.insist()
    await rig.keeper.insist()
    assert rig.maker.snapshot_id == "new-3"


def test_one_failed_restore_is_not_enough() -> None:
    """Containers are lost for other reasons as well."""
    assert RESTORE_TRIES > 1
