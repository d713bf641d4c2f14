"""A loaded service, watched by a real Prometheus: queries have results, and alerts come and go with real failures."""

from __future__ import annotations

import asyncio
import json
import signal
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from gateway.launcher.engine.specification import LABEL_INSTALLATION
from tests.fakes import until
from tests.monitoring.rules import GATEWAYS, ROOT, alerts, expressions, hurried, rules, selectors
from tests.support.cut_socket import CutSocket, cut_socket
from tests.support.keys_file import write_keys
from tests.support.live import IMAGE, LiveGateway, end_gateway, engine_client, engine_url, free_port
from tests.support.machine import slowed
from tests.support.prometheus import Prometheus, running
from tests.support.redis_server import RedisServer, redis_server
from tests.support.split import LiveSplit, live_split, start_split_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

#: How far rates look back here, in seconds.
WINDOW_S = 20

#: For an alert to fire or to resolve: the window, what notices the failure, and a restart.
ALERT_LIMIT_S = slowed(WINDOW_S + 60)

GOOD = "plt.plot([1, 3, 2])"
SLOW = f"import time; time.sleep(1); {GOOD}"

#: A key that may ask but twice in a minute, and one that is none.
POOR, WRONG = "p" * 40, "w" * 40


@dataclass
class Stage:
    """A gateway, its launcher, the way to its engine, the Redis that it shares, and who watches.

    Attributes:
        folder: Where the gateway's log and keys file are.
        environment: The gateway's settings.
    """

    folder: Path
    split: LiveSplit
    engine: CutSocket
    redis: RedisServer
    prometheus: Prometheus
    environment: dict[str, object]

    @property
    def gateway(self) -> LiveGateway:
        """The gateway that runs now."""
        return self.split.gateway

    @property
    def keys_file(self) -> Path:
        """Where its keys are."""
        return self.folder / "keys.toml"

    def reload_keys(self) -> None:
        """Have the gateway look at its keys file."""
        self.gateway.process.send_signal(signal.SIGHUP)

    async def until_fires(self, *names: str) -> None:
        """Wait until alerts fire."""
        await self._until(lambda: set(names) <= set(self.prometheus.firing()), f"{names} fire")

    async def until_resolved(self, *names: str) -> None:
        """Wait until alerts have resolved."""
        await self._until(lambda: not set(names) & set(self.prometheus.firing()), f"{names} have resolved")

    async def _until(self, condition: object, what: str) -> None:
        await until(condition, what, ALERT_LIMIT_S)  # type: ignore[arg-type]

    async def flood(self, times: int, code: str = SLOW) -> list[int]:
        """Send so many jobs at once; return their statuses."""
        return [
            response.status for response in await asyncio.gather(*(self.gateway.render(code) for _ in range(times)))
        ]


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """Return a service with one place and a short queue, scraped every second."""
    folder = tmp_path_factory.mktemp("watched")
    port = free_port()
    keys_file = write_keys(folder / "keys.toml", {"poor": POOR})
    keys_file.write_text(keys_file.read_text() + "requests_per_minute = 2\n")
    environment: dict[str, object] = {
        "FIGBOX_METRICS_PORT": port,
        "FIGBOX_API_KEYS_FILE": keys_file,
        "FIGBOX_RUNNING_LIMIT": 1,
        "FIGBOX_POOL_SIZE": 1,
        "FIGBOX_QUEUE_LIMIT": 2,
        "FIGBOX_KEY_LIMIT": 10,  # so that one key can fill the queue
        "FIGBOX_SWEEP_PERIOD_S": 1,
        "FIGBOX_ENGINE_TIMEOUT_S": slowed(5),
    }
    with ExitStack() as stack:
        short = Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp"))
        engine = stack.enter_context(cut_socket(short, engine_url().removeprefix("unix://")))
        redis = stack.enter_context(redis_server(short))
        environment |= {"FIGBOX_SHARED_URL": redis.url, "FIGBOX_SHARED_SECRET": "s" * 32}
        split = stack.enter_context(live_split(folder, docker_host=engine.url, **environment))
        prometheus = stack.enter_context(running(folder, hurried(folder, {GATEWAYS: f"127.0.0.1:{port}"}, WINDOW_S)))
        try:
            yield Stage(folder, split, engine, redis, prometheus, environment)
        finally:
            end_gateway(split.gateway.process)


