"""What a container writes becomes a file in an image, piece by piece, and nothing of it is believed but its size."""

from __future__ import annotations

import asyncio
import io
import socket
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.engine.engine import ImageOrder, Launched
from gateway.launcher.engine.specification import RUNNER, SUPERVISOR, Sandbox
from gateway.launcher.snapshot import saving
from gateway.launcher.snapshot.saving import SAVE_LIMIT_S, NoSnapshot, save
from gateway.model.errors import EngineUnavailable
from gateway.model.jobs import Limits, MiB
from tests.fakes import block, until

if TYPE_CHECKING:
    from collections.abc import Iterator

SANDBOX = Sandbox("sha256:0", Limits(memory_limit_bytes=64 * MiB, wall_limit_s=1, cpus=0.1), None, "here", "now", 60)
CONTENT = bytes(range(256)) * 5000


class StoringEngine:
    """An engine whose container writes what the test set; stores what it is given.

    Attributes:
        stored: The archive.
        config: The create body of the container.
        order: The image that was asked for.
        removed: Containers that were removed.
        ended: Set when nobody reads the archive any more.
        failure: Raised once the archive has been read.
    """

    def __init__(self, *blocks: bytes, hold: bool = False) -> None:
        self.stored = b""
        self.config: dict[str, Any] = {}
        self.order: ImageOrder | None = None
        self.removed: list[str] = []
        self.failure: Exception | None = None
        self._blocks = blocks
        self._hold = hold
        self._ours: socket.socket | None = None
        self.ended = threading.Event()
        self._threads = ThreadPoolExecutor(1)

    async def launch(self, config: dict[str, Any], name: str) -> Launched:
        """See `Engine.launch`."""
        self.config = config
        theirs, ours = socket.socketpair()
        self._ours = ours

        def write() -> None:
            try:
                ours.sendall(b"".join(self._blocks))
                if not self._hold:
                    ours.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # nobody reads any more

        threading.Thread(target=write, daemon=True).start()
        return Launched(f"id-{name}", theirs)

    async def store_file(self, order: ImageOrder, archive: Iterator[bytes]) -> str:
        """See `DockerEngine.store_file`."""

        def read() -> str:
            try:
                for piece in archive:
                    self.stored += piece
                if self.failure is not None:
                    raise self.failure
            finally:
                self.ended.set()
            return f"image of {order.base_id}"

        self.order = order
        return await asyncio.get_running_loop().run_in_executor(self._threads, read)

    async def remove(self, container_id: str) -> None:
        """See `Engine.remove`."""
        self.removed.append(container_id)

    def close(self) -> None:
        """End the container's side of the stream."""
        assert self._ours is not None
        self._ours.close()
        self._threads.shutdown()


def written(content: bytes, size: bytes | None = None) -> bytes:
    """Return the blocks of a container that announces a size, then writes."""
    whole = (b"%d" % len(content) if size is None else size) + b"\n" + content
    return b"".join(block(1, whole[at : at + 30_000]) for at in range(0, len(whole), 30_000))


async def saved(engine: StoringEngine) -> str:
    """Save with an engine; whatever happens, the one container is removed and its stream no longer read."""
    try:
        return await save(engine, SANDBOX, "figbox-snapshot:x", {"a": "b"})  # type: ignore[arg-type]
    finally:
        await until(engine.ended.is_set, "nobody reads any more")
        engine.close()
        assert len(engine.removed) == 1


async def test_content_is_stored_as_it_is() -> None:
    """The archive has one file at the snapshot's place, with exactly the bytes that were announced."""
    engine = StoringEngine(block(2, b"a warning\n"), written(CONTENT))
    assert await saved(engine) == "image of sha256:0"
    with tarfile.open(fileobj=io.BytesIO(engine.stored)) as archive:
        (entry,) = archive.getmembers()
        assert (entry.name, entry.size, entry.mode, entry.uid) == ("opt/figbox/snapshot", len(CONTENT), 0o444, 0)
        file = archive.extractfile(entry)
        assert file is not None
        assert file.read() == CONTENT
    assert engine.order == ImageOrder("sha256:0", "figbox-snapshot:x", {"a": "b"}, "here", SAVE_LIMIT_S)


