"""Makes a snapshot: runs the container that saves itself, and puts what it writes into an image.

The container is of a job's own specification and has seen no job. What it writes to stdout goes through to the engine,
piece by piece: it is counted, and never looked into or kept.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import tarfile
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from gateway.launcher.engine.engine import ImageOrder
from gateway.launcher.engine.specification import SNAPSHOT, UID_FIRST, UID_LAST
from gateway.launcher.runner.frames import Demultiplexer, MalformedReply, Stream, last_words
from gateway.model.errors import EngineError
from gateway.model.jobs import MiB

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from gateway.launcher.engine.docker_engine import DockerEngine
    from gateway.launcher.engine.specification import Sandbox

#: Longest snapshot, in bytes. About 250 MiB were seen, with all packages of the environment `science`.
SIZE_LIMIT_BYTES = 1024 * MiB

#: Seconds for the container to import everything and to write itself, and for the engine to store it.
SAVE_LIMIT_S = 600.0

#: What the container may use at least: it imports more than a job's limits may allow, and runs nobody's code.
SAVE_MEMORY_BYTES = 1024 * MiB
SAVE_CPU_S = 300.0
SAVE_CPUS = 1.0

#: Most digits of the size that comes first.
SIZE_DIGITS = 19

#: Longest reason, in bytes, that the container may give on stderr; what it says last is kept.
REASON_LIMIT = 200

READ_BYTES = 1 << 18


class NoSnapshot(Exception):
    """There is no snapshot to start from; the text says why."""


async def save(engine: DockerEngine, sandbox: Sandbox, image_name: str, labels: Mapping[str, str]) -> str:
    """Make a snapshot of a runner of this sandbox, and return the digest of an image with it.

    Args:
        engine: Runs the container and keeps the image.
        sandbox: What is saved; its own snapshot, if it has one, is left out.
        image_name: Repository and tag of the image.
        labels: Those of the image.

    Raises:
        NoSnapshot: The container didn't save itself.
        EngineError: The engine failed.
    """
    limits = sandbox.limits
    roomy = replace(
        sandbox,
        limits=replace(
            limits,
            memory_limit_bytes=max(limits.memory_limit_bytes, SAVE_MEMORY_BYTES),
            wall_limit_s=max(limits.wall_limit_s, SAVE_CPU_S),
            cpus=max(limits.cpus, SAVE_CPUS),
        ),
        idle_limit_s=SAVE_LIMIT_S,  # nothing is sent to it
    )
    uid = random.randint(UID_FIRST, UID_LAST)  # noqa: S311 - spreads, protects nothing
    launched = await engine.launch(roomy.saving_config(uid), f"figbox-{uid}")
    output = _Output(launched.stream)
    try:
        order = ImageOrder(sandbox.image_id, image_name, labels, sandbox.installation, SAVE_LIMIT_S)
        return await engine.store_file(order, output.as_archive())
    finally:
        output.close()
        with contextlib.suppress(EngineError):
            await engine.remove(launched.container_id)


class _Output:
    """What the container writes, as an archive for the engine; read in a thread of the engine's."""

    def __init__(self, stream: socket.socket) -> None:
        self._stream = stream
        self._demultiplexer = Demultiplexer()
        self._said = b""
        self._deadline = time.monotonic() + SAVE_LIMIT_S

    def close(self) -> None:
        """End the stream; a thread that reads it then sees its end, which closing it alone would not do."""
        with contextlib.suppress(OSError):  # it has ended already
            self._stream.shutdown(socket.SHUT_RDWR)
        self._stream.close()

    def as_archive(self) -> Iterator[bytes]:
        """Yield a tarball with one file, the snapshot.

        Raises:
            NoSnapshot: The container ended too early, or wrote too much.
        """
        pieces = self._pieces()
        size, first = self._read_size(pieces)
        entry = tarfile.TarInfo(SNAPSHOT.lstrip("/"))
        entry.size, entry.mode = size, 0o444
        yield entry.tobuf(tarfile.GNU_FORMAT)
        left = size
        for piece in itertools.chain((first,), pieces):  # to the end of the stream, so that nothing can follow
            if len(piece) > left:
                raise NoSnapshot("it wrote more than it had announced")
            left -= len(piece)
            yield piece
        if left:
            raise NoSnapshot(self._reason())
        yield bytes(-size % tarfile.BLOCKSIZE + 2 * tarfile.BLOCKSIZE)

    def _read_size(self, pieces: Iterator[bytes]) -> tuple[int, bytes]:
        """Return the announced size in bytes, and what came after it."""
        begun = b""
        for piece in pieces:
            begun += piece
            line, newline, rest = begun.partition(b"\n")
            if newline and line.isdigit() and len(line) <= SIZE_DIGITS:
                size = int(line)
                if not 0 < size <= SIZE_LIMIT_BYTES:
                    raise NoSnapshot(f"it would be of {size / MiB:.0f} MiB, and {SIZE_LIMIT_BYTES // MiB} are allowed")
                return size, rest
            if newline or len(begun) > SIZE_DIGITS:
                raise NoSnapshot("its size is no number")
        raise NoSnapshot(self._reason())

    def _pieces(self) -> Iterator[bytes]:
        """Yield stdout until the stream ends; keep the end of stderr."""
        while True:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0:
                raise NoSnapshot("the container was too slow")
            try:
                self._stream.settimeout(left_s)
                data = self._stream.recv(READ_BYTES)
                if not data:
                    return
                for name, piece in self._demultiplexer.feed(data):
                    if name is Stream.STDOUT:
                        yield bytes(piece)
                    else:
                        self._said = (self._said + bytes(piece))[-REASON_LIMIT:]
            except TimeoutError:
                continue
            except (OSError, MalformedReply) as error:
                raise NoSnapshot("its stream broke") from error

    def _reason(self) -> str:
        return last_words(self._said).removeprefix("no snapshot: ") or "the container ended early"
