"""What processes and an engine hold at one moment, as the kernel and the engine tell it.

Source: proc_pid_status(5), proc_pid_smaps(5) for the rollup, proc_meminfo(5).
"""

from __future__ import annotations

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

KIB, MIB = 1 << 10, 1 << 20
PROC = Path("/proc")


@dataclass(frozen=True, slots=True)
class Held:
    """What a process and its descendants hold together.

    Attributes:
        resident_mib: Memory, with what is shared counted in each.
        proportional_mib: Memory, with what is shared divided among those that share it.
    """

    processes: int
    resident_mib: float
    proportional_mib: float
    descriptors: int
    threads: int


def held_by(pid: int) -> Held:
    """Return what a process holds, with its descendants; one that ends meanwhile counts as far as it was read."""
    processes = family(pid)
    resident = proportional = descriptors = threads = 0
    for process in processes:
        folder = PROC / str(process)
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            rollup = kibibytes(folder / "smaps_rollup")
            resident += rollup.get("Rss", 0)
            proportional += rollup.get("Pss", 0)
            descriptors += len(list((folder / "fd").iterdir()))
            threads += len(list((folder / "task").iterdir()))
    return Held(len(processes), resident * KIB / MIB, proportional * KIB / MIB, descriptors, threads)


def family(pid: int) -> list[int]:
    """Return a process and its descendants."""
    found = [pid]
    for process in found:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            for thread in (PROC / str(process) / "task").iterdir():
                with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                    found += map(int, (thread / "children").read_text().split())
    return found


def kibibytes(path: Path) -> dict[str, int]:
    """Return the lines of a file of the kernel's that are a name and KiB."""
    rows = (line.split() for line in path.read_text().splitlines())
    return {row[0].rstrip(":"): int(row[1]) for row in rows if len(row) == 3 and row[2] == "kB"}


def mounts_of(pid: int) -> int:
    """Return how much is mounted where a process is."""
    return len((PROC / str(pid) / "mountinfo").read_text().splitlines())


def files_in(folder: Path) -> tuple[int, float]:
    """Return the number of files and folders below a folder, and the MiB that they take on the disk.

    What is mounted there counts as a folder alone: the roots of containers show the image's files once more.
    """
    count, blocks, disk = 0, 0, folder.stat().st_dev
    waiting = [folder]
    while waiting:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with contextlib.suppress(FileNotFoundError):
                    status = entry.stat(follow_symlinks=False)
                    count, blocks = count + 1, blocks + status.st_blocks
                    if entry.is_dir(follow_symlinks=False) and status.st_dev == disk:
                        waiting.append(Path(entry.path))
    return count, blocks * 512 / MIB
