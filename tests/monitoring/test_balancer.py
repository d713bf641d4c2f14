"""A real HAProxy with the project's configuration, watched by a real Prometheus; its nodes are small programs here."""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web

from gateway.observability.agent import NodeState, serve_agent
from tests.cluster.balancer import Balancer, Node, balancer
from tests.documents.pages import command
from tests.fakes import KEY, until
from tests.monitoring.rules import BALANCER, expressions, hurried, rules, selectors
from tests.support.machine import slowed
from tests.support.prometheus import Prometheus, running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

#: Programs are fetched or installed where there are none, as for what needs an engine.
pytestmark = pytest.mark.engine

#: How far rates look back here, in seconds.
WINDOW_S = 10

#: For an alert to fire or to resolve.
ALERT_LIMIT_S = slowed(WINDOW_S + 50)

READY = NodeState(is_ending=False, is_unsafe=False, not_ready=None, jobs=0, running_limit=4)

#: What a test changes in the configuration: places, and the time in the queue.
FEW_PLACES = {"maxconn 6": "maxconn 1", "gt 6": "gt 100"}
NO_PATIENCE = {"timeout queue 20s": "timeout queue 100ms"}

ALERTS = {rule["alert"] for rule in rules(BALANCER) if "alert" in rule}


class FakeNode:
    """What HAProxy sees of a node: a gateway that answers when it is told to, and an agent.

    Attributes:
        state: What the agent says.
        go: While it is clear, requests get no answer.
        status: Of its answers.
    """

    def __init__(self) -> None:
        self.state = READY
        self.go = asyncio.Event()
        self.go.set()
        self.status = 200

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Node]:
        """Serve on two free ports; yield them."""
        application = web.Application()
        application.router.add_get("/readyz", self._ready)
        application.router.add_route("*", "/{path:.*}", self._render)
        runner = web.AppRunner(application)
        await runner.setup()
        with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_server(("127.0.0.1", 0)) as asked:
            await web.SockSite(runner, listener).start()
            agent = await serve_agent(asked, lambda: self.state)
            yield Node(listener.getsockname()[1], asked.getsockname()[1])
            agent.close()
            await runner.cleanup()

    async def _ready(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _render(self, _: web.Request) -> web.Response:
        await self.go.wait()
        return web.Response(status=self.status, text="a picture, or none")


@dataclass
class Stage:
    """Two nodes, the balancer before them, and who watches."""

    nodes: list[FakeNode]
    haproxy: Balancer
    prometheus: Prometheus

    async def ask(self, times: int, key: str = KEY, *, padding: int = 0) -> list[int]:
        """Send so many requests at once; return their statuses, 0 for none."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(ALERT_LIMIT_S)) as session:

            async def one() -> int:
                headers = {"X-API-Key": key}
                async with session.post(f"{self.haproxy.url}/v1/render", headers=headers, data="x" * padding) as answer:
                    return answer.status

            return await asyncio.gather(*(one() for _ in range(times)))

    async def until_logged(self, text: str) -> None:
        """Wait until HAProxy has written a text: how a request ended."""
        await until(lambda: text in self.haproxy.log.read_text(), f"{text} is logged")

    def firing(self) -> set[str]:
        """Return which alerts about the balancer fire; Prometheus rightly misses gateways here."""
        return ALERTS & set(self.prometheus.firing())

    async def until_fire(self, *names: str) -> None:
        """Wait until these alerts fire, and no others."""
        await until(lambda: self.firing() == set(names), f"{names} fire", ALERT_LIMIT_S)


@asynccontextmanager
async def watched(folder: Path, **changes: str) -> AsyncIterator[Stage]:
    """Open a stage, and wait until Prometheus has a window full of samples with both nodes in rotation.

    Args:
        folder: For files.
        changes: Texts of HAProxy's configuration, and what is in their places.
    """
    nodes = [FakeNode(), FakeNode()]
    async with AsyncExitStack() as stack:
        ports = [await stack.enter_async_context(node.open()) for node in nodes]
        haproxy = stack.enter_context(balancer(folder, ports, **changes))
        for name in ("node1", "node2"):
            await haproxy.until(name, "UP")
        prometheus = stack.enter_context(running(folder, hurried(folder, {BALANCER: haproxy.metrics}, WINDOW_S)))
        stage = Stage(nodes, haproxy, prometheus)
        often = f'count_over_time(up{{job="{BALANCER}"}}[{WINDOW_S}s]) > 3'
        await until(lambda: prometheus.query(often), "there are enough samples", ALERT_LIMIT_S)
        yield stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """Return a stage with the numbers of the project's configuration."""
    async with watched(tmp_path) as opened:
        yield opened


def alternatives(selector: str) -> set[str]:
    """Return a selector as many, each for one of the texts that a label may have."""
    found = re.search(r'=~"([a-z|]+)"', selector)
    return {selector.replace(found[0], f'="{text}"') for text in found[1].split("|")} if found else {selector}


async def test_what_is_asked_for_is_there(stage: Stage) -> None:
    """HAProxy has each series that a rule or a panel names, with its labels, and each panel has something to draw."""
    assert set(await stage.ask(4)) == {200}
    assert await stage.ask(1, padding=100_000) == [200]
    queries = expressions(BALANCER, f"{WINDOW_S}s")
    asked = {selector for rule in rules(BALANCER) for selector in selectors(rule["expr"])}
    asked |= {selector for query in queries.values() for selector in selectors(query)}
    single = {each for selector in asked for each in alternatives(selector)}
    assert len(single) > 10
    assert {selector for selector in single if not stage.prometheus.query(selector)} == set()
    assert {title for title, query in queries.items() if not stage.prometheus.query(query)} == set()
    groups = stage.prometheus.api("rules")["groups"]
    assert {entry["health"] for group in groups for entry in group["rules"]} == {"ok"}
    assert stage.firing() == set()


async def test_only_metrics_are_served_and_no_scrape_is_logged(stage: Stage) -> None:
    """The page's command prints metrics, their address has nothing else, and the log is left to what clients ask."""
    asked = command("curl --no-progress-meter http://127.0.0.1:8405")
    printed = await asyncio.create_subprocess_shell(
        asked.replace("127.0.0.1:8405", stage.haproxy.metrics), stdout=asyncio.subprocess.PIPE
    )
    assert b'haproxy_backend_status{proxy="nodes",state="UP"} 1' in (await printed.communicate())[0]
    async with aiohttp.ClientSession() as session:
        for path, status in (("/metrics", 200), ("/", 404), ("/v1/render", 404)):
            async with session.get(f"http://{stage.haproxy.metrics}{path}") as answer:
                assert answer.status == status
    assert set(await stage.ask(1)) == {200}
    await stage.until_logged("POST /v1/render")
    assert "/metrics" not in stage.haproxy.log.read_text()


async def test_nodes_out_of_rotation(stage: Stage) -> None:
    """One node that drains is named; with the other one away, too, there is none, until both are back."""
    first, second = stage.nodes
    first.state = replace(READY, is_ending=True)
    await stage.until_fire("FigboxNodeOut")
    assert [labels["server"] for labels in stage.prometheus.firing()["FigboxNodeOut"]] == ["node1"]
    second.state = replace(READY, not_ready="the engine is away")
    await stage.until_fire("FigboxNodeOut", "FigboxAllNodesOut")
    first.state = second.state = replace(READY, is_unsafe=True)
    await stage.haproxy.until("node2", "MAINT")
    await stage.until_fire("FigboxNodeOut", "FigboxAllNodesOut")
    first.state = second.state = READY
    await stage.until_fire()


async def test_no_node_for_requests(stage: Stage) -> None:
    """What is refused because there is no node counts as failed, until requests are answered again."""
    for node in stage.nodes:
        node.state = replace(READY, not_ready="the engine is away")
    await stage.haproxy.until("node1", "DOWN")
    await stage.haproxy.until("node2", "DOWN")
    assert set(await stage.ask(4)) == {503}
    await stage.until_logged("SC--")
    await stage.until_fire("FigboxNodeOut", "FigboxAllNodesOut", "FigboxRequestsFail", "FigboxRequestsFailOften")
    for node in stage.nodes:
        node.state = READY
    await stage.until_fire()


async def test_requests_that_wait(tmp_path: Path) -> None:
    """While nodes are full, those who wait are noticed, and nobody has failed; all are answered in the end."""
    async with watched(tmp_path, **FEW_PLACES) as stage:
        for node in stage.nodes:
            node.go.clear()
        asking = asyncio.create_task(stage.ask(12))
        await stage.until_fire("FigboxRequestsWait")
        for node in stage.nodes:
            node.go.set()
        assert set(await asking) == {200}
        await stage.until_fire()


async def test_requests_that_are_refused(tmp_path: Path) -> None:
    """What has waited too long counts as failed; what a node works on is answered all the same."""
    async with watched(tmp_path, **FEW_PLACES, **NO_PATIENCE) as stage:
        for node in stage.nodes:
            node.go.clear()
        asking = asyncio.create_task(stage.ask(12))
        await stage.until_fire("FigboxRequestsFail", "FigboxRequestsFailOften")
        for node in stage.nodes:
            node.go.set()
        assert set(await asking) == {200, 503}  # how many get a place is chance
        await stage.until_logged("sQ--")
        await stage.until_fire()


async def test_what_nodes_answer_is_no_failure_of_the_balancer(stage: Stage) -> None:
    """A node's 500, by which a client's code has failed, makes no alert fire, nor do a node's 503 that were retried."""
    for status in (500, 503):
        for node in stage.nodes:
            node.status = status
        assert set(await stage.ask(4)) == {status}
        assert await stage.ask(2, padding=200_000) == [status] * 2
    counted = 'sum(haproxy_backend_http_responses_total{proxy=~"nodes|large", code="5xx"})'
    await until(lambda: stage.prometheus.query(counted)[0]["value"][1] == "12", "Prometheus has seen it")
    retried = 'sum(haproxy_backend_retry_warnings_total{proxy="nodes"}) > 0'
    assert stage.prometheus.query(retried)
    ratio = "instance:figbox_balancer_failures:ratio_rate5m"
    await until(lambda: any(float(one["value"][1]) == 0 for one in stage.prometheus.query(ratio)), "nothing has failed")
    assert stage.firing() == set()


async def test_a_key_that_asks_too_much_is_no_failure(stage: Stage) -> None:
    """The balancer's own 429 makes no alert fire, and hides none: it comes to no backend."""
    for node in stage.nodes:
        node.go.clear()
    asking = asyncio.create_task(stage.ask(6))
    await stage.haproxy.until_open(6)
    assert set(await stage.ask(20)) == {429}
    refused = 'sum(haproxy_frontend_http_responses_total{proxy="figbox", code="4xx"})'
    await until(lambda: stage.prometheus.query(refused)[0]["value"][1] == "20", "Prometheus has seen it")
    for node in stage.nodes:
        node.go.set()
    assert set(await asking) == {200}
    counted = 'sum(haproxy_backend_http_responses_total{proxy="nodes"})'
    await until(lambda: stage.prometheus.query(counted)[0]["value"][1] == "6", "Prometheus has seen the others")
    assert stage.firing() == set()


async def test_balancer_gone(stage: Stage) -> None:
    """A balancer that has ended is reported, and nothing is said of its nodes; it may start again."""
    stage.haproxy.end()
    await stage.until_fire("FigboxBalancerGone")
    stage.haproxy.start()
    await stage.until_fire()
