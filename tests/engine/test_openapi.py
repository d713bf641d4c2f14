"""The description of the service against the running service, by a fuzzer that never saw the code."""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import pytest

from gateway.model.jobs import MiB
from tests.fakes import KEY
from tests.support.command import run
from tests.support.live import ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine

#: Seconds to send requests for, and how long the fuzzer may take to end.
BUDGET_S = 20
DEADLINE_S = slowed(120)

#: The same requests each time, as many as there is time for; another seed sends others.
SEED = 20_261_125

#: Requests that show that the fuzzer ran at all; a quiet machine gets through hundreds.
CASES_LEAST = 20


async def _known_to_clients(gateway: LiveGateway) -> dict[str, Any]:
    """Return the description with what it leaves to the operator filled in, as a client with a key knows it."""
    description: dict[str, Any] = (await gateway.get("/openapi.json")).json
    response = await gateway.get("/v1/environments", {"X-API-Key": KEY})
    names = [environment["name"] for environment in response.json["environments"]]
    limits = response.json["environments"][0]["limits"]
    for schema in _described(description, "environment"):
        schema["enum"] = names
    for schema in _described(description, "timeout_s"):
        schema["maximum"] = limits["wall_limit_s"]
    for schema in _described(description, "memory_mib"):
        schema["maximum"] = limits["memory_limit_bytes"] // MiB
    # The fuzzer calls all its files the same, which no client would.
    form = description["paths"]["/v1/render"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    form["properties"]["file"]["maxItems"] = 1
    return description


def _described(description: dict[str, Any], option: str) -> Iterator[dict[str, Any]]:
    """Yield the schemas of an option in every kind of body, without null."""
    render = description["paths"]["/v1/render"]["post"]
    json_body = description["components"]["schemas"]["RenderRequest"]["properties"][option]
    yield json_body.get("anyOf", [json_body])[0]
    yield render["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"][option]
    yield next(parameter["schema"] for parameter in render["parameters"] if parameter["name"] == option)


async def test_no_answer_contradicts_the_description(gateway: LiveGateway, tmp_path: Path) -> None:
    """A request that the description allows gets a response that it describes; any other is refused."""
    description = tmp_path / "openapi.json"
    description.write_text(json.dumps(await _known_to_clients(gateway)))
    command = [
        *(sys.executable, "-m", "schemathesis.cli"),
        *("--config-file", str(ROOT / "tests" / "support" / "fuzzing" / "schemathesis.toml")),
        *("run", str(description), "--url", gateway.url, "--header", f"X-API-Key: {KEY}"),
        *("--phases", "coverage,fuzzing", "--max-time", str(BUDGET_S), "--continue-on-failure", "--seed", str(SEED)),
        *("--suppress-health-check", "all", "--request-timeout", str(slowed(60)), "--no-color"),
        *("--report-dir", str(tmp_path)),
    ]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = await asyncio.to_thread(run, *command, folder=tmp_path, env=env, limit_s=DEADLINE_S)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    generated = re.search(r"(\d+) generated", done.stdout)
    assert generated is not None, done.stdout
    assert int(generated[1]) >= CASES_LEAST
    assert "internal error" not in gateway.log_text()