@pytest.fixture(scope="module")
def loaded(stage: Stage) -> Stage:
    """Return the service after good, failing, bad and refused requests, which Prometheus has seen."""
    asyncio.run(load(stage))
    return stage


async def load(stage: Stage) -> None:
    """Have requests end in every way that they can, and wait until Prometheus knows."""
    await stage.gateway.until_ready()
    for code in (GOOD, GOOD, GOOD, "1/0", "pass", "import os; os._exit(3)"):
        await stage.gateway.render(code)
    assert (await stage.gateway.render_v1(json={"code": 5})).status == 400
    assert (await stage.gateway.render(GOOD, key=WRONG)).status == 401
    assert 429 in [(await stage.gateway.render(GOOD, key=POOR)).status for _ in range(4)]
    assert 503 in await stage.flood(6)
    full = 'figbox_requests_total{outcome="queue-full"} > 0'
    await until(lambda: stage.prometheus.query(full), "Prometheus has seen it")
    often = f"count_over_time(figbox_ready[{WINDOW_S}s]) > 3"
    await until(lambda: stage.prometheus.query(often), "there are enough samples")


def test_scrape_is_what_prometheus_expects(loaded: Stage) -> None:
    """The target is healthy, and it has the name that the rules ask for."""
    [target] = loaded.prometheus.api("targets")["activeTargets"]
    assert (target["health"], target["labels"]["job"], target["lastError"]) == ("up", "figbox", "")


@pytest.mark.parametrize("panel", expressions(GATEWAYS))
def test_every_query_of_the_dashboard_has_a_result(loaded: Stage, panel: str) -> None:
    """Prometheus evaluates each query of each panel, and there is something to draw."""
    assert loaded.prometheus.query(expressions(GATEWAYS, f"{WINDOW_S}s")[panel])


@pytest.mark.parametrize("rule", [rule.get("alert", rule.get("record")) for rule in rules(GATEWAYS)])
def test_every_rule_is_evaluated(loaded: Stage, rule: str) -> None:
    """Prometheus has no trouble with any rule, and each series that a rule asks for is there, quiet or not."""
    groups = loaded.prometheus.api("rules")["groups"]
    [found] = [entry for group in groups for entry in group["rules"] if entry["name"] == rule]
    assert (found["health"], found.get("lastError")) == ("ok", None)
    [expression] = [entry["expr"] for entry in rules(GATEWAYS) if rule in (entry.get("alert"), entry.get("record"))]
    for selector in selectors(expression):
        assert loaded.prometheus.query(selector), selector


async def test_full_queue(loaded: Stage) -> None:
    """A service that refuses most requests for want of room says so, until it doesn't any more.

    The sentences of its alerts name the gateway that they are about, and no template is left in them.
    """
    assert (await loaded.flood(12)).count(503) > 6
    await loaded.until_fires("FigboxOverloaded", "FigboxSaturated")
    told = [alert["annotations"] for alert in loaded.prometheus.api("alerts")["alerts"]]
    assert told
    for texts in told:
        assert not any("{{" in text or "error" in text.lower()[:7] for text in texts.values()), texts
        assert "127.0.0.1:" in texts["summary"]
    await loaded.until_resolved("FigboxOverloaded", "FigboxSaturated")


