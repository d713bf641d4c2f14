"""Measure what a request costs HAProxy: processor time of one thread on loopback, a minute in all.

The nodes are one small server that reads a request and sends bytes of a picture's size; HAProxy sees it under as many
names as there are nodes. The time is what the kernel counts for HAProxy's own thread, so neither the load generator nor
others on the machine are in it. Checks are measured without load.
"""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import ssl
import subprocess
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from benchmarks.contenders.processes import free_port, output_of
from benchmarks.cpu import main_thread_s
from benchmarks.scaling.balancer_costs import BalancerCosts
from benchmarks.scaling.live.groups import Unsuitable
from benchmarks.scaling.model.balancer import AGENT_PERIOD_S

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

#: Bytes of a request's body and of a response's: a script and a picture of middling size.
BODY_BYTES = 2_000
PICTURE_BYTES = 40_000

#: Clients that never pause.
CLIENTS = 32

#: Seconds that HAProxy and a single request may take.
LIMIT_S = 20.0

_RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: %d\r\n\r\n" % PICTURE_BYTES + bytes(
    PICTURE_BYTES
)
_HEAD = "POST /v1/render HTTP/1.1\r\nHost: figbox\r\nX-API-Key: none\r\nContent-Type: text/x-python\r\n"
_REQUEST = f"{_HEAD}Content-Length: {BODY_BYTES}\r\n\r\n".encode() + b"#" * BODY_BYTES

