"""`POST /v1/render` with a cache: which requests run no job, and that the response says so."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import generate_latest

from gateway.cache.renders import RenderCache
from gateway.model.jobs import Format, MiB
from gateway.model.results import Outcome, Result, Text
from tests.fakes import KEY
from tests.http.conftest import Rig, make_rig
from tests.http.v1 import AUTH, FACTS, GOOD, PATH, figures_result

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from aiohttp import ClientResponse

    from gateway.settings import Settings
    from tests.http.v1 import Client

OTHER = {"X-API-Key": "the-key-of-another-customer"}


@pytest.fixture
async def rig(make_settings: Callable[..., Settings], tmp_path: Path) -> AsyncIterator[Rig]:
    """Return a gateway with a cache, and two keys; the other one has the processor time of one job a minute."""
    digest = hashlib.sha256(OTHER["X-API-Key"].encode()).hexdigest()
    keys = tmp_path / "keys.toml"
    keys.write_text(f'[keys.other]\nsha256 = "{digest}"\ncompute_seconds_per_minute = 30\n')
    keys.chmod(0o600)
    rig = make_rig(make_settings, api_keys_file=keys)
    rig.launcher.environments["default"] = FACTS
    rig.renders = RenderCache(tmp_path / "renders.sqlite3", 8 * MiB)
    yield rig
    await rig.renders.aclose()


async def _render(
    client: Client, key: dict[str, str] = AUTH, headers: dict[str, str] | None = None, **values: Any
) -> ClientResponse:
    return await client.post(PATH, headers={**key, **(headers or {})}, json={**GOOD, **values})


async def _use(client: Client, key: dict[str, str] = AUTH, headers: dict[str, str] | None = None, **values: Any) -> str:
    """Render, and return what the cache did."""
    return (await _render(client, key, headers, **values)).headers["X-Figbox-Cache"]


async def test_second_time_runs_nothing(client: Client, rig: Rig, log: io.StringIO) -> None:
    """The same request of the same key is served from the cache, in any form, and says so."""
    rig.launcher.result = figures_result(Format.PNG, stdout=Text("first"))
    first = await _render(client)
    rig.launcher.result = figures_result(Format.PNG, stdout=Text("second"))
    second = await _render(client)
    assert [response.headers["X-Figbox-Cache"] for response in (first, second)] == ["miss", "hit"]
    assert second.headers["Server-Timing"].startswith("cache;dur=")
    assert await first.read() == await second.read()
    assert first.headers["ETag"] == second.headers["ETag"]
    document = await (await _render(client, headers={"Accept": "application/json"})).json()
    assert (document["cached"], document["stdout"]["text"]) == (True, "first")
    response = await _render(client, headers={"If-None-Match": first.headers["ETag"]})
    assert (response.status, response.headers["X-Figbox-Cache"]) == (304, "hit")
    assert len(rig.launcher.jobs) == 1
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["key"] for line in lines if line["event"] == "served from the cache"] == ["default"] * 3
    assert b"figbox_cache_hits_total 3.0" in generate_latest(rig.metrics.registry)


@pytest.mark.parametrize("accept", ["application/json", "application/zip"])
async def test_tag_outlives_the_render(client: Client, rig: Rig, accept: str) -> None:
    """A kept document has the tag that it had when it was rendered."""
    first, second = [(await _render(client, headers={"Accept": accept})).headers for _ in range(2)]
    assert (first["X-Figbox-Cache"], second["X-Figbox-Cache"]) == ("miss", "hit")
    assert first["ETag"] == second["ETag"]


async def test_another_key_has_entries_of_its_own(client: Client, rig: Rig) -> None:
    """What one key rendered is not visible to another."""
    assert [await _use(client), await _use(client, OTHER), await _use(client, OTHER)] == ["miss", "miss", "hit"]


@pytest.mark.parametrize(
    "values",
    [{"dpi": 50}, {"seed": 1}, {"code": "other"}, {"files": {"a": "b"}}, {"rc": {"axes.grid": True}}, {"timeout_s": 5}],
)
async def test_another_request_is_another(client: Client, rig: Rig, values: dict[str, Any]) -> None:
    """Whatever can change a picture is a miss."""
    assert [await _use(client), await _use(client, **values)] == ["miss", "miss"]
    assert len(rig.launcher.jobs) == 2


async def test_another_image_is_another(client: Client, rig: Rig) -> None:
    """A request is rendered again in a new image."""
    await _render(client)
    rig.launcher.environments["default"] = replace(FACTS, image_id="sha256:new")
    assert await _use(client) == "miss"


async def test_clients_can_refuse(client: Client, rig: Rig) -> None:
    """`cache: false` and `no-store` neither read nor keep; `no-cache` renders again and keeps that."""
    assert await _use(client, cache=False) == "off"
    assert await _use(client, headers={"Cache-Control": "no-store"}) == "off"
    assert await _use(client) == "miss"
    rig.launcher.result = figures_result(Format.WEBP)
    assert await _use(client, cache=False) == "off"
    rig.launcher.result = figures_result(Format.PNG, stdout=Text("new"))
    assert await _use(client, headers={"Cache-Control": "no-cache"}) == "miss"
    document = await (await _render(client, headers={"Accept": "application/json"})).json()
    assert (document["cached"], document["stdout"]["text"]) == (True, "new")


async def test_failures_are_not_kept(client: Client, rig: Rig) -> None:
    """A failure is rendered again."""
    rig.launcher.result = Result(Outcome.TIME_LIMIT, error="slow")
    for _ in range(2):
        response = await _render(client)
        assert (response.status, response.headers["X-Figbox-Cache"]) == (422, "miss")
    assert len(rig.launcher.jobs) == 2


async def test_kept_render_says_as_much_as_asked_for(client: Client, rig: Rig) -> None:
    """It serves its own level alone, whatever is to fail, and is kept only with what is said of each figure."""
    drawn = figures_result(Format.PNG)
    rig.launcher.result = drawn
    assert [await _use(client, describe="full"), await _use(client, describe="full")] == ["miss", "miss"]
    explanation = b'{"alt_text":"x","description":null,"findings":[],"findings_left_out":0}'
    rig.launcher.result = replace(drawn, figures=(replace(drawn.figures[0], explanation=explanation),))
    assert await _use(client, describe="full") == "miss"
    assert await _use(client, describe="full") == "hit"
    assert await _use(client, describe="full", fail_on=["error"]) == "hit"
    assert await _use(client, describe="summary") == "miss"
    assert await _use(client) == "miss"


async def test_hits_cost_no_budget_and_no_place(client: Client, rig: Rig) -> None:
    """A kept render is served to a key without processor time, and when no more jobs are accepted."""
    rig.launcher.run_ms = 60_000
    assert (await _render(client, OTHER)).status == 200
    assert (await _render(client, OTHER, seed=5)).status == 429
    response = await _render(client, OTHER)
    assert (response.status, response.headers["X-Figbox-Cache"]) == (200, "hit")
    rig.admission.close()
    assert (await _render(client, OTHER)).status == 200


async def test_restart_keeps_the_cache(rig: Rig, make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """Another gateway on the same file has what this one rendered."""
    for expected in ("miss", "hit"):
        async with TestClient(TestServer(rig.app())) as client:
            response = await client.post(PATH, headers={"X-API-Key": KEY}, json=GOOD)
            assert response.headers["X-Figbox-Cache"] == expected
        assert rig.renders is not None
        await rig.renders.aclose()
        rig.renders = RenderCache(tmp_path / "renders.sqlite3", 8 * MiB)


async def test_broken_cache_fails_no_request(client: Client, rig: Rig, tmp_path: Path, log: io.StringIO) -> None:
    """A cache that breaks costs a render, but no request fails."""
    await _render(client)
    assert rig.renders is not None
    rig.renders._store.close()
    (tmp_path / "renders.sqlite3").write_bytes(b"garbage" * 100)
    assert [await _use(client), await _use(client)] == ["miss", "hit"]
    assert "cache is broken and made anew" in log.getvalue()
