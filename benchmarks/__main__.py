"""`python -m benchmarks`: a run, with tables on stdout, and numbers and a picture in benchmarks/results/."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.arena import open_arena
from benchmarks.contenders.contender import RenderFailed
from benchmarks.contenders.processes import end_on_sigterm
from benchmarks.picture import draw_picture
from benchmarks.plan import FULL, PARTS, SHORT, TARGETS, TINY, Plan
from benchmarks.report import report
from benchmarks.run import run

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.results import Results

RESULTS_FOLDER = Path(__file__).parent / "results"
DEFAULT_IMAGE = "figbox-runner:latest"


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    form = parser.add_mutually_exclusive_group()
    form.add_argument(
        "--full", action="store_const", dest="plan", const=FULL, help="all of it, about half an hour (the default)"
    )
    form.add_argument("--short", action="store_const", dest="plan", const=SHORT, help="about a minute, for CI")
    form.add_argument(
        "--targets", action="store_const", dest="plan", const=TARGETS, help="what the targets need, ten minutes"
    )
    form.add_argument("--tiny", action="store_const", dest="plan", const=TINY, help="seconds, to see that it works")
    parser.add_argument("--only", metavar="PART", nargs="+", choices=PARTS, help=f"only these of {', '.join(PARTS)}")
    parser.add_argument("--soak", metavar="N", type=int, help="run N jobs in a row, and see whether anything grows")
    parser.add_argument("--json", metavar="PATH", type=Path, help="file for the numbers; the picture goes beside it")
    parser.add_argument("--one-runtime", action="store_true", help="leave out the engine's other runtimes")
    parser.add_argument("--image", default=os.environ.get("FIGBOX_IMAGE") or DEFAULT_IMAGE, help="runner image")
    parser.set_defaults(plan=FULL)
    return parser.parse_args(arguments)


def choose_plan(options: argparse.Namespace) -> Plan:
    """Return the plan that the options ask for."""
    plan: Plan = options.plan
    if options.only:
        plan = replace(plan, parts=tuple(options.only))
    if options.soak is not None:
        parts = plan.parts if "soak" in plan.parts else (*plan.parts, "soak")
        plan = replace(plan, parts=parts, soak_jobs=options.soak)
    return plan


async def measure(plan: Plan, image: str, *, one_runtime: bool) -> tuple[Results, str, bytes]:
    """Return the results, Figbox's name in them, and their picture."""
    end_on_sigterm()
    async with open_arena(image, os.environ.get("DOCKER_HOST"), one_runtime=one_runtime) as arena:
        results = await run(arena, plan)
        return results, arena.figbox.name, await draw_picture(arena.figbox, results)


def publish(results: Results, name: str, picture: bytes, json_path: Path) -> None:
    """Print the tables; write the numbers and the picture."""
    print(report(results, name))
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(results.to_json(name), "utf-8")
    json_path.with_suffix(".png").write_bytes(picture)
    print(f"\nwritten: {json_path} and {json_path.with_suffix('.png').name}")


def main(arguments: Sequence[str]) -> int:
    """Run; return the exit status, 1 if a part was aborted, however fast or slow anything was."""
    options = parse(arguments)
    moment = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    json_path = options.json or RESULTS_FOLDER / f"{moment}.json"
    try:
        measuring = measure(choose_plan(options), options.image, one_runtime=options.one_runtime)
        results, name, picture = asyncio.run(measuring)
    except (RenderFailed, ExceptionGroup) as error:
        print(f"benchmark aborted: {error}", *getattr(error, "exceptions", ()), sep="\n", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("benchmark interrupted", file=sys.stderr)
        return 130
    publish(results, name, picture, json_path)
    return 1 if results.broken_off else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
