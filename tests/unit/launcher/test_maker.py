"""A maker owns what it makes, restores where it can, and leaves nothing of what it couldn't make."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher import maker as maker_module
from gateway.launcher.engine.engine import ExitState, Launched
from gateway.launcher.engine.specification import RESTORER, RUNNER, SNAPSHOT, SUPERVISOR, Sandbox
from gateway.launcher.maker import NAME_TRIES, RESTORE_TRIES, ContainerMaker
from gateway.launcher.runner.frames import READY, encode_frame
from gateway.model.errors import (
    ContainerLost,
    EngineError,
    EngineRefused,
    EngineUnavailable,
    NameTaken,
)
from gateway.model.jobs import Limits
from tests.fakes import block, settle, until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator


class LaunchingEngine:
    """An engine whose containers write what the test set; it keeps a list of those that exist."""

    def __init__(self, said: bytes = b"") -> None:
        self.said = said
        self.broken_image = ""
        self.refused: dict[str, EngineError] = {}
        self.silent_image = ""
        self.ended: ExitState | None = None
        self.kills = 0
        self.images: list[str] = []
        self.taken = 0
        self.names: list[str] = []
        self.live: set[str] = set()
        self.streams: list[socket.socket] = []
        self.peers: list[socket.socket] = []

    async def exit_state(self, container_id: str) -> ExitState:
        """Tell how all containers end, or that they are gone."""
        if self.ended is None:
            raise ContainerLost(container_id)
        return self.ended

    async def launch(self, config: dict[str, Any], name: str) -> Launched:
        """Start a container, or raise that its name is taken."""
        self.names.append(name)
        self.images.append(config["Image"])
        if self.taken:
            self.taken -= 1
            raise NameTaken(name)
        if error := self.refused.get(config["Image"]):
            raise error
        ours, peer = socket.socketpair()
        killed = self.kills > 0
        self.kills -= killed
        if config["Image"] != self.silent_image and not killed:
            peer.sendall(block(2, b"a\nsnapshot not restored\n") if config["Image"] == self.broken_image else self.said)
        if killed or config["Image"] == self.broken_image:
            peer.shutdown(socket.SHUT_WR)
        self.streams.append(ours)
        self.peers.append(peer)
        self.live.add(name)
        return Launched(name, ours)

    async def remove(self, container_id: str) -> None:
        """Forget it."""
        self.live.discard(container_id)


@pytest.fixture
def launching() -> Iterator[LaunchingEngine]:
    """Return an engine whose containers become ready at once."""
    engine = LaunchingEngine(block(1, encode_frame(READY)))
    yield engine
    for peer in engine.peers:
        peer.close()


def _container_maker(engine: LaunchingEngine, start_limit_s: float = slowed(5.0)) -> ContainerMaker:
    sandbox = Sandbox("sha256:0", Limits(), None, "here", "now", 60, start_limit_s)
    return ContainerMaker(engine, sandbox)  # type: ignore[arg-type]


async def test_maker_knows_its_containers_until_told_to_forget(launching: LaunchingEngine) -> None:
    """A new container is idle, and its name is owned until the maker forgets it."""
    maker = _container_maker(launching)
    container = await maker.make()
    assert container.conversation.is_idle
    assert maker.owns(container.name)
    await maker.remove(container)
    assert maker.owns(container.name)
    maker.forget(container)
    assert not maker.owns(container.name)
    assert set() == launching.live
    container.conversation.close()
    await settle()


async def test_runners_are_restored_where_there_is_a_snapshot(launching: LaunchingEngine) -> None:
    """The engine gets the image with the snapshot and the restorer in place of the runner, and nothing else."""
    maker = _container_maker(launching)
    maker.snapshot_id = "sha256:snapshot"
    container = await maker.make()
    assert launching.images == ["sha256:snapshot"]
    container.conversation.close()
    sandbox = Sandbox("sha256:0", Limits(), None, "here", "now", 60)
    importing, restoring = sandbox.job_config(20001), replace(sandbox, snapshot_id="sha256:1").job_config(20001)
    assert {name for name in restoring if importing.get(name) != restoring[name]} == {"Image", "Entrypoint", "Cmd"}
    assert restoring["Cmd"] == [SNAPSHOT, *importing["Cmd"]]
    assert importing["Entrypoint"] == [SUPERVISOR, "60", "35", *RUNNER]
    assert restoring["Entrypoint"] == [SUPERVISOR, "60", "35", *RESTORER]


async def test_runner_that_cannot_be_restored_imports(launching: LaunchingEngine) -> None:
    """At once, without a failure that anyone else sees; after several in a row the reason is told."""
    maker = _container_maker(launching)
    reasons: list[str] = []
    maker.on_restore_failed = reasons.append
    maker.snapshot_id = launching.broken_image = "sha256:snapshot"
    launching.ended = ExitState(120, oom_killed=False)
    for turn in range(RESTORE_TRIES):
        assert reasons == []
        if turn == 1:  # one that can be restored begins the count anew
            launching.broken_image = ""
            (await maker.make()).conversation.close()
            launching.broken_image = maker.snapshot_id
            (await maker.make()).conversation.close()
        container = await maker.make()
        assert container.conversation.is_idle
        container.conversation.close()
        assert launching.images[-2:] == ["sha256:snapshot", "sha256:0"]
    assert reasons == ["a runner did not become ready: snapshot not restored"]
    assert len(launching.live) == len(launching.images) - launching.images.count("sha256:snapshot") + 1


@pytest.mark.parametrize(
    ("ended", "was_killed"),
    [
        (None, True),
        (ExitState(137, oom_killed=False), True),
        (ExitState(137, oom_killed=True), False),
        (ExitState(1, oom_killed=False), False),
        (ExitState(139, oom_killed=False), False),
    ],
)
async def test_runner_that_somebody_killed_proves_nothing(
    launching: LaunchingEngine, ended: ExitState | None, *, was_killed: bool
) -> None:
    """What ends by itself or for its memory is told from what may have been killed or removed by somebody else."""
    launching.broken_image, launching.ended = "sha256:0", ended
    with pytest.raises(ContainerLost, match="did not become ready") as lost:
        await _container_maker(launching).make()
    assert lost.value.was_killed is was_killed
    assert len(launching.images) == (2 if was_killed else 1)
    assert launching.live == set()


@pytest.mark.parametrize("snapshot_id", [None, "sha256:snapshot"])
async def test_runner_that_somebody_killed_is_made_again(launching: LaunchingEngine, snapshot_id: str | None) -> None:
    """Of the same image, once, and it isn't held against the snapshot; a second time in a row is a failure."""
    maker = _container_maker(launching)
    reasons: list[str] = []
    maker.on_restore_failed = reasons.append
    maker.snapshot_id = snapshot_id
    for _ in range(RESTORE_TRIES + 1):
        launching.kills = 1
        launching.images.clear()
        (await maker.make()).conversation.close()
        assert launching.images == [snapshot_id or "sha256:0"] * 2
    assert reasons == []
    launching.kills = 4
    with pytest.raises(ContainerLost, match="did not become ready"):
        await maker.make(), await maker.make()
    assert len(launching.live) == RESTORE_TRIES + 1


