"""Where the service can be asked: below a prefix, and on a unix socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from gateway.server.doorman import protocol_factory
from gateway.startup.unix_socket import listening
from tests.fakes import PNG
from tests.http.conftest import PATH as OLD
from tests.http.conftest import make_rig
from tests.http.v1 import AUTH, GOOD, PATH, problem

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from gateway.settings import Settings
    from tests.http.conftest import Rig


async def test_everything_is_below_the_prefix(make_settings: Callable[..., Settings]) -> None:
    """Every path has it, also in the description and the links of the page; without it nothing is there."""
    app = make_rig(make_settings, path_prefix="/figbox/").app()
    async with TestClient(TestServer(app)) as client:
        for path in ("", "/", "/healthz", "/readyz", "/docs", "/openapi.json", "/v1/environments"):
            for ask in (client.get, client.head):
                assert (await ask(f"/figbox{path}", headers=AUTH)).status == 200, path
            await problem(await client.get(path or "/", headers=AUTH), 404)
        for path in (PATH, OLD):
            assert await (await client.post(f"/figbox{path}", headers=AUTH, json=GOOD)).read() == PNG
            await problem(await client.post(path, headers=AUTH, json=GOOD), 404)
        for path in ("/figboxv1/render", "/figbox//healthz", "/figbox/figbox/", "/FIGBOX/healthz"):
            await problem(await client.get(aiohttp.client.URL(path, encoded=True), headers=AUTH), 404)
        document = await (await client.get("/figbox/openapi.json")).json()
        assert document["servers"] == [{"url": "/figbox"}]
        text = await (await client.get("/figbox/docs")).text()
        assert "<code>POST /figbox/v1/render</code>" in text
        assert 'href="openapi.json"' in text  # beside the page, wherever a proxy shows it


async def test_two_prefixes_have_two_descriptions(make_settings: Callable[..., Settings]) -> None:
    """What is kept of a description is kept by its prefix."""
    for prefix in ("", "/a", "/b"):
        async with TestClient(TestServer(make_rig(make_settings, path_prefix=prefix).app())) as client:
            document = await (await client.get(f"{prefix}/openapi.json")).json()
            assert document["servers"] == [{"url": prefix or "/"}]


@pytest.mark.parametrize("size", [10, 900])
async def test_unix_socket_serves_as_a_port_does(rig: Rig, folder: Path, size: int) -> None:
    """The same protocol and limits apply, and the socket is gone afterwards."""
    path = folder / "s"
    runner = web.AppRunner(rig.app(), handler_cancellation=True)
    await runner.setup()
    assert runner.server is not None
    with listening(path, 8, "X") as listener:
        loop = asyncio.get_running_loop()
        site = await loop.create_server(protocol_factory(rig.edge, runner.server), sock=listener)
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path))) as session:
            code = {"code": "#" * size}
            async with session.post(f"http://localhost{PATH}", headers=AUTH, json=code) as response:
                assert (response.status, await response.read()) == (200, PNG)
            async with session.post(f"http://localhost{PATH}", json=code) as response:
                assert response.status == 401
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
        assert (await reader.readline()).startswith(b"HTTP/1.1 400")
        writer.close()
        site.close()
        await runner.cleanup()
    assert not path.exists()
