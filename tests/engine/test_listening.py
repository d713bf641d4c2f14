"""A real gateway on a unix socket, below a prefix, with its key in a file and an origin that may ask."""

from __future__ import annotations

import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from tests.fakes import KEY
from tests.support.live import end_gateway, engine_url, live_gateway, start_gateway
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.engine, pytest.mark.core]

ORIGIN = "https://a.example"


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a directory with a short name: a socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="fb") as name:
        yield Path(name)


async def _ask(path: Path, method: str, target: str, **request: Any) -> tuple[int, bytes, dict[str, str]]:
    timeout = aiohttp.ClientTimeout(slowed(90))
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(path)), timeout=timeout) as session,
        session.request(method, f"http://localhost{target}", **request) as response,
    ):
        return response.status, await response.read(), dict(response.headers)


async def test_gateway_behind_a_socket(tmp_path: Path, folder: Path) -> None:
    """It draws there, refuses a second gateway, replaces the socket of a killed one, and takes its own away."""
    path, key = folder / "s", folder / "key"
    key.write_text(f"{KEY}\n")
    settings = {
        "API_KEY": "",
        "API_KEY_FILE": key,
        "FIGBOX_HTTP_SOCKET": f"unix://{path}",
        "FIGBOX_PATH_PREFIX": "/figbox",
        "FIGBOX_CORS_ORIGINS": ORIGIN,
        "FIGBOX_POOL_SIZE": 0,
    }
    with live_gateway(tmp_path, **settings) as first:
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        headers = {"Authorization": f"Bearer {KEY}", "Accept": "image/jpg", "Origin": ORIGIN}
        status, body, fields = await _ask(
            path, "POST", "/figbox/v1/render", json={"code": "plt.plot([1])"}, headers=headers
        )
        assert (status, body[:3], fields["Access-Control-Allow-Origin"]) == (200, b"\xff\xd8\xff", ORIGIN)
        assert (await _ask(path, "HEAD", "/figbox/healthz"))[0] == 200
        assert (await _ask(path, "GET", "/healthz"))[0] == 404
        with pytest.raises(AssertionError, match="is taken"):
            start_gateway(tmp_path, engine_url(), first.installation, **settings)
        first.kill()
        assert path.is_socket()
        second = start_gateway(tmp_path, engine_url(), first.installation, **settings)
        try:
            assert (await _ask(path, "GET", "/figbox/"))[0] == 200
            assert second.terminate() == 0
        finally:
            end_gateway(second.process)
        assert not path.exists()
