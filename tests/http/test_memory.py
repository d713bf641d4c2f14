"""A real gateway's process under a hostile load: its memory stays within its bound, and comes back.

The containers are made up (`tests.support.no_engine`); tests/engine/test_memory.py has the same with real ones.
"""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import aiohttp
import pytest

from gateway.memory.memory_plan import CONNECTION_BYTES
from gateway.model.jobs import MiB
from tests.fakes import KEY, until
from tests.support.hostile_load import Hostile, memory_of
from tests.support.keys_file import write_keys
from tests.support.machine import slowed
from tests.support.no_engine import running

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable
    from pathlib import Path

    from tests.support.no_engine import Running

#: What the gateway is given, in MiB; the default.
MEMORY_MIB = 640

#: Bytes that a hostile job writes: as much as an output limit of 16 MiB allows, less what frames take.
LARGEST = 16 * MiB - 64 * 1024

#: How much more the gateway may take afterwards than before.
GROWTH = 1.2

OTHER_KEY = "another-key-of-the-tests"

#: Seconds that each kind lasts.
SHORT_S = 3.0


@asynccontextmanager
async def _gateway(folder: Path, *, apart: bool = False) -> AsyncIterator[Running]:
    """Run a gateway with two keys that has served each form of answer once."""
    environment = {
        "API_KEY": KEY,
        "FIGBOX_API_KEYS_FILE": str(write_keys(folder / "keys.toml", {"other": OTHER_KEY})),
        "FIGBOX_MEMORY_MIB": str(MEMORY_MIB),
    }
    with running(folder, environment, apart=apart) as gateway:
        for accept in ("image/png", "application/json", "application/zip"):
            assert await _render(gateway, LARGEST, accept) == 200
        yield gateway


async def _render(gateway: Running, length: int, accept: str = "application/json") -> int:
    """Render with the other key, read the answer and return its status."""
    headers = {"X-API-Key": OTHER_KEY, "Accept": accept}
    timeout = aiohttp.ClientTimeout(slowed(60))
    async with (
        aiohttp.ClientSession(timeout=timeout) as session,
        session.post(
            f"http://127.0.0.1:{gateway.port}/v1/render", headers=headers, json={"code": str(length)}
        ) as response,
    ):
        body = await response.read()
        if response.status == 200 and accept == "application/json":
            assert sum(file["bytes"] for file in json.loads(body)["files"]) == length
        return response.status


async def _endure(gateway: Running, hostile: Hostile, seconds: float) -> None:
    """Let the attack last, and meanwhile render with another key."""
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    served = 0
    while loop.time() < end or not served:
        with suppress(aiohttp.ClientConnectionError):  # a connection that had to make room before its head was read
            assert await _render(gateway, 30_000) == 200
            served += 1
        assert loop.time() < end + slowed(60)
        await asyncio.sleep(0.2)
    await hostile.aclose()


async def _comes_back(gateway: Running, before: int) -> None:
    await until(
        lambda: memory_of(gateway.gateway.pid) <= GROWTH * before,
        f"memory within 20 % of {before / MiB:.0f} MiB",
        slowed(15),
    )


@pytest.mark.parametrize(
    ("kind", "connections"),
    [
        (Hostile.unread_document, 40),
        pytest.param(Hostile.unread_archive, 40, marks=pytest.mark.variant),
        (Hostile.held_upload, 60),
        pytest.param(Hostile.held_chunks, 60, marks=pytest.mark.variant),
    ],
)
async def test_each_kind_alone(tmp_path: Path, kind: Awaitable[None], connections: int) -> None:
    """No kind of attack makes the gateway exceed its bound; another key is served, and afterwards all is given back."""
    async with _gateway(tmp_path) as gateway:
        before = memory_of(gateway.gateway.pid)
        hostile = Hostile(gateway.port, KEY, str(LARGEST))
        hostile.attack(getattr(hostile, kind.__name__), connections)
        await _endure(gateway, hostile, SHORT_S)
        assert memory_of(gateway.gateway.pid, "VmHWM") < MEMORY_MIB * MiB
        await _comes_back(gateway, before)


async def test_connections_take_no_more_than_their_part(tmp_path: Path) -> None:
    """Strangers who send many small heads and read nothing take what the formula has for their connections."""
    connections = 200
    async with _gateway(tmp_path) as gateway:
        before = memory_of(gateway.gateway.pid)
        hostile = Hostile(gateway.port, KEY, "1")
        hostile.attack(hostile.many_heads, connections)
        await asyncio.sleep(2 * SHORT_S)
        taken = memory_of(gateway.gateway.pid) - before
        await hostile.aclose()
        assert taken < connections * CONNECTION_BYTES


@pytest.mark.parametrize("apart", [False, pytest.param(True, marks=pytest.mark.variant)])
async def test_all_kinds_at_once(tmp_path: Path, *, apart: bool) -> None:
    """All of it at once, on all connections: neither process exceeds its bound, and another key is served."""
    async with _gateway(tmp_path, apart=apart) as gateway:
        processes = [gateway.gateway, *([gateway.launcher] if gateway.launcher is not None else [])]
        before = [memory_of(process.pid) for process in processes]
        hostile = Hostile(gateway.port, KEY, str(LARGEST))
        for kind, connections in (
            (hostile.unread_document, 150),
            (hostile.unread_archive, 100),
            (hostile.held_upload, 120),
            (hostile.held_chunks, 60),
            (hostile.silence, 120),
        ):
            hostile.attack(kind, connections)
        await _endure(gateway, hostile, 2 * SHORT_S)
        assert [process.pid for process in processes if memory_of(process.pid, "VmHWM") >= MEMORY_MIB * MiB] == []
        for process, resident in zip(processes, before, strict=True):
            await until(
                lambda process=process, resident=resident: memory_of(process.pid) <= GROWTH * resident,  # type: ignore[misc]
                f"memory within 20 % of {resident / MiB:.0f} MiB",
                slowed(15),
            )
