"""Budgets of keys, as their clients see them: refusals, and what is left, in every response."""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp.test_utils import TestServer

from gateway import render_service
from gateway.keys.budgets import STEP_S, WINDOW_S, Budgets
from gateway.keys.keyring import HEADER, digest_of
from gateway.model.jobs import MiB
from gateway.model.results import Outcome, Result, Usage
from gateway.server.protocol import PROTOCOL_OPTIONS
from tests.fakes import DEFAULT_FACTS, KEY, PNG, picture_result, until
from tests.http.conftest import PATH, Rig, make_rig

if TYPE_CHECKING:
    import io
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from aiohttp import ClientResponse, web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from gateway.settings import Settings

    Client = TestClient[web.Request, web.Application]
    House = Callable[..., Awaitable[tuple[Rig, Client]]]

GOOD = {"code": "plt.plot([1, 2])"}

_ITEM = re.compile(r'"(?P<name>[a-z]+)"(?P<parameters>(?:;[a-z]+=(?:\d+|"[a-z-]+"))*)')


def _fields(response: ClientResponse, name: str) -> dict[str, dict[str, str]]:
    """Read a field as a Structured Fields list of strings with parameters."""
    found = {}
    for item in response.headers[name].split(", "):
        match = _ITEM.fullmatch(item)
        assert match is not None, item
        found[match["name"]] = dict(pair.split("=") for pair in match["parameters"].split(";")[1:])
    return found


def _left(response: ClientResponse) -> dict[str, int]:
    return {name: int(parameters["r"]) for name, parameters in _fields(response, "RateLimit").items()}


@pytest.fixture
def house(make_settings: Callable[..., Settings], aiohttp_client: AiohttpClient, tmp_path: Path) -> House:
    """Return a gateway whose key `a` has the given limits, `b` has none, and a clock that a test sets by `rig.now`."""

    async def build(**limits: int) -> tuple[Rig, Client]:
        file = tmp_path / "keys.toml"
        lines = "".join(f"{name} = {value}\n" for name, value in limits.items())
        file.write_text(
            f'[keys.a]\nsha256 = "{digest_of(b"a").hex()}"\n{lines}[keys.b]\nsha256 = "{digest_of(b"b").hex()}"\n'
        )
        rig = make_rig(make_settings, api_key=None, api_keys_file=file)
        rig.budgets = Budgets(lambda: rig.now)
        server = TestServer(rig.app())
        await server.start_server(**PROTOCOL_OPTIONS)
        return rig, await aiohttp_client(server)

    return build


async def _post(client: Client, key: str = "a", **body: Any) -> ClientResponse:
    return await client.post(PATH, headers={HEADER: key}, **(body or {"json": GOOD}))


async def _problem(response: ClientResponse) -> tuple[int, str, int]:
    document = json.loads(await response.read())
    return response.status, document["type"].rpartition(":")[2], int(response.headers.get("Retry-After", 0))


async def test_what_is_left_is_on_every_answer_to_a_key(house: House) -> None:
    """Both fields are well-formed, name each policy with its unit and window, and count down."""
    rig, client = await house(requests_per_minute=5, concurrent_jobs=3, compute_seconds_per_minute=7)
    rig.launcher.result = picture_result(PNG, Usage(1.5, None))
    response = await _post(client)
    assert response.status == 200
    assert _fields(response, "RateLimit-Policy") == {
        "jobs": {"q": "3", "qu": '"concurrent-requests"'},
        "requests": {"q": "5", "qu": '"requests"', "w": "60"},
        "compute": {"q": "7", "qu": '"figbox-cpu-seconds"', "w": "60"},
    }
    assert _left(response) == {"jobs": 3, "requests": 4, "compute": 5}
    for status, body in ((400, {"data": "x"}), (413, {"json": {"code": "x" * 5000}}), (400, {"json": {}})):
        response = await _post(client, **body)
        assert response.status == status
        assert set(_left(response)) == {"jobs", "requests", "compute"}
    rig.launcher.result = Result(Outcome.PROGRAM_ERROR, error="x", usage=Usage(2.0, None))
    response = await _post(client)
    assert (response.status, _left(response)) == (500, {"jobs": 3, "requests": 0, "compute": 3})