async def test_strangers_and_poor_keys(loaded: Stage) -> None:
    """Wrong keys, and one beyond its limits, inform nobody but who looks."""
    for _ in range(3 * WINDOW_S):
        await loaded.gateway.render(GOOD, key=WRONG)
    for _ in range(10):
        await loaded.gateway.render(GOOD, key=POOR)
    await loaded.until_fires("FigboxUnauthorized", "FigboxKeysAtTheirLimits")
    assert {alerts()[name]["labels"]["severity"] for name in ("FigboxUnauthorized", "FigboxKeysAtTheirLimits")} == {
        "info"
    }
    await loaded.until_resolved("FigboxUnauthorized", "FigboxKeysAtTheirLimits")


async def test_broken_keys_file(loaded: Stage) -> None:
    """A keys file that can't be used is noticed while the earlier keys stay valid, and so is its repair."""
    good = loaded.keys_file.read_text()
    loaded.keys_file.write_text("[keys.poor\n")
    loaded.reload_keys()
    await loaded.until_fires("FigboxKeysFileBad")
    assert (await loaded.gateway.render(GOOD)).status == 200
    loaded.keys_file.write_text(good)
    loaded.reload_keys()
    await loaded.until_resolved("FigboxKeysFileBad")


async def test_strays(loaded: Stage) -> None:
    """Containers that nobody owns are removed and reported."""
    labels = {LABEL_INSTALLATION: loaded.split.launcher.installation}
    with engine_client() as client:
        for _ in range(8):
            client.create_container(IMAGE, labels=labels)
    await loaded.until_fires("FigboxStrays")
    await loaded.until_resolved("FigboxStrays")


async def test_engine_gone(loaded: Stage) -> None:
    """Without its engine a gateway is reported as not ready, and its sandbox isn't said to have a gap."""
    loaded.engine.cut()
    try:
        await loaded.until_fires("FigboxEngineDown", "FigboxNotReady")
        assert "FigboxSandboxDoesNotHold" not in loaded.prometheus.firing()
        assert "FigboxGone" not in loaded.prometheus.firing()
    finally:
        loaded.engine.mend()
    await loaded.until_resolved("FigboxEngineDown", "FigboxNotReady")
    await loaded.gateway.until_rendered(GOOD)


async def test_shared_server_gone(loaded: Stage) -> None:
    """Without the Redis the node goes on by itself, and says so; it is well again with an empty one."""
    loaded.redis.kill()
    await loaded.until_fires("FigboxSharedServerGone")
    assert (await loaded.gateway.render(GOOD)).status == 200
    loaded.redis.start()
    await loaded.until_resolved("FigboxSharedServerGone")


async def test_launcher_killed(loaded: Stage) -> None:
    """The same holds where the launcher dies."""
    loaded.split.launcher.kill()
    try:
        await loaded.until_fires("FigboxEngineDown", "FigboxNotReady")
        assert "FigboxSandboxDoesNotHold" not in loaded.prometheus.firing()
    finally:
        loaded.split.launcher.start_again()
    await loaded.until_resolved("FigboxEngineDown", "FigboxNotReady")


async def test_gateway_killed(loaded: Stage) -> None:
    """A gateway that can't be scraped is reported as gone, until another one takes its place."""
    loaded.gateway.kill()
    end_gateway(loaded.gateway.process)
    try:
        await loaded.until_fires("FigboxGone")
        assert "FigboxNotReady" not in loaded.prometheus.firing()
    finally:
        loaded.split.gateway = start_split_gateway(loaded.folder, loaded.split.launcher, **loaded.environment)
    await loaded.until_resolved("FigboxGone")


def test_every_line_of_the_log_is_of_the_schema(loaded: Stage) -> None:
    """Whatever went wrong here, gateway and launcher wrote only lines that the schema describes."""
    schema = json.loads((ROOT / "docs" / "log-line.schema.json").read_text("utf-8"))
    validator = Draft202012Validator(schema)
    logs = [*loaded.folder.glob("gateway-*.log"), *loaded.folder.glob("launcher-*.log")]
    lines = [json.loads(line) for path in logs for line in path.read_text().splitlines()]
    assert {"job finished", "job not served", "engine ready"} <= {line["event"] for line in lines}
    for line in lines:
        assert [error.message for error in validator.iter_errors(line)] == [], line
