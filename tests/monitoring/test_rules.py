"""The alert rules: Prometheus' own tools accept them, each fires and resolves, and says what to do."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.documents.pages import ROOT, anchors
from tests.monitoring.cases import CASES, LABELS, Case
from tests.monitoring.rules import CONFIGURATION, RULES, alerts, groups
from tests.support.prometheus import promtool

if TYPE_CHECKING:
    from pathlib import Path

#: It fetches Prometheus where there is none, like what needs an engine.
pytestmark = pytest.mark.engine

#: Longest time in minutes after which somebody is woken, and after which any alert fires.
CRITICAL_FOR_M, FOR_M = 10, 60

UNITS = {"s": 1 / 60, "m": 1, "h": 60}


def minutes(text: str) -> float:
    """Return a duration of Prometheus in minutes."""
    return float(text[:-1]) * UNITS[text[-1]]


def test_promtool_accepts_both_files() -> None:
    """Prometheus reads the configuration and the rules without a complaint."""
    for words in (("check", "config", CONFIGURATION), ("check", "rules", RULES)):
        done = promtool(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "SUCCESS" in done.stdout


def test_a_broken_rule_is_found(tmp_path: Path) -> None:
    """The check can fail: an expression that isn't one is refused."""
    (tmp_path / "alerts.yml").write_text(RULES.read_text().replace("figbox_ready == 0", "figbox_ready === 0"))
    assert promtool("check", "rules", tmp_path / "alerts.yml").returncode != 0


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_what_to_do(name: str) -> None:
    """Each alert has a severity, two sentences for people, and a section that exists; who is woken is woken soon."""
    rule = alerts()[name]
    severity, waits = rule["labels"]["severity"], minutes(rule.get("for", "0s"))
    assert severity in {"critical", "warning", "info"}
    assert waits <= (CRITICAL_FOR_M if severity == "critical" else FOR_M)
    told = rule["annotations"]
    assert set(told) == {"summary", "description", "runbook"}
    assert told["summary"].endswith(".")
    assert len(told["description"]) > 40
    path, _, anchor = told["runbook"].partition("#")
    assert path in {"docs/operations.md", "docs/balancer.md", "docs/keys.md"}
    assert anchor in anchors(ROOT / path)


def test_strangers_wake_nobody() -> None:
    """What anybody can bring about from outside only informs."""
    group = next(group for group in groups() if group["name"] == "figbox-strangers")
    assert {rule["labels"]["severity"] for rule in group["rules"]} == {"info"}
    assert {alerts()[name]["labels"]["severity"] for name in ("FigboxUnauthorized", "FigboxKeysAtTheirLimits")} == {
        "info"
    }


def test_every_alert_has_a_case() -> None:
    """No alert is left untested, and each has a case by which it fires."""
    assert {case.alert for case in CASES if case.fires} == set(alerts())


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.alert} {'fires' if case.fires else 'is quiet'}")
def test_an_alert_fires_and_resolves(case: Case, tmp_path: Path) -> None:
    """With series that a failure has, the alert fires when it should, and not before or after."""
    document = {"groups": copy.deepcopy(groups())}
    for group in document["groups"]:
        for rule in group["rules"]:
            rule.pop("annotations", None)  # their texts have values, which the cases needn't repeat
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(document))
    (tmp_path / "case.yml").write_text(yaml.safe_dump(unit_test(case)))
    done = promtool("test", "rules", tmp_path / "case.yml")
    assert done.returncode == 0, done.stdout + done.stderr


def unit_test(case: Case) -> dict[str, Any]:
    """Return a case as promtool reads it."""
    severity = alerts()[case.alert]["labels"]["severity"]
    labels = {name: value for name, value in LABELS.items() if name not in case.without} | case.labels
    expected = [{"exp_labels": {**labels, "severity": severity}}]
    times = [*((minute, expected) for minute in case.fires), *((minute, []) for minute in case.quiet)]
    return {
        "rule_files": ["alerts.yml"],
        "evaluation_interval": "1m",
        "tests": [
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
                "alert_rule_test": [
                    {"eval_time": f"{minute}m", "alertname": case.alert, "exp_alerts": alerts_then}
                    for minute, alerts_then in sorted(times, key=lambda pair: pair[0])
                ],
            }
        ],
    }