async def test_container_is_a_jobs_but_for_its_size() -> None:
    """Only memory, processor and time are larger: it imports more than a job's limits may allow."""
    engine = StoringEngine(written(CONTENT))
    await saved(engine)
    wanted = SANDBOX.container_config(int(engine.config["User"].split(":")[0]), ("save",))
    host, other = engine.config.pop("HostConfig"), wanted.pop("HostConfig")
    assert engine.config.pop("Entrypoint") == [SUPERVISOR, "600", "305", *RUNNER]
    assert wanted.pop("Entrypoint") == [SUPERVISOR, "60", "6", *RUNNER]
    assert engine.config == wanted
    differing = {name for name in host if host[name] != other[name]}
    assert differing == {"Memory", "MemorySwap", "NanoCpus", "Ulimits"}
    assert [limit for limit in host["Ulimits"] if limit not in other["Ulimits"]] == [
        {"Name": "cpu", "Soft": 320, "Hard": 320}
    ]


@pytest.mark.parametrize(
    ("blocks", "reason"),
    [
        (written(CONTENT, b"7"), "it wrote more than it had announced"),
        (written(CONTENT) + block(1, b"x"), "it wrote more than it had announced"),
        (written(CONTENT, b"9999999"), "the container ended early"),
        (written(b"", b"0"), "it would be of 0 MiB"),
        (written(b"", b"2000000000"), "it would be of 1907 MiB, and 1024 are allowed"),
        (written(b"x", b"-5"), "its size is no number"),
        (written(b"x", b"1e3"), "its size is no number"),
        (written(b"", b"9" * 40), "its size is no number"),
        (block(1, b"7" * 100), "its size is no number"),
        (b"", "the container ended early"),
        (block(1, b"123"), "the container ended early"),
        (block(2, b"usage: script | job\n"), "usage: script | job"),
        (block(2, b"w" * 5000 + b"\nno snapshot: one line\n"), "one line"),
        (block(2, b"warning\nno snapshot: a file is \x1bopen for writing\n"), "a file is open for writing"),
        (block(2, b"\xff" * 5000), "\ufffd" * 200),
        (b"\x07nonsense of an engine", "its stream broke"),
    ],
)
async def test_what_is_no_snapshot_is_refused(blocks: bytes, reason: str) -> None:
    """The reason is the container's own where it gave one, cut and made printable."""
    with pytest.raises(NoSnapshot) as raised:
        await saved(StoringEngine(blocks))
    assert str(raised.value).startswith(reason)
    assert len(str(raised.value)) <= 250


async def test_container_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is waited for as long as the limit says, however it trickles."""
    monkeypatch.setattr(saving, "SAVE_LIMIT_S", 0.1)
    with pytest.raises(NoSnapshot, match="too slow"):
        await saved(StoringEngine(block(1, b"1000\nabc"), hold=True))


async def test_engine_that_fails_is_told_apart() -> None:
    """An engine that can't store a whole snapshot failed itself; one that was given no whole snapshot didn't."""
    engine = StoringEngine(written(CONTENT))
    engine.failure = EngineUnavailable("the engine refused a call")
    with pytest.raises(EngineUnavailable):
        await saved(engine)


async def test_stream_that_breaks_within_a_snapshot_is_told() -> None:
    """What had come is no snapshot."""
    with pytest.raises(NoSnapshot, match="its stream broke"):
        await saved(StoringEngine(block(1, b"1000\nabc") + b"\x09nonsense"))


async def test_cancelled_save_leaves_neither_container_nor_thread() -> None:
    """The thread that reads the stream sees its end, though the container would go on."""
    engine = StoringEngine(block(1, b"1000\nabc"), hold=True)
    saving_task = asyncio.create_task(saved(engine))
    await until(lambda: engine.stored)
    saving_task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await saving_task
