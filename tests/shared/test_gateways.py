"""Whole gateways that share a server: limits, revocations and renders over both, and what they say when it is gone."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import Counter
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.fakes import KEY
from tests.shared.nodes import SECRET
from tests.shared.test_revocations import command
from tests.support.live import LiveGateway, live_gateway, until_status
from tests.support.machine import slowed
from tests.support.redis_server import PASSWORD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.support.live import Response
    from tests.support.redis_server import RedisServer

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"
SLEEP = "import time\ntime.sleep(60)\nplt.plot([1])"
ANN, BOB = "a" * 40, "b" * 40


@contextmanager
def two_gateways(folder: Path, redis: RedisServer, keys: str, **settings: object) -> Iterator[Sequence[LiveGateway]]:
    """Run two nodes, each with a copy of a keys file and a cache of its own."""
    for name, text in (("url", redis.url), ("secret", SECRET)):
        (folder / name).write_text(f"{text}\n")
    with ExitStack() as stack:
        found = []
        for number in (1, 2):
            file = folder / f"keys{number}.toml"
            file.write_text(keys)
            found.append(
                stack.enter_context(
                    live_gateway(
                        folder,
                        FIGBOX_API_KEYS_FILE=file,
                        FIGBOX_NODES=2,
                        FIGBOX_SHARED_URL_FILE=folder / "url",
                        FIGBOX_SHARED_SECRET_FILE=folder / "secret",
                        FIGBOX_POOL_SIZE=1,
                        FIGBOX_RUNNING_LIMIT=2,
                        FIGBOX_START_LIMIT_S=slowed(60),
                        FIGBOX_WALL_LIMIT_S=slowed(90),
                        FIGBOX_CACHE_FILE=folder / f"renders{number}.sqlite3",
                        **settings,
                    )
                )
            )
        yield found


def table(name: str, key: str, **limits: int) -> str:
    """Return a key's table."""
    lines = "".join(f"{limit} = {value}\n" for limit, value in limits.items())
    return f'[keys.{name}]\nsha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\n{lines}'


def allowances(response: Response) -> dict[str, str]:
    """Return `q` of each allowance that a response tells of."""
    policies = response.headers["RateLimit-Policy"].split(", ")
    return {policy.split(";")[0].strip('"'): policy.split(";q=")[1].split(";")[0] for policy in policies}


async def bad(gateway: LiveGateway, **request: Any) -> Response:
    """Send a request that counts and renders nothing."""
    return await gateway.post("/render-matplotlib", headers={"X-API-Key": ANN}, json={}, **request)


async def burst(gateways: Sequence[LiveGateway], count: int) -> list[Response]:
    """Send so many of them to each, a few at once: a call of a gateway's to the server has a fifth of a second."""
    places = asyncio.Semaphore(2 * len(gateways))

    async def one(gateway: LiveGateway) -> Response:
        async with places:
            return await bad(gateway)

    return list(await asyncio.gather(*(one(gateway) for _ in range(count) for gateway in gateways)))


async def until_shared(gateways: Sequence[LiveGateway], state: str) -> None:
    """Wait until all say this of the server; they stay ready."""

    async def ask(gateway: LiveGateway) -> Response:
        response = await gateway.get("/readyz")
        if response.json.get("shared") != state:
            response.status = 0
        return response

    for gateway in gateways:
        await until_status(lambda gateway=gateway: ask(gateway), 200)  # type: ignore[misc]
        await gateway.until_metric("figbox_shared_up", float(state == "up"))


async def test_limits_hold_over_both_and_go_on_without_the_server(redis: RedisServer, tmp_path: Path) -> None:
    """A burst on both gets the allowance once; without the server each gives half, says so, and stays ready."""
    keys = table("ann", ANN, requests_per_minute=20, compute_seconds_per_minute=90) + table(
        "bob", BOB, compute_seconds_per_minute=1
    )
    with two_gateways(tmp_path, redis, keys) as gateways:
        await until_shared(gateways, "up")
        for gateway in gateways:  # no container is made meanwhile, which takes a slow machine's whole attention
            await gateway.until_metric("figbox_pool_idle", 1)
        answers = await burst(gateways, 20)
        assert Counter(answer.status for answer in answers) == {400: 20, 429: 20}
        assert all(allowances(answer)["requests"] == "20" for answer in answers)
        assert await gateways[0].metric('figbox_key_left{budget="requests",key="ann"}') == 0
        running = asyncio.create_task(gateways[0].render(SLEEP, key=BOB))
        await gateways[0].until_metric("figbox_jobs_running", 1)
        refused = await gateways[1].render(PLOT, key=BOB)
        assert (refused.status, refused.json["type"]) == (429, "urn:figbox:problem:budget-exceeded")
        running.cancel()
        redis.kill()
        await until_shared(gateways, "gone")
        assert allowances(await bad(gateways[0])) == {"jobs": "33", "requests": "10", "compute": "45"}
        assert [(await gateway.render(PLOT)).status for gateway in gateways] == [200, 200]
        redis.start()
        await until_shared(gateways, "up")
        assert await gateways[0].metric('figbox_shared_failures_total{reason="connection"}') > 0
        assert await gateways[0].metric("figbox_shared_call_seconds_count") > 20
        logs = "".join(gateway.log_text() for gateway in gateways)
    for text in (PASSWORD, SECRET, KEY, ANN, "redis://"):
        assert text not in logs
    events = Counter(json.loads(line)["event"] for line in logs.splitlines())
    assert events["shared server is out of use"] == 2
    assert events["shared server is in use"] == 4


async def test_a_render_of_one_is_kept_for_the_other_and_a_key_revoked_on_both(
    redis: RedisServer, tmp_path: Path
) -> None:
    """The second node serves what the first has drawn, and refuses a key that its file still has, come what may."""
    sharing = {"FIGBOX_CACHE_MIB": 16, "FIGBOX_SHARED_CACHE_MIB": 16}
    with two_gateways(tmp_path, redis, table("ann", ANN), **sharing) as gateways:
        await until_shared(gateways, "up")
        first = await gateways[0].render_v1(json={"code": PLOT})
        assert (first.status, first.headers["X-Figbox-Cache"]) == (200, "miss")

        async def again() -> Response:
            response = await gateways[1].render_v1(json={"code": PLOT})
            if response.headers["X-Figbox-Cache"] != "hit":
                response.status = 0
            return response

        assert (await until_status(again, 200)).body == first.body
        assert [(await bad(gateway)).status for gateway in gateways] == [400, 400]
        done = await asyncio.to_thread(command, redis, tmp_path / "keys1.toml", "revoke", "ann", "--everywhere")
        assert done.returncode == 0, done.stderr
        for gateway in gateways:
            await until_status(lambda gateway=gateway: bad(gateway), 401)  # type: ignore[misc]
        redis.hang()
        try:
            await until_shared(gateways, "gone")
            assert [(await bad(gateway)).status for gateway in gateways] == [401, 401]
            other = await gateways[1].render_v1(json={"code": f"{PLOT} # other"})
            assert (other.status, other.headers["X-Figbox-Cache"]) == (200, "miss")
        finally:
            redis.go_on()
