"""Reading processes and control groups as the kernel shows them."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.fork.comparison import (
    LIMIT_NAMES,
    Process,
    ProcessGone,
    control_groups,
    differences,
    resource_limits,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

V1 = """\
24 23 0:22 / /sys/fs/cgroup ro,nosuid - tmpfs tmpfs ro,mode=755
25 24 0:23 / /sys/fs/cgroup/cpu,cpuacct rw,nosuid shared:9 - cgroup cgroup rw,cpu,cpuacct
26 24 0:24 / /sys/fs/cgroup/memory rw - cgroup memory rw,memory
27 24 0:25 /docker/x /mnt/part rw - cgroup cgroup rw,memory
28 24 0:26 / /sys/fs/cgroup/systemd rw - cgroup systemd rw,xattr,name=systemd
29 24 0:27 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw,nsdelegate
"""


@pytest.fixture
def sleeper() -> Iterator[Process]:
    """Return a process of our own that waits."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        process = Process(child.pid)
        yield process
        process.kill()
        process.close()


def test_control_groups_are_found_in_every_hierarchy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each line of a membership is a folder: controllers together, named hierarchies, and version 2."""
    monkeypatch.setattr(Path, "read_text", lambda self, *_: V1)
    membership = "4:name=systemd:/docker/a\n3:memory:/docker/a\n2:cpu,cpuacct:/docker/a\n0::/docker/a"
    assert [str(folder) for folder in control_groups(membership)] == [
        "/sys/fs/cgroup/systemd/docker/a",
        "/sys/fs/cgroup/memory/docker/a",
        "/sys/fs/cgroup/cpu,cpuacct/docker/a",
        "/sys/fs/cgroup/unified/docker/a",
    ]


def test_hierarchy_that_is_not_mounted_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A group that can't be read is never left out silently."""
    monkeypatch.setattr(Path, "read_text", lambda self, *_: V1)
    with pytest.raises(LookupError):
        list(control_groups("9:pids:/docker/a"))


def test_limits_are_read_as_the_kernel_has_them(sleeper: Process) -> None:
    """Every limit of the kernel's table is read by its name, with the value that getrlimit returns."""
    limits = resource_limits(sleeper)
    assert set(limits) == set(LIMIT_NAMES.values())
    for name, values in limits.items():
        if hasattr(resource, f"RLIMIT_{name}"):
            assert resource.prlimit(sleeper.process_id, getattr(resource, f"RLIMIT_{name}")) == values


def test_a_process_is_like_itself(sleeper: Process) -> None:
    """Nothing that is compared changes by itself."""
    assert differences(sleeper, sleeper) == []


def test_processes_in_different_places_differ(sleeper: Process) -> None:
    """A process with other open files, limits and user masks is not like another one."""
    program = "import os, resource; os.umask(0o7); resource.setrlimit(resource.RLIMIT_CORE, (0, 0)); input()"
    with subprocess.Popen(
        [sys.executable, "-c", f"kept = open(os.__file__) if (os := __import__('os')) else 0\n{program}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as child:
        other = Process(child.pid)
        while "Umask:\t0007" not in (other.read("status") or ""):
            pass
        found = differences(sleeper, other)
        other.kill()
        other.close()
    assert {"Umask", "fd"} <= set(found)


def test_an_ended_process_can_not_be_held() -> None:
    """A process that has ended has no directory to hold."""
    with subprocess.Popen(["true"]) as child:
        pass
    with pytest.raises(ProcessGone):
        Process(child.pid)


def test_killing_goes_by_the_process_and_not_by_its_number(sleeper: Process) -> None:
    """Killing a process that has ended, or that was released, succeeds and affects no other."""
    sleeper.kill()
    os.waitpid(sleeper.process_id, 0)
    sleeper.kill()
    with pytest.raises(ProcessGone):
        sleeper.status()
    sleeper.close()
    sleeper.kill()
