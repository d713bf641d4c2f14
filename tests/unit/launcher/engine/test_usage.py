"""Usage is read from the kernel's files, and is unknown without them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.launcher.engine.usage import CgroupUsage
from gateway.model.results import Usage

if TYPE_CHECKING:
    from pathlib import Path


def _write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_dot_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_version_1(tmp_path: Path) -> None:
    """Control groups of version 1 have nanoseconds and the peak."""
    _write(
        tmp_path,
        cpuacct__docker__c1__cpuacct_dot_usage="1500000000\n",
        memory__docker__c1__memory_dot_max_usage_in_bytes="4096\n",
    )
    assert Usage(1.5, 4096) == CgroupUsage("cgroupfs", "1", tmp_path).read("c1")


@pytest.mark.parametrize(("driver", "folder"), [("systemd", "system.slice/docker-c1.scope"), ("cgroupfs", "docker/c1")])
def test_version_2(tmp_path: Path, driver: str, folder: str) -> None:
    """Version 2 has microseconds; the peak is unknown on kernels that don't keep it."""
    place = tmp_path / folder
    place.mkdir(parents=True)
    (place / "cpu.stat").write_text("usage_usec 250000\nuser_usec 1\n")
    usage = CgroupUsage(driver, "2", tmp_path)
    assert Usage(0.25, None) == usage.read("c1")
    (place / "memory.peak").write_text("8192\n")
    assert Usage(0.25, 8192) == usage.read("c1")


CONTAINER = "c1" * 32

#: /proc/PID/cgroup of a container's first process -> where its accounts are then read.
PLACES = {
    "rootless": (
        "2",
        f"0::/user.slice/user-1000.slice/user@1000.service/user.slice/docker-{CONTAINER}.scope\n",
        f"user.slice/user-1000.slice/user@1000.service/user.slice/docker-{CONTAINER}.scope",
    ),
    "a parent of the operator's": (
        "2",
        f"0::/jobs.slice/docker-{CONTAINER}.scope\n",
        f"jobs.slice/docker-{CONTAINER}.scope",
    ),
    "version 1": (
        "1",
        f"12:memory:/jobs/{CONTAINER}\n4:cpu,cpuacct:/jobs/{CONTAINER}\n1:name=systemd:/x/{CONTAINER}\n0::/y/{CONTAINER}\n",
        f"jobs/{CONTAINER}",
    ),
    "another process of that number": ("2", "0::/user.slice/session-2.scope\n", f"docker/{CONTAINER}"),
    "outside what is seen": ("2", f"0::/../other/{CONTAINER}\n", f"docker/{CONTAINER}"),
    "no lines": ("2", "", f"docker/{CONTAINER}"),
    "odd lines": ("2", f"0\n\n:\n0:{CONTAINER}\n::::\n", f"docker/{CONTAINER}"),
}


@pytest.mark.parametrize("name", PLACES)
def test_place_is_learnt_from_a_process(tmp_path: Path, name: str) -> None:
    """Wherever an engine keeps the groups of its containers, the kernel's account of one process tells of all."""
    version, lines, folder = PLACES[name]
    root, proc = tmp_path / "groups", tmp_path / "proc"
    (proc / "7").mkdir(parents=True)
    (proc / "7" / "cgroup").write_text(lines)
    usage = CgroupUsage("cgroupfs", version, root, proc)
    usage.learn(CONTAINER, 7)
    usage.learn(CONTAINER, 8)  # has ended: nothing is forgotten
    other = "d2" * 32
    for part in ("",) if version == "2" else ("cpuacct", "memory"):
        place = root / part / folder.replace(CONTAINER, other)
        place.mkdir(parents=True)
        (place / "cpu.stat").write_text("usage_usec 250000\n")
        (place / "memory.peak").write_text("8192\n")
        (place / "cpuacct.usage").write_text("250000000\n")
        (place / "memory.max_usage_in_bytes").write_text("8192\n")
    assert usage.read(other) == Usage(0.25, 8192)


@pytest.mark.parametrize("text", ["", "usage_usec\n", "usage_usec many\n", "user_usec 1\n", "a b c\n"])
def test_half_removed_group_is_unknown(tmp_path: Path, text: str) -> None:
    """A group that is being removed has odd files; a finished job must not fail because of them."""
    place = tmp_path / "docker/c1"
    place.mkdir(parents=True)
    (place / "cpu.stat").write_text(text)
    assert CgroupUsage("cgroupfs", "2", tmp_path).read("c1") is None


@pytest.mark.parametrize("version", ["1", "2"])
def test_missing_group_is_unknown(tmp_path: Path, version: str) -> None:
    """If the group can't be seen, usage is unknown."""
    assert CgroupUsage("cgroupfs", version, tmp_path).read("c1") is None