@pytest.mark.parametrize("error", [EngineRefused(500), ContainerLost("no such image")])
async def test_image_that_the_engine_has_lost_is_no_reason_to_fail(
    launching: LaunchingEngine, error: EngineError
) -> None:
    """A snapshot whose image is gone or damaged is as one that can't be restored."""
    maker = _container_maker(launching)
    reasons: list[str] = []
    maker.on_restore_failed = reasons.append
    maker.snapshot_id = "sha256:snapshot"
    launching.refused = {"sha256:snapshot": error}
    for _ in range(RESTORE_TRIES):
        (await maker.make()).conversation.close()
    assert reasons == [str(error)]


async def test_engine_that_makes_nothing_says_nothing_of_a_snapshot(launching: LaunchingEngine) -> None:
    """Where containers that import fail as well, the engine has failed; one that is silent isn't asked twice."""
    maker = _container_maker(launching)
    reasons: list[str] = []
    maker.on_restore_failed = reasons.append
    maker.snapshot_id = "sha256:snapshot"
    refused = EngineRefused(500)
    launching.refused = {"sha256:snapshot": refused, "sha256:0": refused}
    for _ in range(RESTORE_TRIES + 1):
        with pytest.raises(EngineRefused):
            await maker.make()
    assert launching.images == ["sha256:snapshot", "sha256:0"] * (RESTORE_TRIES + 1)
    launching.images.clear()
    launching.refused = {"sha256:snapshot": EngineUnavailable("the engine is too slow")}
    with pytest.raises(EngineUnavailable):
        await maker.make()
    assert launching.images == ["sha256:snapshot"]
    assert reasons == []


