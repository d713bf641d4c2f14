"""Births and deaths: of clients, containers, gateways and installations; nothing is ever left over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import signal
import socket
from typing import TYPE_CHECKING, Any

import aiohttp
import docker
import pytest

from gateway.launcher.engine.docker_engine import DockerEngine
from gateway.launcher.engine.specification import LABEL_INSTALLATION
from gateway.model.jobs import MiB
from gateway.model.results import Outcome
from tests.fakes import KEY, until
from tests.support.command import start_and_fail
from tests.support.executors import live_executor
from tests.support.keys_file import write_keys
from tests.support.live import (
    IMAGE,
    LiveGateway,
    Response,
    containers_of,
    engine_client,
    engine_url,
    live_gateway,
    remove_containers_of,
)
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gateway.launcher.engine.engine import Launched

pytestmark = [pytest.mark.engine, pytest.mark.core]

PLOT = "plt.plot([1, 2])"
SLEEP = "import time; time.sleep({}); plt.plot([1])"


@pytest.fixture
def client() -> Iterator[docker.APIClient]:
    """Return a client of the engine under test."""
    with engine_client() as client:
        yield client


def states(client: docker.APIClient, installation: str) -> list[str]:
    """Return the states of an installation's containers."""
    return [
        row["State"] for row in client.containers(all=True, filters={"label": f"{LABEL_INSTALLATION}={installation}"})
    ]


async def begin_warm(gateway: LiveGateway, code: str) -> tuple[asyncio.Task[Response], str]:
    """Begin a request on a gateway with a pool of one; return its task and its container's name."""
    await gateway.until_metric("figbox_pool_idle", 1)
    [container] = gateway.containers()
    task = asyncio.create_task(gateway.render(code))
    await gateway.until_metric('figbox_pool_events_total{event="warm"}', 1)
    return task, container


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.variant)])
async def test_orderly_end(tmp_path: Path, number: signal.Signals) -> None:
    """On a signal readiness goes first, the running job is finished, the waiting one refused, the pool emptied."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1, FIGBOX_RUNNING_LIMIT=1) as gateway:
        running, _ = await begin_warm(gateway, SLEEP.format(slowed(3)))
        waiting = asyncio.create_task(gateway.render(PLOT))
        await gateway.until_metric("figbox_jobs_waiting", 1)
        gateway.process.send_signal(number)
        await until(lambda: "shutting down" in gateway.log_text(), "the end is on its way")
        ready = await gateway.get("/readyz")
        assert (ready.status, ready.json["detail"]) == (503, "the service is shutting down")
        refused = await waiting
        assert (refused.status, refused.json["type"]) == (503, "urn:figbox:problem:shutting-down")
        assert int(refused.headers["Retry-After"]) >= 1
        late = await gateway.render(PLOT)
        assert late.status == 503
        assert (await running).status == 200
        assert gateway.process.wait(slowed(20)) == 0
        assert gateway.containers() == []
        assert "Traceback" not in gateway.log_text()


async def test_grace_period_is_bounded(tmp_path: Path) -> None:
    """A job that outlasts the grace period is cut off, and the end is still clean."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1, FIGBOX_GRACE_S=0.5) as gateway:
        running, _ = await begin_warm(gateway, SLEEP.format(25))
        assert gateway.terminate() == 0
        assert gateway.containers() == []
        (cut_off,) = await asyncio.gather(running, return_exceptions=True)
        assert getattr(cut_off, "status", None) != 200


@pytest.mark.variant
async def test_second_signal_insists(tmp_path: Path) -> None:
    """A second signal ends the grace period at once."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1, FIGBOX_GRACE_S=60) as gateway:
        running, _ = await begin_warm(gateway, SLEEP.format(25))
        gateway.process.send_signal(signal.SIGINT)
        await until(lambda: "shutting down" in gateway.log_text(), "the end is on its way")
        gateway.process.send_signal(signal.SIGINT)
        assert gateway.process.wait(slowed(15)) == 0
        assert gateway.containers() == []
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def test_client_that_hangs_up_ends_its_job(tmp_path: Path) -> None:
    """A running job dies with its client's connection, and its place goes to the next one."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1, FIGBOX_RUNNING_LIMIT=1) as gateway:
        task, container = await begin_warm(gateway, "while True: pass")
        task.cancel()
        await until(lambda: container not in gateway.containers(), "the abandoned job's container is gone", slowed(10))
        assert (await gateway.render(PLOT)).status == 200
        assert await gateway.metric('figbox_requests_total{outcome="client-gone"}') == 1


