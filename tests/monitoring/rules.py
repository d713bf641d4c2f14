"""The files of deploy/prometheus and deploy/grafana, as tests read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
CONFIGURATION = FOLDER / "prometheus.yml"
RULES = FOLDER / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "figbox.json"

#: A metric of ours or of the process, with its selector.
_SELECTED = re.compile(r"(?<![\w:])((?:figbox|process)_[a-z_]+)(?!:)(\{[^}]*\})?")


def groups() -> list[dict[str, Any]]:
    """Return the groups of rules."""
    return list(yaml.safe_load(RULES.read_text("utf-8"))["groups"])


def rules() -> Iterator[dict[str, Any]]:
    """Yield every rule."""
    for group in groups():
        yield from group["rules"]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by their names."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard, without its rows."""
    return [panel for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"] if panel["type"] != "row"]


def expressions(window: str = "1m") -> dict[str, str]:
    """Return the dashboard's queries by the titles of their panels, as Grafana sends them for all gateways."""
    return {
        f"{panel['title']} ({panel['id']}{target['refId']})": target["expr"]
        .replace("$instance", ".*")
        .replace("$__rate_interval", window)
        for panel in panels()
        for target in panel["targets"]
    }


def selectors(expression: str) -> set[str]:
    """Return the series that an expression asks for, each as a query of its own."""
    return {name + (labels or "") for name, labels in _SELECTED.findall(expression)}


def shortened(window: str) -> list[dict[str, Any]]:
    """Return the groups for a test that can't wait: alerts fire at once, and look back over this window only."""
    found = groups()
    for group in found:
        for rule in group["rules"]:
            rule.pop("for", None)
            rule["expr"] = re.sub(r"\[\d+[mh]\]", f"[{window}]", rule["expr"])
    return found