async def test_strangers_are_told_nothing(house: House) -> None:
    """Without a key, or with a wrong one, no allowance shows, and none is used."""
    rig, client = await house(requests_per_minute=2)
    for key in ("wrong", ""):
        response = await _post(client, key)
        assert response.status == 401
        assert not {"RateLimit", "RateLimit-Policy", "Retry-After"} & set(response.headers)
    for path in ("/", "/healthz", "/nothing"):
        assert "RateLimit" not in (await client.get(path, headers={HEADER: "a"})).headers
    assert _left(await _post(client)) == {"jobs": rig.admission.key_limit, "requests": 1}


async def test_requests_of_a_minute(house: House) -> None:
    """The request beyond the allowance is 429 before its body is read; after `Retry-After` it succeeds."""
    rig, client = await house(requests_per_minute=2)
    for left in (1, 0):
        assert _left(await _post(client))["requests"] == left
    status, slug, after = await _problem(await _post(client, data=b"whatever"))
    assert (status, slug) == (429, "rate-exceeded")
    assert WINDOW_S <= after <= WINDOW_S + STEP_S
    assert (await _post(client, "b")).status == 200
    rig.now += after
    assert (await _post(client)).status == 200
    assert len(rig.launcher.jobs) == 4


async def test_refused_requests_carry_when_and_what(house: House) -> None:
    """`Retry-After` and the rate fields of a refusal say the same time."""
    rig, client = await house(requests_per_minute=1)
    await _post(client)
    rig.now += 20
    response = await _post(client)
    assert _fields(response, "RateLimit")["requests"] == {"r": "0", "t": response.headers["Retry-After"]}


async def test_processor_time_of_a_minute(house: House) -> None:
    """What jobs used is counted from their usage; beyond the allowance it is 429 until the allowance is back."""
    rig, client = await house(compute_seconds_per_minute=5)
    rig.launcher.result = picture_result(PNG, Usage(4.5, None))
    response = await _post(client)
    assert (response.status, _left(response)["compute"]) == (200, 0)
    status, slug, after = await _problem(await _post(client))
    assert (status, slug) == (429, "budget-exceeded")
    rig.now += after
    assert (await _post(client)).status == 200
    assert (await _post(client, "b")).status == 200


async def test_overdraft_is_paid_off(house: House) -> None:
    """After a job that used six allowances its key is refused for six minutes, and the response says so."""
    rig, client = await house(compute_seconds_per_minute=5)
    rig.launcher.result = picture_result(PNG, Usage(30.0, None))
    assert (await _post(client)).status == 200
    status, _, after = await _problem(await _post(client))
    assert status == 429
    assert 5 * WINDOW_S < after <= 6 * WINDOW_S + STEP_S
    rig.now += after - 2
    assert (await _post(client)).status == 429
    rig.now += 2
    assert (await _post(client)).status == 200


async def test_time_counts_where_usage_is_unknown(house: House) -> None:
    """If the usage is unknown, the time that the job ran is charged, also when its client hung up."""
    rig, client = await house(compute_seconds_per_minute=13)
    rig.launcher.result = picture_result(PNG)
    rig.launcher.run_ms = 4000.0
    assert _left(await _post(client))["compute"] == 9
    rig.launcher.result = None
    task = asyncio.create_task(_post(client))
    await until(lambda: rig.launcher.running)
    task.cancel()
    await until(lambda: rig.launcher.cancelled == 1 and not rig.admission.running_count)
    rig.launcher.result = ZeroDivisionError()
    assert _left(await _post(client))["compute"] == 1


