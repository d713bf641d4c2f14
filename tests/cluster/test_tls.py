"""TLS at HAProxy, with the lines of the configuration that are marked for it."""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.cluster.balancer import Balancer, balancer
from tests.cluster.certificate import Certificate, make_certificate
from tests.cluster.nodes import free_node, running_node
from tests.fakes import KEY
from tests.support.live import LiveGateway, Response, free_port, read_response

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.engine

HEADERS = {"X-API-Key": KEY, "Content-Type": "text/x-python"}
PLOT = b"plt.plot([1, 2])"


class Secured:
    """A HAProxy with TLS before one node."""

    def __init__(self, certificate: Certificate, node: LiveGateway, url: str, plain_url: str) -> None:
        self.certificate = certificate
        self.node = node
        self.url = url
        self.plain_url = plain_url

    async def post(self, url: str, context: ssl.SSLContext | None = None, **headers: str) -> Response:
        """POST a program; return the response."""
        connector = aiohttp.TCPConnector(ssl=context or self.certificate.trusting())
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.post(f"{url}/v1/render", headers={**HEADERS, **headers}, data=PLOT) as response,
        ):
            return await read_response(response)


def with_tls(text: str, certificate: Path, port: int, plain_port: int) -> str:
    """Return the configuration with what its comment asks for done."""
    text, marks = re.subn(r"^    # (bind|http-request|http-response)", r"    \1", text, flags=re.MULTILINE)
    assert marks == 4
    for old, new in {
        r"^    bind 127\.0\.0\.1:\d+\n(?=    bind :443 )": "",
        r"bind :443 ": f"bind 127.0.0.1:{port} ",
        r"bind :80$": f"bind 127.0.0.1:{plain_port}",
        r"/etc/haproxy/figbox.pem": str(certificate),
    }.items():
        text, count = re.subn(old, new, text, flags=re.MULTILINE)
        assert count == 1, old
    return text


@pytest.fixture
async def secured(tmp_path: Path) -> AsyncIterator[Secured]:
    """Return a HAProxy with TLS whose node is up."""
    certificate, node = make_certificate(tmp_path), free_node()
    port, plain_port = free_port(), free_port()

    def change(text: str) -> str:
        return with_tls(text, certificate.both, port, plain_port)

    with running_node(tmp_path, node) as gateway, balancer(tmp_path, [node], change) as haproxy:
        await until_up(haproxy)
        yield Secured(certificate, gateway, f"https://127.0.0.1:{port}", f"http://127.0.0.1:{plain_port}")


async def until_up(haproxy: Balancer) -> None:
    """Wait until the node gets requests."""
    await haproxy.until("node1", "UP")


async def curl(*arguments: str) -> str:
    """Run curl; return what it prints."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec("curl", "--silent", "--show-error", *arguments, stdout=pipe)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return output.decode()


async def test_pictures_come_by_tls(secured: Secured, tmp_path: Path) -> None:
    """By HTTP/1.1 and HTTP/2, to clients that check the certificate; the answer tells them to stay with TLS."""
    response = await secured.post(secured.url)
    assert (response.status, response.body[:4]) == (200, b"\x89PNG"), response.body
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"
    picture = tmp_path / "picture.png"
    fields = [word for name, value in HEADERS.items() for word in ("--header", f"{name}: {value}")]
    told = await curl(
        *("--http2", "--cacert", str(secured.certificate.certificate), *fields, "--data-binary", PLOT.decode()),
        *("--output", str(picture), "--write-out", "%{http_version} %{response_code}", f"{secured.url}/v1/render"),
    )
    assert told == "2 200"
    assert picture.read_bytes() == response.body


async def test_old_tls_is_refused(secured: Secured) -> None:
    """A client that speaks TLS 1.1 at most doesn't get through, although its own library would let it."""
    context = secured.certificate.trusting()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    assert (await secured.post(secured.url, context)).status == 200
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.minimum_version = ssl.TLSVersion.TLSv1_1
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises(aiohttp.ClientConnectorError):
        await secured.post(secured.url, context)


async def test_what_comes_without_tls_reaches_no_node(secured: Secured) -> None:
    """It is refused by a problem document, whatever it says of how it came."""
    for headers in ({}, {"X-Forwarded-Proto": "https"}):
        response = await secured.post(secured.plain_url, **headers)
        assert response.status == 403
        assert response.json["type"] == "urn:figbox:problem:tls-required"
    assert await secured.node.metric('figbox_requests_total{outcome="ok"}') == 0
