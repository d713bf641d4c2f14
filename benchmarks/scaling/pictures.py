"""The pictures of docs/scaling.md, drawn by Figbox: their data come from the model, their programs from `drawing/`.

The gateway is the one at `FIGBOX_URL` (default http://127.0.0.1:5150), the key is `API_KEY` of the environment or of
`.env`, as for the README's pictures.
"""

from __future__ import annotations

import json
import os
import urllib.request
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.scaling.comparison import compare
from benchmarks.scaling.measured import read
from benchmarks.scaling.model.balancer import BalancerSpec
from benchmarks.scaling.model.job import End
from benchmarks.scaling.scenario import MIX
from benchmarks.scaling.tables import flood, losses, policies
from gateway.settings import ROOT
from tools.render_pictures import key_from, reduced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FOLDER = ROOT / "docs" / "pictures" / "scaling"
PROGRAMS = Path(__file__).parent / "drawing"

#: Loads of the lines, and ways that are shown.
LOADS = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
SHOWN = ("round robin", "weights by agent", "two choices", "least connections by agent's weights", "least connections")

#: Every so many requests of the flood's picture are drawn.
THINNED = 8


def _policies() -> object:
    ways = {way.name: way for way in policies.ways()}
    return {
        "title": f"{policies.HOSTS} hosts of {policies.CORES} cores behind one balancer",
        "loads": LOADS,
        "p99_s": {name: [policies.outcomes_of(ways[name], load, MIX).p99_s for load in LOADS] for name in SHOWN},
    }


def _flood() -> object:
    queues, _, first_come, _, capped, _ = flood.ways()
    points = {}
    for way in (first_come, queues, capped):
        jobs = [job for job in flood.jobs_of(way, MIX) if job.key != flood.FLOODER]
        points[way.name] = [(round(job.at_s, 1), round(job.took_s, 2)) for job in jobs[::THINNED]]
    return {
        "title": f"One key sends {flood.FLOOD:g} times what all hosts can do; surplus waits in …",
        "from_s": flood.FROM_S,
        "to_s": flood.TO_S,
        "points": points,
    }


def _comparison() -> object:
    return [
        {
            "name": one.window.name,
            "measured": [request.took_s for request in one.window.requests if request.status == 200],
            "modelled": [job.took_s for job in one.jobs if job.end is End.OK],
        }
        for one in compare(read())
    ]


def _losses() -> object:
    load = max(losses.LOADS)
    slowest = {}
    for kind, policy, silent in (
        ("host silent, round robin", "round robin", True),
        ("host silent, least connections", "least connections", True),
        ("process killed, least connections", "least connections", False),
    ):
        by_second: dict[int, float] = defaultdict(float)
        for job in losses.jobs_of(load, BalancerSpec(policy), silent=silent):
            by_second[int(job.at_s)] = max(by_second[int(job.at_s)], round(job.took_s, 2))
        slowest[kind] = sorted((second, took_s) for second, took_s in by_second.items() if second >= losses.AT_S - 20)
    return {
        "title": f"{policies.HOSTS} hosts of {policies.CORES} cores, load {load}",
        "at_s": losses.AT_S,
        "back_s": losses.BACK_S,
        "slowest": slowest,
    }


DATA: dict[str, Callable[[], object]] = {
    "comparison": _comparison,
    "policies": _policies,
    "flood": _flood,
    "losses": _losses,
}


def draw() -> Iterator[str]:
    """Draw every picture, and yield a line about each."""
    url = os.environ.get("FIGBOX_URL", "http://127.0.0.1:5150")
    key = key_from(ROOT / ".env")
    FOLDER.mkdir(exist_ok=True)
    for name, make in DATA.items():
        code = (PROGRAMS / f"{name}.py").read_text("utf-8")
        png = reduced(_render(url, key, {"code": code, "files": {"data.json": json.dumps(make())}}))
        (FOLDER / f"{name}.png").write_bytes(png)
        yield f"docs/pictures/scaling/{name}.png: {len(png) / 1024:.0f} KiB"


def _render(url: str, key: str, body: dict[str, Any]) -> bytes:
    request = urllib.request.Request(  # noqa: S310 - the address is the caller's own
        f"{url}/v1/render",
        data=json.dumps(body).encode(),
        headers={"X-API-Key": key, "Content-Type": "application/json", "Accept": "image/png"},
    )
    with urllib.request.urlopen(request, timeout=60) as response:  # noqa: S310
        return bytes(response.read())
