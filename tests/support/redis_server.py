"""A real Redis for a test: a process of its own that keeps nothing on disk."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from redis import Redis

from bootstrap.debian import apt_install, is_root_debian
from bootstrap.steps import Steps
from tests.support.live import free_port
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: The server's program under another name, in a package that starts no service.
PROGRAM, PACKAGE = "redis-check-rdb", "redis-tools"

PASSWORD = "pass-word-of-the-server"


@dataclass
class RedisServer:
    """A Redis on a port of its own, and on a unix socket.

    Attributes:
        folder: For its socket, its log, and its certificate.
        options: Of its command line.
        port: Its port, on loopback.
    """

    folder: Path
    options: tuple[str, ...] = ()
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its address with the password."""
        return f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"

    @property
    def socket_url(self) -> str:
        """The same by its socket."""
        return f"unix://:{PASSWORD}@{self.folder}/redis.sock?db=0"

    def start(self) -> None:
        """Start it, with nothing in it, and wait until it accepts connections."""
        words = ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        words += ["--requirepass", PASSWORD, "--dir", self.folder, "--unixsocket", self.folder / "redis.sock"]
        with (self.folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in (*words, *self.options)],
                executable=shutil.which(PROGRAM),
                stdout=log,
                stderr=log,
            )
        end = time.monotonic() + slowed(20)
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            assert self.process.poll() is None, (self.folder / "redis.log").read_text()
            assert time.monotonic() < end, "Redis doesn't start"
            time.sleep(0.02)

    def kill(self) -> None:
        """Kill it; what is in it is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(slowed(20))
            self.process = None

    def restart(self) -> None:
        """Kill it and start it with nothing in it."""
        self.kill()
        self.start()

    def hang(self) -> None:
        """Stop it: its connections stay open, and it doesn't respond."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it respond again."""
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    @contextmanager
    def client(self) -> Iterator[Redis]:
        """Open a client as another program that knows the password."""
        with Redis.from_url(self.url) as redis:
            yield redis


@contextmanager
def redis_server(folder: Path, *options: str, **fields: int) -> Iterator[RedisServer]:
    """Run a Redis; it is installed where it can be."""
    if shutil.which(PROGRAM) is None:
        assert is_root_debian(), f"install {PROGRAM}, which is Redis under another name"
        apt_install(Steps(), [PACKAGE], why="nodes share a Redis")
    server = RedisServer(folder, options, **fields)
    server.start()
    try:
        yield server
    finally:
        server.kill()
