"""Control groups of a measurement's own: a share of the processor, and an account of who used it.

Only version 1, and only as root: groups are made, and processes are moved into them.

Source: Linux Documentation/admin-guide/cgroup-v1/cpuacct.rst and Documentation/scheduler/sched-bwc.rst.
"""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path("/sys/fs/cgroup")
CONTROLLERS = ("cpu", "cpuacct")

#: Microseconds within which a share is dealt out. The kernel's default of 100 ms would be seen in the latencies.
PERIOD_US = 20_000

#: Weight beside the rest of the machine, where 1024 is usual: so that the share is there when it is needed.
WEIGHT = 16_384

#: Seconds to wait for processes to end before a group is removed.
END_LIMIT_S = 10.0


class Unsuitable(Exception):
    """This machine can't be measured in this way; the text says why."""


class ControlGroup:
    """One group in the hierarchies of both controllers.

    Args:
        path: Below the root of the hierarchies, such as `figbox-node/engine`.
    """

    def __init__(self, path: str) -> None:
        self.path = path

    def create(self) -> None:
        """Make it.

        Raises:
            Unsuitable: Not root, or another version of control groups.
        """
        if os.geteuid() != 0 or not all((ROOT / name / "tasks").exists() for name in CONTROLLERS):
            raise Unsuitable("this needs root, and version 1 of control groups")
        for name in CONTROLLERS:
            (ROOT / name / self.path).mkdir(exist_ok=True)

    def limit(self, cores: float) -> None:
        """Bound all processes in it together to so many cores, and give them a weight that lets them have these."""
        folder = ROOT / "cpu" / self.path
        (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (folder / "cpu.cfs_quota_us").write_text(str(round(cores * PERIOD_US)))
        (folder / "cpu.shares").write_text(str(WEIGHT))

    def used_s(self) -> float:
        """Return the processor seconds of all processes that were ever in it, or in a group below."""
        return int((ROOT / "cpuacct" / self.path / "cpuacct.usage").read_text()) / 1e9

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """Be in it, so that processes that are started now are in it as well."""
        before = _own_groups()
        for name in CONTROLLERS:
            (ROOT / name / self.path / "cgroup.procs").write_text(str(os.getpid()))
        try:
            yield
        finally:
            for name in CONTROLLERS:
                (ROOT / name / before[name].lstrip("/") / "cgroup.procs").write_text(str(os.getpid()))

    def remove(self) -> None:
        """Remove it and the groups below, once their processes have ended."""
        end = time.monotonic() + END_LIMIT_S
        for name in CONTROLLERS:
            top = ROOT / name / self.path
            for folder in [*sorted((path for path in top.rglob("*") if path.is_dir()), reverse=True), top]:
                while folder.exists():
                    try:
                        folder.rmdir()
                    except OSError:
                        if time.monotonic() > end:
                            raise
                        time.sleep(0.1)


def _own_groups() -> dict[str, str]:
    """Return this process's groups, by controller."""
    found = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        found.update(dict.fromkeys(controllers.split(","), path))
    return found
