"""Gateway and launcher as two processes: what each holds, and what becomes of jobs when one of them ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes import KEY, until
from tests.support.command import run
from tests.support.live import ROOT, end_gateway
from tests.support.machine import slowed
from tests.support.split import NO_ENGINE, live_launcher, live_split, start_split_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.split import LiveSplit

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"
SLEEP = "import time; time.sleep({}); plt.plot([1])"
SPIN = "while True: pass"

#: Containers that a job found ready. The launcher reports them now and then, so the number may come late.
WARM = 'figbox_pool_events_total{event="warm"}'

#: Modules that know an engine. None of them may be loaded where no engine may be reached.
ENGINE_MODULES = {"docker", "requests", "urllib3", "gateway.launcher.engine.docker_engine", "gateway.launcher.launcher"}


@pytest.fixture
def split(tmp_path: Path) -> Iterator[LiveSplit]:
    """Return both processes, with a pool of one."""
    with live_split(tmp_path, FIGBOX_POOL_SIZE=1, FIGBOX_SWEEP_PERIOD_S=1) as running:
        yield running


async def begin(split: LiveSplit, code: str) -> asyncio.Task[object]:
    """Begin a request, and wait until its job runs."""
    await split.gateway.until_metric("figbox_pool_idle", 1)
    before = await split.gateway.metric(WARM)
    task: asyncio.Task[object] = asyncio.create_task(split.gateway.render(code))
    await split.gateway.until_metric(WARM, before + 1)
    return task


# What the gateway holds


def test_the_gateway_loads_nothing_that_knows_an_engine() -> None:
    """What a gateway without a launcher inside imports, as Python lists it, has no client of an engine in it."""
    environment = {**os.environ, "API_KEY": KEY, "PORT": "0", "FIGBOX_METRICS_PORT": "0", "DOCKER_HOST": NO_ENGINE}

    def loaded(launcher: str) -> set[str]:
        process = subprocess.Popen(
            [sys.executable, "-X", "importtime", "-m", "gateway"],
            cwd=ROOT,
            env={**environment, "FIGBOX_LAUNCHER": launcher},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("Figbox serves ")
        process.terminate()
        _, said = process.communicate(timeout=slowed(60))
        assert process.returncode == 0
        return set(re.findall(r"^import time: +\d+ \| +\d+ \| +(\S+)$", said, re.MULTILINE))

    apart = loaded("unix:///nowhere/launcher.sock")
    assert "gateway.launcher.remote.client" in apart
    assert not apart & ENGINE_MODULES
    assert loaded("") >= ENGINE_MODULES  # so that the test can fail


def sockets(kinds: str) -> str:
    """Return the lines of `ss` for some kinds of sockets, with the processes that hold them."""
    return subprocess.run(["ss", "-H", kinds], capture_output=True, text=True, check=True).stdout


def environment_of(pid: int) -> str:
    """Return the environment that a process was started with."""
    return Path(f"/proc/{pid}/environ").read_bytes().decode()


def peers(pid: int) -> set[str]:
    """Return the paths at the other ends of a process's unix sockets, as far as they have any."""
    rows = [line.split() for line in sockets("-xp").splitlines()]
    path_of = {row[5]: row[4] for row in rows}
    return {path_of[row[7]] for row in rows if f"pid={pid}," in row[-1] and row[7] in path_of} - {"*"}


async def test_the_gateway_holds_no_socket_of_the_engine(split: LiveSplit) -> None:
    """While it renders, a gateway's only unix sockets lead to its launcher; the launcher's lead to the engine."""
    assert (await split.gateway.render(PLOT)).status == 200
    await split.gateway.until_metric(WARM, 1)
    task = await begin(split, SLEEP.format(slowed(2)))
    engine = split.launcher.docker_host.rpartition("/")[2]
    assert peers(split.gateway.process.pid) == {socket_name(split)}
    assert any(path.endswith("/" + engine) for path in peers(split.launcher.process.pid))
    await task


def socket_name(split: LiveSplit) -> str:
    """Return the launcher's socket as the kernel knows it: by the name it was bound with."""
    lines = sockets("-xlp").splitlines()
    [name] = [line.split()[4] for line in lines if f"pid={split.launcher.process.pid}," in line]
    assert name.endswith("/" + split.launcher.socket.name)
    return name


async def test_the_launcher_does_not_listen_on_a_network(split: LiveSplit) -> None:
    """A launcher has no network socket at all, and none of the gateway's keys."""
    assert (await split.gateway.render(PLOT)).status == 200
    listed = sockets("-tuap")
    assert f"pid={split.gateway.process.pid}," in listed
    assert f"pid={split.launcher.process.pid}," not in listed
    assert KEY not in environment_of(split.launcher.process.pid)


# Ends


async def test_a_client_that_hangs_up_ends_its_job(split: LiveSplit) -> None:
    """When a client hangs up, the gateway hangs up on the launcher, and the container is removed."""
    task = await begin(split, SPIN)
    await split.gateway.until_metric("figbox_pool_idle", 1)
    assert len(split.gateway.containers()) == 2
    task.cancel()
    await until(lambda: len(split.gateway.containers()) == 1, "the abandoned job's container is gone", slowed(15))