async def test_hanging_up_is_not_free(house: House) -> None:
    """A job is charged for if its client hangs up while it is checked, or while a launcher that can't tell runs it."""
    rig, client = await house(compute_seconds_per_minute=13)
    rig.launcher.result = None
    holder = rig.service.keyring.authenticate(["a"])
    for run_ms, check_ms, least_s, most_s in ((1000.0, 2000.0, 3.0, 3.0), (0.0, 0.0, 0.05, 5.0)):
        before_s = rig.budgets._compute_of(holder)._debt_s
        rig.launcher.run_ms, rig.launcher.check_ms = run_ms, check_ms
        task = asyncio.create_task(_post(client))
        await until(lambda: rig.launcher.running)
        began = time.perf_counter()
        await until(lambda began=began: time.perf_counter() - began > 0.05)  # type: ignore[misc]
        task.cancel()
        await until(lambda: not rig.admission.running_count)
        assert least_s - 0.001 <= rig.budgets._compute_of(holder)._debt_s - before_s <= most_s + 0.1


async def test_jobs_under_way_hold_processor_time(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Running jobs reserve an estimate: as many are admitted as fit the allowance; the reservations are returned."""
    monkeypatch.setattr(render_service, "CONTAINER_S", 0.0)  # what a hang-up costs in any case
    rig, client = await house(compute_seconds_per_minute=1)
    rig.launcher.result, rig.launcher.run_ms = None, 1e-6
    task = asyncio.create_task(_post(client))
    await until(lambda: rig.launcher.running)
    assert await _problem(await _post(client)) == (429, "budget-exceeded", STEP_S)
    task.cancel()
    await until(lambda: not rig.admission.running_count)
    rig.launcher.result = picture_result(PNG)
    assert (await _post(client)).status == 200


async def test_jobs_of_a_key_at_once(house: House) -> None:
    """A key's own limit of jobs replaces the common share; other keys are not affected."""
    rig, client = await house(concurrent_jobs=1)
    rig.launcher.result = None
    task = asyncio.create_task(_post(client))
    await until(lambda: rig.launcher.running)
    response = await _post(client)
    assert _left(response) == {"jobs": 0}
    assert (await _problem(response))[:2] == (429, "key-share-exceeded")
    other = asyncio.create_task(_post(client, "b"))
    await until(lambda: rig.admission.waiting_count)
    for running in (task, other):
        running.cancel()
    await asyncio.gather(task, other, return_exceptions=True)
    await until(lambda: not rig.admission.running_count)


async def test_knocking_at_a_closed_door_fills_no_log(house: House, log: io.StringIO) -> None:
    """Every refusal is counted, but logged at a bounded rate."""
    rig, client = await house(requests_per_minute=1)
    for _ in range(100):
        await _post(client)
    lines = [json.loads(line) for line in log.getvalue().splitlines() if "job not served" in line]
    assert 1 < len(lines) < 60
    assert {line["key"] for line in lines} == {"a"}
    assert rig.metrics.registry.get_sample_value("figbox_requests_total", {"outcome": "rate-exceeded"}) == 99


async def test_key_of_the_environment_has_no_limits(client: Client, rig: Rig) -> None:
    """With `API_KEY` alone the only quota is the common share of jobs."""
    response = await client.post(PATH, headers={HEADER: KEY}, json=GOOD)
    assert _left(response) == {"jobs": rig.admission.key_limit}


@pytest.mark.parametrize(
    ("limit", "field", "expected"),
    [("wall_limit_s", "wall_limit_s", 2), ("memory_limit_mib", "memory_limit_bytes", 256 * MiB)],
)
async def test_caps_of_a_key_reach_its_jobs(house: House, limit: str, field: str, expected: int) -> None:
    """What a key's jobs may use at most goes with each of them; other keys' jobs have no such cap."""
    rig, client = await house(**{limit: 2 if limit == "wall_limit_s" else 256})
    for key in "ab":
        assert (await _post(client, key)).status == 200
    assert [getattr(job, field) for job in rig.launcher.jobs] == [expected, getattr(DEFAULT_FACTS.limits, field)]
