"""An image with one more file: what the SDK and the engine make of it, with a fake engine on a real socket."""

from __future__ import annotations

import asyncio
import json
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.launcher.engine.docker_engine import DockerEngine
from gateway.launcher.engine.engine import FoundImage, ImageOrder
from gateway.launcher.snapshot.saving import NoSnapshot
from gateway.model.errors import EngineRefused, EngineUnavailable
from tests.fakes import until
from tests.support.fake_engine import VERSION, FakeEngineHandler, FakeEngineServer
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

BASE = "sha256:" + "b" * 64
ORDER = ImageOrder(BASE, "figbox-snapshot:7", {"figbox.snapshot": "k", "other": 'a "b"'}, "here.snapshot.x", 20)

#: What the engine calls its parts: a made container, a made image.
CONTAINER = "c" * 64
IMAGE = "sha256:" + "a" * 64


@dataclass
class Step:
    """What an engine does when it is asked for something: respond with a status, once it may."""

    status: int = 200
    reached: threading.Event = field(default_factory=threading.Event)
    held: threading.Event | None = None
    document: object = None


class Storage(FakeEngineServer):
    """An engine that has images and containers, and keeps what it was given.

    Attributes:
        steps: What to do for archives, commits and removals of images.
        containers: Those that exist, with their create bodies.
        images: The names of images made, with the changes of their configuration.
        archive: What came last as an archive, as far as it came.
        chunks: How many pieces it came in.
        whole: Whether it came to its end.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, _Handler)
        self.steps = {"archive": Step(), "commit": Step(201), "rmi": Step(200, document=[])}
        self.containers: dict[str, Any] = {}
        self.images: dict[str, list[str]] = {}
        self.archive = bytearray()
        self.chunks = 0
        self.whole = False
        self.calls: list[str] = []

    def release(self) -> None:
        """Let go of every step."""
        for step in self.steps.values():
            if step.held is not None:
                step.held.set()


class _Handler(FakeEngineHandler):
    server: Storage
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Tell the version, and the images by a label."""
        path = urlsplit(self.path).path
        if path.endswith("/images/json"):
            self.respond(200, self.server.steps["rmi"].document)
        else:
            self.respond(200, VERSION)

    def do_POST(self) -> None:
        """Create a container, or commit one."""
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if parts.path.endswith("/containers/create"):
            self.server.containers[CONTAINER] = json.loads(body)
            self.respond(201, {"Id": CONTAINER})
            return
        query = parse_qs(parts.query)
        step = self._take("commit")
        if step.status == 201:
            self.server.images[f"{query['repo'][0]}:{query['tag'][0]}"] = query["changes"]
        self.respond(step.status, {"Id": IMAGE} if step.status == 201 else {"message": "no space left on device"})

    def do_PUT(self) -> None:
        """Take an archive in."""
        assert self.headers["Transfer-Encoding"] == "chunked"
        step = self.server.steps["archive"]
        step.reached.set()
        if step.status != 200:  # like an engine whose disk is full: it responds and hangs up before it has read all
            self.respond(step.status, {"message": "no space left on device"})
            self.close_connection = True
            return
        while length := int(self.rfile.readline() or b"0", 16):
            self.server.archive += self.rfile.read(length)
            self.server.chunks += 1
            self.rfile.readline()
        self.server.whole = self.rfile.readline() == b"\r\n"
        self._take("archive")
        self.respond(200, None)

    def do_DELETE(self) -> None:
        """Remove a container or an image."""
        parts = urlsplit(self.path)
        kind, _, name = parts.path.partition("/v1.41/")[2].partition("/")
        self.server.calls.append(f"{kind} {name}")
        assert kind == "containers" or parse_qs(parts.query)["noprune"] == ["True"]  # it would take the base along
        if kind == "containers":
            self.respond(204 if self.server.containers.pop(name, None) else 404, {"message": "gone"})
            return
        step = self._take("rmi")
        if step.status == 200:
            self.server.images.pop(name, None)
        self.respond(step.status, [] if step.status == 200 else {"message": "told to"})

    def _take(self, name: str) -> Step:
        step = self.server.steps[name]
        step.reached.set()
        if step.held is not None:
            step.held.wait(slowed(30))
        return step


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Storage]:
    """Return an engine that serves on a socket of its own; the CLI's configuration names a proxy with a password."""
    proxies = {"default": {"httpProxy": "http://me:secret@proxy:3128"}}
    (tmp_path / "config.json").write_text(json.dumps({"proxies": proxies}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    server = Storage(str(tmp_path / "s"))
    with server.serving():
        yield server


@pytest.fixture
def engine(storage: Storage) -> Iterator[DockerEngine]:
    """Return the launcher's client of that engine."""
    engine = DockerEngine(f"unix://{storage.server_address}", 20)
    yield engine
    engine.close()


async def test_file_is_streamed_and_stored(storage: Storage, engine: DockerEngine) -> None:
    """Pieces go to the engine as they come, and an empty one doesn't end the archive; labels are quoted."""
    assert await engine.store_file(ORDER, iter([b"ab", b"", b"c" * 100_000])) == IMAGE
    assert bytes(storage.archive) == b"ab" + b"c" * 100_000
    assert storage.whole
    assert storage.chunks == 2
    assert storage.images == {
        "figbox-snapshot:7": [
            'LABEL "figbox.snapshot"="k"',
            'LABEL "other"="a \\"b\\""',
            'LABEL "figbox.installation"=""',
        ]
    }
    assert storage.containers == {}


async def test_container_on_the_way_is_ours_and_holds_no_proxy(storage: Storage, engine: DockerEngine) -> None:
    """It can be found after a crash, and the CLI's proxies get into no image that jobs see."""
    step = storage.steps["commit"]
    step.held = threading.Event()
    task = asyncio.create_task(engine.store_file(ORDER, iter([b"a"])))
    await until(step.reached.is_set)
    assert storage.containers == {
        CONTAINER: {"Image": BASE, "NetworkDisabled": True, "Labels": {"figbox.installation": "here.snapshot.x"}}
    }
    step.held.set()
    await task


@pytest.mark.parametrize("name", ["archive", "commit"])
async def test_engine_without_room_is_an_engine_that_refused(storage: Storage, engine: DockerEngine, name: str) -> None:
    """Its own explanation is the cause, for the log; nothing is left."""
    storage.steps[name].status = 500
    with pytest.raises(EngineUnavailable) as raised:
        await engine.store_file(ORDER, iter([b"a" * 1000] * 1000))
    if name == "commit":  # before, the connection may be gone when the response comes
        assert isinstance(raised.value, EngineRefused)
        assert "no space left on device" in str(raised.value.cause)
    await until(lambda: (storage.containers, storage.images) == ({}, {}))


async def test_what_the_archive_raises_passes_through(storage: Storage, engine: DockerEngine) -> None:
    """The engine then has no whole archive and makes no image of it."""

    def archive() -> Iterator[bytes]:
        yield b"a" * 100_000
        raise NoSnapshot("it wrote too much")

    with pytest.raises(NoSnapshot, match="it wrote too much"):
        await engine.store_file(ORDER, archive())
    await until(lambda: storage.containers == {})
    assert not storage.whole
    assert not storage.steps["commit"].reached.is_set()


@pytest.mark.parametrize("name", ["archive", "commit"])
async def test_cancelled_store_leaves_nothing(storage: Storage, engine: DockerEngine, name: str) -> None:
    """What the engine still does then is undone, even if nobody waits and the engine's client is closed."""
    step = storage.steps[name]
    step.held = threading.Event()
    task = asyncio.create_task(engine.store_file(ORDER, iter([b"a"])))
    await until(step.reached.is_set)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    engine.close()
    step.held.set()
    await until(lambda: storage.containers == {}, "the container is removed")
    assert storage.images == {}
    assert storage.steps["commit"].reached.is_set() is (name == "commit")
    assert ("images figbox-snapshot:7" in storage.calls) is (name == "commit")


@pytest.mark.parametrize(("status", "gone"), [(200, True), (404, True), (409, False)])
async def test_image_in_use_stays(storage: Storage, engine: DockerEngine, status: int, *, gone: bool) -> None:
    """An image that isn't there is as good as removed; the caller hears of one that a container uses."""
    storage.steps["rmi"].status = status
    assert await engine.remove_image(IMAGE) is gone


async def test_broken_engine_is_no_removal(storage: Storage, engine: DockerEngine) -> None:
    """Then it isn't known what became of the image."""
    storage.steps["rmi"].status = 500
    with pytest.raises(EngineRefused):
        await engine.remove_image(IMAGE)


async def test_images_are_found_by_their_label(storage: Storage, engine: DockerEngine) -> None:
    """The filter is the engine's; each label is looked at again, and an image without any is no error."""
    storage.steps["rmi"].document = [
        {"Id": "1", "Labels": {"a": "x"}},
        {"Id": "2", "Labels": {"a": "y"}},
        {"Id": "3", "Labels": {"b": "x"}},
        {"Id": "4", "Labels": None},
    ]
    assert [image.image_id for image in await engine.find_images("a")] == ["1", "2"]
    assert await engine.find_images("a", "x") == [FoundImage("1", {"a": "x"})]
