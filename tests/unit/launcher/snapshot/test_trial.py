"""A snapshot is used only if it is whole and its runners draw, to the byte, what one that imports draws."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.engine import ExitState, Launched
from gateway.launcher.engine.specification import RESTORER, RUNNER, SNAPSHOT, SUPERVISOR, Sandbox
from gateway.launcher.runner.frames import END, PICTURE, READY, encode_frame, with_head
from gateway.launcher.snapshot import trial
from gateway.launcher.snapshot.saving import NoSnapshot
from gateway.launcher.snapshot.trial import try_out
from gateway.model.errors import ContainerLost, EngineUnavailable
from gateway.model.jobs import Limits, MiB
from tests.fakes import PNG, block, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SMALL = Limits(memory_limit_bytes=64 * MiB, output_limit_bytes=1 * MiB, wall_limit_s=1, cpus=0.1)
SANDBOX = Sandbox("sha256:0", SMALL, None, "here.snapshot.default", "now", 60)
RESTORED = "sha256:snapshot"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="7pt" height="5pt"></svg>'
OTHER_SVG = SVG.replace(b"7", b"8")


class TriedEngine:
    """An engine with runners that draw what the test set, and a restorer that judges as the test set.

    Attributes:
        judgement: What the restorer says of the file, and its exit code.
        drawn: What restored runners draw, one after the other; the last one goes on. None is not even ready.
        imported: What runners that import draw.
        launched: The create bodies.
        jobs: What runners got as a job.
        ending: How runners end once they have a job; None if they draw.
        live: Containers that exist.
        failure: Raised instead of starting a container of the snapshot's image.
    """

    def __init__(self) -> None:
        self.judgement: tuple[bytes, int | None] = (b"", 0)
        self.drawn: list[bytes | None] = [SVG]
        self.imported: bytes | None = SVG
        self.silent = False
        self.ending: ExitState | None = None
        self.jobs: list[bytes] = []
        self.launched: list[dict[str, Any]] = []
        self.live: set[str] = set()
        self.failure: Exception | None = None
        self._runners: list[asyncio.Task[None]] = []

    async def launch(self, config: dict[str, Any], name: str) -> Launched:
        """See `Engine.launch`."""
        self.launched.append(config)
        restores = config["Image"] == RESTORED
        if restores and self.failure is not None:
            raise self.failure
        ours, peer = socket.socketpair()
        self.live.add(name)
        if restores and config["Cmd"][0] == "--check":
            peer.sendall(block(1, self.judgement[0]))
            peer.close()
        else:
            drawn = self.imported
            if restores:
                drawn = self.drawn.pop(0) if len(self.drawn) > 1 else self.drawn[0]
            self._runners.append(asyncio.create_task(self._draw(peer, drawn)))
        return Launched(name, ours)

    async def _draw(self, peer: socket.socket, svg: bytes | None) -> None:
        peer.setblocking(False)
        loop = asyncio.get_running_loop()
        with peer, contextlib.suppress(OSError):
            if svg is None:
                await loop.sock_sendall(peer, block(2, b"snapshot not restored: an address is taken\n"))
                return
            await loop.sock_sendall(peer, block(1, encode_frame(READY)))
            self.jobs.append(await loop.sock_recv(peer, 1 << 20))
            if self.ending is not None:
                return
            if self.silent:
                await loop.sock_recv(peer, 1 << 20)
            pictures = b""
            for name, data in (("png", PNG), ("svg", svg)):
                head = json.dumps({"figure": 1, "label": "", "format": name}).encode()
                pictures += encode_frame(PICTURE, with_head(head, data))
            await loop.sock_sendall(peer, block(1, pictures + encode_frame(END, b'{"outcome": "ok"}')))
            await loop.sock_recv(peer, 1)

    async def exit_state(self, container_id: str) -> ExitState:
        """See `Engine.exit_state`."""
        if self.ending is not None and self.jobs:
            return self.ending
        return ExitState(self.judgement[1], oom_killed=False)

    async def remove(self, container_id: str) -> None:
        """See `Engine.remove`."""
        self.live.discard(container_id)


@pytest.fixture
def engine() -> Iterator[TriedEngine]:
    """Return an engine whose snapshot is good; afterwards no container may be left."""
    engine = TriedEngine()
    yield engine
    assert engine.live == set()


async def tried(engine: TriedEngine, restores: int = 3, sandbox: Sandbox = SANDBOX) -> None:
    """Try the snapshot."""
    await try_out(engine, sandbox, RESTORED, restores)  # type: ignore[arg-type]


async def test_good_snapshot_passes(engine: TriedEngine) -> None:
    """It is read whole, one runner imports, and the others are restored; all have room enough."""
    await tried(engine)
    supervised = [SUPERVISOR, "60", "125"]
    made = [(config["Image"], config["Entrypoint"], config["Cmd"]) for config in engine.launched]
    assert made == [
        (RESTORED, [*supervised, *RESTORER], ["--check", SNAPSHOT]),
        ("sha256:0", [*supervised, *RUNNER], ["job"]),
        *[(RESTORED, [*supervised, *RESTORER], [SNAPSHOT, "job"])] * 3,
    ]
    for config in engine.launched:
        assert config["HostConfig"]["Memory"] == trial.TRIAL_MEMORY_BYTES
        assert config["HostConfig"]["NanoCpus"] == trial.TRIAL_CPUS * 1e9
        assert config["HostConfig"]["Ulimits"][1] == {"Name": "cpu", "Soft": 140, "Hard": 140}
        assert config["Labels"]["figbox.installation"] == "here.snapshot.default"

    assert len(engine.jobs) == 4
    assert all(b'"output_limit_bytes": 16777216' in job for job in engine.jobs)


@pytest.mark.parametrize(
    ("judgement", "reason"),
    [
        ((b"snapshot not restored: it is of another kernel\n", 120), "it is of another kernel"),
        ((b"\x1b[31mred\x00" + b"x" * 1000, 1), "[31mred" + "x" * 191),
        ((b"", 139), "its check ended with 139"),
    ],
)
async def test_what_the_restorer_refuses_is_not_drawn(
    engine: TriedEngine, judgement: tuple[bytes, int], reason: str
) -> None:
    """The reason is the restorer's own, cut and made printable; one that dies has none."""
    engine.judgement = judgement
    with pytest.raises(NoSnapshot) as raised:
        await tried(engine)
    assert str(raised.value) == reason
    assert len(engine.launched) == 1