async def test_restores_of_an_earlier_snapshot_do_not_count(launching: LaunchingEngine) -> None:
    """What was under way when another one came says nothing of it, good or bad."""
    maker = _container_maker(launching)
    reasons: list[str] = []
    maker.on_restore_failed = reasons.append
    launching.broken_image = "sha256:old"

    async def make_with_both() -> None:
        maker.snapshot_id = "sha256:old"
        making = [asyncio.create_task(maker.make()) for _ in range(RESTORE_TRIES)]
        await settle(1)
        maker.snapshot_id = "sha256:new"
        for container in await asyncio.gather(*making):
            container.conversation.close()

    await make_with_both()
    assert reasons == []
    maker.snapshot_id = "sha256:old"
    for _ in range(RESTORE_TRIES - 1):
        (await maker.make()).conversation.close()
    maker.snapshot_id = launching.broken_image = "sha256:new"
    for _ in range(RESTORE_TRIES):
        assert reasons == []
        (await maker.make()).conversation.close()
    assert len(reasons) == 1


async def test_restore_that_hangs_is_given_up_soon(launching: LaunchingEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A job doesn't wait for it as long as for an import."""
    monkeypatch.setattr(maker_module, "RESTORE_SHARE", 2e-8)
    maker = _container_maker(launching, start_limit_s=1e6)
    maker.snapshot_id = launching.silent_image = "sha256:snapshot"
    container = await asyncio.wait_for(maker.make(), slowed(10))
    assert launching.images == ["sha256:snapshot", "sha256:0"]
    assert launching.live == {container.name}
    container.conversation.close()


async def test_taken_names_are_passed_over(launching: LaunchingEngine) -> None:
    """If a name is in use, another is tried; after too many the engine counts as unusable, and no name is kept."""
    launching.taken = NAME_TRIES - 1
    maker = _container_maker(launching)
    container = await maker.make()
    assert [container.name] == [name for name in launching.names if maker.owns(name)]
    container.conversation.close()
    launching.taken = NAME_TRIES
    with pytest.raises(EngineUnavailable):
        await maker.make()
    assert [container.name] == [name for name in launching.names if maker.owns(name)]


@pytest.mark.parametrize("said", [b"", block(1, b"hello"), b"\xff" * 8, block(2, bytes(100_000))])
async def test_runner_that_does_not_become_ready_is_removed(said: bytes) -> None:
    """Silence until the limit, other output and floods lose the container; it, its name and its stream are gone."""
    engine = LaunchingEngine(said)
    maker = _container_maker(engine, start_limit_s=0.05)
    with pytest.raises(ContainerLost):
        await maker.make()
    await settle()
    assert set() == engine.live
    assert not maker.owns(engine.names[0])
    assert engine.streams[0].fileno() == -1
    engine.peers[0].close()


async def test_stream_is_closed_when_it_cannot_be_opened(
    launching: LaunchingEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If asyncio can't open the stream, for lack of descriptors say, neither it nor the container leaks."""

    async def fail(stream: socket.socket) -> None:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(maker_module, "open_conversation", fail)
    maker = _container_maker(launching)
    with pytest.raises(OSError, match="Too many"):
        await maker.make()
    assert set() == launching.live
    assert launching.streams[0].fileno() == -1


async def test_cancelled_make_leaves_nothing() -> None:
    """A make that is cancelled while its runner starts removes the container."""
    engine = LaunchingEngine()
    maker = _container_maker(engine)
    task = asyncio.create_task(maker.make())
    await until(lambda: engine.live)
    await settle()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await settle()
    assert set() == engine.live
    assert engine.streams[0].fileno() == -1
    engine.peers[0].close()
