"""What the reports from inside a sandbox prove, by the name of each check.

The image's own programs make them, both in runner-image/runner/modes/. The probe describes what it sees and what it may
do. The trials try to use about twice as much as allowed, in a container with small limits, so that each is reached at
once, and report how far they came.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gateway.launcher.engine.specification import UID_FIRST, UID_LAST
from gateway.model.jobs import MiB

if TYPE_CHECKING:
    from gateway.model.jobs import Limits

#: Limits of the container that the trials run in, unless the configured ones are smaller.
TMPFS_BYTES = 4 * MiB
TMPFS_INODES = 64
PIDS = 64
CPUS = 0.5

#: Share of a core beyond which `CPUS` isn't enforced. A busy host may give less without any limit, which proves
#: nothing; but an enforced limit is never taken for a missing one.
CPU_SHARE_BOUND = 0.8

#: Open files that the specification allows any container.
DESCRIPTORS = 256

#: The image's mode that tries them, and how far it goes.
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
    """Return a job's limits, small where the program tries to exceed them."""
    return replace(
        limits,
        tmpfs_limit_bytes=min(limits.tmpfs_limit_bytes, TMPFS_BYTES),
        tmpfs_inodes=min(limits.tmpfs_inodes, TMPFS_INODES),
        pids_limit=min(limits.pids_limit, PIDS),
        cpus=min(limits.cpus, CPUS),
    )


def judge_trials(report: dict[str, Any], *, host_kernel: bool) -> dict[str, tuple[str, ...]]:
    """Return the gaps that a report of the trials shows, by check.

    Args:
        report: What it doesn't contain has not been proved.
        host_kernel: Whether system calls reach the host's kernel. One in user space counts neither files nor threads,
            since all it has is the container's memory, and its clock of processor time isn't the host's.
    """

    def below(name: str, bound: float) -> bool:
        value = report.get(name)
        return isinstance(value, int | float) and not isinstance(value, bool) and value < bound

    expected = [
        ("tmpfs", "its working directory holds more bytes than allowed", below("tmpfs_mib", TMPFS_BYTES / MiB + 1)),
        ("file size", "a file can be larger than allowed", report.get("large_file") is False),
        ("descriptors", "more files can be open than allowed", below("descriptors", DESCRIPTORS)),
    ]
    if host_kernel:
        expected += [
            ("inodes", "its working directory holds more files than allowed", below("inodes", TMPFS_INODES)),
            ("threads", "it has more threads than allowed", below("threads", PIDS)),
            ("cpu", "it uses more processor time than allowed", below("cpu_share", CPU_SHARE_BOUND)),
        ]
    return _gaps(expected)


def judge_probe(report: dict[str, Any], *, host_kernel: bool, tmpfs_limit_bytes: int) -> dict[str, tuple[str, ...]]:
    """Return the gaps that a sandbox's description of itself shows, by check.

    Args:
        report: What it doesn't contain has not been proved.
        host_kernel: Whether system calls reach the host's kernel.
        tmpfs_limit_bytes: Expected size of the working directory.
    """
    status, refused, tmp = report.get("status") or {}, report.get("refused") or {}, report.get("tmp") or {}
    capabilities = [int(status.get(name) or "1", 16) for name in ("CapEff", "CapBnd")]
    expected = [
        ("network", "it has a network interface", report.get("interfaces") in (["lo"], [])),
        ("user", "its uid is not ours", report.get("uid") in range(UID_FIRST, UID_LAST + 1)),
        ("user", "it is in other groups", set(report.get("groups", [-1])) <= {report.get("gid")}),
        ("capabilities", "it has capabilities", not any(capabilities)),
        ("files", "its file system can be written", all((report.get("writable") or {"": None}).values())),
        ("files", "its working directory is not bounded", tmp.get("bytes") == tmpfs_limit_bytes),
    ]
    if host_kernel:
        # A kernel in user space may allow these calls, since they never reach the host.
        inert = all(tmp.get(flag) for flag in ("noexec", "nosuid", "nodev"))
        allowed = sorted(name for name, error in refused.items() if error is None)
        open_calls = f"system calls are open: {', '.join(allowed)}"
        expected += [
            ("files", "its working directory is not inert", inert),
            ("files", "its working directory's files are not counted", bool(tmp.get("inodes"))),
            ("privileges", "it may gain privileges", status.get("NoNewPrivs") == "1"),
            ("system calls", "no system call filter is on", status.get("Seccomp") == "2"),
            ("system calls", open_calls, bool(refused) and not allowed),
        ]
    return _gaps(expected)


def _gaps(expected: list[tuple[str, str, bool]]) -> dict[str, tuple[str, ...]]:
    """Return the gaps of each check; `expected` has a check's name, the gap, and whether it holds."""
    names = dict.fromkeys(name for name, _, _ in expected)
    return {name: tuple(gap for of, gap, holds in expected if of == name and not holds) for name in names}
