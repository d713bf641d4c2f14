"""Where the processor time of a job goes, process by process, while clients keep Figbox busy.

The kernel counts time for each process and for the control group of all containers; what is left of the machine's busy
time are processes that end with the job: shims, the runtime and its helpers.

Source: proc_pid_stat(5); Linux Documentation/admin-guide/cgroup-v1/cpuacct.rst and cgroup-v2.rst.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import figures
from benchmarks.parts.load import saturate

if TYPE_CHECKING:
    from benchmarks.arena import Arena
    from benchmarks.contenders.figbox import Figbox
    from benchmarks.plan import Plan

CLIENTS = 4

#: Files with the time of all containers of an engine that manages control groups itself: version 2, then version 1.
CONTAINERS = (Path("/sys/fs/cgroup/docker/cpu.stat"), Path("/sys/fs/cgroup/cpuacct/docker/cpuacct.usage"))


@dataclass(frozen=True, slots=True)
class Breakdown:
    """Processor milliseconds of one job, by who used them, in the order of the table."""

    contender: str
    figure: str
    ms: dict[str, float]


async def measure_breakdown(arena: Arena, plan: Plan) -> list[Breakdown]:
    """Measure the light figure on every Figbox."""
    return [await _measure(arena, gateway, plan) for gateway in arena.gateways]


async def _measure(arena: Arena, gateway: Figbox, plan: Plan) -> Breakdown:
    figure = figures()["light"]
    await arena.settle()
    before: dict[str, float] = {}
    after: dict[str, float] = {}
    window = await saturate(
        gateway,
        figure,
        CLIENTS,
        lead_s=plan.lead_s,
        window_s=plan.window_s,
        baseline_s=plan.baseline_s,
        on_begin=lambda: before.update(_used_s(gateway.process_id)),
        on_end=lambda: after.update(_used_s(gateway.process_id)),
    )
    ms = {name: 1000 * (after[name] - used) / max(1, window.jobs) for name, used in before.items()}
    rest = window.cpu_ms_per_job - sum(ms.values())
    return Breakdown(gateway.name, figure.name, {**ms, "shim, runtime": rest, "all": window.cpu_ms_per_job})


def _used_s(gateway: int) -> dict[str, float]:
    """Return the seconds used so far, by name."""
    return {
        "container": _containers_s(),
        "gateway": processes_s({gateway}),
        "dockerd": processes_s(named("dockerd")),
        "containerd": processes_s(named("containerd")),
    }


def named(name: str) -> set[int]:
    """Return the processes of a name."""
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() == name:
                found.add(int(process.name))
        except OSError:
            continue  # it has ended
    return found


def processes_s(process_ids: set[int]) -> float:
    """Return the processor seconds that processes used so far."""
    ticks = 0
    for process_id in process_ids:
        fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _containers_s() -> float:
    """Return the time of all containers, those that ended included; NaN where it can't be seen."""
    unified, version_1 = CONTAINERS
    if unified.exists():
        return int(unified.read_text().split()[1]) / 1e6
    return int(version_1.read_text()) / 1e9 if version_1.exists() else float("nan")
