"""Nodes behind nginx with the configuration of `deploy/`: what it refuses, and what clients notice of a node's end."""

from __future__ import annotations

import asyncio
import subprocess
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.cluster.nginx import nginx, prepare
from tests.cluster.nodes import free_node, keys_file, running_node
from tests.fakes import KEY
from tests.support.live import LiveGateway, read_response
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

OTHER_KEY = f"other-{KEY}"
PLOT = "plt.plot([1, 2])"
SLEEP = "import time; time.sleep({}); plt.plot([1])"

#: More than its buffer, so that it is in a file.
LARGE = 240_000


async def answered(gateway: LiveGateway) -> float:
    """Return how many pictures a node has answered with."""
    return await gateway.metric('figbox_requests_total{outcome="ok"}')


def test_the_configuration_is_what_nginx_accepts(tmp_path: Path) -> None:
    """With the nodes that are in the repository, and without a warning."""
    around, _ = prepare(tmp_path, [])
    command = ["nginx", "-t", "-q", "-e", "stderr", "-c", str(around)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


async def test_without_tls_nothing_is_drawn(tmp_path: Path) -> None:
    """What comes without TLS is refused; what comes by it is drawn, and told to stay with it."""
    node = free_node()
    with running_node(tmp_path, node) as gateway, nginx(tmp_path, [node]) as balancer:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{balancer.plain_url}/v1/render", headers={"X-API-Key": KEY}, data=PLOT) as plain,
        ):
            refused = await read_response(plain)
        assert (refused.status, refused.json["type"]) == (403, "urn:figbox:problem:tls-required")
        assert await answered(gateway) == 0
        drawn = await balancer.render(PLOT)
        assert (drawn.status, drawn.body[:4]) == (200, b"\x89PNG")
        assert drawn.headers["Strict-Transport-Security"] == "max-age=31536000"


async def test_a_killed_node_costs_no_request(tmp_path: Path) -> None:
    """Its jobs are run by another node, also what is larger than nginx's buffer; then that one gets all."""
    nodes = [free_node(), free_node()]
    code = SLEEP.format(slowed(3))
    with ExitStack() as stack:
        first, second = [stack.enter_context(running_node(tmp_path, node)) for node in nodes]
        balancer = stack.enter_context(nginx(tmp_path, nodes))
        jobs = [asyncio.create_task(balancer.render(code, padding=padding)) for padding in (0, LARGE)]
        for gateway in (first, second):
            await gateway.until_metric("figbox_jobs_running", 1)
        first.kill()
        assert [(await job).status for job in jobs] == [200, 200]
        assert (await balancer.render(PLOT)).status == 200
        assert await answered(second) == 3


async def test_a_node_that_cannot_draw_is_passed_over(tmp_path: Path) -> None:
    """Its 503 is not the client's: another node is asked, and it gets nothing for a while."""
    nodes = [free_node(), free_node()]
    with ExitStack() as stack:
        broken = stack.enter_context(running_node(tmp_path, nodes[0], docker_host=f"unix://{tmp_path}/none"))
        stack.enter_context(running_node(tmp_path, nodes[1]))
        balancer = stack.enter_context(nginx(tmp_path, nodes))
        assert [(await balancer.render(PLOT)).status for _ in range(4)] == [200] * 4
        assert await broken.metric('figbox_responses_total{status="503"}') == 1


async def test_a_flooding_key_is_refused_once(tmp_path: Path) -> None:
    """What a key has too many of, in either field, gets 429 as a node says it, and no node hears of it."""
    node = free_node()
    keys = keys_file(tmp_path, one=KEY, other=OTHER_KEY)
    with ExitStack() as stack:
        gateway = stack.enter_context(running_node(tmp_path, node, API_KEY="", FIGBOX_API_KEYS_FILE=keys))
        balancer = stack.enter_context(
            nginx(tmp_path, [node], **{"limit_conn figbox_keys 6": "limit_conn figbox_keys 3"})
        )
        flood = [asyncio.create_task(balancer.render(SLEEP.format(2), bearer=number % 2 == 1)) for number in range(8)]
        await asyncio.wait(flood, return_when=asyncio.FIRST_COMPLETED)
        assert (await balancer.render(PLOT, key=OTHER_KEY)).status == 200
        answers = await asyncio.gather(*flood)
        assert Counter(answer.status for answer in answers) == {200: 3, 429: 5}
        assert await gateway.metric('figbox_responses_total{status="429"}') == 0
    refused = next(answer for answer in answers if answer.status == 429)
    assert refused.headers["Retry-After"] == "1"
    assert refused.json["type"] == "urn:figbox:problem:key-share-exceeded"


@pytest.mark.parametrize("key", [KEY, "k" * 300], ids=["ordinary", "long"])
async def test_a_key_is_the_same_however_it_is_written(key: str, tmp_path: Path) -> None:
    """In either field, with tabs around it that nodes don't take for a part of it: while one request runs, none may."""
    asked = asyncio.Event()

    class Silent(asyncio.Protocol):
        def data_received(self, data: bytes) -> None:
            asked.set()

    node = free_node()
    once = {"limit_conn figbox_keys 6": "limit_conn figbox_keys 1"}
    async with await asyncio.get_running_loop().create_server(Silent, node.host, node.port):
        with nginx(tmp_path, [node], **once) as balancer:
            running = asyncio.create_task(balancer.render(PLOT, key=key))
            await asked.wait()
            for value in (f"\t{key}", f"{key}\t", f"\t {key} \t"):
                assert (await balancer.post(PLOT, {"X-API-Key": value})).status == 429
            for value in (f"Bearer {key}", f"\tBearer {key}", f"Bearer  {key}\t"):
                assert (await balancer.post(PLOT, {"Authorization": value})).status == 429
            running.cancel()


async def test_a_refusal_of_a_node_is_an_answer(tmp_path: Path) -> None:
    """Its 429 comes to the client as it is, and the other node isn't asked."""
    nodes = [free_node(), free_node()]
    with ExitStack() as stack:
        gateways = [stack.enter_context(running_node(tmp_path, node, FIGBOX_REQUESTS_PER_MINUTE=1)) for node in nodes]
        balancer = stack.enter_context(nginx(tmp_path, nodes))
        answers = [await balancer.render(PLOT) for _ in range(3)]
        counts = [await gateway.metric('figbox_responses_total{status="429"}') for gateway in gateways]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[-1].json["type"] == "urn:figbox:problem:rate-exceeded"
    assert sorted(counts) == [0, 1]


async def test_two_keys_in_one_request_are_refused(tmp_path: Path) -> None:
    """Two fields `Authorization` are one too many, since only one of them would be counted."""
    with nginx(tmp_path, [free_node()]) as balancer:
        fields = [("Authorization", f"Bearer {key}") for key in (KEY, OTHER_KEY)]
        assert (await balancer.post(PLOT, fields)).status == 400


async def test_without_any_node_it_says_so(tmp_path: Path) -> None:
    """Where nobody listens the answer is a problem document; a key that is too long to be one isn't in the log."""
    with nginx(tmp_path, [free_node(), free_node()]) as balancer:
        answer = await balancer.render(PLOT)
        assert (answer.status, answer.json["type"]) == (502, "urn:figbox:problem:node-lost")
        assert answer.headers["Retry-After"] == "1"
        for key in (KEY, "k" * 300):
            await balancer.render(PLOT, key=key)
            await balancer.render(PLOT, key=key, bearer=True)
            assert key not in balancer.logs()
