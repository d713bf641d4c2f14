"""Commands, with the time that they take on the clock and on the processors.

Processor time is counted for the command with all processes that it started and waited for, for the gateway, for the
containers of its jobs (by its metrics), and for the engine's daemons, which also work for others on the machine. What
ends with a container isn't among these: shims, the runtime, and what the kernel does for them in threads of its own. So
the machine's busy time is counted as well; other work on the machine is part of that.

Source: getrusage(2), `RUSAGE_CHILDREN`.
"""

from __future__ import annotations

import resource
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.contenders.contender import RenderFailed
from benchmarks.cpu import now, spent_s
from benchmarks.parts.breakdown import named, processes_s

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from pathlib import Path

    from benchmarks.contenders.figbox import Figbox

#: Seconds that one command may take.
LIMIT_S = 3600


@dataclass(frozen=True, slots=True)
class Took:
    """What a command took, in seconds.

    Attributes:
        wall: On the clock.
        command: Of the processors, for the command itself and the processes that it started.
        machine: Of the processors, whoever used them.
        service: Of the processors, by who used them: gateway, containers, daemons; empty if none was asked.
    """

    wall: float
    command: float
    machine: float
    service: Mapping[str, float] = field(default_factory=dict)


def run(
    line: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    *,
    statuses: Collection[int] = (0,),
    given: str = "",
) -> Took:
    """Run a command to its end; return what it took.

    Args:
        line: Program and arguments.
        folder: Its working directory.
        environment: Its variables.
        statuses: Exit statuses that are right.
        given: Its standard input.

    Raises:
        RenderFailed: It ended otherwise.
    """
    own, began = _waited_s(), now()
    done = subprocess.run(
        line, cwd=folder, env=environment, input=given, capture_output=True, text=True, check=False, timeout=LIMIT_S
    )
    ended, command = now(), _waited_s() - own
    if done.returncode not in statuses:
        raise RenderFailed(f"{' '.join(line)[:200]}: {done.returncode} {done.stderr[-1000:]}")
    return Took(ended.wall_s - began.wall_s, command, spent_s(began, ended))


async def service_s(figbox: Figbox) -> dict[str, float]:
    """Return the processor seconds that a service used so far, by who used them."""
    return {
        "gateway": processes_s({figbox.process_id}),
        "containers": (await figbox.read_metrics())["figbox_job_cpu_seconds_sum"],
        "daemons": processes_s(named("dockerd") | named("containerd")),
    }


def _waited_s() -> float:
    """Return the processor seconds of all processes that this one has waited for, with those that they waited for."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
