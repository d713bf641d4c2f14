"""`python -m tools.dashboard.picture`: draw the dashboard's panels of the last minutes, with Figbox itself.

The panels are those of Grafana, with their own queries, answered by a Prometheus; the drawing is not Grafana's. For
those who have no Grafana at hand, and for the picture in docs/monitoring.md.
"""

from __future__ import annotations

import argparse
import json
import math
import re
import sys
import time
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import figbox
from tools.dashboard.rows import ROWS
from tools.render_pictures import reduced

if TYPE_CHECKING:
    from tools.dashboard.model import Panel, Query

DRAWING = Path(__file__).with_name("drawing.py")

#: Points of a series, at most.
POINTS = 160

#: What Grafana puts in place of `$__rate_interval`: four scrapes at least.
WINDOW = "1m"


@dataclass(frozen=True, slots=True)
class Span:
    """What time is drawn, in seconds since 1970, and the seconds between points."""

    start: float
    end: float
    step: int

    @classmethod
    def until_now(cls, seconds: float) -> Span:
        """Return the last so many seconds."""
        end = time.time()
        return cls(end - seconds, end, max(1, math.ceil(seconds / POINTS)))


def collect(prometheus: str, span: Span) -> bytes:
    """Return what `drawing.py` draws: the panels with what a Prometheus answers to their queries."""
    rows = [{"title": row.title, "panels": [_read(panel, prometheus, span) for panel in row.panels]} for row in ROWS]
    return json.dumps({"rows": rows, "start": span.start, "end": span.end}).encode()


def draw(document: bytes, service: str, key: str) -> bytes:
    """Return the dashboard as PNG, drawn by the Figbox at an address with one of its keys."""
    with figbox.Client(service, key) as client:
        render = client.render(DRAWING.read_text("utf-8"), files={"panels.json": document}, format="png")
    return reduced(render.picture.data)


def _read(panel: Panel, prometheus: str, span: Span) -> dict[str, Any]:
    series = [
        {**found, "dashed": query.dashed}
        for query in panel.queries
        for found in _series(query, prometheus, None if panel.kind == "stat" else span, span.end)
    ]
    return {
        "title": panel.title,
        "kind": panel.kind,
        "unit": panel.unit,
        "width": panel.width,
        "height": panel.height,
        "stacked": panel.stacked,
        "lowest": panel.lowest,
        "highest": panel.highest,
        "steps": panel.steps,
        "colors": dict(panel.colors),
        "words": {str(value): list(word) for value, word in panel.words.items()},
        "series": series,
    }


def _series(query: Query, prometheus: str, span: Span | None, end: float) -> list[dict[str, Any]]:
    """Return the series of a query in a span of time, or at its end only."""
    expression = query.expression.replace("$instance", ".*").replace("$__rate_interval", WINDOW)
    asked: dict[str, Any] = {"query": expression, "time": end}
    if span is not None:
        asked = {"query": expression, "start": span.start, "end": span.end, "step": span.step}
    path = "query" if span is None else "query_range"
    address = f"{prometheus}/api/v1/{path}?{urllib.parse.urlencode(asked)}"
    with urllib.request.urlopen(address, timeout=60) as response:  # noqa: S310 - the address is the caller's own
        result = json.load(response)["data"]["result"]
    found = []
    for series in result:
        points = series["values"] if "values" in series else [series["value"]]
        finite = [(at, float(value)) for at, value in points if math.isfinite(float(value))]
        found.append({"name": _named(query.legend, series["metric"]), "points": finite})
    return found


def _named(legend: str, labels: dict[str, str]) -> str:
    """Return the name of a series, as Grafana makes it of a legend."""
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda found: labels.get(found[1], ""), legend)


def main() -> int:
    """Draw what is asked for; return the exit status."""
    parser = argparse.ArgumentParser(description="Draw the dashboard's panels with Figbox itself.")
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090", help="address of Prometheus")
    parser.add_argument("--url", default="http://127.0.0.1:5150", help="address of Figbox")
    parser.add_argument("--key-file", type=Path, required=True, help="file with a key of Figbox, as its only line")
    parser.add_argument("--minutes", type=float, default=60, help="how far back the panels go")
    parser.add_argument("--output", type=Path, default=Path("dashboard.png"))
    given = parser.parse_args()
    key = given.key_file.read_text("utf-8").strip()
    document = collect(given.prometheus, Span.until_now(given.minutes * 60))
    given.output.write_bytes(draw(document, given.url, key))
    return 0


if __name__ == "__main__":
    sys.exit(main())
