"""Two hostile minutes on a real engine: the memory of the gateway stays within its bound, and comes back."""

from __future__ import annotations

import asyncio
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

import aiohttp
import pytest

from gateway.model.jobs import MiB
from tests.fakes import KEY, until
from tests.support.hostile_load import Hostile, memory_of
from tests.support.keys_file import write_keys
from tests.support.live import live_gateway
from tests.support.machine import slowed
from tests.support.split import live_split

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

#: What each process is given, in MiB.
MEMORY_MIB = 640

#: How much more a process may take afterwards than before.
GROWTH = 1.2

#: Seconds of the load.
LOAD_S = 120

OTHER_KEY = "another-key-of-the-tests"

#: Draws a small picture, and writes nearly as much as a job may.
WRITE = """
import os
plt.plot([1, 2])
for number in range(2):
    with open(f"{number}.bin", "wb") as file:
        file.write(os.urandom(7_800_000))
"""


@pytest.mark.core
@pytest.mark.variant
@pytest.mark.parametrize("apart", [False, True])
async def test_two_hostile_minutes(tmp_path: Path, *, apart: bool) -> None:
    """One key fills queue and connections, reads no answer and ends no body: the bound holds, and others are served."""
    keys = write_keys(tmp_path / "keys.toml", {"other": OTHER_KEY})
    settings = {"FIGBOX_API_KEYS_FILE": keys, "FIGBOX_MEMORY_MIB": MEMORY_MIB}
    with ExitStack() as stack:
        processes = []
        if apart:
            split = stack.enter_context(live_split(tmp_path, **settings))
            gateway = split.gateway
            processes.append(split.launcher.process.pid)
        else:
            gateway = stack.enter_context(live_gateway(tmp_path, **settings))
        processes.append(gateway.process.pid)
        for accept in ("image/png", "application/json", "application/zip"):
            assert (await _render(gateway, WRITE, accept)).status == 200
        before = [memory_of(pid) for pid in processes]
        hostile = Hostile(int(gateway.url.rpartition(":")[2]), KEY, WRITE)
        for kind, connections in (
            (hostile.unread_document, 150),
            (hostile.unread_archive, 90),
            (hostile.held_upload, 110),
            (hostile.held_chunks, 40),
            (hostile.silence, 110),
        ):
            hostile.attack(kind, connections)
        await _endure(gateway, hostile)
        assert [pid for pid in processes if memory_of(pid, "VmHWM") >= MEMORY_MIB * MiB] == []
        await until(
            lambda: all(memory_of(pid) <= GROWTH * was for pid, was in zip(processes, before, strict=True)),
            f"memory within 20 % of {[was // MiB for was in before]} MiB",
            slowed(30),
        )


async def _endure(gateway: LiveGateway, hostile: Hostile) -> None:
    loop = asyncio.get_running_loop()
    end = loop.time() + LOAD_S
    served = 0
    while loop.time() < end:
        with suppress(aiohttp.ClientConnectionError):  # a connection that had to make room before its head was read
            assert (await _render(gateway, "plt.plot([1, 2])", "image/png")).status == 200
            served += 1
        await asyncio.sleep(1)
    assert served
    await hostile.aclose()
    assert set(hostile.ended) >= {"unread_document", "held_upload"}, hostile.ended


async def _render(gateway: LiveGateway, code: str, accept: str):  # noqa: ANN202 - see `LiveGateway.render_v1`
    return await gateway.render_v1(accept=accept, headers={"X-API-Key": OTHER_KEY}, json={"code": code})
