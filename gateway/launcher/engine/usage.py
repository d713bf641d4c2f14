"""What a container used, read from the kernel's own accounting.

The engine's stats call takes a second, and hundreds of milliseconds of processor time; what the guest says proves
nothing. Where this process sees the host's control groups, it reads two small files in microseconds; where it doesn't
(macOS, a launcher in a container of its own), usage is reported as unknown.

Source: Linux `Documentation/admin-guide/cgroup-v1/{cpuacct,memory}.rst` and `cgroup-v2.rst`; the paths are those of
Docker's cgroupfs and systemd drivers without a cgroup parent of their own.
"""

from __future__ import annotations

from pathlib import Path

from gateway.model.results import Usage

CGROUP_ROOT = Path("/sys/fs/cgroup")


class CgroupUsage:
    """Reads the usage of containers by their ids.

    Args:
        driver: The engine's cgroup driver, "cgroupfs" or "systemd".
        version: "1" or "2".
        root: Where the control groups are mounted.
    """

    def __init__(self, driver: str, version: str, root: Path = CGROUP_ROOT) -> None:
        self._folder = "system.slice/docker-{}.scope" if driver == "systemd" else "docker/{}"
        self._unified = version == "2"
        self._root = root

    def read(self, container_id: str) -> Usage | None:
        """Return what a live container has used so far, or None if that is unknown."""
        folder = self._folder.format(container_id)
        try:
            if self._unified:
                return self._read_unified(self._root / folder)
            cpu_ns = int((self._root / "cpuacct" / folder / "cpuacct.usage").read_text())
            peak = int((self._root / "memory" / folder / "memory.max_usage_in_bytes").read_text())
        except (OSError, ValueError, LookupError):  # gone, or half removed
            return None
        return Usage(cpu_ns / 1e9, peak)

    def _read_unified(self, folder: Path) -> Usage:
        stat = dict(line.split() for line in (folder / "cpu.stat").read_text().splitlines())
        peak_file = folder / "memory.peak"  # Linux 5.19 and later
        peak = int(peak_file.read_text()) if peak_file.exists() else None
        return Usage(int(stat["usage_usec"]) / 1e6, peak)
