"""`python -m tests.support.no_engine`: a real gateway or launcher, with containers that are made up.

What a container writes goes through the real reader of replies in pieces, as it comes from an engine. The code of a job
is how many bytes of files it writes, beside one small picture.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import gateway.__main__ as gateway_main
import gateway.launcher.__main__ as launcher_main
from gateway import lifecycle
from gateway.launcher.judgement import judge
from gateway.launcher.remote import server
from gateway.launcher.runner.frames import END, FILE, FRAME_HEAD, PICTURE, encode_frame, encode_job, with_head
from gateway.launcher.runner.reply import ReplyReader
from gateway.launcher.sizing import Sizes
from tests.fakes import DEFAULT_FACTS, PNG, FakeLauncher
from tests.support.live import begin, end_gateway, free_port

if TYPE_CHECKING:
    import socket
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.model.jobs import Job
    from gateway.model.results import Result, Stages

#: The variable that says which process this is.
ROLE = "FIGBOX_TEST_ROLE"

#: Bytes of a reply that come at once.
PIECE_BYTES = 64 * 1024

#: Jobs that run at once.
RUNNING = 2

#: Most files of a reply that the bytes are spread over, and how much one takes.
FILE_BYTES = 8_000_000


class WritingLauncher(FakeLauncher):
    """A launcher whose containers write as many bytes as their code says."""

    async def start(self) -> Sizes:
        """See `Launcher.start`."""
        return Sizes(RUNNING, 0)

    async def run(self, job: Job, stages: Stages) -> Result:
        """See `Launcher.run`."""
        self.jobs.clear()
        limits = DEFAULT_FACTS.limits
        frames = encode_job(job, limits)  # kept to the end, as an executor keeps it
        reader = ReplyReader(job, limits.output_limit_bytes)
        reply = None
        for piece in _reply(int(job.code)):
            reply = reader.feed(piece)
            await asyncio.sleep(0)
        assert reply is not None
        assert frames
        return await judge(reply, limits)


def _reply(length: int) -> Iterator[bytes]:
    head = json.dumps({"figure": 1, "label": "", "format": "png", "pixels_sha256": "0" * 64}).encode()
    yield encode_frame(PICTURE, with_head(head, PNG))
    for number, start in enumerate(range(0, length, FILE_BYTES)):
        name, size = with_head(f"file-{number}".encode(), b""), min(FILE_BYTES, length - start)
        yield FRAME_HEAD.pack(FILE, len(name) + size) + name
        for begun in range(0, size, PIECE_BYTES):
            yield b"x" * min(PIECE_BYTES, size - begun)
    yield encode_frame(END, json.dumps({"outcome": "ok"}).encode())


@dataclass(frozen=True, slots=True)
class Running:
    """A gateway without an engine, and its launcher if that is a process of its own."""

    port: int
    gateway: subprocess.Popen[str]
    launcher: subprocess.Popen[str] | None


@contextmanager
def running(
    folder: Path, environment: dict[str, str], *, apart: bool, listener: socket.socket | None = None
) -> Iterator[Running]:
    """Run a gateway whose containers are made up.

    Args:
        folder: For its socket and log.
        environment: Its settings.
        apart: Whether its launcher is a process of its own.
        listener: A socket that the gateway is passed, as systemd does it.
    """
    folder.chmod(0o700)
    log, path, port = folder / "log", folder / "socket", free_port()
    common = {**os.environ, **environment, "FIGBOX_LAUNCHER_SOCKET": str(path), "PYTHONUNBUFFERED": "1"}
    launcher = begin("tests.support.no_engine", {**common, ROLE: "launcher"}, log) if apart else None
    own = {"PORT": str(port), "FIGBOX_METRICS_PORT": "0", ROLE: "gateway"}
    if apart:
        own["FIGBOX_LAUNCHER"] = f"unix://{path}"
    gateway = begin("tests.support.no_engine", {**common, **own}, log, listener=listener)
    try:
        assert gateway.stdout is not None
        line = next((line for line in gateway.stdout if line.startswith("Figbox serves ")), None)
        assert line is not None, log.read_text()
        yield Running(port, gateway, launcher)
    finally:
        end_gateway(gateway)
        if launcher is not None:
            end_gateway(launcher)


def main(role: str) -> int:
    """Run one of the two processes."""
    if role == "launcher":
        server.EngineLauncher = lambda *_: WritingLauncher()  # type: ignore[assignment,misc]
        return launcher_main.main()
    if "FIGBOX_LAUNCHER" not in os.environ:
        lifecycle.make_launcher = lambda *_: WritingLauncher()
    return gateway_main.main()


if __name__ == "__main__":
    sys.exit(main(os.environ[ROLE]))
