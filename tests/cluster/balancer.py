"""A real HAProxy with the project's own configuration, in front of live gateways."""

from __future__ import annotations

import asyncio
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from bootstrap.cluster.configuration import Server, configured
from bootstrap.debian import apt_install, is_root_debian
from bootstrap.steps import Steps
from tests.fakes import KEY
from tests.support.live import Response, free_port, read_response
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

#: What HAProxy's master writes when a process of its own works.
LOADED = "Loading success"


@dataclass(frozen=True)
class Node:
    """Where a balancer finds a node: its port for requests, its agent's, and the address of both."""

    port: int
    agent_port: int
    host: str = "127.0.0.1"


@dataclass
class Balancer:
    """A HAProxy: a master with the process that works, as a service of systemd runs it.

    Attributes:
        url: Where clients find it.
        metrics: Where Prometheus finds it: an address with a port.
        control: The socket of its command line.
        log: What it has printed.
    """

    url: str
    metrics: str
    control: Path
    log: Path
    _process: subprocess.Popen[bytes] | None = None

    @property
    def port(self) -> int:
        """Where it listens, on loopback."""
        return int(self.url.rpartition(":")[2])

    @property
    def configuration(self) -> Path:
        """The file of its configuration."""
        return self.control.with_name("haproxy.cfg")

    def start(self) -> None:
        """Start it and wait until it works."""
        self.control.unlink(missing_ok=True)
        with self.log.open("a") as output:
            self._process = subprocess.Popen(
                ["haproxy", "-W", "-db", "-f", str(self.configuration)], stdout=output, stderr=output
            )
        end = time.monotonic() + slowed(20)
        while not self._listens():
            self.check()
            assert time.monotonic() < end, "HAProxy doesn't start"
            time.sleep(0.02)

    def _listens(self) -> bool:
        """Tell whether its command line does; the socket's file is there a moment before."""
        with socket.socket(socket.AF_UNIX) as knock:
            return knock.connect_ex(str(self.control)) == 0

    def check(self) -> None:
        """Fail if it has ended."""
        assert self._process is not None
        assert self._process.poll() is None, self.log.read_text()

    def reload(self) -> None:
        """Let a new process take over, as `systemctl reload` does; the old one ends its requests."""
        self.check()
        before = self.log.read_text().count(LOADED)
        assert self._process is not None
        self._process.send_signal(signal.SIGUSR2)
        end = time.monotonic() + slowed(20)
        while self.log.read_text().count(LOADED) <= before:
            self.check()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.02)

    def end(self) -> None:
        """End it at once, with whatever it works on."""
        assert self._process is not None
        self._process.terminate()
        self._process.wait(slowed(20))

    async def render(
        self,
        code: str,
        key: str = KEY,
        padding: int = 0,
        *,
        bearer: bool = False,
        session: aiohttp.ClientSession | None = None,
    ) -> Response:
        """POST code to the old endpoint, or with a bearer token; return the response.

        Args:
            code: What is drawn.
            key: Of the request.
            padding: Characters of comment in front of the code.
            bearer: Whether to use a bearer token.
            session: Has connections that stay open; None for one that is new.
        """
        path, headers = "/render-matplotlib", {"X-API-Key": key}
        if bearer:
            path, headers = "/v1/render", {"Authorization": f"bearer  {key}"}
        code = f"#{'x' * padding}\n{code}" if padding else code
        async with AsyncExitStack() as stack:
            if session is None:
                session = await stack.enter_async_context(aiohttp.ClientSession())
            limit = aiohttp.ClientTimeout(slowed(120))
            request = session.post(f"{self.url}{path}", headers=headers, json={"code": code}, timeout=limit)
            return await read_response(await stack.enter_async_context(request))

    async def until_open(self, count: int) -> None:
        """Wait until it counts so many requests at its nodes.

        It forgets one only after the client has had the answer, and its threads choose nodes at the same moment, so
        what it does with a request that comes right behind another is chance.
        """
        end = time.monotonic() + slowed(30)
        while (found := int((await self.state("BACKEND"))["scur"])) != count:
            assert time.monotonic() < end, f"{found} requests are open, not {count}"
            await asyncio.sleep(0.02)

    async def state(self, name: str, backend: str = "nodes") -> dict[str, str]:
        """Return what HAProxy's statistics have of a backend's node, or of `BACKEND`, all together."""
        reader, writer = await asyncio.open_unix_connection(str(self.control))
        writer.write(b"show stat\n")
        head, *rows = [line.split(",") for line in (await reader.read()).decode().splitlines() if line]
        writer.close()
        return next(dict(zip(head, row, strict=False)) for row in rows if row[:2] == [backend, name])

    async def until(self, name: str, status: str, weight: str | None = None) -> None:
        """Wait until a node's status, such as `UP`, begins with a text, and its weight is a text if one is given."""
        end = time.monotonic() + slowed(120)
        while True:
            state = await self.state(name)
            if state["status"].startswith(status) and weight in (None, state["weight"]):
                return
            assert time.monotonic() < end, f"{name} is {state['status']} with weight {state['weight']}"
            await asyncio.sleep(0.05)


def have_haproxy() -> None:
    """Have HAProxy, which is installed where it can be."""
    if shutil.which("haproxy") is None:
        assert is_root_debian(), "install haproxy"
        apt_install(Steps(), ["haproxy"], why="it balances over several nodes")


@contextmanager
def balancer(
    folder: Path, nodes: Sequence[Node], change: Callable[[str], str] = str, **changes: str
) -> Iterator[Balancer]:
    """Run HAProxy before nodes, which are called `node1` and so on; it is installed where it can be.

    Args:
        folder: For a folder with its configuration, socket and log.
        nodes: The nodes.
        change: Changes the configuration as a whole, at last.
        changes: Texts of the configuration, and what a test has in their places.
    """
    have_haproxy()
    folder = Path(tempfile.mkdtemp(dir=folder))
    port, metrics = free_port(), f"127.0.0.1:{free_port()}"
    running = Balancer(f"http://127.0.0.1:{port}", metrics, folder / "control", folder / "haproxy.log")
    servers = [
        Server(f"node{number}", f"{node.host}:{node.port}", node.agent_port) for number, node in enumerate(nodes, 1)
    ]
    text = configured(f"127.0.0.1:{port}", metrics, running.control, servers, changes)
    running.configuration.write_text(change(text))
    running.start()
    try:
        yield running
        running.check()
    finally:
        running.end()