async def test_a_killed_gateway_takes_its_jobs_along(split: LiveSplit, tmp_path: Path) -> None:
    """After SIGKILL of the gateway its jobs are killed at once; the launcher serves the next one with the same pool."""
    task = await begin(split, SPIN)
    await split.gateway.until_metric("figbox_pool_idle", 1)
    split.gateway.kill()
    await asyncio.gather(task, return_exceptions=True)
    await until(lambda: len(split.gateway.containers()) == 1, "only the warm container is left", slowed(15))
    successor = start_split_gateway(tmp_path, split.launcher)
    try:
        response = await successor.render(PLOT)
        assert response.status == 200
        await successor.until_metric(WARM, 2)
    finally:
        end_gateway(successor.process)


async def test_a_killed_launcher_is_503_until_it_is_back(split: LiveSplit) -> None:
    """After SIGKILL of the launcher jobs fail at once as the engine's failures do, and run again when it is back."""
    task = await begin(split, SLEEP.format(20))
    split.launcher.kill()
    response = await asyncio.wait_for(split.gateway.render(PLOT), slowed(15))
    assert (response.status, response.json["type"]) == (503, "urn:figbox:problem:engine-unavailable")
    assert int(response.headers["Retry-After"]) >= 1
    under_way = await asyncio.wait_for(task, slowed(15))
    assert under_way.status == 503  # type: ignore[attr-defined]
    assert "launcher" in (await split.gateway.until_ready(503)).json["detail"]
    assert await split.gateway.metric("figbox_engine_up") == 0
    split.launcher.start_again()
    await split.gateway.until_ready()
    assert (await split.gateway.render(PLOT)).status == 200
    await split.gateway.until_metric("figbox_pool_idle", 1)
    await until(lambda: len(split.gateway.containers()) == 1, "what the killed one left is swept", slowed(30))


async def test_a_hung_launcher_is_noticed(split: LiveSplit) -> None:
    """A launcher that stops without ending is 503 within seconds, and serves again when it goes on."""
    assert (await split.gateway.render(PLOT)).status == 200
    split.launcher.process.send_signal(signal.SIGSTOP)
    try:
        task = asyncio.create_task(split.gateway.render(PLOT))
        assert "does not respond" in (await split.gateway.until_ready(503)).json["detail"]
        assert (await asyncio.wait_for(task, slowed(15))).status == 503
    finally:
        split.launcher.process.send_signal(signal.SIGCONT)
    await split.gateway.until_ready()
    assert (await split.gateway.render(PLOT)).status == 200


async def test_an_orderly_end_of_the_launcher(split: LiveSplit) -> None:
    """On SIGTERM a launcher lets running jobs finish, refuses new ones, empties its pool and exits with 0."""
    task = await begin(split, SLEEP.format(slowed(4)))  # the gateway hears of its state now and then
    split.launcher.process.send_signal(signal.SIGTERM)
    assert (await split.gateway.until_ready(503)).json["detail"] == "the launcher is shutting down"
    refused = await split.gateway.render(PLOT)
    assert (refused.status, refused.json["type"]) == (503, "urn:figbox:problem:shutting-down")
    assert (await task).status == 200  # type: ignore[attr-defined]
    assert await asyncio.to_thread(split.launcher.process.wait, slowed(30)) == 0
    assert split.gateway.containers() == []
    assert not split.launcher.socket.exists()
    assert "Traceback" not in split.launcher.log_text()


async def test_an_orderly_end_of_both(split: LiveSplit) -> None:
    """A gateway that ends lets its jobs finish, and leaves the launcher running, which then ends as cleanly."""
    task = await begin(split, SLEEP.format(slowed(1)))
    split.gateway.process.send_signal(signal.SIGTERM)
    assert (await task).status == 200  # type: ignore[attr-defined]
    assert await asyncio.to_thread(split.gateway.process.wait, slowed(30)) == 0
    assert split.launcher.process.poll() is None
    assert split.launcher.terminate() == 0
    assert split.gateway.containers() == []


async def test_an_absent_engine_is_the_launchers_to_wait_for(tmp_path: Path) -> None:
    """Without an engine both processes live, and say why nothing is rendered."""
    with live_split(tmp_path, docker_host=NO_ENGINE) as running:
        response = await running.gateway.get("/readyz")
        assert response.status == 503
        assert "the container engine can't be used yet" in response.json["detail"]
        assert (await running.gateway.render(PLOT)).json["type"] == "urn:figbox:problem:engine-unavailable"
        assert (await running.gateway.get("/healthz")).status == 200


def test_a_second_launcher_does_not_start(tmp_path: Path) -> None:
    """Two launchers can't serve one socket; the second says so in a sentence, and the first goes on."""
    with live_launcher(tmp_path, FIGBOX_POOL_SIZE=0) as launcher:
        second = run(sys.executable, "-m", "gateway.launcher", env=launcher.environment)
        assert second.returncode == 1
        assert second.stderr.startswith("figbox-launcher: another launcher serves ")
        assert second.stderr.count("\n") == 1
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(str(launcher.socket))
            peer.shutdown(socket.SHUT_WR)
            assert peer.recv(1) == b"S"
