"""The files of deploy/prometheus and deploy/grafana, as tests read them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
CONFIGURATION = FOLDER / "prometheus.yml"
RULES = FOLDER / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "figbox.json"

#: The jobs of the configuration. The balancer's rules are a group of its job's name.
GATEWAYS, BALANCER = "figbox", "figbox-balancer"

#: A metric of ours, of the process or of HAProxy, with its selector.
_SELECTED = re.compile(r"(?<![\w:])((?:figbox|process|haproxy)_[a-z_]+)(?!:)(\{[^}]*\})?")


def groups() -> list[dict[str, Any]]:
    """Return the groups of rules."""
    return list(yaml.safe_load(RULES.read_text("utf-8"))["groups"])


def rules(job: str) -> list[dict[str, Any]]:
    """Return every rule about gateways, or about balancers."""
    found = [group for group in groups() if (group["name"] == BALANCER) == (job == BALANCER)]
    return [rule for group in found for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """Return the alerts by their names."""
    return {rule["alert"]: rule for group in groups() for rule in group["rules"] if "alert" in rule}


def panels() -> list[dict[str, Any]]:
    """Return the panels of the dashboard, without its rows."""
    return [panel for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"] if panel["type"] != "row"]


def expressions(job: str, window: str = "1m") -> dict[str, str]:
    """Return queries by the titles of their panels, as Grafana sends them: those about all gateways, or balancers."""
    found = {
        f"{panel['title']} ({panel['id']}{target['refId']})": target["expr"]
        .replace("$instance", ".*")
        .replace("$__rate_interval", window)
        for panel in panels()
        for target in panel["targets"]
    }
    return {title: each for title, each in found.items() if (BALANCER in each) == (job == BALANCER)}


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


def hurried(folder: Path, targets: Mapping[str, str], window_s: int) -> dict[str, Any]:
    """Return the repository's configuration for a test that can't wait; its rules are written to a folder.

    Args:
        folder: For the rules.
        targets: What is scraped every second: an address by the job's name. Other jobs have no target.
        window_s: How far the rules look back, in seconds.
    """
    configuration: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text("utf-8"))
    configuration["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    for job in configuration["scrape_configs"]:
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}] if job["job_name"] in targets else []
    (folder / RULES.name).write_text(yaml.safe_dump({"groups": shortened(f"{window_s}s")}))
    return configuration
