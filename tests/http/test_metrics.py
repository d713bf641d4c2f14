"""What Prometheus reads of the state of the service."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from prometheus_client import generate_latest

from gateway.context import Context
from gateway.keys.budgets import Budgets
from gateway.keys.keyring import HEADER, Holder
from gateway.launcher.selftest.verdict import Check, Verdict
from gateway.launcher.snapshot.warm_start import WarmStart
from gateway.model.jobs import MiB
from gateway.model.results import Outcome, Result
from gateway.shutdown import Shutdown
from gateway.status.endpoints import KEYS_LIMIT, add_gauges, scarcest_quotas
from tests.fakes import KEY, until
from tests.http.conftest import PATH, Rig, make_rig
from tests.support.keys_file import write_keys

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from aiohttp import web
    from aiohttp.test_utils import TestClient
    from pytest_aiohttp.plugin import AiohttpClient

    from gateway.settings import Settings

    Client = TestClient[web.Request, web.Application]


def value(rig: Rig, name: str, **labels: str) -> float | None:
    """Return the value of a series, or None if it isn't there."""
    return rig.metrics.registry.get_sample_value(name, labels)


def watched(rig: Rig) -> Rig:
    """Add the gauges to a rig, as a start of the service does."""
    add_gauges(Context(rig.settings, rig.service, Shutdown()), rig.edge)
    return rig


async def test_state_is_read_when_it_is_asked_for(rig: Rig) -> None:
    """Readiness, age of the self-test and ways of starting are those of the launcher at the time of a scrape."""
    watched(rig)
    assert value(rig, "figbox_ready") == 1
    assert value(rig, "figbox_self_test_age_seconds") is None
    rig.launcher.not_ready = "the container engine doesn't respond"
    rig.launcher.verdict = Verdict((Check("memory"),), time.time() - 90, 1.0)
    rig.launcher.warm_starts = (WarmStart("default", "snapshot", None), WarmStart("big", "import", "too big"))
    assert value(rig, "figbox_ready") == 0
    assert 89 <= (value(rig, "figbox_self_test_age_seconds") or 0) <= 120
    assert value(rig, "figbox_snapshot_starts", environment="default") == 1
    assert value(rig, "figbox_snapshot_missing", environment="default") == 0
    assert value(rig, "figbox_snapshot_starts", environment="big") == 0
    assert value(rig, "figbox_snapshot_missing", environment="big") == 1
    assert value(rig, "figbox_environment_info", environment="default", image="sha256:1", runtime="default") == 1


async def test_limits_stand_beside_what_is_held(rig: Rig) -> None:
    """Each gauge that can be exhausted has its limit."""
    watched(rig)
    assert value(rig, "figbox_jobs_running_limit") == 1
    assert value(rig, "figbox_jobs_waiting_limit") == 1
    assert value(rig, "figbox_connections_limit") == 512
    assert value(rig, "figbox_memory_limit_bytes") == 640 * MiB
    assert value(rig, "figbox_body_bytes_limit") == rig.memory.bodies.total_bytes
    assert value(rig, "figbox_answer_bytes_limit") == rig.memory.answers.total_bytes
    rig.admission.resize(7)
    assert value(rig, "figbox_jobs_running_limit") == 7


async def test_responses_and_defects_are_counted(client: Client, rig: Rig) -> None:
    """Every response counts by its status, bad requests too; a defect counts apart from a failing program's 500."""
    headers = {HEADER: KEY}
    assert (await client.get("/nothing")).status == 404
    assert (await client.post(PATH, headers=headers, json={})).status == 400
    rig.launcher.result = Result(Outcome.PROGRAM_ERROR, error="x")
    assert (await client.post(PATH, headers=headers, json={"code": "x"})).status == 500
    assert value(rig, "figbox_internal_errors_total") == 0
    rig.launcher.result = RuntimeError("a bug")
    assert (await client.post(PATH, headers=headers, json={"code": "x"})).status == 500
    assert value(rig, "figbox_internal_errors_total") == 1
    assert value(rig, "figbox_requests_total", outcome="internal-error") == 1
    counts = {status: value(rig, "figbox_responses_total", status=status) for status in ("400", "404", "500")}
    assert counts == {"400": 1, "404": 1, "500": 2}


async def test_what_keys_have_left(
    make_settings: Callable[..., Settings], tmp_path: Path, aiohttp_client: AiohttpClient
) -> None:
    """A key in use is named with what it has left, without the key itself; one that uses nothing isn't there."""
    keys = {"alice": "a" * 32, "bob": "b" * 32}
    rig = make_rig(make_settings, api_key=None, api_keys_file=write_keys(tmp_path / "keys.toml", keys))
    rig.budgets = Budgets(requests_per_minute=10)
    client = await aiohttp_client(rig.app())
    watched(rig)
    rig.launcher.result = None
    job = asyncio.create_task(client.post(PATH, headers={HEADER: keys["alice"]}, json={"code": "x"}))
    await until(lambda: rig.launcher.running == 1)
    assert value(rig, "figbox_key_allowance", key="alice", budget="requests") == 10
    assert value(rig, "figbox_key_left", key="alice", budget="requests") == 9
    assert value(rig, "figbox_key_left", key="alice", budget="jobs") == 9
    text = generate_latest(rig.metrics.registry).decode()
    assert "bob" not in text
    assert not any(key in text for key in keys.values())
    job.cancel()


async def test_gauges_of_keys_are_few(make_settings: Callable[..., Settings], tmp_path: Path) -> None:
    """However many keys are in use, those with the least left are named, and no more than a bound."""
    keys = {f"key-{number}": f"{number:032}" for number in range(KEYS_LIMIT + 20)}
    rig = make_rig(make_settings, api_key=None, api_keys_file=write_keys(tmp_path / "keys.toml", keys))
    rig.budgets = Budgets(requests_per_minute=1000)
    for number, name in enumerate(keys):
        for _ in range(number + 1):
            await rig.budgets.take_request(Holder(name))
    found = scarcest_quotas(rig.service, KEYS_LIMIT)
    assert {name for name, _ in found} == set([*keys][-KEYS_LIMIT:])
    assert found["key-39", "requests"].remaining == 960
