"""A real HAProxy with the project's own configuration, in front of live gateways."""

from __future__ import annotations

import asyncio
import re
import shutil
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from bootstrap.debian import apt_install, is_root_debian
from bootstrap.steps import Steps
from tests.fakes import KEY
from tests.support.live import ROOT, Response, free_port, read_response
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

CONFIGURATION = ROOT / "deploy" / "haproxy" / "haproxy.cfg"


@dataclass(frozen=True)
class Node:
    """Where a balancer finds a node: its port for requests, and its agent's, both on loopback."""

    port: int
    agent_port: int


@dataclass(frozen=True)
class Balancer:
    """A running HAProxy."""

    url: str
    control: Path
    log: Path

    async def render(self, code: str, key: str = KEY, padding: int = 0, *, bearer: bool = False) -> Response:
        """POST code to the old endpoint, or with a bearer token; return the response.

        The code gets so many characters of comment.
        """
        path, headers = "/render-matplotlib", {"X-API-Key": key}
        if bearer:
            path, headers = "/v1/render", {"Authorization": f"bearer  {key}"}
        code = f"#{'x' * padding}\n{code}" if padding else code
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(slowed(120))) as session,
            session.post(f"{self.url}{path}", headers=headers, json={"code": code}) as response,
        ):
            return await read_response(response)

    async def state(self, name: str) -> dict[str, str]:
        """Return what HAProxy's statistics have of a node."""
        reader, writer = await asyncio.open_unix_connection(str(self.control))
        writer.write(b"show stat\n")
        head, *rows = [line.split(",") for line in (await reader.read()).decode().splitlines() if line]
        writer.close()
        return next(dict(zip(head, row, strict=False)) for row in rows if row[:2] == ["nodes", name])

    async def until(self, name: str, status: str, weight: str | None = None) -> None:
        """Wait until a node's status, such as `UP`, begins with a text, and its weight is a text if one is given."""
        end = time.monotonic() + slowed(30)
        while True:
            state = await self.state(name)
            if state["status"].startswith(status) and weight in (None, state["weight"]):
                return
            assert time.monotonic() < end, f"{name} is {state['status']} with weight {state['weight']}"
            await asyncio.sleep(0.05)


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
    if shutil.which("haproxy") is None:
        assert is_root_debian(), "install haproxy"
        apt_install(Steps(), ["haproxy"], why="it balances over several nodes")
    folder = Path(tempfile.mkdtemp(dir=folder))
    port, control, log = free_port(), folder / "control", folder / "haproxy.log"
    configuration = folder / "haproxy.cfg"
    configuration.write_text(change(configured(CONFIGURATION.read_text(), port, control, nodes, changes)))
    with log.open("w") as output:
        process = subprocess.Popen(["haproxy", "-db", "-f", str(configuration)], stdout=output, stderr=output)
        try:
            end = time.monotonic() + slowed(20)
            while not control.exists():
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < end, "HAProxy doesn't start"
                time.sleep(0.02)
            yield Balancer(f"http://127.0.0.1:{port}", control, log)
            assert process.poll() is None, log.read_text()
        finally:
            process.terminate()
            process.wait(slowed(20))


def configured(text: str, port: int, control: Path, nodes: Sequence[Node], changes: Mapping[str, str]) -> str:
    """Return the project's configuration for these nodes; each thing that is replaced must be there once."""
    servers = "".join(
        f"    server node{number} 127.0.0.1:{node.port} agent-port {node.agent_port}\n"
        for number, node in enumerate(nodes, 1)
    )
    replaced = {
        r"bind :5150$": f"bind 127.0.0.1:{port}",
        r"stats socket \S+": f"stats socket {control}",
        r"(^    server node\d.*\n)+": servers,
        **{re.escape(old): new for old, new in changes.items()},
    }
    for pattern, new in replaced.items():
        text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert count == 1, pattern
    return text
