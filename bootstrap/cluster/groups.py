"""Control groups of a node: a share of the processor for its engine with all containers.

Source: Linux Documentation/scheduler/sched-bwc.rst for version 1, Documentation/admin-guide/cgroup-v2.rst for 2.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

from bootstrap.steps import SetupError

ROOT = Path("/sys/fs/cgroup")

#: Microseconds within which a share is dealt out. The kernel's default of 100 ms would be felt in the latencies.
PERIOD_US = 20_000

#: Seconds to wait for processes to end before a group is removed.
END_LIMIT_S = 20.0


def _is_unified() -> bool:
    return (ROOT / "cgroup.controllers").exists()


@dataclass(frozen=True, slots=True)
class NodeGroups:
    """The groups of one node: one for the engine and one for its containers, below one with the share.

    Attributes:
        path: Below the root of the hierarchies, such as `figbox-cluster/node1`.
    """

    path: str

    @property
    def containers(self) -> str:
        """The parent of the containers' groups, as dockerd is told."""
        return f"/{self.path}/containers"

    @property
    def engine_files(self) -> list[Path]:
        """The files that a process writes `0` into, to be in the engine's group."""
        tops = [ROOT] if _is_unified() else [ROOT / "cpu", ROOT / "cpuacct"]
        return [top / self.path / "engine" / "cgroup.procs" for top in tops if top.is_dir()]

    def create(self, cpus: float) -> None:
        """Make them, with a share of the processor.

        Args:
            cpus: Cores that all of the node gets together.

        Raises:
            SetupError: This machine has no groups that can be made.
        """
        try:
            if _is_unified():
                self._create_unified(cpus)
                return
            for file in self.engine_files:
                file.parent.mkdir(parents=True, exist_ok=True)
            folder = ROOT / "cpu" / self.path
            (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
            (folder / "cpu.cfs_quota_us").write_text(str(round(cpus * PERIOD_US)))
        except OSError as error:
            raise SetupError(
                f"Control groups can't be made here ({error.filename}: {error.strerror}): "
                "run this as root of a machine whose /sys/fs/cgroup is writable."
            ) from error

    def _create_unified(self, cpus: float) -> None:
        path = ROOT
        wanted = "+cpu +memory +pids"
        for part in Path(self.path).parts:
            (path / "cgroup.subtree_control").write_text(wanted)
            path /= part
            path.mkdir(exist_ok=True)
        (path / "cgroup.subtree_control").write_text(wanted)
        (path / "engine").mkdir(exist_ok=True)
        (path / "cpu.max").write_text(f"{round(cpus * PERIOD_US)} {PERIOD_US}")


def remove(name: str) -> None:
    """Remove a group of all hierarchies with the groups below, once their processes have ended.

    Raises:
        SetupError: Something is still in them.
    """
    tops = [ROOT, *(entry for entry in ROOT.iterdir() if entry.is_dir() and not entry.is_symlink())]
    end = time.monotonic() + END_LIMIT_S
    for top in dict.fromkeys(path / name for path in tops if (path / name).is_dir()):
        for folder, _, _ in os.walk(top, topdown=False):
            _remove_one(Path(folder), end)


def _remove_one(folder: Path, end: float) -> None:
    while folder.exists():
        try:
            folder.rmdir()
        except OSError as error:
            if time.monotonic() > end:
                raise SetupError(f"{folder} is still in use ({error.strerror}).") from error
            time.sleep(0.1)