@pytest.mark.variant
async def test_client_that_hangs_up_during_a_cold_start_leaves_nothing(tmp_path: Path) -> None:
    """Without a pool the container made for a client that went away is removed, too."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=0) as gateway:
        task = asyncio.create_task(gateway.render(PLOT))
        await gateway.until_metric("figbox_pool_making", 1)
        task.cancel()
        await gateway.until_metric("figbox_pool_making", 0)
        await until(lambda: gateway.containers() == [], "no container is left")


async def test_client_that_hangs_up_frees_its_place_in_the_queue(tmp_path: Path) -> None:
    """A waiting job whose client is gone makes room for another, and is never run."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1, FIGBOX_RUNNING_LIMIT=1, FIGBOX_QUEUE_LIMIT=1) as gateway:
        running, _ = await begin_warm(gateway, SLEEP.format(slowed(3)))
        waiting = asyncio.create_task(gateway.render("while True: pass"))
        await gateway.until_metric("figbox_jobs_waiting", 1)
        assert (await gateway.render(PLOT)).status == 503
        waiting.cancel()
        await gateway.until_metric("figbox_jobs_waiting", 0)
        assert (await gateway.render(PLOT)).status == 200
        assert (await running).status == 200
        assert await gateway.metric('figbox_requests_total{outcome="client-gone"}') == 1


async def test_runners_end_by_themselves_when_the_gateway_is_killed(tmp_path: Path, client: docker.APIClient) -> None:
    """After SIGKILL idle and running runners exit by themselves, and the next start removes them."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1) as gateway:
        task, _ = await begin_warm(gateway, "while True: pass")
        await gateway.until_metric("figbox_pool_idle", 1)
        assert states(client, gateway.installation) == ["running"] * 2
        gateway.kill()
        await asyncio.gather(task, return_exceptions=True)
        await until(
            lambda: states(client, gateway.installation) == ["exited"] * 2, "all runners have ended", slowed(15)
        )
        with live_gateway(tmp_path, FIGBOX_POOL_SIZE=0, FIGBOX_INSTALLATION=gateway.installation) as successor:
            assert successor.containers() == []
            assert "strays removed" in successor.log_text()


async def test_only_this_installations_containers_are_touched(tmp_path: Path, client: docker.APIClient) -> None:
    """Start and periodic sweep remove our own strays, and never a container of another installation."""
    neighbour, ours = f"test-neighbour-{os.getpid()}", f"test-ours-{os.getpid()}"

    def stray(installation: str) -> str:
        config = {"Image": IMAGE, "Cmd": ["job"], "OpenStdin": True, "Labels": {LABEL_INSTALLATION: installation}}
        config["HostConfig"] = {"NetworkMode": "none"}
        return str(client.create_container_from_config(config)["Id"])

    try:
        client.start(stray(neighbour))
        client.start(stray(ours))
        with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1, FIGBOX_INSTALLATION=ours, FIGBOX_SWEEP_PERIOD_S=1) as gateway:
            await until(lambda: states(client, ours) == ["running"], "only the warm container is there")
            warm = containers_of(ours, engine_url())
            new = stray(ours)
            with contextlib.suppress(docker.errors.APIError):  # a sweep may come between the two calls
                client.start(new)
            await until(lambda: containers_of(ours, engine_url()) == warm, "the new stray is gone, the warm one not")
            assert (await gateway.render(PLOT)).status == 200
            assert states(client, neighbour) == ["running"]
        assert states(client, ours) == []
        assert states(client, neighbour) == ["running"]
    finally:
        remove_containers_of(neighbour, engine_url())
        remove_containers_of(ours, engine_url())


@pytest.mark.variant
async def test_two_gateways_share_an_engine(tmp_path: Path) -> None:
    """Two installations work side by side, and the end of one leaves the other alone."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1) as one, live_gateway(tmp_path, FIGBOX_POOL_SIZE=1) as other:
        responses = await asyncio.gather(*(gateway.render(PLOT) for gateway in (one, other, one, other)))
        assert [response.status for response in responses] == [200] * 4
        one.terminate()
        assert one.containers() == []
        assert (await other.render(PLOT)).status == 200