_CONFIGURATION = """\
global
    nbthread 1
    maxconn 2000
    ssl-server-verify none
defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 60s
    timeout queue 30s
    option redispatch
    retry-on conn-failure empty-response 503
    retries 2
    http-reuse always
frontend clients
    bind 127.0.0.1:{port}
    bind 127.0.0.1:{tls_port} ssl crt {certificate}
    default_backend nodes
backend nodes
    balance leastconn
    default-server maxconn 4 {checks}
{servers}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """What is measured.

    Attributes:
        nodes: How many HAProxy knows.
        tls: Whether clients speak TLS.
        keep: Whether a client keeps its connection for the next request.
        requests: How many are sent.
    """

    nodes: int
    tls: bool = False
    keep: bool = True
    requests: int = 8_000

    @property
    def name(self) -> str:
        """As in the table."""
        way = ("TLS" if self.tls else "plain") + (", connections kept" if self.keep else ", a connection each")
        return f"{self.nodes} nodes, {way}" if self.nodes > 1 else f"1 node, {way}"


CASES = (
    Case(1),
    Case(100),
    Case(1000),
    Case(1000, keep=False),
    Case(1000, tls=True),
    Case(1000, tls=True, keep=False, requests=2_000),
)
TINY_CASES = (Case(2, requests=50), Case(2, tls=True, keep=False, requests=20))

#: Nodes whose agents are asked every `AGENT_PERIOD_S`, and seconds for which that is watched.
AGENTS = 1000
WATCH_S = 8.0


async def measure_balancer(cases: tuple[Case, ...] = CASES, watch_s: float = WATCH_S) -> BalancerCosts:
    """Measure all cases, one after the other.

    Raises:
        Unsuitable: HAProxy or openssl isn't installed.
    """
    for program in ("haproxy", "openssl"):
        if shutil.which(program) is None:
            raise Unsuitable(f"{program} isn't installed")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="figbox-haproxy-")))
        certificate = _certificate(folder)
        node = await stack.enter_async_context(_serve(_Node))
        agent = await stack.enter_async_context(_serve(_Agent))
        request_us = {}
        for case in cases:
            async with _haproxy(folder, certificate, case.nodes, node) as running:
                request_us[case.name] = round(await running.cost_us(case), 1)
        async with _haproxy(folder, certificate, AGENTS, node, agent) as running:
            before = running.used_s()
            await asyncio.sleep(watch_s)
            checks = AGENTS * watch_s / AGENT_PERIOD_S
            check_us = round((running.used_s() - before) / checks * 1e6, 1)
            memory = running.memory_mib()
    said = await output_of("haproxy", "haproxy", "-v")
    version = said.decode().split()[2].partition("-")[0]
    return BalancerCosts(version, request_us, check_us, memory)


@dataclass(slots=True)
class _Running:
    """A running HAProxy."""

    process_id: int
    port: int
    tls_port: int

    def used_s(self) -> float:
        """Return the processor seconds of its only thread."""
        return main_thread_s(self.process_id)

    def memory_mib(self) -> float:
        """Return its resident memory."""
        lines = Path(f"/proc/{self.process_id}/status").read_text().splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024, 1)

    async def cost_us(self, case: Case) -> float:
        """Return the processor microseconds of one request."""
        context = None
        if case.tls:
            context = ssl.create_default_context()
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        port = self.tls_port if case.tls else self.port
        before = self.used_s()
        share = max(1, case.requests // CLIENTS)
        async with asyncio.timeout(LIMIT_S * 10), asyncio.TaskGroup() as group:
            for _ in range(CLIENTS):
                group.create_task(_client(port, context, share, keep=case.keep))
        return (self.used_s() - before) / (share * CLIENTS) * 1e6


@asynccontextmanager
async def _haproxy(
    folder: Path, certificate: Path, nodes: int, node: int, agent: int | None = None
) -> AsyncIterator[_Running]:
    port, tls_port = free_port(), free_port()
    checks = f"agent-check agent-port {agent} agent-inter {AGENT_PERIOD_S:g}s" if agent else ""
    servers = "\n".join(f"    server node{number} 127.0.0.1:{node}" for number in range(nodes))
    configuration = folder / "haproxy.cfg"
    configuration.write_text(
        _CONFIGURATION.format(port=port, tls_port=tls_port, certificate=certificate, checks=checks, servers=servers)
    )
    said = folder / "haproxy.log"
    with said.open("wb") as log:
        process = await asyncio.create_subprocess_exec("haproxy", "-db", "-f", str(configuration), stderr=log)
    try:
        end = time.monotonic() + LIMIT_S
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                if process.returncode is not None or time.monotonic() > end:
                    raise Unsuitable(f"haproxy doesn't start: {said.read_text()[-1000:]}") from None
                await asyncio.sleep(0.05)
            else:
                writer.close()
                break
        yield _Running(process.pid, port, tls_port)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _client(port: int, context: ssl.SSLContext | None, requests: int, *, keep: bool) -> None:
    """Send requests, each after the response to the last."""
    writer: asyncio.StreamWriter | None = None
    for _ in range(requests):
        if writer is None:
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        writer.write(_REQUEST)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(head.decode("latin-1"))
        await reader.readexactly(PICTURE_BYTES)
        if not keep:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()


@asynccontextmanager
async def _serve(respond: type[asyncio.Protocol]) -> AsyncIterator[int]:
    server = await asyncio.get_running_loop().create_server(respond, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


class _Node(asyncio.Protocol):
    """Reads requests and sends pictures."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        """Respond to each complete request."""
        self._buffer += data
        while True:
            _, separator, rest = self._buffer.partition(b"\r\n\r\n")
            if not separator or len(rest) < BODY_BYTES:
                return
            self._buffer = rest[BODY_BYTES:]
            self._transport.write(_RESPONSE)


class _Agent(asyncio.Protocol):
    """Says how many places are free, and hangs up."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say it."""
        connection = cast("asyncio.Transport", transport)
        connection.write(b"75%\n")
        connection.close()


def _certificate(folder: Path) -> Path:
    """Make a certificate of a key on P-256, signed by itself, and return the file of both."""
    key, certificate, both = folder / "key.pem", folder / "certificate.pem", folder / "both.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-keyout", str(key), "-out", str(certificate), "-days", "1", "-subj", "/CN=figbox"),
        ],
        check=True,
        capture_output=True,
    )
    both.write_text(certificate.read_text() + key.read_text())
    return both
