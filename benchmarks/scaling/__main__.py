"""`python -m benchmarks.scaling`: the tables of docs/scaling.md.

Without arguments all tables are printed; with names, these. They come from the model and from what was measured once
and is kept in this folder, so they are the same each time. `measure`, `measure-nodes`, `balancer` and `shared` measure
anew, and write that; `pictures` draws the page's pictures.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.contenders.contender import RenderFailed
from benchmarks.scaling import balancer_costs, measured, nodes_measured, pictures, shared_costs
from benchmarks.scaling.live.groups import Unsuitable
from benchmarks.scaling.live.haproxy import CASES, TINY_CASES, measure_balancer
from benchmarks.scaling.live.measure import TINY, Extent, measure
from benchmarks.scaling.live.nodes import TINY_NODES, NodesExtent, measure_nodes
from benchmarks.scaling.live.shared import TINY_SHARED, SharedExtent, measure_shared
from benchmarks.scaling.tables import capacity, comparison, fleet, flood, losses, nodes, policies

if TYPE_CHECKING:
    from collections.abc import Sequence

TABLES = {
    "comparison": comparison.text,
    "nodes": nodes.text,
    "policies": policies.text,
    "flood": flood.text,
    "losses": losses.text,
    "capacity": capacity.text,
    "fleet": fleet.text,
}

MEASURE, NODES, BALANCER, SHARED, PICTURES = "measure", "measure-nodes", "balancer", "shared", "pictures"

DEFAULT_IMAGE = "figbox-runner:latest"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scaling", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what",
        nargs="*",
        metavar="WHAT",
        help=f"a table ({', '.join(TABLES)}); or {MEASURE}, a node on this machine, as root, ten minutes; "
        f"or {NODES}, one to three nodes, as root, six minutes; or {BALANCER}, HAProxy, a minute; "
        f"or {SHARED}, the Redis that nodes share, half a minute; or {PICTURES}, drawn through a running gateway",
    )
    parser.add_argument("--tiny", action="store_true", help="measure so little that it only shows that all works")
    parser.add_argument("--json", metavar="PATH", type=Path, help="file for what was measured")
    parser.add_argument("--image", default=os.environ.get("FIGBOX_IMAGE") or DEFAULT_IMAGE, help="runner image")
    options = parser.parse_args(arguments)
    if unknown := set(options.what) - {*TABLES, MEASURE, NODES, BALANCER, SHARED, PICTURES}:
        parser.error(f"there is no table {min(unknown)!r}")
    return options


def main(arguments: Sequence[str]) -> int:
    """Print tables, or measure; return the exit status."""
    options = parse(arguments)
    try:
        for what in options.what or TABLES:
            _do(what, options)
    except (Unsuitable, RenderFailed) as error:
        print(f"not measured: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    return 0


def _do(what: str, options: argparse.Namespace) -> None:
    """Print a table, or measure something."""
    tiny = options.tiny
    if what == MEASURE:
        found = asyncio.run(measure(options.image, TINY if tiny else Extent()))
        _write(options.json or measured.FILE, found.to_json())
    elif what == NODES:
        grown = asyncio.run(measure_nodes(options.image, TINY_NODES if tiny else NodesExtent()))
        _write(options.json or nodes_measured.FILE, grown.to_json())
    elif what == BALANCER:
        costs = asyncio.run(measure_balancer(TINY_CASES if tiny else CASES))
        _write(options.json or balancer_costs.FILE, costs.to_json())
    elif what == SHARED:
        asked = asyncio.run(measure_shared(TINY_SHARED if tiny else SharedExtent()))
        _write(options.json or shared_costs.FILE, asked.to_json())
    elif what == PICTURES:
        for line in pictures.draw():
            print(line)
    else:
        print(TABLES[what]())


def _write(path: Path, text: str) -> None:
    path.write_text(text, "utf-8")
    print(text, end="")


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # so that a measurement cleans up
    sys.exit(main(sys.argv[1:]))