@pytest.mark.parametrize("exit_code", [None, 137])
async def test_check_that_was_cut_short_proves_nothing(engine: TriedEngine, exit_code: int | None) -> None:
    """A good snapshot isn't given up because its check was killed, or because the engine doesn't know how it ended."""
    engine.judgement = (b"", exit_code)
    with pytest.raises(ContainerLost):
        await tried(engine)


async def test_one_other_picture_is_too_many(engine: TriedEngine) -> None:
    """Each restored runner counts, also the last, and each format."""
    engine.drawn = [SVG, SVG, OTHER_SVG]
    with pytest.raises(NoSnapshot, match="draws another picture"):
        await tried(engine)


async def test_runner_that_is_not_restored_fails_the_trial(engine: TriedEngine) -> None:
    """The reason is what the restorer wrote."""
    engine.drawn = [SVG, None]
    with pytest.raises(NoSnapshot, match="snapshot not restored: an address is taken"):
        await tried(engine)


@pytest.mark.parametrize("svg", [b"<svg", b""])
async def test_runner_without_a_picture_fails_the_trial(engine: TriedEngine, svg: bytes) -> None:
    """What can't be served is no picture, even where importing runners draw the same."""
    engine.drawn, engine.imported = [svg], svg
    with pytest.raises(NoSnapshot, match="draws nothing"):
        await tried(engine)


async def test_runner_that_hangs_fails_the_trial(engine: TriedEngine) -> None:
    """A restored process that never draws is given up."""
    engine.silent = True
    with pytest.raises(NoSnapshot):
        await tried(engine, sandbox=replace(SANDBOX, start_limit_s=0.1))


@pytest.mark.parametrize(
    ("exit_code", "oom_killed", "error"),
    [
        (139, False, NoSnapshot),
        (0, False, NoSnapshot),
        (137, True, NoSnapshot),
        (137, False, ContainerLost),
        (None, False, ContainerLost),
    ],
)
async def test_runner_that_ends_by_itself_fails_the_trial(
    engine: TriedEngine, exit_code: int | None, error: type[Exception], *, oom_killed: bool
) -> None:
    """One that somebody else killed says nothing of the snapshot."""
    engine.ending = ExitState(exit_code, oom_killed=oom_killed)
    with pytest.raises(error):
        await tried(engine)


async def test_engine_that_fails_proves_nothing(engine: TriedEngine) -> None:
    """It is told apart from a snapshot that can't be used."""
    for engine.failure in (EngineUnavailable("the engine is too slow"), ContainerLost("no such container or image")):
        with pytest.raises(type(engine.failure)):
            await tried(engine)


async def test_cancelled_trial_leaves_no_container(engine: TriedEngine) -> None:
    """As at a shutdown."""
    engine.silent = True
    task = asyncio.create_task(tried(engine))
    await until(lambda: len(engine.launched) == 3 and len(engine.live) == 2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
