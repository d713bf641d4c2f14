"""Two nodes behind HAProxy with the configuration of `deploy/`: what it knows of them, and what clients notice."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import socket
import subprocess
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest

from bootstrap.cluster.configuration import CONFIGURATION
from gateway.observability.agent import NodeState, serve_agent
from tests.cluster.balancer import Balancer, Node, balancer
from tests.cluster.faults.documented import documented
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

#: Seconds of a job that others come and go beside; HAProxy waits 75 for an answer.
LONG_S = min(slowed(25), 70)

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


def test_strangers_cannot_fill_the_table_of_keys() -> None:
    """Each request could have a made up key, and keys at work stay in the table: there is room for one each."""
    text = CONFIGURATION.read_text()
    found = [re.search(rf"^ +{line} (\d+)", text, re.MULTILINE) for line in ("maxconn", r"tune\.h2\.max-\S+")]
    connections, streams = [int(match[1]) for match in found if match]
    keys = re.search(r"size (\d+)k", text)
    assert keys is not None
    assert connections * streams < int(keys[1]) * 1000


async def test_haproxy_understands_each_state_of_a_node(tmp_path: Path) -> None:
    """It takes a node out and back as the agent says, for large requests too, and uses the weight for others."""
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
                assert (await haproxy.state("node1", "large"))["status"].split()[0] == status.split()[0]
        web.close()
        agent.close()


#: Requests that never end: little is announced and nothing sent; more than a buffer takes, at once or in small pieces;
#: and a head that leaves no room for a body.
HEAD = b"POST /v1/render HTTP/1.1\r\nHost: figbox\r\nContent-Type: text/x-python\r\n"
UNFINISHED = {
    "nothing": HEAD + b"Content-Length: 1000\r\n\r\n",
    "a part": HEAD + b"Content-Length: 1000000\r\n\r\n" + b"#" * LARGE,
    "pieces": HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\n#\r\n" * LARGE,
    "head": HEAD + b"X: %s\r\n" % (b"#" * 8000) * 15 + b"Content-Length: 60000\r\n\r\n" + b"#" * 59_999,
    "GET": b"GET / HTTP/1.1\r\nHost: figbox\r\nContent-Length: 1000000\r\n\r\n" + b"#" * LARGE,
}


class Refusing(asyncio.Protocol):
    """A node that answers as soon as it has a head, and leaves the connection open: 401 if a body is to come."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._head = b""

    def data_received(self, data: bytes) -> None:
        """Read a head and ignore what follows it."""
        if b"\r\n\r\n" in self._head:
            return
        self._head += data
        head, end, _ = self._head.lower().partition(b"\r\n\r\n")
        if end and (b"content-length" in head or b"chunked" in head):
            self._transport.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n")
        elif end:
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlive")


@pytest.mark.parametrize("request_", UNFINISHED.values(), ids=UNFINISHED)
async def test_who_never_sends_the_rest_takes_no_place(request_: bytes, tmp_path: Path) -> None:
    """Strangers whose requests have no end leave a node's only place to others, although the node has refused them."""
    node = free_node()
    async with await asyncio.get_running_loop().create_server(Refusing, node.host, node.port):
        with (
            balancer(tmp_path, [node], without_checks, **{"maxconn 6": "maxconn 1"}) as haproxy,
            ExitStack() as strangers,
        ):
            for _ in range(3):
                _, writer = await asyncio.open_connection("127.0.0.1", haproxy.port)
                strangers.callback(writer.close)
                writer.write(request_)
            for _ in range(20):  # by then it has read what they sent
                async with aiohttp.ClientSession() as session, session.get(haproxy.url) as response:
                    assert (response.status, await response.text()) == (200, "live")


async def test_who_hangs_up_gives_the_place_back(tmp_path: Path) -> None:
    """The node notices that the client of its job is gone, and nothing waits for those behind it."""
    asked: list[asyncio.Transport] = []

    class Silent(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            asked.append(cast("asyncio.Transport", transport))

    node = free_node()
    async with await asyncio.get_running_loop().create_server(Silent, node.host, node.port):
        with balancer(tmp_path, [node], without_checks, **{"maxconn 6": "maxconn 1"}) as haproxy:
            clients = [asyncio.create_task(haproxy.render(PLOT)) for _ in range(3)]
            await haproxy.until_open(3)
            await until(lambda: asked != [], "the node is asked")
            for client in clients:
                client.cancel()
            await haproxy.until_open(0)
            await until(lambda: all(each.is_closing() for each in asked), "the node is told")


@pytest.mark.parametrize(
    ("request_", "status", "problem"),
    [(UNFINISHED["nothing"], 408, "request-timeout"), (UNFINISHED["head"].rstrip(b"#"), 431, "head-too-large")],
    ids=["nothing", "head"],
)
async def test_what_it_refuses_itself_is_a_problem(request_: bytes, status: int, problem: str, tmp_path: Path) -> None:
    """A request that doesn't come in time, and a head that no node reads: no node hears of either."""
    with balancer(tmp_path, [free_node()], without_checks, **{"for-body time 10s": "for-body time 100ms"}) as haproxy:
        reader, writer = await asyncio.open_connection("127.0.0.1", haproxy.port)
        writer.write(request_)
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
        writer.close()
    assert head.startswith(b"HTTP/1.1 %d " % status)
    document = json.loads(body)
    assert document["type"] == f"urn:figbox:problem:{problem}"
    assert (status, problem) in documented()
    assert {"type", "title", "status", "detail", "request_id", "error"} == set(document)


def without_checks(text: str) -> str:
    """Return a configuration that takes all nodes to be up."""
    text, count = re.subn(r"default-server check .* weight", "default-server weight", text)
    assert count == 1
    text, count = re.subn(r" agent-check .*", "", text)
    assert count == 1
    return re.sub(r" (agent-port|track) \S+", "", text)


async def test_a_request_goes_to_the_node_with_room(tmp_path: Path) -> None:
    """While one node works, requests one after the other all go to the other."""
    nodes = [free_node(), free_node()]
    with ExitStack() as stack:
        gateways = [
            stack.enter_context(running_node(tmp_path, node, FIGBOX_WALL_LIMIT_S=LONG_S + 10)) for node in nodes
        ]
        haproxy = stack.enter_context(balancer(tmp_path, nodes))
        for name in ("node1", "node2"):
            await haproxy.until(name, "UP")
        long = asyncio.create_task(haproxy.render(SLEEP.format(LONG_S)))
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
