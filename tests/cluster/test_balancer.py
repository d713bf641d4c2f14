"""Two nodes behind HAProxy with the configuration of `deploy/`: what it knows of them, and what clients notice."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import aiohttp
import pytest

from gateway.observability.agent import NodeState, serve_agent
from tests.cluster.balancer import CONFIGURATION, Balancer, Node, balancer
from tests.cluster.nodes import free_node, keys_file, running_node
from tests.fakes import KEY, until
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

OTHER_KEY = f"other-{KEY}"
PLOT = "plt.plot([1, 2])"
SLEEP = "import time; time.sleep({}); plt.plot([1])"
READY = NodeState(is_ending=False, is_unsafe=False, not_ready=None, jobs=0, running_limit=4)

#: More than HAProxy keeps of a request, so that it can't send it again.
LARGE = 200_000


async def answered(gateway: LiveGateway) -> float:
    """Return how many pictures a node has answered with."""
    return await gateway.metric('figbox_requests_total{outcome="ok"}')


async def until_running(*gateways: LiveGateway) -> None:
    """Wait until each node runs one job."""
    for gateway in gateways:
        await gateway.until_metric("figbox_jobs_running", 1)


def test_the_configuration_is_what_haproxy_accepts(tmp_path: Path) -> None:
    """As it is in the repository, with warnings taken for errors."""
    with balancer(tmp_path, []):  # which installs HAProxy
        pass
    command = [shutil.which("haproxy") or "haproxy", "-dW", "-c", "-f", str(CONFIGURATION)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


async def test_haproxy_understands_each_state_of_a_node(tmp_path: Path) -> None:
    """It takes a node out and back as the agent says, whatever came before, and uses the weight."""
    states = [
        (READY, ("UP", "100")),
        (replace(READY, jobs=3), ("UP", "25")),
        (replace(READY, is_unsafe=True), ("MAINT", "25")),
        (READY, ("UP", "100")),
        (replace(READY, not_ready="the engine is away, up 100%"), ("DOWN (agent)", "100")),
        (replace(READY, jobs=9), ("UP", "1")),
        (replace(READY, is_ending=True), ("DRAIN (agent)", "1")),
        (READY, ("UP", "100")),
    ]
    now = [READY]

    async def answer(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        agent = await serve_agent(listener, lambda: now[0])
        web = await asyncio.start_server(answer, "127.0.0.1", 0)
        node = Node(web.sockets[0].getsockname()[1], listener.getsockname()[1])
        with balancer(tmp_path, [node]) as haproxy:
            for state, (status, weight) in states:
                now[0] = state
                await haproxy.until("node1", status, weight)
        web.close()
        agent.close()


async def test_a_request_goes_to_the_node_with_room(tmp_path: Path) -> None:
    """While one node works, requests one after the other all go to the other."""
    nodes = [free_node(), free_node()]
    with ExitStack() as stack:
        gateways = [stack.enter_context(running_node(tmp_path, node)) for node in nodes]
        haproxy = stack.enter_context(balancer(tmp_path, nodes))
        for name in ("node1", "node2"):
            await haproxy.until(name, "UP")
        long = asyncio.create_task(haproxy.render(SLEEP.format(25)))
        waits = [asyncio.create_task(until_running(gateway)) for gateway in gateways]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        busy = next(gateway for gateway, wait in zip(gateways, waits, strict=True) if wait.done())
        for wait in waits:
            wait.cancel()
        for _ in range(4):
            await haproxy.until_open(1)
            assert (await haproxy.render(PLOT)).status == 200
        assert not long.done()
        assert sorted([await answered(gateway) for gateway in gateways]) == [0, 4]
        assert await answered(busy) == 0
        long.cancel()


async def test_a_node_that_ends_loses_no_request_and_comes_back(tmp_path: Path) -> None:
    """Clients that never pause get a picture each time: while a node drains, is away, and is back."""
    nodes = [free_node(), free_node()]
    done: Counter[int] = Counter()
    stop = asyncio.Event()

    async def client(haproxy: Balancer) -> None:
        while not stop.is_set():
            done[(await haproxy.render(PLOT)).status] += 1

    async def more(count: int) -> None:
        """Wait until so many more pictures have come."""
        end = done.total() + count
        await until(lambda: done.total() >= end, "clients get pictures", slowed(60))

    with ExitStack() as stack:
        stack.enter_context(running_node(tmp_path, nodes[0]))
        ending = stack.enter_context(running_node(tmp_path, nodes[1]))
        haproxy = stack.enter_context(balancer(tmp_path, nodes))
        for name in ("node1", "node2"):
            await haproxy.until(name, "UP")
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(client(haproxy))
            await more(6)
            assert await asyncio.to_thread(ending.terminate) == 0
            await more(6)
            back = stack.enter_context(running_node(tmp_path, nodes[1]))
            await haproxy.until("node2", "UP")
            await more(12)
            stop.set()
        assert set(done) == {200}
        assert await answered(back) > 0


async def test_a_killed_node_costs_no_request_that_can_be_sent_again(tmp_path: Path) -> None:
    """Its jobs are run by another node; only what is too large to be kept by HAProxy ends as a bad gateway."""
    nodes = [free_node(), free_node()]
    code = SLEEP.format(slowed(3))
    with ExitStack() as stack:
        killed = stack.enter_context(running_node(tmp_path, nodes[0]))
        with balancer(tmp_path, nodes[:1]) as alone:
            await alone.until("node1", "UP")
            large = asyncio.create_task(alone.render(code, padding=LARGE))
            await until_running(killed)
            killed.kill()
            assert (await large).status == 502
        first = stack.enter_context(running_node(tmp_path, nodes[0]))
        second = stack.enter_context(running_node(tmp_path, nodes[1]))
        haproxy = stack.enter_context(balancer(tmp_path, nodes))
        for name in ("node1", "node2"):
            await haproxy.until(name, "UP")
        jobs = [asyncio.create_task(haproxy.render(code))]
        await haproxy.until_open(1)
        jobs.append(asyncio.create_task(haproxy.render(code)))
        await until_running(first, second)
        first.kill()
        assert [(await job).status for job in jobs] == [200, 200]
        assert await answered(second) == 2


async def test_a_large_request_on_a_used_connection_ends_with_the_connection(tmp_path: Path) -> None:
    """Where the client had an answer on it before, HAProxy leaves it to the client to notice that, and to ask again."""
    node = free_node()
    with ExitStack() as stack:
        killed = stack.enter_context(running_node(tmp_path, node))
        alone = stack.enter_context(balancer(tmp_path, [node]))
        await alone.until("node1", "UP")
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=1)) as session:
            assert (await alone.render(PLOT, session=session)).status == 200
            large = asyncio.create_task(alone.render(SLEEP.format(slowed(3)), padding=LARGE, session=session))
            await until_running(killed)
            killed.kill()
            with pytest.raises(aiohttp.ServerDisconnectedError):
                await large


async def test_a_flooding_key_leaves_the_queue_to_others(tmp_path: Path) -> None:
    """What a key has too many of, in either field, is refused as a node does it; another key gets its pictures."""
    nodes = [free_node()]
    keys = keys_file(tmp_path, one=KEY, other=OTHER_KEY)
    with ExitStack() as stack:
        stack.enter_context(running_node(tmp_path, nodes[0], API_KEY="", FIGBOX_API_KEYS_FILE=keys))
        haproxy = stack.enter_context(balancer(tmp_path, nodes, **{"gt 6": "gt 3"}))
        await haproxy.until("node1", "UP")
        flood = [asyncio.create_task(haproxy.render(SLEEP.format(2), bearer=number % 2 == 1)) for number in range(8)]
        await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        assert (await haproxy.render(PLOT, key=OTHER_KEY)).status == 200
        answers = await asyncio.gather(*flood)
    assert Counter(answer.status for answer in answers) == {200: 3, 429: 5}
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.headers["Retry-After"] == "1"
    assert refused.json["type"] == "urn:figbox:problem:key-share-exceeded"
    assert {"type", "title", "status", "detail", "request_id", "error"} == set(refused.json)
