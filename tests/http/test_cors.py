"""Pages of other origins: those that the operator names may ask and read, and nobody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from aiohttp.test_utils import TestClient, TestServer

from gateway.server.cors import READ, SENT
from tests.http.conftest import PATH as OLD
from tests.http.conftest import Rig, make_rig
from tests.http.v1 import AUTH, GOOD, PATH, problem

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from aiohttp import ClientResponse, web

    from gateway.settings import Settings
    from tests.http.v1 import Client

GOOD_ORIGIN, OTHER = "https://a.example", "https://b.example"
PREFLIGHT = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key,content-type"}


@pytest.fixture
def named(make_settings: Callable[..., Settings]) -> Rig:
    """Return a gateway whose operator has named two origins."""
    return make_rig(make_settings, cors=f"{GOOD_ORIGIN},http://localhost:5173")


@pytest.fixture
async def pages(named: Rig) -> AsyncIterator[TestClient[web.Request, web.Application]]:
    """Return a client of that gateway."""
    async with TestClient(TestServer(named.app())) as client:
        yield client


def _granted(response: ClientResponse) -> list[str]:
    return sorted(name for name in response.headers if name.lower().startswith("access-control-"))


@pytest.mark.parametrize("path", [PATH, OLD, "/v1/environments", "/healthz", "/"])
@pytest.mark.parametrize("origin", [GOOD_ORIGIN, "http://localhost:5173"])
async def test_preflight_of_a_named_origin(pages: Client, path: str, origin: str) -> None:
    """It needs no key, and says which methods the path has and which fields may be sent; credentials aren't allowed."""
    response = await pages.options(path, headers={"Origin": origin, **PREFLIGHT})
    assert (response.status, await response.read()) == (204, b"")
    assert response.headers["Access-Control-Allow-Origin"] == origin
    methods = {PATH: "POST", OLD: "POST"}.get(path, "GET, HEAD")
    assert response.headers["Access-Control-Allow-Methods"] == methods
    assert set(response.headers["Access-Control-Allow-Headers"].split(", ")) == set(SENT)
    assert response.headers.getall("Vary") == ["Origin"]
    assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    "origins",
    [
        [OTHER],
        ["null"],
        ["*"],
        [""],
        [],
        [f"{GOOD_ORIGIN}.evil.example"],
        [f"{GOOD_ORIGIN}/"],
        [f"{GOOD_ORIGIN}:8443"],
        ["http://a.example"],
        [GOOD_ORIGIN.upper()],
        [GOOD_ORIGIN, OTHER],
        [f"{GOOD_ORIGIN}, {OTHER}"],
        [f"{OTHER} {GOOD_ORIGIN}"],
    ],
)
async def test_others_get_nothing(pages: Client, origins: list[str]) -> None:
    """An origin is one of those named to the letter, and one only, or a page of it is told nothing by its browser."""
    fields = [("Origin", origin) for origin in origins]
    response = await pages.options(PATH, headers=[*fields, *PREFLIGHT.items()])
    await problem(response, 405)
    assert _granted(response) == []
    response = await pages.post(PATH, headers=[*fields, *AUTH.items()], json=GOOD)
    assert (response.status, _granted(response)) == (200, [])
    assert response.headers["Vary"] == "Accept, Origin"


async def test_every_response_can_be_read(pages: Client) -> None:
    """A picture, a 401, a 404 and a 406 can be read by the page, with the fields that are ours."""
    origin = {"Origin": GOOD_ORIGIN}
    for response, status in (
        (await pages.post(PATH, headers={**AUTH, **origin}, json=GOOD), 200),
        (await pages.post(PATH, headers=origin, json=GOOD), 401),
        (await pages.get("/nothing", headers=origin), 404),
        (await pages.post(PATH, headers={**AUTH, **origin, "Accept": "text/html"}, json=GOOD), 406),
        (await pages.post(PATH, headers={**AUTH, **origin}, data=b"{"), 415),
    ):
        assert response.status == status
        assert response.headers["Access-Control-Allow-Origin"] == GOOD_ORIGIN
        assert response.headers["Access-Control-Expose-Headers"] == ", ".join(READ)
        assert _granted(response) == ["Access-Control-Allow-Origin", "Access-Control-Expose-Headers"]
        assert len(response.headers.getall("Vary")) == 1


async def test_other_requests_by_options_are_refused(pages: Client) -> None:
    """What isn't a preflight is 405, and a preflight for a path that isn't there is 404."""
    await problem(await pages.options(PATH, headers={"Origin": GOOD_ORIGIN}), 405)
    await problem(await pages.options("/nothing", headers={"Origin": GOOD_ORIGIN, **PREFLIGHT}), 404)
    await problem(await pages.put(PATH, headers={"Origin": GOOD_ORIGIN, **PREFLIGHT}), 405)


async def test_without_the_setting_there_is_nothing_of_it(client: Client) -> None:
    """By default no origin is allowed anything, and responses don't depend on it."""
    response = await client.post(PATH, headers={**AUTH, "Origin": GOOD_ORIGIN}, json=GOOD)
    assert (response.status, _granted(response), response.headers["Vary"]) == (200, [], "Accept")
    await problem(await client.options(PATH, headers={"Origin": GOOD_ORIGIN, **PREFLIGHT}), 405)


async def test_fields_that_may_be_read_are_ours(pages: Client) -> None:
    """Every field that /v1/render describes can be read by a page."""
    document = await (await pages.get("/openapi.json")).json()
    described = set(document["components"]["headers"]) - {"Vary"}
    assert described <= set(READ)
