"""How a key may come, and what a request without a right one is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.fakes import KEY
from tests.http.conftest import PATH as OLD
from tests.http.v1 import AUTH, GOOD, PATH, problem

if TYPE_CHECKING:
    from tests.http.conftest import Rig
    from tests.http.v1 import Client

KEY_FIELD, FIELD = "X-API-Key", "Authorization"
BEARER = (FIELD, f"Bearer {KEY}")
OWN = (KEY_FIELD, KEY)
ENDPOINTS = [("POST", PATH), ("GET", "/v1/environments"), ("HEAD", "/v1/environments"), ("POST", OLD)]


@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
@pytest.mark.parametrize("headers", [{}, {KEY_FIELD: "wrong"}, {FIELD: "Bearer wrong"}, {FIELD: "Basic eDp5"}])
async def test_401_says_how_to_give_a_key(client: Client, method: str, path: str, headers: dict[str, str]) -> None:
    """Every 401 names the ways that its endpoint has: a header of ours, and below /v1 a bearer token."""
    response = await client.request(method, path, headers=headers)
    assert response.status == 401
    ways = response.headers.getall("WWW-Authenticate")
    own = 'ApiKey realm="figbox", header="X-API-Key"'
    assert ways == [own if path == OLD else f'Bearer realm="figbox", {own}']


@pytest.mark.parametrize(
    "headers",
    [
        [BEARER],
        [(FIELD, f"bearer   {KEY}")],
        [(FIELD, f"BEARER {KEY}")],
        [OWN, BEARER],
        [OWN, (FIELD, "Basic eDp5")],
        [(FIELD, "Basic eDp5"), BEARER],
    ],
)
async def test_bearer_token_is_the_key(client: Client, rig: Rig, headers: list[tuple[str, str]]) -> None:
    """Below /v1 the key may be a bearer token, or come in both ways; other schemes are a proxy's business."""
    assert (await client.post(PATH, headers=headers, json=GOOD)).status == 200
    assert (await client.get("/v1/environments", headers=headers)).status == 200
    assert len(rig.launcher.jobs) == 1


@pytest.mark.parametrize(
    "headers",
    [
        [OWN, (FIELD, "Bearer other")],
        [(KEY_FIELD, "other"), BEARER],
        [OWN, (FIELD, "Bearer")],
        [(KEY_FIELD, ""), BEARER],
        [BEARER, BEARER],
        [OWN, OWN, BEARER],
        [(FIELD, f"Bearer {KEY} {KEY}")],
        [(FIELD, f"Bearer {KEY}, Bearer {KEY}")],
        [(FIELD, f"Bearer{KEY}")],
        [(FIELD, f"Token {KEY}")],
        [(FIELD, KEY)],
        [(FIELD, "Bearer "), (FIELD, "")],
        [("Proxy-Authorization", f"Bearer {KEY}")],
    ],
)
async def test_two_different_keys_are_no_key(client: Client, rig: Rig, headers: list[tuple[str, str]]) -> None:
    """What could be read in two ways, or isn't a bearer token, is 401, even if one of its readings is right."""
    await problem(await client.post(PATH, headers=headers, json=GOOD), 401, "unauthorized")
    assert rig.launcher.jobs == []


async def test_old_endpoint_knows_its_own_header_only(client: Client) -> None:
    """Its contract is unchanged: a bearer token is no key there, and doesn't matter beside one."""
    await problem(await client.post(OLD, headers=[BEARER], json=GOOD), 401, "unauthorized")
    assert (await client.post(OLD, headers={**AUTH, FIELD: "Bearer other"}, json=GOOD)).status == 200


async def test_bearer_token_is_not_logged(client: Client, capfd: pytest.CaptureFixture[str]) -> None:
    """A token is as secret as the key, right or wrong."""
    for token in (KEY, "wrong-token-of-a-stranger"):
        await client.post(PATH, headers={FIELD: f"Bearer {token}"}, json=GOOD)
        assert token not in "".join(capfd.readouterr())
