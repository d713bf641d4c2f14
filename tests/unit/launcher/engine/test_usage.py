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