async def test_idle_containers_killed_from_outside_are_replaced(tmp_path: Path, client: docker.APIClient) -> None:
    """A warm container that dies is noticed and replaced, and no request meets it."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=2) as gateway:
        await until(lambda: states(client, gateway.installation).count("running") >= 2, "the pool is full")
        for name in gateway.containers():
            client.remove_container(name, force=True)
        responses = await asyncio.gather(*(gateway.render(PLOT) for _ in range(3)))
        assert [response.status for response in responses] == [200] * 3


@pytest.mark.parametrize("moment", ["created", "attached", "started"])
async def test_container_removed_before_it_is_ready_is_made_again(
    monkeypatch: pytest.MonkeyPatch, client: docker.APIClient, moment: str
) -> None:
    """Whoever removes all containers of a host catches some at their birth, and the job that waits isn't told."""
    removed: list[str] = []

    def remove(container_id: str) -> None:
        if not removed:
            removed.append(container_id)
            client.remove_container(container_id, force=True)

    attach, launch = DockerEngine._attach, DockerEngine.launch

    def attach_or_not(engine: DockerEngine, engine_api: docker.APIClient, container_id: str) -> socket.socket:
        if moment == "created":
            remove(container_id)
        stream = attach(engine, engine_api, container_id)
        if moment == "attached":
            remove(container_id)
        return stream

    async def launch_or_not(engine: DockerEngine, config: dict[str, Any], name: str) -> Launched:
        launched = await launch(engine, config, name)
        if moment == "started":
            remove(launched.container_id)
        return launched

    monkeypatch.setattr(DockerEngine, "_attach", attach_or_not)
    monkeypatch.setattr(DockerEngine, "launch", launch_or_not)
    async with live_executor() as live:
        assert (await live.run(PLOT)).outcome is Outcome.OK
    assert len(removed) == 1


async def test_running_container_killed_from_outside(tmp_path: Path, client: docker.APIClient) -> None:
    """The client of a job whose container is killed from outside is told so."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1) as gateway:
        task, container = await begin_warm(gateway, SLEEP.format(20))
        client.kill(container)
        response = await task
        assert (response.status, response.json["outcome"]) == (500, "killed")
        await until(lambda: container not in gateway.containers(), "it is gone")


@pytest.mark.variant
async def test_running_container_removed_from_outside(tmp_path: Path, client: docker.APIClient) -> None:
    """A job whose container vanishes altogether is our failure, and may be tried again."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1) as gateway:
        task, container = await begin_warm(gateway, SLEEP.format(20))
        client.remove_container(container, force=True)
        response = await task
        # Between its end and its removal the engine may still say how it ended.
        assert response.json.get("outcome", response.json["type"]) in {"killed", "urn:figbox:problem:container-lost"}
        assert (await gateway.render(PLOT)).status == 200


@pytest.mark.variant
async def test_old_idle_containers_are_replaced(tmp_path: Path, client: docker.APIClient) -> None:
    """A warm container waits no longer than its time."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1, FIGBOX_POOL_IDLE_S=1) as gateway:
        await until(lambda: "running" in states(client, gateway.installation), "a warm container")
        first = set(gateway.containers())
        await until(lambda: not first & set(gateway.containers()), "it was replaced")
        assert (await gateway.render(PLOT)).status == 200


async def test_exhausted_descriptors_refuse_and_recover(tmp_path: Path) -> None:
    """Without free descriptors jobs are refused with a documented error, and are served once there are some again."""
    with live_gateway(
        tmp_path, FIGBOX_POOL_SIZE=0, FIGBOX_ENGINE_TIMEOUT_S=slowed(5), FIGBOX_SWEEP_PERIOD_S=1
    ) as gateway:
        pid = gateway.process.pid
        before = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        async with aiohttp.ClientSession(headers={"X-API-Key": KEY}) as session:  # whose connection is there already

            async def ask() -> aiohttp.ClientResponse:
                async with session.post(f"{gateway.url}/render-matplotlib", json={"code": PLOT}) as response:
                    await response.read()
                return response

            assert (await ask()).status == 200
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (3, before[1]))
            for _ in range(30):  # idle connections to the engine may serve a few more
                refused = await ask()
                if refused.status != 200:
                    break
            assert refused.status == 503
            assert "Retry-After" in refused.headers
            resource.prlimit(pid, resource.RLIMIT_NOFILE, before)

        await gateway.until_rendered(PLOT)
        await until(lambda: gateway.containers() == [], "no container is left")


def test_taken_port_is_one_sentence() -> None:
    """A taken port is named."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} on 127.0.0.1 is taken" in start_and_fail(PORT=str(port))


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"FIGBOX_IMAGE": "figbox-no-such-image:1"}, ("run `make image`",)),
        ({"FIGBOX_RUNTIME": "nosuch"}, ("'nosuch'", "runc")),
        ({"FIGBOX_RUNNING_LIMIT": "64", "FIGBOX_MEMORY_LIMIT_MIB": "65536"}, ("FIGBOX_RUNNING_LIMIT",)),
    ],
    ids=["image", "runtime", "memory"],
)
def test_what_does_not_fit_the_engine_is_one_sentence(settings: dict[str, str], named: tuple[str, ...]) -> None:
    """An image or a runtime that the engine lacks, or memory that the host lacks, is named with what to do."""
    sentence = start_and_fail(**settings)
    assert [text for text in named if text not in sentence] == []


