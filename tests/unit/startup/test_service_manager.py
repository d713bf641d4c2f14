"""A service manager hears on a real socket what the process is, and isn't needed for it to be anything."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
import threading
from typing import TYPE_CHECKING

import pytest

from gateway.startup import service_manager
from gateway.startup.service_manager import STATUS_LIMIT, ServiceManager, described
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

HOUR_USEC = "3600000000"

#: More than any queue of datagrams takes. Source: unix(7), `max_dgram_qlen`.
QUEUE_LIMIT = 5000


@pytest.fixture(params=["path", "abstract"])
def heard(request: pytest.FixtureRequest, folder: Path) -> Iterator[tuple[str, socket.socket]]:
    """Return the address of a manager, as a process's environment has it, and its socket."""
    name = str(folder / "notify") if request.param == "path" else f"@figbox-test-{secrets.token_hex(8)}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name if request.param == "path" else "\0" + name[1:])
        listener.settimeout(slowed(10))
        yield name, listener


@contextlib.asynccontextmanager
async def followed(
    manager: ServiceManager, status: Callable[[], str] = str, works: Callable[[], bool] = lambda: True
) -> AsyncIterator[None]:
    """Have the manager follow for a while."""
    task = asyncio.create_task(manager.follow(status, works))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def next_from(listener: socket.socket) -> str:
    """Return the next message."""
    return (await asyncio.to_thread(listener.recv, 4096)).decode()


def waiting_in(listener: socket.socket) -> list[str]:
    """Return the messages that have arrived."""
    found = []
    listener.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            found.append(listener.recv(4096).decode())
    return found


def test_life_is_told_in_datagrams(heard: tuple[str, socket.socket]) -> None:
    """Each call is one message in the protocol's words; a status is told again only when it has changed."""
    address, listener = heard
    manager = ServiceManager({"NOTIFY_SOCKET": address})
    manager.status("starting")
    manager.ready()
    manager.status(described(None, 2))
    manager.status(described(None, 2))
    manager.stopping()
    assert waiting_in(listener) == ["STATUS=starting", "READY=1", "STATUS=ready, jobs running: 2", "STOPPING=1"]


def test_status_can_say_nothing_else(heard: tuple[str, socket.socket]) -> None:
    """Whatever words a status has, they are one assignment, and no longer than one line of a terminal or two."""
    address, listener = heard
    ServiceManager({"NOTIFY_SOCKET": address}).status("engine:\nWATCHDOG=trigger\r\n" + "x" * 999)
    [message] = waiting_in(listener)
    assert message.startswith("STATUS=engine: WATCHDOG=trigger x")
    assert len(message.splitlines()) == 1
    assert len(message) == len("STATUS=") + STATUS_LIMIT


async def test_watchdog_is_fed_while_the_process_works(heard: tuple[str, socket.socket]) -> None:
    """The watchdog is fed again and again, not once more when the process doesn't work, and again when it does."""
    address, listener = heard
    manager = ServiceManager({"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "30000", "WATCHDOG_PID": str(os.getpid())})
    looked = asyncio.Semaphore(0)
    works = True

    def look() -> bool:
        looked.release()
        return works

    async with followed(manager, works=look):
        assert [await next_from(listener) for _ in range(3)] == ["WATCHDOG=1"] * 3
        works = False
        waiting_in(listener)
        while not looked.locked():
            await looked.acquire()
        async with asyncio.timeout(slowed(10)):
            for _ in range(3):
                await looked.acquire()
        assert waiting_in(listener) == []
        works = True
        listener.settimeout(slowed(10))
        assert await next_from(listener) == "WATCHDOG=1"


async def test_status_is_followed(heard: tuple[str, socket.socket]) -> None:
    """Without a watchdog for this process, only its status is told, at once and when it changes."""
    address, listener = heard
    environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1000", "WATCHDOG_PID": str(os.getpid() + 1)}
    manager = ServiceManager(environment)
    assert manager.watchdog_s is None
    words = iter(["not ready: a", *["ready"] * 99])
    async with followed(manager, lambda: next(words)):
        assert await next_from(listener) == "STATUS=not ready: a"
        assert await next_from(listener) == "STATUS=ready"


@pytest.mark.parametrize("time", ["", "0", "-5", "x", "²"])
def test_watchdog_without_a_time_is_none(time: str) -> None:
    """What isn't a number of microseconds is no watchdog."""
    assert ServiceManager({"NOTIFY_SOCKET": "/s", "WATCHDOG_USEC": time}).watchdog_s is None


async def test_without_a_manager_nothing_is_done() -> None:
    """A process that nobody manages follows nothing: the call returns, and the status isn't even asked for."""
    manager = ServiceManager({"WATCHDOG_USEC": HOUR_USEC})
    manager.ready()
    manager.stopping()
    await manager.follow(lambda: pytest.fail("the status was asked for"), lambda: pytest.fail("health was asked for"))


def test_manager_that_is_gone_is_no_trouble(folder: Path) -> None:
    """A message that nobody takes is dropped."""
    manager = ServiceManager({"NOTIFY_SOCKET": str(folder / "notify")})
    manager.ready()
    manager.status("ready")
    manager.stopping()


def test_what_a_full_queue_did_not_take_is_told_again(
    heard: tuple[str, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A status that found no room is told at the next look; readiness waits for room."""
    address, listener = heard
    manager = ServiceManager({"NOTIFY_SOCKET": address})
    for number in range(QUEUE_LIMIT):
        manager.status(str(number))
    taken = waiting_in(listener)
    assert 0 < len(taken) < QUEUE_LIMIT
    manager.status(str(QUEUE_LIMIT - 1))
    assert waiting_in(listener) == [f"STATUS={QUEUE_LIMIT - 1}"]
    for number in range(QUEUE_LIMIT):
        manager.status(f"again {number}")
    monkeypatch.setattr(service_manager, "SEND_LIMIT_S", slowed(30))
    telling = threading.Thread(target=manager.ready)
    telling.start()
    listener.settimeout(slowed(30))
    while listener.recv(4096) != b"READY=1":
        pass
    telling.join()
