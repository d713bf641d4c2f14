"""What panels are, and how Grafana writes them.

Source: Grafana, "Dashboard JSON model" (https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/
view-dashboard-json-model/). `schemaVersion` 39 is that of Grafana 10.4 and 11; later ones migrate it when they load it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Kind = Literal["stat", "timeseries", "heatmap", "state-timeline"]

#: Columns of Grafana's grid.
COLUMNS = 24

#: By variables of the dashboard: where the data is, and of which gateways.
SOURCE = {"type": "prometheus", "uid": "${datasource}"}

GREEN, YELLOW, RED, BLUE = "green", "yellow", "red", "blue"


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Attributes:
        expression: PromQL, with Grafana's `$instance` and `$__rate_interval`.
        legend: Of each series, with labels in double braces.
        dashed: Whether it is a limit, drawn as a dashed line.
    """

    expression: str
    legend: str = ""
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: What it shows.
        text: How to read it, and when to worry.
        unit: Grafana's id of the unit, such as `s` or `reqps`.
        queries: What is drawn.
        kind: Grafana's id of the kind of panel.
        width: Of 24 columns.
        height: Of Grafana's rows.
        steps: Where colours change: a value and the colour from there on; the first has no value.
        words: What values mean, with their colours.
        colors: Of series, by their names, where it matters.
        stacked: Whether series are stacked.
        lowest: Lower end of the axis; None leaves it to Grafana.
        highest: Upper end of the axis.
    """

    title: str
    text: str
    unit: str
    queries: tuple[Query, ...]
    kind: Kind = "timeseries"
    width: int = 8
    height: int = 8
    steps: tuple[tuple[float | None, str], ...] = ((None, GREEN),)
    words: Mapping[int, tuple[str, str]] = field(default_factory=dict)
    colors: Mapping[str, str] = field(default_factory=dict)
    stacked: bool = False
    lowest: float | None = 0
    highest: float | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


def dashboard_json(rows: Sequence[Row]) -> str:
    """Return the file that Grafana imports."""
    return json.dumps(dashboard(rows), indent=2) + "\n"


def dashboard(rows: Sequence[Row]) -> dict[str, Any]:
    """Return the dashboard as Grafana writes it."""
    return {
        "uid": "figbox",
        "title": "Figbox",
        "description": "Rendering of untrusted Matplotlib code: docs/monitoring.md explains this dashboard.",
        "tags": ["figbox"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "annotations": {"list": [_alerts()]},
        "templating": {"list": _variables()},
        "panels": list(_placed(rows)),
    }


def _alerts() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": RED,
        "expr": 'ALERTS{alertname=~"Figbox.*", alertstate="firing", severity!="info"}',
        "titleFormat": "{{alertname}}",
        "textFormat": "{{instance}} ({{severity}})",
        "step": "60s",
    }


def _variables() -> list[dict[str, Any]]:
    query = "label_values(figbox_build_info, instance)"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1},
        {
            "name": "instance",
            "label": "Gateway",
            "type": "query",
            "datasource": SOURCE,
            "definition": query,
            "query": {"query": query, "refId": "instance"},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        },
    ]


def _placed(rows: Sequence[Row]) -> Iterator[dict[str, Any]]:
    """Yield rows and panels with their numbers and places: from left to right, and down where a line is full."""
    number, y = 1, 0
    for row in rows:
        place = {"h": 1, "w": COLUMNS, "x": 0, "y": y}
        yield {"id": number, "type": "row", "title": row.title, "collapsed": False, "gridPos": place, "panels": []}
        number, y, x, height = number + 1, y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            yield _written(panel, number, {"h": panel.height, "w": panel.width, "x": x, "y": y})
            number, x, height = number + 1, x + panel.width, max(height, panel.height)
        y += height


def _written(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "thresholds": {
            "mode": "absolute",
            "steps": [{"value": value, "color": color} for value, color in panel.steps],
        },
        "color": {"mode": "thresholds" if panel.kind in {"stat", "state-timeline"} else "palette-classic"},
        "mappings": _mappings(panel),
        "custom": _custom(panel),
    }
    if panel.lowest is not None:
        defaults["min"] = panel.lowest
    if panel.highest is not None:
        defaults["max"] = panel.highest
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": defaults, "overrides": _overrides(panel)},
        "options": _options(panel),
        "targets": [
            {
                "refId": chr(ord("A") + index),
                "datasource": SOURCE,
                "editorMode": "code",
                "expr": query.expression,
                "legendFormat": query.legend or "__auto",
                "range": panel.kind != "stat",
                "instant": panel.kind == "stat",
                "format": "heatmap" if panel.kind == "heatmap" else "time_series",
            }
            for index, query in enumerate(panel.queries)
        ],
    }


def _mappings(panel: Panel) -> list[dict[str, Any]]:
    options = {
        str(value): {"text": text, "color": color, "index": index}
        for index, (value, (text, color)) in enumerate(panel.words.items())
    }
    return [{"type": "value", "options": options}] if options else []


def _custom(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        return {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 30 if panel.stacked else 0,
            "showPoints": "never",
            "stacking": {"group": "A", "mode": "normal" if panel.stacked else "none"},
            "thresholdsStyle": {"mode": "line" if len(panel.steps) > 1 else "off"},
        }
    return {"fillOpacity": 80, "lineWidth": 0} if panel.kind == "state-timeline" else {}


def _options(panel: Panel) -> dict[str, Any]:
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": []}
    if panel.kind == "stat":
        reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        by_name = panel.queries[0].legend != ""
        return {
            "reduceOptions": reduced,
            "colorMode": "value",
            "graphMode": "none",
            "textMode": "name" if by_name else "auto",
        }
    if panel.kind == "heatmap":
        return {
            "calculate": False,
            "cellGap": 0,
            "color": {"mode": "scheme", "scheme": "Blues", "scale": "exponential", "exponent": 0.5, "steps": 64},
            "yAxis": {"unit": panel.unit, "axisPlacement": "left"},
            "tooltip": {"mode": "single", "yHistogram": False},
            "legend": {"show": True},
        }
    if panel.kind == "state-timeline":
        return {"legend": {**legend, "showLegend": False}, "mergeValues": True, "rowHeight": 0.8, "showValue": "never"}
    return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    colored = [
        {
            "matcher": {"id": "byName", "options": name},
            "properties": [{"id": "color", "value": {"mode": "fixed", "fixedColor": color}}],
        }
        for name, color in panel.colors.items()
    ]
    return [*colored, *(_dashed(query) for query in panel.queries if query.dashed)]


def _dashed(query: Query) -> dict[str, Any]:
    style = {"fill": "dash", "dash": [6, 6]}
    return {
        "matcher": {"id": "byName", "options": query.legend},
        "properties": [
            {"id": "custom.lineStyle", "value": style},
            {"id": "custom.stacking", "value": {"mode": "none"}},
            {"id": "custom.fillOpacity", "value": 0},
            {"id": "color", "value": {"mode": "fixed", "fixedColor": RED}},
        ],
    }
