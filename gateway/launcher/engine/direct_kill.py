"""Kills a container's processes directly, where permitted, when the engine is slow to kill it.

A job can end its first thread and go on with others. For the kernel that is a living process whose first thread is a
zombie; for runc the container has stopped, so it refuses to signal it, and the engine tries for twelve seconds before
it sends SIGKILL by itself. Meanwhile the job's memory is in use, and a thread of ours waits.

Source: runc 1.1 `libcontainer/container_linux.go` (`currentStatus`, `Signal`); moby 20.10 `daemon/kill.go` and
`daemon/container_operations_unix.go` (`killProcessDirectly`).
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

PROC = Path("/proc")


def kill_process(process_id: int, container_id: str, proc: Path = PROC) -> bool:
    """Kill a process if it is visible here as the container's, and if we may.

    The number is the engine's. It means nothing if the engine runs in another process namespace, and may mean another
    process by now: so the control group of one of its threads must name the container. The descriptor is opened before
    that check, and keeps referring to the same process.

    Args:
        process_id: Of the container's process 1, as the engine reports it.
        container_id: The whole id.
        proc: The proc file system.

    Returns:
        Whether the signal was sent.
    """
    try:
        descriptor = os.pidfd_open(process_id)
    except (OSError, AttributeError):  # it has ended, or this is not Linux
        return False
    try:
        if not _is_of(proc / str(process_id), container_id):
            return False
        signal.pidfd_send_signal(descriptor, signal.SIGKILL)
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True


def _is_of(process: Path, container_id: str) -> bool:
    """Tell whether any thread of a process is in a container's control group.

    All threads are read, because the first is a zombie here, and a zombie may be shown in the root group (Linux,
    `proc_cgroup_show`).
    """
    return any(container_id in (thread / "cgroup").read_text() for thread in (process / "task").iterdir())
