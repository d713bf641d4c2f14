"""Measure what one, two and three nodes draw behind HAProxy, each with a fixed share of the processor.

The nodes share one machine, so without shares three could draw no more than one. Each has a control group with a
quarter of a core for gateway, engine and containers together, and three of them leave the balancer and the clients
enough. The share begins when all nodes have started. Every picture is compared with the one that its program must give.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import tempfile
import time
from collections import Counter
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from benchmarks.contenders.contender import RenderFailed
from benchmarks.contenders.processes import free_port
from benchmarks.load.generator import Client, Load, right_pictures
from benchmarks.load.programs import programs
from benchmarks.load.record import Answer, Judge, Verdict
from benchmarks.machine import describe_processor
from benchmarks.scaling.live.groups import Unsuitable
from benchmarks.scaling.live.host import open_host
from benchmarks.scaling.nodes_measured import NodesMeasured, NodesWindow
from benchmarks.statistics import summarize
from bootstrap.cluster.configuration import Server, configured
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from benchmarks.contenders.figbox import Figbox
    from benchmarks.scaling.live.host import Host

#: A node's share of the processor while it is measured, and while it starts.
CORES, START_CORES = 0.25, 2.0

#: Jobs that a node runs at once. As many clients as there are places in all keep one, two or three nodes busy.
PLACES = 2
CLIENTS = 8

#: Seconds that HAProxy may take to see its nodes.
BALANCER_LIMIT_S = 30.0


@dataclass(frozen=True, slots=True)
class NodesExtent:
    """How much is measured.

    Attributes:
        numbers: Of nodes.
        window_s: Seconds for each.
    """

    numbers: tuple[int, ...] = (1, 2, 3)
    window_s: float = 90.0


#: Only shows that everything works.
TINY_NODES = NodesExtent((1, 2), 8.0)


async def measure_nodes(image: str, extent: NodesExtent) -> NodesMeasured:
    """Measure nodes with a runner image.

    Raises:
        Unsuitable: The machine doesn't allow it, or HAProxy isn't installed.
        RenderFailed: A gateway doesn't start, or an answer was wrong.
    """
    if shutil.which("haproxy") is None:
        raise Unsuitable("haproxy isn't installed")
    key = secrets.token_hex(16)
    client = Client("load", key)
    async with AsyncExitStack() as stack:
        nodes = [await _open_node(stack, image, key, number) for number in range(1, max(extent.numbers) + 1)]
        mix = [program for program in programs() if not program.fails and not program.is_large]
        judge = Judge(await right_pictures(nodes[0].gateway.url, client, mix), frozenset())
        for node in nodes:
            node.host.limit(CORES)
        windows = []
        for number in extent.numbers:
            for node in nodes:
                await node.gateway.settle()
            async with _balancer(nodes[:number]) as url:
                load = Load(url, mix, seed=number, pause_s=0.0)
                windows.append(await _window(load, judge, client, number, extent.window_s))
    return NodesMeasured(describe_processor(), CORES, PLACES, CLIENTS, windows)


@dataclass(frozen=True, slots=True)
class _Node:
    """A node, where its gateway listens, and its agent."""

    host: Host
    gateway: Figbox
    agent_port: int


async def _open_node(stack: AsyncExitStack, image: str, key: str, number: int) -> _Node:
    host = await stack.enter_async_context(open_host(image, START_CORES))
    agent_port = free_port()
    settings = {
        "API_KEY": key,
        "FIGBOX_RUNNING_LIMIT": str(PLACES),
        "FIGBOX_POOL_SIZE": str(PLACES),
        "FIGBOX_AGENT_PORT": str(agent_port),
        "FIGBOX_CPUS": str(CORES),  # version 1 refuses a group less than one in it may have
    }
    return _Node(host, await stack.enter_async_context(host.gateway(f"node{number}", settings)), agent_port)


async def _window(load: Load, judge: Judge, client: Client, number: int, window_s: float) -> NodesWindow:
    """Let clients send for a time; count what ended in it."""
    began = time.monotonic()
    running = asyncio.create_task(load.run([client] * CLIENTS))
    await asyncio.sleep(window_s)
    seconds, records = time.monotonic() - began, list(load.records)
    load.stop()
    await running
    verdicts = Counter(judge.verdict(record) for record in records)
    if wrong := [judge.name_of(record) for record in records if judge.verdict(record) is Verdict.WRONG]:
        raise RenderFailed(f"{number} nodes: {wrong[0]}")
    right = [record for record in records if judge.verdict(record) is Verdict.RIGHT]
    by_node = Counter(record.came.node for record in right if isinstance(record.came, Answer))
    took = summarize([record.took_s for record in right])
    others = verdicts.total() - len(right)
    return NodesWindow(
        number, round(seconds, 2), len(right), others, took.p50, took.p99, sorted(by_node.values(), reverse=True)
    )


@asynccontextmanager
async def _balancer(nodes: Sequence[_Node]) -> AsyncIterator[str]:
    """Run HAProxy with the project's configuration before nodes; yield its address."""
    with tempfile.TemporaryDirectory(prefix="figbox-haproxy-") as name:
        port, folder = free_port(), Path(name)
        configuration = folder / "haproxy.cfg"
        configuration.write_text(_configured(port, folder, nodes))
        with (folder / "haproxy.log").open("wb") as log:
            process = await asyncio.create_subprocess_exec(
                *("haproxy", "-db", "-f", str(configuration)), stdout=log, stderr=log
            )
        url = f"http://127.0.0.1:{port}"
        try:
            await _until_it_serves(url)
            yield url
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


def _configured(port: int, folder: Path, nodes: Sequence[_Node]) -> str:
    servers = [
        Server(f"node{number}", node.gateway.url.removeprefix("http://"), node.agent_port)
        for number, node in enumerate(nodes, 1)
    ]
    # All clients have one key.
    changes = {"gt 6 }": "gt 1000 }", "timeout queue 20s": "timeout queue 75s"}
    try:
        return configured(f"127.0.0.1:{port}", f"unix@{folder / 'metrics'}", folder / "control", servers, changes)
    except SetupError as error:
        raise Unsuitable(str(error)) from error


async def _until_it_serves(url: str) -> None:
    async with asyncio.timeout(BALANCER_LIMIT_S), aiohttp.ClientSession() as session:
        while True:
            with contextlib.suppress(aiohttp.ClientError):
                async with session.get(f"{url}/readyz") as response:
                    if response.status == 200:
                        return
            await asyncio.sleep(0.1)
