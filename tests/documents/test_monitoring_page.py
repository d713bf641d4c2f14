"""The commands, the tables and the schema of docs/monitoring.md are right."""

from __future__ import annotations

import ast
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from jsonschema import Draft202012Validator

from benchmarks.parts import tracing
from bootstrap import debian
from bootstrap.commands import TRUE_WORDS
from bootstrap.steps import Steps
from tests.documents.pages import DOCS, MONITORING, ROOT, blocks, command, commands, names_in_first_cells, rows, section
from tests.fakes import KEY
from tests.monitoring.rules import alerts
from tests.support.live import LiveGateway, engine_url, free_port
from tests.support.machine import slowed
from tests.support.prometheus import PROMETHEUS, program
from tests.support.runner import size_of
from tests.support.runtimes import needed

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = json.loads((DOCS / "log-line.schema.json").read_text("utf-8"))

#: Members that every line may have, whatever is logged.
COMMON = {"time", "level", "event", "request_id", "trace"}

#: What `logger` methods write lines of a level that deserves a look.
SERIOUS = {"warning", "error", "exception", "critical"}

#: All of them.
WRITING = SERIOUS | {"info", "debug", "log"}

#: Events that are passed as a variable, in calls of these methods.
PASSED_ON = "_complain"


@dataclass(frozen=True)
class Operator:
    """Somebody who does in a folder what the page says.

    Attributes:
        folder: Has what a clone has of `deploy/`, and the gateway's log.
        gateway: The one that is watched.
        port: Of Prometheus.
    """

    folder: Path
    gateway: LiveGateway
    port: int

    def line(self, documented: str) -> str:
        """Return a command with the addresses and files of this test."""
        return (
            documented.replace("http://127.0.0.1:5151/metrics", self.gateway.metrics_url)
            .replace("127.0.0.1:9090", f"127.0.0.1:{self.port}")
            .replace(".venv/bin/python", f"cd {ROOT} && {sys.executable}")
        )

    def run(self, documented: str) -> str:
        """Run a command of the page; return what it prints."""
        path = f"{Path(program(PROMETHEUS)).parent}{os.pathsep}{os.environ['PATH']}"
        line = ["sh", "-c", self.line(documented)]
        environment = {**os.environ, "PATH": path, "DOCKER_HOST": engine_url()}
        done = subprocess.run(
            line, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=slowed(300), check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def operator(gateway: LiveGateway, tmp_path: Path) -> Operator:
    """Return an operator whose Prometheus scrapes the gateway of this test."""
    shutil.copytree(ROOT / "deploy" / "prometheus", tmp_path / "deploy" / "prometheus")
    shutil.copy(gateway.log, tmp_path / "gateway.log")
    (tmp_path / "key.txt").write_text(KEY)
    configuration = tmp_path / "deploy" / "prometheus" / "prometheus.yml"
    address = gateway.metrics_url.removeprefix("http://").removesuffix("/metrics")
    text = configuration.read_text().replace("127.0.0.1:5151", address).replace("_interval: 15s", "_interval: 1s")
    configuration.write_text(text)
    return Operator(tmp_path, gateway, free_port())


@pytest.fixture
def prometheus(operator: Operator) -> Iterator[Operator]:
    """Run the page's Prometheus, until it has scraped."""
    words = operator.line(command("prometheus --config.file")).split()
    line = [program(PROMETHEUS), *words[1:], f"--web.listen-address=127.0.0.1:{operator.port}"]
    log = operator.folder / "prometheus.log"
    with log.open("w") as stream, subprocess.Popen(line, cwd=operator.folder, stderr=stream) as process:
        try:
            asked = command("curl --no-progress-meter 'http://127.0.0.1:9090/api/v1/query").replace(
                "curl", "curl -s", 1
            )
            end = time.monotonic() + slowed(60)
            while '"value"' not in operator.run(f"{asked} || true"):
                assert time.monotonic() < end, log.read_text()
                time.sleep(0.2)
            yield operator
        finally:
            process.terminate()
            process.wait(slowed(30))


@pytest.mark.engine
async def test_from_nothing_to_alerts(prometheus: Operator) -> None:
    """Metrics, checked files, a Prometheus that has scraped, and alerts of which none fires."""
    assert (await prometheus.gateway.render("plt.plot([1, 2])")).status == 200
    assert "figbox_ready 1.0" in prometheus.run(command("curl --no-progress-meter http://127.0.0.1:5151/metrics"))
    assert "SUCCESS" in prometheus.run(command("promtool check config"))
    ready = json.loads(prometheus.run(command("curl --no-progress-meter 'http://127.0.0.1:9090/api/v1/query")))
    assert [series["value"][1] for series in ready["data"]["result"]] == ["1"]
    found = json.loads(prometheus.run(command("curl --no-progress-meter http://127.0.0.1:9090/api/v1/alerts")))
    assert [alert for alert in found["data"]["alerts"] if alert["state"] == "firing"] == []


@pytest.mark.engine
def test_dashboard_is_drawn_and_written(prometheus: Operator) -> None:
    """The dashboard is drawn from the operator's own Prometheus, and written anew as it is."""
    asked = command(".venv/bin/python -m tools.dashboard.picture")
    for name in ("key.txt", "dashboard.png"):
        asked = asked.replace(name, str(prometheus.folder / name))
    prometheus_url = f"http://127.0.0.1:{prometheus.port}"
    prometheus.run(f"{asked} --prometheus {prometheus_url} --url {prometheus.gateway.url}")
    width, height = size_of((prometheus.folder / "dashboard.png").read_bytes())
    assert width > 1000
    assert height > 1000
    written = prometheus.folder / "figbox.json"
    prometheus.run(command(".venv/bin/python -m tools.dashboard >").replace("deploy/grafana/figbox.json", str(written)))
    assert written.read_bytes() == (ROOT / "deploy" / "grafana" / "figbox.json").read_bytes()


@pytest.mark.engine
def test_picture_of_the_page_can_be_drawn_again(operator: Operator) -> None:
    """The command behind the page's picture loads a service and draws; here for half a minute."""
    output = operator.folder / "again.png"
    operator.run(f"{command('.venv/bin/python -m tests.monitoring.picture')} --minutes 0.5 --output {output}")
    assert size_of(output.read_bytes())[0] > 1000


@pytest.fixture(scope="module")
def _jq() -> None:
    """Have jq."""
    have("jq")


@pytest.fixture(scope="module")
def _logrotate() -> None:
    """Have logrotate."""
    have("logrotate")


def have(program: str) -> None:
    """Have a program of the page: in CI, Debian's package is installed."""
    in_ci = os.environ.get("CI", "").lower() in TRUE_WORDS
    if shutil.which(program) is None and in_ci and debian.is_root_debian():
        debian.apt_install(Steps(output=sys.stderr), [program], why="the commands of docs/monitoring.md")
    if shutil.which(program) is None:
        needed(f"{program} isn't here")


@pytest.mark.engine
async def test_queries_of_the_log(_jq: None, operator: Operator) -> None:  # noqa: PT019
    """Each query of the page finds in a real log what it is for."""
    response = await operator.gateway.render("1/0")
    log = operator.folder / "gateway.log"
    serious = {"time": "2026-01-01T00:00:00.000+00:00", "level": "WARNING", "event": "weak key", "key": "a"}
    log.write_text(operator.gateway.log_text() + json.dumps(serious) + "\n")
    looked_at = [line for line in commands(MONITORING) if "jq " in line]
    assert len(looked_at) == 5
    levels = operator.run(looked_at[0])
    assert json.loads(levels.splitlines()[-1]) == serious
    assert '"INFO"' not in levels
    [line] = operator.run(
        looked_at[1].replace("0123456789abcdef0123456789abcdef", response.headers["X-Request-ID"])
    ).splitlines()
    assert json.loads(line)["outcome"] == "program_error"
    assert "default\tprogram_error" in operator.run(looked_at[2])
    [per_key] = json.loads(operator.run(looked_at[3]))
    assert per_key["key"] == "default"
    assert per_key["cpu_s"] > 0
    journal, _, query = looked_at[4].partition(" | ")
    assert journal.startswith("journalctl -u figbox-gateway")
    assert operator.run(f"cat gateway.log | {query}") == levels


@pytest.mark.engine
async def test_log_in_a_file_is_rotated(_logrotate: None, operator: Operator) -> None:  # noqa: PT019
    """The page's file for logrotate moves the lines to another file, and the gateway goes on in the emptied one."""
    await operator.gateway.render("1/0")
    log = operator.gateway.log
    before = log.read_bytes()
    [block] = [text for text in blocks(MONITORING, "") if "copytruncate" in text]
    configuration = operator.folder / "figbox"
    configuration.write_text(block.replace("/srv/figbox/gateway.log", str(log)))
    configuration.chmod(0o644)
    operator.run(f"logrotate --force --state {operator.folder}/state {configuration}")
    assert log.with_name(f"{log.name}.1").read_bytes().startswith(before)
    response = await operator.gateway.render("1/0")
    ids = [json.loads(line).get("request_id") for line in log.read_text().splitlines()]
    assert response.headers["X-Request-ID"] in ids


@pytest.mark.engine
async def test_status_of_the_page(operator: Operator) -> None:
    """The page's command shows what has just happened, where and how the gateway's settings say."""
    await operator.gateway.render("plt.plot([1, 2])")
    await operator.gateway.render("1/0", key="x" * 40)
    metrics = operator.gateway.metrics_url.removesuffix("/metrics").rpartition(":")[2]
    variables = f"FIGBOX_METRICS_PORT={metrics} PORT={operator.gateway.url.rpartition(':')[2]}"
    asked = command(".venv/bin/python -m gateway.status").replace(".venv", f"export {variables}; .venv")
    shown = operator.run(f"{asked} --interval 0.2")
    assert shown.splitlines()[1] == "ready"
    assert re.search(r"^  ok +[0-9]+ +[1-9]", shown, re.MULTILINE)
    assert re.search(r"^  unauthorized +0 +[1-9]", shown, re.MULTILINE)
    told = json.loads(operator.run(f"{asked} --interval 0 --json"))
    assert told["not_ready"] is None
    [example] = [text for text in blocks(MONITORING, "") if text.startswith("Figbox ")]
    heads = {line.split("  ")[0] for line in example.splitlines() if line and line[0] != " "}
    assert {"running", "waiting", "warm", "requests", "queue", "check"} <= heads
    assert {head for head in heads if head.split()[0] not in shown} == {"reports-team", "notebooks"}


def test_cost_of_traces_can_be_measured(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The page's command prints each figure of the page."""
    assert command(".venv/bin/python -m benchmarks.parts.tracing")
    monkeypatch.setattr(tracing, "REQUESTS", 200)
    asyncio.run(tracing.main())
    begins = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert begins == [
        "off",
        "the library",
        "on, trace not kept",
        "on, trace kept and sent",
        "with a full queue",
    ]


@pytest.mark.engine
async def test_lines_are_of_the_schema(gateway: LiveGateway) -> None:
    """Every line that a gateway has written is of the schema."""
    await gateway.render("plt.plot([1, 2])")
    await gateway.render("1/0", key="x" * 40)
    validator = Draft202012Validator(SCHEMA)
    texts = [path.read_text() for path in gateway.log.parent.glob(f"{gateway.log.name}*")]  # rotated by another test
    lines = [json.loads(line) for text in texts for line in text.splitlines()]
    assert {"listening", "engine ready", "job finished"} <= {line["event"] for line in lines}
    for line in lines:
        assert [error.message for error in validator.iter_errors(line)] == [], line


def test_schema_has_what_the_code_writes() -> None:
    """Each member that the code gives to a line is in the schema, and no other."""
    Draft202012Validator.check_schema(SCHEMA)
    written = {keyword.arg for call in log_calls() for keyword in call.keywords if keyword.arg is not None}
    # Given by name in other calls: those of timing, and of complaints.
    written |= {f"{stage}_ms" for stage in ("queue", "acquire", "run", "check", "total")} | {"warm", "trace_id"}
    assert written | COMMON == set(SCHEMA["properties"])


def test_every_serious_event_is_listed() -> None:
    """The table has each event of the levels WARNING and ERROR, and no other."""
    events = {
        call.args[0].value
        for call in log_calls()
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in SERIOUS | {PASSED_ON}
        and isinstance(call.args[0], ast.Constant)
    }
    table = section(MONITORING, "Log").partition("| Event |")[2]
    assert set(names_in_first_cells(table)) == events


def log_calls() -> Iterator[ast.Call]:
    """Yield the calls that write a line of the log, from all of the gateway's code."""
    for path in (ROOT / "gateway").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
                continue
            by_logger = "logger" in ast.unparse(node.func.value) and node.func.attr in SERIOUS | {
                "info",
                "debug",
                "log",
            }
            complains = node.func.attr == PASSED_ON and "self" in ast.unparse(node.func.value)
            if by_logger or complains:
                yield node


def test_alerts_of_the_page() -> None:
    """The table has each alert with its severity, in the order of the file."""
    listed = [(row[0].strip("`"), row[1]) for row in rows(section(MONITORING, "Alerts"))[1:]]
    assert listed == [(name, rule["labels"]["severity"]) for name, rule in alerts().items()]
