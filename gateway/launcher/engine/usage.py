"""What a container used, read from the kernel's own accounting.

The engine's stats call takes a second, and hundreds of milliseconds of processor time; what the guest says proves
nothing. Where this process sees the host's control groups, it reads two small files in microseconds; where it doesn't
(macOS), usage is reported as unknown.

Where the groups of containers are depends on the engine: rootless ones have them below the user's session, others where
`cgroup-parent` says. The kernel tells for each process, so one container's first process shows where all are. A
launcher in a container of its own sees no processes, and looks in the usual place.

Source: Linux `Documentation/admin-guide/cgroup-v1/{cpuacct,memory}.rst` and `cgroup-v2.rst`, proc(5) for
`/proc/PID/cgroup`; the usual places are those of Docker's cgroupfs and systemd drivers.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from gateway.model.results import Usage

CGROUP_ROOT = Path("/sys/fs/cgroup")
PROC = Path("/proc")

#: Controllers with an account of their own in version 1; version 2 has one hierarchy, which `/proc/PID/cgroup` names by
#: nothing.
CPU, MEMORY, UNIFIED = "cpuacct", "memory", ""


class CgroupUsage:
    """Reads the usage of containers by their ids.

    Args:
        driver: The engine's cgroup driver, "cgroupfs" or "systemd".
        version: "1" or "2".
        root: Where the control groups are mounted.
        proc: Where processes are to be seen.
    """

    def __init__(self, driver: str, version: str, root: Path = CGROUP_ROOT, proc: Path = PROC) -> None:
        usual = ("system.slice/docker-", ".scope") if driver == "systemd" else ("docker/", "")
        self._unified = version == "2"
        #: What comes before and after the id in the path of a group, by hierarchy.
        self._places = dict.fromkeys([UNIFIED] if self._unified else [CPU, MEMORY], usual)
        self._root = root
        self._proc = proc

    def learn(self, container_id: str, pid: int) -> None:
        """Learn from a live container where the groups of all of them are.

        Args:
            container_id: Its id.
            pid: Its first process, as the engine numbers it. Where that is another host's number, nothing is learnt.
        """
        try:
            lines = (self._proc / str(pid) / "cgroup").read_text().splitlines()
        except (OSError, ValueError):
            return
        for line in lines:
            _, _, rest = line.partition(":")
            controllers, _, path = rest.partition(":")
            before, found, after = path.lstrip("/").partition(container_id)
            if not found or ".." in PurePosixPath(path).parts:  # outside what this process sees
                continue
            for hierarchy in set(controllers.split(",")) & set(self._places):
                self._places[hierarchy] = (before, after)

    def read(self, container_id: str) -> Usage | None:
        """Return what a live container has used so far, or None if that is unknown."""
        try:
            if self._unified:
                return self._read_unified(self._root / self._path(UNIFIED, container_id))
            cpu = self._root / CPU / self._path(CPU, container_id)
            memory = self._root / MEMORY / self._path(MEMORY, container_id)
            cpu_ns = int((cpu / "cpuacct.usage").read_text())
            peak = int((memory / "memory.max_usage_in_bytes").read_text())
        except (OSError, ValueError, LookupError):  # gone, or half removed
            return None
        return Usage(cpu_ns / 1e9, peak)

    def _path(self, hierarchy: str, container_id: str) -> str:
        return container_id.join(self._places[hierarchy])

    def _read_unified(self, folder: Path) -> Usage:
        stat = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
        peak_file = folder / "memory.peak"  # Linux 5.19 and later
        peak = int(peak_file.read_text()) if peak_file.exists() else None
        return Usage(int(stat["usage_usec"]) / 1e6, peak)
