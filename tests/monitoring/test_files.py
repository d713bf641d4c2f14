"""The files that operators copy agree with the gateway, with each other, and with the documents."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gateway.context import Context
from gateway.launcher.interface import GAUGES
from gateway.shutdown import Shutdown
from gateway.status.endpoints import add_gauges
from tests.documents.pages import OPERATIONS, ROOT, names_in_first_cells, section
from tests.http.conftest import make_rig
from tests.monitoring.rules import BALANCER, DASHBOARD, GATEWAYS, expressions, panels, rules, selectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings


@pytest.fixture
async def exposed(make_settings: Callable[..., Settings]) -> set[str]:
    """Return the names of all metrics that a gateway exposes, as in the documents: without endings."""
    rig = make_rig(make_settings)
    for name, text in GAUGES.items():
        rig.metrics.watch(name, text, lambda: 0)
    add_gauges(Context(rig.settings, rig.service, Shutdown()), rig.edge)
    return {family.name for family in rig.metrics.registry.collect()}


def base(name: str, exposed: set[str]) -> str:
    """Return the name of the metric that a series belongs to."""
    endings = ("_total", "_bucket", "_count", "_sum")
    return next((name[: -len(end)] for end in endings if name.endswith(end) and name[: -len(end)] in exposed), name)


async def test_only_what_exists_is_asked_for(exposed: set[str]) -> None:
    """No rule and no panel names a metric that the gateway doesn't expose."""
    asked = [rule["expr"] for rule in rules(GATEWAYS)] + [*expressions(GATEWAYS).values()]
    names = {selector.partition("{")[0] for expression in asked for selector in selectors(expression)}
    assert len(names) > 40
    assert {name for name in names if base(name, exposed) not in exposed} == set()


async def test_a_name_that_does_not_exist_is_found(exposed: set[str]) -> None:
    """The check above can fail."""
    [name] = selectors("rate(figbox_nothing_total{a='b'}[5m])")
    assert base(name.partition("{")[0], exposed) not in exposed


async def test_every_metric_is_documented(exposed: set[str]) -> None:
    """The table of docs/operations.md has each metric of ours, and no other."""
    listed = set(names_in_first_cells(section(OPERATIONS, "Metrics")))
    assert listed == {name for name in exposed if name.startswith("figbox_")}


async def test_every_metric_is_shown(exposed: set[str]) -> None:
    """Each metric of ours is on the dashboard, or in a rule."""
    asked = [rule["expr"] for rule in rules(GATEWAYS)] + [*expressions(GATEWAYS).values()]
    names = {selector.partition("{")[0] for expression in asked for selector in selectors(expression)}
    shown = {base(name, exposed) for name in names}
    assert {name for name in exposed if name.startswith("figbox_")} - shown <= {"figbox_environment_info"}


def test_dashboard_is_what_its_description_gives() -> None:
    """The file that people import is what `python -m tools.dashboard` prints."""
    line = [sys.executable, "-m", "tools.dashboard"]
    printed = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert DASHBOARD.read_text("utf-8") == printed


def test_every_panel_explains_itself() -> None:
    """Each panel has a title of its own, a description, a unit, a legend for several series, and room for itself."""
    found = panels()
    assert len(found) > 30
    taken: set[tuple[int, int]] = set()
    for panel in found:
        assert len(panel["description"]) > 10, panel["title"]
        assert panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] == "timeseries":
            assert all(target["legendFormat"] != "__auto" for target in panel["targets"]), panel["title"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        chosen = 'instance=~"$instance"', f'job="{BALANCER}"'  # only gateways can be chosen
        assert all(any(text in target["expr"] for text in chosen) for target in panel["targets"]), panel["title"]
    assert len({panel["id"] for panel in found}) == len(found)
