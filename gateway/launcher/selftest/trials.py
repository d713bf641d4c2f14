"""What the self-test tries to exceed from inside a container, and what may have come of it.

The image's own program (runner-image/runner/trials.py) runs in a container with a job's own specification, but small
numbers, so that each limit is reached at once. It tries to use about twice as much as it may and reports how far it
came; what that proves is decided here.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gateway.model.jobs import MiB

if TYPE_CHECKING:
    from gateway.model.jobs import Limits

#: The limits of the container that the trials run in, where the configured ones aren't smaller still.
TMPFS_BYTES = 4 * MiB
TMPFS_INODES = 64
PIDS = 64
CPUS = 0.5

#: Share of a core beyond which `CPUS` isn't enforced. A busy host gives less than that without any limit, and then
#: nothing is proved; but a limit that is enforced is never taken for one that isn't.
CPU_SHARE_BOUND = 0.8

#: Files that any container may have open, of the specification's own.
DESCRIPTORS = 256

#: The image's mode that tries them, and how far it goes: about twice as far as any of them lets it.
COMMAND = (
    "trials",
    json.dumps(
        {
            "file_bytes": 4 * TMPFS_BYTES,
            "tmpfs_mib": 2 * TMPFS_BYTES // MiB,
            "inodes": 2 * TMPFS_INODES,
            "descriptors": 2 * DESCRIPTORS,
            "threads": 2 * PIDS,
        }
    ),
)


def limits_of_trials(limits: Limits) -> Limits:
    """Return a job's limits with small numbers where the program tries them."""
    return replace(
        limits,
        tmpfs_limit_bytes=min(limits.tmpfs_limit_bytes, TMPFS_BYTES),
        tmpfs_inodes=min(limits.tmpfs_inodes, TMPFS_INODES),
        pids_limit=min(limits.pids_limit, PIDS),
        cpus=min(limits.cpus, CPUS),
    )


def judge_trials(report: dict[str, Any], *, host_kernel: bool) -> dict[str, tuple[str, ...]]:
    """Return what is wrong with a sandbox in which the program came as far as it says, by the name of the check.

    Args:
        report: As the program prints it; what it doesn't say has not been proved.
        host_kernel: Whether system calls meet the host's kernel. One in user space counts neither files nor threads,
            since all it has is the container's memory, and its clock of processor time isn't the host's.
    """

    def below(name: str, bound: float) -> bool:
        value = report.get(name)
        return isinstance(value, int | float) and not isinstance(value, bool) and value < bound

    trials = {
        "tmpfs": ("its working directory holds more bytes than it may", below("tmpfs_mib", TMPFS_BYTES / MiB + 1)),
        "file size": ("a file can be larger than it may", report.get("large_file") is False),
        "descriptors": ("more files can be open than may be", below("descriptors", DESCRIPTORS)),
    }
    if host_kernel:
        trials["inodes"] = ("its working directory holds more files than it may", below("inodes", TMPFS_INODES))
        trials["threads"] = ("it has more threads than it may", below("threads", PIDS))
        trials["cpu"] = ("it uses more processor time than it may", below("cpu_share", CPU_SHARE_BOUND))
    return {name: () if holds else (fault,) for name, (fault, holds) in trials.items()}
