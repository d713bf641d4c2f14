"""A listening socket that outlives the gateway, as systemd passes it: one after the other, and one beside the other."""

from __future__ import annotations

import asyncio
import signal
import socket
from contextlib import AsyncExitStack, contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.support.live import (
    LiveGateway,
    containers_of,
    end_gateway,
    live_gateway,
)
from tests.support.machine import slowed
from tests.support.split import live_launcher, start_split_gateway
from tests.upgrades.load import LONG, PLOTS, Load, load, session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import aiohttp

    from tests.support.split import LiveLauncher

pytestmark = pytest.mark.engine

#: Two places, so that jobs wait; the key is the only one.
SETTINGS = {
    "FIGBOX_RUNNING_LIMIT": 2,
    "FIGBOX_POOL_SIZE": 1,
    "FIGBOX_GRACE_S": 300,
    "FIGBOX_WALL_LIMIT_S": 120,
    "FIGBOX_QUEUE_WAIT_S": 120,
    "FIGBOX_START_LIMIT_S": 300,
    "FIGBOX_ENGINE_TIMEOUT_S": 120,
}
LONG_S = min(slowed(20), 90)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return a socket as a service manager makes it."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as made:
        yield made


def url_of(listener: socket.socket) -> str:
    """Return the address of what listens there."""
    return f"http://127.0.0.1:{listener.getsockname()[1]}"


async def keep_in_use(kept: aiohttp.ClientSession, url: str, enough: asyncio.Event) -> None:
    """Use a connection again and again, so that it isn't closed as an idle one."""
    while not enough.is_set():
        async with kept.get(f"{url}/healthz") as response:
            await response.read()
        await asyncio.sleep(1)


async def answered(gateway: LiveGateway) -> float:
    """Return how many pictures it has answered with."""
    return await gateway.metric('figbox_requests_total{outcome="ok"}')


async def ended(gateway: LiveGateway) -> int:
    """End a gateway as a manager does, and return its exit status."""
    gateway.process.send_signal(signal.SIGTERM)
    return await asyncio.to_thread(gateway.process.wait, slowed(330))


@contextmanager
def split_gateway(tmp_path: Path, launcher: LiveLauncher, listener: socket.socket) -> Iterator[LiveGateway]:
    """Run a gateway of a launcher on a passed socket."""
    gateway = start_split_gateway(tmp_path, launcher, listener=listener, **SETTINGS)
    try:
        yield gateway
    finally:
        end_gateway(gateway.process)


def begin_long(found: Load, session: aiohttp.ClientSession) -> asyncio.Task[None]:
    """Send a long job by a connection that is there already."""
    return asyncio.create_task(found.send(LONG.format(LONG_S), session))


async def test_a_restart_of_both_processes_loses_no_request(tmp_path: Path, listener: socket.socket) -> None:
    """As `systemctl restart` of both does it: the gateway ends first and begins last, while requests wait."""
    async with AsyncExitStack() as stack:
        launcher = stack.enter_context(live_launcher(tmp_path, **SETTINGS))
        old = stack.enter_context(split_gateway(tmp_path, launcher, listener))
        found = await stack.enter_async_context(load(url_of(listener)))
        long = begin_long(found, await stack.enter_async_context(session()))
        await found.more(2)
        assert not long.done()
        assert await ended(old) == 0
        await long
        await asyncio.to_thread(launcher.start_again)
        waiting = asyncio.create_task(found.send_alone(PLOTS[0]))  # nobody accepts it
        new = await asyncio.to_thread(stack.enter_context, split_gateway(tmp_path, launcher, listener))
        await waiting
        await found.more(6)
        assert await answered(new) > 0
        assert "grace period is over" not in old.log_text()
        await found.end()
        assert await ended(new) == 0
        assert launcher.terminate() == 0
        assert containers_of(launcher.installation, launcher.docker_host) == []


async def test_an_old_gateway_drains_while_a_new_one_serves(tmp_path: Path, listener: socket.socket) -> None:
    """Both hold the socket for a while; the old one ends when its long job has, and the others don't wait for it."""
    async with AsyncExitStack() as stack:
        old = stack.enter_context(live_gateway(tmp_path, listener=listener, **SETTINGS))
        found = await stack.enter_async_context(load(url_of(listener)))
        kept = await stack.enter_async_context(session())
        enough = asyncio.Event()
        used = asyncio.create_task(keep_in_use(kept, found.url, enough))  # which opens a connection to the only gateway
        new = await asyncio.to_thread(stack.enter_context, live_gateway(tmp_path, listener=listener, **SETTINGS))
        await new.until_metric("figbox_ready", 1)
        enough.set()
        await used
        long = begin_long(found, kept)
        await found.more(1)
        ending = asyncio.create_task(ended(old))
        before = await answered(new)
        while await answered(new) == before and not found.lost:
            await found.more(1)
        assert not long.done()
        assert not ending.done()
        await long
        assert await ending == 0
        assert old.containers() == []
        await found.more(3)
        await found.end()
        assert await ended(new) == 0
        assert new.containers() == []


async def test_jobs_that_wait_are_run_by_the_gateway_that_ends(tmp_path: Path, listener: socket.socket) -> None:
    """A successor can't see what has been accepted; a job beyond the places waits for one, and gets its picture."""
    settings = SETTINGS | {"FIGBOX_RUNNING_LIMIT": 1}
    with live_gateway(tmp_path, listener=listener, **settings) as gateway:
        found = Load(url_of(listener))
        jobs = [asyncio.create_task(found.send_alone(code)) for code in (LONG.format(3), *PLOTS)]
        await gateway.until_metric("figbox_jobs_waiting", len(PLOTS))
        assert await ended(gateway) == 0
        await asyncio.gather(*jobs)
    assert (found.answered, found.lost) == (len(jobs), [])