def test_no_key_refuses_to_start() -> None:
    """Without a key nothing is served."""
    assert "API_KEY" in start_and_fail(API_KEY=" ")


@pytest.mark.variant
async def test_full_queue_refuses_at_once(tmp_path: Path) -> None:
    """With the queue full a request is refused in the time of a look-up, with an honest Retry-After."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=0, FIGBOX_RUNNING_LIMIT=1, FIGBOX_QUEUE_LIMIT=2) as gateway:
        jobs = [asyncio.create_task(gateway.render(SLEEP.format(slowed(2)))) for _ in range(5)]
        responses = await asyncio.gather(*jobs)
        assert sorted(response.status for response in responses) == [200, 200, 200, 503, 503]
        for response in responses:
            if response.status == 503:
                assert response.json["type"] == "urn:figbox:problem:queue-full"
                assert 1 <= int(response.headers["Retry-After"]) <= 120


@pytest.mark.variant
async def test_a_flooding_key_does_not_starve_another(tmp_path: Path) -> None:
    """While one key floods with spinning jobs, another's small job waits about one turn, and excess is 429."""
    with live_gateway(
        tmp_path,
        FIGBOX_API_KEYS_FILE=write_keys(tmp_path / "keys", {"a": "key-of-a", "b": "key-of-b"}),
        FIGBOX_RUNNING_LIMIT=1,
        FIGBOX_POOL_SIZE=1,
        FIGBOX_WALL_LIMIT_S=slowed(2),
        FIGBOX_QUEUE_LIMIT=10,
        FIGBOX_KEY_LIMIT=5,
    ) as gateway:
        flood = [asyncio.create_task(gateway.render("while True: pass", "key-of-a")) for _ in range(8)]
        await until(lambda: sum(task.done() for task in flood) >= 3, "the excess has been refused")
        done_before = sum(task.done() for task in flood)
        response = await gateway.render(PLOT, "key-of-b")
        assert response.status == 200
        # Without fairness it would stand behind all five jobs.
        assert sum(task.done() for task in flood) - done_before <= 3
        statuses = sorted(task.status for task in await asyncio.gather(*flood))
        assert statuses == [429] * 3 + [500] * 5


async def test_metrics_are_served_apart(tmp_path: Path) -> None:
    """Prometheus metrics count what happened, and are served by their own listener, not on the public port."""
    with live_gateway(tmp_path, FIGBOX_POOL_SIZE=1) as gateway:
        await gateway.render(PLOT)
        await gateway.render("1/0")
        assert (await gateway.get("/metrics")).status == 404
        assert await gateway.metric('figbox_requests_total{outcome="ok"}') == 1
        assert await gateway.metric('figbox_requests_total{outcome="program_error"}') == 1
        assert await gateway.metric('figbox_stage_seconds_count{stage="run"}') == 2
        assert await gateway.metric("figbox_job_cpu_seconds_count") == 2
        assert await gateway.metric("figbox_job_memory_peak_bytes_sum") > 2 * 8 * MiB
        await gateway.until_metric("figbox_pool_idle", 1)
