"""`python -m benchmarks.check`: a project of two hundred scripts, checked through a service, and drawn in a loop.

In each round every contender has its turn: a loop of `python script.py`, the same by `xargs` with a process for each
core, and `figbox check` when nothing is accepted yet (everything is drawn), when nothing changed, when one script did,
and with `--base` when one did. Ratios are computed round by round. The scripts of the loop save the PNG file that the
service sends: how many pictures of the two are the same is counted.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.check.project import Project, make_project
from benchmarks.check.runs import Took, run, service_s
from benchmarks.contenders.contender import RenderFailed
from benchmarks.contenders.figbox import Figbox, run_figbox
from benchmarks.contenders.processes import end_on_sigterm
from benchmarks.report import number, spread, table
from benchmarks.statistics import median, summarize
from figbox.check.pictures import look_at
from gateway.settings import ROOT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

IMAGE = "figbox-runner:latest"
SCRIPTS = 200
ROUNDS = 3

LOOP, PARALLEL = "python, in a loop", "python, by xargs"
FIRST, UNCHANGED, ONE, BASE = "check, first", "check, unchanged", "check, one changed", "check --base, one changed"

#: Exit statuses of a check: nothing changed; something did.
SAME, CHANGED = 0, 1


@dataclass(slots=True)
class Arena:
    """A project, a service, and what was measured of each contender."""

    project: Project
    figbox: Figbox
    took: dict[str, list[Took]] = field(default_factory=dict)
    loads: list[float] = field(default_factory=list)

    @property
    def environment(self) -> Mapping[str, str]:
        """Variables of every command; as on a machine without a screen, and without settings of the user's."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("FIGBOX_", "API_KEY", "CI"))}
        key = str(self.figbox.session.headers["X-API-Key"])
        service = {"FIGBOX_URL": self.figbox.url, "FIGBOX_API_KEY": key}
        return own | service | {"PYTHONPATH": str(ROOT), "MPLBACKEND": "agg"}

    async def python(self, name: str, processes: int) -> None:
        """Draw all scripts with so many processes of Python at once, each in its own folder."""
        each = 'cd "$(dirname "$1")" && exec "$0" "$(basename "$1")"'
        line = ["xargs", "-n1", f"-P{processes}", "sh", "-c", each, sys.executable]
        given = "\n".join(self.project.names)
        self._took(name, await asyncio.to_thread(run, line, self.project.saving, self.environment, given=given))

    async def check(self, name: str, status: int, *arguments: str) -> None:
        """Check the project."""
        await self.figbox.settle()
        line = [sys.executable, "-m", "figbox", "check", "plots", "--no-words", "-q", *arguments]
        before = await service_s(self.figbox)
        took = await asyncio.to_thread(run, line, self.project.folder, self.environment, statuses=(status,))
        after = await service_s(self.figbox)
        self._took(name, replace(took, service={part: after[part] - used for part, used in before.items()}))

    async def accept(self) -> None:
        """Accept what the last check drew."""
        line = [sys.executable, "-m", "figbox", "accept"]
        await asyncio.to_thread(run, line, self.project.folder, self.environment)

    def _took(self, name: str, took: Took) -> None:
        self.took.setdefault(name, []).append(took)
        print(f"{name}: {took.wall:.1f} s, of the processors {took.machine:.1f} s", file=sys.stderr)


async def measure(scripts: int, rounds: int, image: str, settings: Mapping[str, str]) -> Arena:
    """Return what each contender took in each round."""
    end_on_sigterm()
    with tempfile.TemporaryDirectory(prefix="figbox-bench-") as name:
        folder = Path(name)
        project = make_project(folder, scripts)
        async with run_figbox("figbox", image, folder / "gateway", settings) as figbox:
            arena = Arena(project, figbox)
            for number_ in range(rounds):
                await _round(arena, number_)
        print(_same_pictures(project), file=sys.stderr)
    return arena


async def _round(arena: Arena, turn: int) -> None:
    """Let every contender have its turn; the one that comes first alternates."""
    arena.loads.append(os.getloadavg()[0])
    steps: list[Callable[[], Awaitable[None]]] = [
        lambda: arena.python(LOOP, 1),
        lambda: arena.python(PARALLEL, os.cpu_count() or 1),
        lambda: _checks(arena, turn),
    ]
    for step in steps if turn % 2 == 0 else reversed(steps):
        await arena.figbox.settle()
        await step()


async def _checks(arena: Arena, turn: int) -> None:
    (arena.project.folder / "figbox.lock").unlink(missing_ok=True)
    await arena.check(FIRST, CHANGED)
    await arena.accept()
    await arena.check(UNCHANGED, SAME)
    arena.project.change(turn)
    await arena.check(ONE, CHANGED)
    await arena.check(BASE, CHANGED, "--base", "HEAD~1")


def _same_pictures(project: Project) -> str:
    """Return how many of the accepted pictures look as those that Python saved, the changed first one apart."""
    others = []
    for name in project.names[1:]:
        accepted = project.folder / "figures" / "plots" / name
        saved = project.saving / name
        pair = [look_at(path.with_suffix(".png").read_bytes()).digest for path in (accepted, saved)]
        if pair[0] != pair[1]:
            others.append(Path(name).stem)
    count = len(project.names) - 1
    told = f"; others: {', '.join(sorted(set(others)))}" if others else ""
    return f"{count - len(others)} of {count} pictures of the service look as those that Python saved{told}"


def report(arena: Arena) -> str:
    """Return the tables: the time on the clock, and who used the processors; both beside the loop."""
    clock, processors = [], []
    for name, took in arena.took.items():
        ratios = [
            median([anchor.wall / one.wall for anchor, one in zip(arena.took[other], took, strict=True)])
            for other in (LOOP, PARALLEL)
        ]
        clock.append((name, spread(summarize([one.wall for one in took])), *map(number, ratios)))
        parts = [median([one.service.get(part, 0.0) for one in took]) for part in ("gateway", "containers", "daemons")]
        spent = [loop.machine / one.machine for loop, one in zip(arena.took[LOOP], took, strict=True)]
        command, machine = median([one.command for one in took]), median([one.machine for one in took])
        processors.append((name, *map(number, (command, *parts, machine)), number(median(spent))))
    count, rounds = len(arena.project.names), len(arena.loads)
    title = f"{count} scripts, rounds: {rounds}, cores: {os.cpu_count()}, load before a round: {max(arena.loads):.1f}"
    seconds = table(title, ("contender", "s", "loop / it", "xargs / it"), clock)
    head = ("contender", "command", "gateway", "containers", "daemons", "machine", "loop / it")
    return seconds + "\n" + table("Processor time, in s", head, processors)


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.check", description=__doc__)
    parser.add_argument("--scripts", type=int, default=SCRIPTS, metavar="N", help=f"how many; default: {SCRIPTS}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, metavar="N", help=f"default: {ROUNDS}")
    parser.add_argument("--image", default=os.environ.get("FIGBOX_IMAGE") or IMAGE, help="runner image")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="setting of the gateway; can be repeated"
    )
    return parser.parse_args(arguments)


def main(arguments: Sequence[str]) -> int:
    """Run; return the exit status."""
    options = parse(arguments)
    settings = dict(text.split("=", 1) for text in options.set)
    try:
        print(report(asyncio.run(measure(options.scripts, options.rounds, options.image, settings))))
    except RenderFailed as error:
        print(f"benchmark aborted: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("benchmark interrupted", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
