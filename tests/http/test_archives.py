"""What archives cost: packing is off the event loop, paid for, and never done for nothing."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestServer

from gateway.keys.budgets import Budgets
from gateway.keys.keyring import HEADER, digest_of
from gateway.server.protocol import PROTOCOL_OPTIONS
from gateway.v1.handlers import RENDER
from gateway.v1.response import response as response_module
from tests.fakes import until
from tests.http.conftest import Rig, make_rig

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aiohttp import web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from gateway.settings import Settings

    Client = TestClient[web.Request, web.Application]

ALLOWANCE_S = 60
FIELDS = {HEADER: "a", "Accept": "application/zip"}
GOOD = {"code": "x"}


@pytest.fixture
def rig(make_settings: Callable[..., Settings], tmp_path: Path) -> Rig:
    """Return a gateway with one key, which has an allowance of processor time."""
    file = tmp_path / "keys.toml"
    file.write_text(f'[keys.a]\nsha256 = "{digest_of(b"a").hex()}"\ncompute_seconds_per_minute = {ALLOWANCE_S}\n')
    rig = make_rig(make_settings, api_key=None, api_keys_file=file)
    rig.budgets = Budgets(lambda: rig.now)
    return rig


@pytest.fixture
async def client(rig: Rig, aiohttp_client: AiohttpClient) -> Client:
    """Return a client of it whose hanging up cancels its request, as in the service."""
    server = TestServer(rig.app())
    await server.start_server(**PROTOCOL_OPTIONS)
    return await aiohttp_client(server)


def _spent_s(rig: Rig) -> float:
    """Return the processor seconds that the key has used."""
    (holder,) = (rig.service.keyring.authenticate(["a"]),)
    (left,) = (quota.remaining for quota in rig.budgets.quotas(holder) if quota.name == "compute")
    return ALLOWANCE_S - left


async def test_packing_is_paid_for(client: Client, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """What packing takes counts against the key, although the job itself took nothing."""

    def pack(*_: object) -> bytes:
        end_s = time.thread_time() + 1.1
        while time.thread_time() < end_s:
            pass
        return b"x"

    monkeypatch.setattr(response_module, "write_archive", pack)
    assert (await client.post(RENDER, headers=FIELDS, json=GOOD)).status == 200
    assert _spent_s(rig) >= 1.1


async def test_hanging_up_pays_and_keeps_the_memory(client: Client, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an archive is made whose client has hung up, its memory stays held; afterwards it is paid for."""
    begun, may_end = threading.Event(), threading.Event()

    def pack(*_: object) -> bytes:
        begun.set()
        may_end.wait(10)
        end_s = time.thread_time() + 0.2
        while time.thread_time() < end_s:
            pass
        return b"x"

    monkeypatch.setattr(response_module, "write_archive", pack)
    asking = asyncio.ensure_future(client.post(RENDER, headers=FIELDS, json=GOOD))
    try:
        await until(begun.is_set)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await asyncio.sleep(0.2)
        assert rig.memory.answers.held_bytes
        assert not _spent_s(rig)
    finally:
        may_end.set()
    await until(lambda: not rig.memory.answers.held_bytes)
    assert _spent_s(rig) >= 0.2


async def test_nothing_is_packed_for_a_304(client: Client, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has an archive already gets 304 without its being packed again."""
    first = await client.post(RENDER, headers=FIELDS, json=GOOD)
    packed: list[object] = []
    monkeypatch.setattr(response_module, "write_archive", packed.append)
    second = await client.post(RENDER, headers={**FIELDS, "If-None-Match": first.headers["ETag"]}, json=GOOD)
    assert (first.status, second.status, packed, len(rig.launcher.jobs)) == (200, 304, [], 2)
