"""What an engine says of itself and why it refuses, on a real socket: told to the operator, not to clients."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.launcher import launcher as launcher_module
from gateway.launcher.engine.docker_engine import DockerEngine
from gateway.launcher.launcher import EngineLauncher
from gateway.model.errors import EngineRefused, EngineUnavailable, StartError
from gateway.observability.metrics import Metrics
from tests.fakes import until
from tests.support.fake_engine import VERSION, FakeEngineHandler, FakeEngineServer

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

WORDS = "invalid config: open /etc/secret/profile: no such file"
INFO = {
    "MemoryLimit": True,
    "PidsLimit": True,
    "CpuCfsQuota": True,
    "SecurityOptions": ["name=seccomp,profile=default"],
    "Runtimes": {"runc": {}},
    "NCPU": 2,
    "MemTotal": 1 << 34,
}


class Choosy(FakeEngineServer):
    """An engine that has every image and makes no container.

    Attributes:
        status: HTTP status of its refusal.
        words: Why.
        parts: What it says it is made of.
        refusals: How many there were.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, _Handler)
        self.status = 400
        self.words = WORDS
        self.parts = [{"Name": "Engine"}]
        self.refusals = 0


class _Handler(FakeEngineHandler):
    server: Choosy

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.endswith("/version"):
            self.respond(200, {**VERSION, "Components": self.server.parts})
        elif path.endswith("/info"):
            self.respond(200, INFO)
        elif path.endswith("/containers/json"):
            self.respond(200, [])
        elif path.endswith("/containers/" + "c" * 64 + "/json"):
            self.refuse()
        else:
            entrypoint = ["python3", "/opt/figbox/runner.py"]
            self.respond(200, {"Id": "sha256:" + "a" * 64, "Config": {"Entrypoint": entrypoint}})

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.refuse()

    def refuse(self) -> None:
        """Refuse a call."""
        self.server.refusals += 1
        self.respond(self.server.status, {"message": self.server.words})


@pytest.fixture
def choosy(tmp_path: Path) -> Iterator[Choosy]:
    """Serve such an engine."""
    server = Choosy(str(tmp_path / "e.sock"))
    with server.serving():
        yield server


@pytest.fixture
async def launcher(
    choosy: Choosy, make_settings: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[EngineLauncher]:
    """Return a launcher of that engine."""
    monkeypatch.setattr(launcher_module, "ABSENT_PAUSE_S", 0.001)
    launcher = EngineLauncher(make_settings(docker_host=f"unix://{choosy.server_address}"), Metrics())
    yield launcher
    await launcher.aclose()


@pytest.mark.parametrize(("status", "final"), [(400, True), (403, True), (409, False), (500, False), (503, False)])
async def test_refusal_has_status_and_words(choosy: Choosy, status: int, final: bool) -> None:  # noqa: FBT001
    """The text is ours; the engine's own words are the cause, and its status tells whether to try again."""
    choosy.status = status
    engine = DockerEngine(f"unix://{choosy.server_address}", 5)
    with pytest.raises(EngineRefused) as refused:
        await engine.process_id("c" * 64)
    engine.close()
    assert (str(refused.value), refused.value.cause) == ("the engine refused a call", WORDS)
    assert (refused.value.status, refused.value.is_final) == (status, final)
    assert isinstance(refused.value, EngineUnavailable)


async def test_specification_that_is_refused_ends_the_start(launcher: EngineLauncher) -> None:
    """Waiting would change nothing, so the service ends with the engine's own words."""
    with pytest.raises(StartError) as ended:
        await launcher.start()
    assert str(ended.value) == f"the engine refuses what Figbox asks for: {WORDS}"


async def refused_again(choosy: Choosy) -> None:
    """Wait until the service has tried twice more from now on, at least."""
    before = choosy.refusals
    await until(lambda: choosy.refusals > before + 20)


async def test_failure_of_the_engine_is_logged_in_its_words(
    choosy: Choosy, launcher: EngineLauncher, log: io.StringIO
) -> None:
    """It may pass, so the service waits; each new reason is logged once, and clients aren't told the engine's words."""
    choosy.status = 500
    await launcher.start()
    assert launcher.not_ready == "the container engine can't be used yet: the engine refused a call"
    await refused_again(choosy)
    choosy.words = "no space left on device"
    await refused_again(choosy)

    def causes() -> list[str]:
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        return [line["cause"] for line in lines if line["event"] == "engine can't be used"]

    await until(lambda: len(causes()) == 2)
    assert causes() == [WORDS, "no space left on device"]
    choosy.parts = [{"Name": "Podman Engine"}]
    await until(lambda: "Podman" in str(launcher.not_ready))
    assert cast("str", launcher.not_ready).startswith("the container engine can't be used yet: the engine is Podman, ")


async def test_podman_is_refused(choosy: Choosy, launcher: EngineLauncher) -> None:
    """At the start, before any container is asked for."""
    choosy.parts = [{"Name": "Podman Engine"}, {"Name": "Conmon"}]
    with pytest.raises(StartError, match="the engine is Podman, which doesn't hold the sandbox"):
        await launcher.start()
