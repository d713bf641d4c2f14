"""The engine's late event that the kernel killed a container for its memory, with a fake engine."""

from __future__ import annotations

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.launcher.engine import docker_engine as engine_module
from gateway.launcher.engine.docker_engine import DockerEngine
from gateway.model.errors import ContainerLost
from tests.support.fake_engine import VERSION, FakeEngineHandler, FakeEngineServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTAINER = "c" * 64
ENDED = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)


class Notices(FakeEngineServer):
    """An engine with one ended container, which keeps its events as Docker does.

    Attributes:
        lag_s: Seconds from the container's end to the event; with None it never comes.
        flag: What `OOMKilled` says.
        looks: Seconds after the end up to which events were asked for.
        shows_events: Whether it shows its events at all.
        holds_events: Whether it holds them back, as an engine does whose clock was set back.
        closing: Ends that wait.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, _Handler)
        self.lag_s: float | None = None
        self.flag = False
        self.looks: list[float] = []
        self.shows_events = True
        self.holds_events = False
        self.closing = threading.Event()

    def release(self) -> None:
        """End what waits."""
        self.closing.set()

    def answer(self, path: str, query: dict[str, list[str]]) -> tuple[int, Any]:
        """Return the status and the document of a response."""
        if path == "/version":
            return 200, VERSION
        if path.endswith(f"/containers/{CONTAINER}/json"):
            ended = f"{ENDED:%Y-%m-%dT%H:%M:%S.%f}999Z"
            return 200, {"State": {"ExitCode": 137, "OOMKilled": self.flag, "FinishedAt": ended}}
        if not path.endswith("/events"):
            return 404, {"message": "No such container"}
        if not self.shows_events:
            return 403, {"message": "Forbidden"}
        assert json.loads(query["filters"][0]) == {"container": [CONTAINER], "event": ["oom"]}
        assert float(query["since"][0]) < float(query["until"][0])
        look = datetime.fromtimestamp(float(query["until"][0]), UTC) - ENDED
        self.looks.append(look.total_seconds())
        if self.holds_events:
            self.closing.wait(60)
        told = self.lag_s is not None and look >= timedelta(seconds=self.lag_s)
        return 200, {"Action": "oom", "id": CONTAINER} if told else None


class _Handler(FakeEngineHandler):
    server: Notices

    def do_GET(self) -> None:
        """Respond as an engine does."""
        parts = urlsplit(self.path)
        self.respond(*self.server.answer(parts.path, parse_qs(parts.query)))


@pytest.fixture
def notices(tmp_path: Path) -> Iterator[Notices]:
    """Return an engine that serves on a socket of its own."""
    server = Notices(str(tmp_path / "s"))
    with server.serving():
        yield server


@pytest.fixture
def engine(notices: Notices) -> Iterator[DockerEngine]:
    """Return the launcher's client of that engine."""
    engine = DockerEngine(f"unix://{notices.server_address}", 20)
    yield engine
    engine.close()


@pytest.mark.parametrize("lag_s", [-0.1, 0.0, 0.2])
async def test_notice_after_the_end_is_found(notices: Notices, engine: DockerEngine, lag_s: float) -> None:
    """An event that comes before or after the engine's state of the end is found, whatever that state says."""
    notices.lag_s = lag_s
    assert await engine.saw_oom(CONTAINER)
    assert notices.looks[-1] >= lag_s


async def test_account_that_is_put_right_is_enough(notices: Notices, engine: DockerEngine) -> None:
    """An engine that corrects its state when the event comes is believed."""
    notices.flag = True
    assert await engine.saw_oom(CONTAINER)


async def test_no_notice_is_no_want_of_memory(
    notices: Notices, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an event the wait ends, and no event of the future is asked for."""
    monkeypatch.setattr(engine_module, "OOM_PATIENCE_S", 0.1)
    assert not await engine.saw_oom(CONTAINER)
    assert notices.looks[0] < notices.looks[-1]
    assert notices.looks[-1] >= 0.1


@pytest.mark.parametrize("flaw", [{"shows_events": False}, {"holds_events": True}])
async def test_engine_that_does_not_show_its_events_saw_nothing(
    notices: Notices, engine: DockerEngine, monkeypatch: pytest.MonkeyPatch, flaw: dict[str, bool]
) -> None:
    """An engine that refuses to show its events, or waits for later ones, neither delays a job nor makes it fail."""
    monkeypatch.setattr(engine_module, "OOM_PATIENCE_S", 0.1)
    vars(notices).update(flaw)
    async with asyncio.timeout(30):
        assert not await engine.saw_oom(CONTAINER)


async def test_container_that_is_gone_is_our_failure(engine: DockerEngine) -> None:
    """The end of a container that the engine doesn't know is an error of ours."""
    with pytest.raises(ContainerLost):
        await engine.saw_oom("d" * 64)
