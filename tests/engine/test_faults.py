"""Faults of the engine itself, on one of the tests' own: the right answer, no leak, recovery without a restart."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from tests.fakes import until
from tests.support.live import LiveGateway, Response, live_gateway
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.second_engine import SecondEngine

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"
ENGINE_TIMEOUT_S = slowed(2)

#: Answers a client may get while an engine fails: a picture, a documented refusal, or a job that was killed with it.
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
    end = time.monotonic() + slowed(60)
    while (answer := await gateway.render(PLOT)).status != 200:
        assert_documented(answer)
        assert time.monotonic() < end, answer.body
        await asyncio.sleep(0.3)
    end = time.monotonic() + slowed(20)
    while (await gateway.get("/readyz")).status != 200:
        assert time.monotonic() < end, "ready again"
        await asyncio.sleep(0.2)
    await until(lambda: engine.counts() == {"containers": 2, "volumes": 0}, "only the pool is left")


def assert_documented(answer: Response) -> None:
    """Assert that a failure is one of the documented ones, with `Retry-After`."""
    assert answer.status == 503, answer.body
    assert answer.json["type"] in UNAVAILABLE
    assert int(answer.headers["Retry-After"]) >= 1


async def test_engine_stopped_and_started(gateway: LiveGateway, own_engine: SecondEngine) -> None:
    """Without its engine the gateway answers 503 and says why it isn't ready; with it, it renders again."""
    assert (await gateway.render(PLOT)).status == 200
    own_engine.stop()
    assert_documented(await gateway.render(PLOT))
    end = time.monotonic() + slowed(20)
    while (ready := await gateway.get("/readyz")).status == 200:
        assert time.monotonic() < end, "not ready without an engine"
        await asyncio.sleep(0.2)
    assert "engine" in ready.json["detail"]
    own_engine.start()
    await assert_recovers(gateway, own_engine)


async def test_engine_crashes_under_a_job(gateway: LiveGateway, own_engine: SecondEngine) -> None:
    """A job whose engine dies gets a documented refusal at once, and nothing of it stays."""
    task = asyncio.create_task(gateway.render("import time; time.sleep(4); plt.plot([1])"))
    await asyncio.sleep(1)
    own_engine.crash()
    assert_documented(await task)
    own_engine.start()
    await assert_recovers(gateway, own_engine)


async def test_engine_restarts_under_a_job(gateway: LiveGateway, own_engine: SecondEngine) -> None:
    """A job whose engine restarts in an orderly way ends with a documented failure, never with a hang."""
    task = asyncio.create_task(gateway.render("import time; time.sleep(4); plt.plot([1])"))
    await asyncio.sleep(1)
    own_engine.stop()
    own_engine.start()
    answer = await task
    if answer.json.get("outcome") != "killed":
        assert_documented(answer)
    await assert_recovers(gateway, own_engine)


async def test_engine_hangs(gateway: LiveGateway, own_engine: SecondEngine) -> None:
    """With a hung engine requests are refused, soon without asking it, and pictures come again when it goes on."""
    own_engine.hang()
    try:
        assert_documented(await gateway.render(PLOT))
        end = time.monotonic() + slowed(30)
        while (await gateway.get("/readyz")).status == 200:
            assert time.monotonic() < end, "not ready with a hung engine"
            await asyncio.sleep(0.2)
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
            assert (await gateway.get("/readyz")).status == 503
            own_engine.start()
            await assert_recovers(gateway, own_engine)
    finally:
        if not own_engine.answers():
            own_engine.start()
