"""Failures of the engine itself, one of the tests' own: the right response, no leak, recovery without a restart."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakes import until
from tests.support.live import LiveGateway, Response, live_gateway
from tests.support.machine import slowed
from tests.support.second_engine import SecondEngine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"
ENGINE_TIMEOUT_S = slowed(2)

#: Refusals that a client may get while an engine fails.
UNAVAILABLE = {"urn:figbox:problem:engine-unavailable", "urn:figbox:problem:container-lost"}


@pytest.fixture
def gateway(own_engine: SecondEngine, tmp_path: Path) -> Iterator[LiveGateway]:
    """Return a gateway on the tests' own engine, with short timeouts."""
    with live_gateway(
        tmp_path,
        docker_host=own_engine.url,
        FIGBOX_POOL_SIZE=2,
        FIGBOX_ENGINE_TIMEOUT_S=ENGINE_TIMEOUT_S,
        FIGBOX_SWEEP_PERIOD_S=1,
        FIGBOX_WALL_LIMIT_S=slowed(5),
    ) as running:
        yield running
        if not own_engine.answers():
            own_engine.wake()
        if not own_engine.answers():
            own_engine.start()


async def assert_recovers(gateway: LiveGateway, engine: SecondEngine) -> None:
    """Assert that pictures come again by themselves, and that only warm containers are left."""
    await gateway.until_rendered(PLOT, assert_documented)
    await gateway.until_ready()
    await until(lambda: engine.counts() == {"containers": 2, "volumes": 0}, "only the pool is left")


def assert_documented(response: Response) -> None:
    """Assert that a failure is one of the documented ones, with `Retry-After`."""
    assert response.status == 503, response.body
    assert response.json["type"] in UNAVAILABLE
    assert int(response.headers["Retry-After"]) >= 1


async def test_engine_stopped_and_started(gateway: LiveGateway, own_engine: SecondEngine) -> None:
    """Without its engine the gateway responds 503 and says why it isn't ready; with it, it renders again."""
    assert (await gateway.render(PLOT)).status == 200
    own_engine.stop()
    assert_documented(await gateway.render(PLOT))
    assert "engine" in (await gateway.until_ready(503)).json["detail"]
    own_engine.start()
    await assert_recovers(gateway, own_engine)


@pytest.mark.parametrize("end", [SecondEngine.crash, SecondEngine.stop])
async def test_engine_ends_under_a_job(
    gateway: LiveGateway, own_engine: SecondEngine, end: Callable[[SecondEngine], None]
) -> None:
    """A job whose engine dies is refused as documented, at once; an orderly end may kill it. Nothing of it stays."""
    task = asyncio.create_task(gateway.render(f"import time; time.sleep({slowed(4)}); plt.plot([1])"))
    await gateway.until_metric("figbox_jobs_running", 1)
    await asyncio.sleep(1)
    end(own_engine)
    if end is SecondEngine.crash:
        assert_documented(await task)
    own_engine.start()
    response = await task
    if response.json.get("outcome") != "killed":
        assert_documented(response)
    await assert_recovers(gateway, own_engine)


async def test_engine_hangs(gateway: LiveGateway, own_engine: SecondEngine) -> None:
    """With a hung engine requests are refused, soon without calling it, and pictures come again when it goes on."""
    own_engine.hang()
    try:
        assert_documented(await gateway.render(PLOT))
        await gateway.until_ready(503)
        began = time.monotonic()
        assert_documented(await gateway.render(PLOT))
        assert time.monotonic() - began < ENGINE_TIMEOUT_S
    finally:
        own_engine.wake()
    await assert_recovers(gateway, own_engine)


async def test_engine_slow_to_create(own_engine: SecondEngine, tmp_path: Path) -> None:
    """An engine that stalls for a moment makes a cold start slow, and nothing else."""
    with live_gateway(
        tmp_path, docker_host=own_engine.url, FIGBOX_POOL_SIZE=0, FIGBOX_ENGINE_TIMEOUT_S=slowed(10)
    ) as gateway:
        own_engine.hang()
        task = asyncio.create_task(gateway.render(PLOT))
        await asyncio.sleep(2)
        own_engine.wake()
        assert (await task).status == 200
        await until(lambda: own_engine.counts()["containers"] == 0, "nothing is left")


async def test_gateway_starts_before_its_engine(own_engine: SecondEngine, tmp_path: Path) -> None:
    """A gateway whose engine isn't there yet serves 503, and renders as soon as there is one."""
    own_engine.stop()
    try:
        with live_gateway(tmp_path, docker_host=own_engine.url, FIGBOX_POOL_SIZE=2) as gateway:
            assert_documented(await gateway.render(PLOT))
            assert (await gateway.get("/healthz")).status == 200
            await gateway.until_ready(503)
            own_engine.start()
            await assert_recovers(gateway, own_engine)
    finally:
        if not own_engine.answers():
            own_engine.start()
