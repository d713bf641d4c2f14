"""The trials that the self-test runs in containers, here without limits: they go as far as asked, and no further."""

from __future__ import annotations

import json
import resource
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.selftest.trials import COMMAND, judge_trials
from tests.support.runner import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.runner import RunnerProcess


def report_of(process: RunnerProcess, stdin: bytes = b"") -> Any:
    """Return what a runner writes as JSON until it ends."""
    stdout, stderr = process.process.communicate(stdin, DEADLINE_S)
    assert (process.process.returncode, stderr) == (0, b"")
    return json.loads(stdout)


def test_trials_without_limits_find_every_gap(start: Callable[..., RunnerProcess]) -> None:
    """Without limits the launcher's trials go as far as they try, and each finds a gap."""
    asked = json.loads(COMMAND[1])
    report = report_of(start(*COMMAND))
    assert 0 < report.pop("cpu_share") < 1.1
    assert report.pop("large_file") is True
    assert report == {name: asked[name] for name in ("tmpfs_mib", "inodes", "descriptors", "threads")}
    gaps = judge_trials({**report, "large_file": True, "cpu_share": 1.0}, host_kernel=True)
    assert all(gaps.values()), gaps


def test_trials_stop_at_limits(start: Callable[..., RunnerProcess]) -> None:
    """A trial ends when an attempt fails, and reports how many succeeded before."""
    bounds = {"file_bytes": 1 << 62, "tmpfs_mib": 1, "inodes": 3, "descriptors": 512, "threads": 0}
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    try:
        process = start("trials", json.dumps(bounds))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    report = report_of(process)
    assert report["large_file"] is False
    assert (report["tmpfs_mib"], report["inodes"], report["threads"]) == (1, 3, 0)
    assert 200 < report["descriptors"] < 256


@pytest.mark.parametrize(("options", "stdin"), [((), b""), (("--when-told",), b"\n")])
def test_memory_is_used(start: Callable[..., RunnerProcess], options: tuple[str, ...], stdin: bytes) -> None:
    """A process that may have the memory survives, whether it is told to begin or not."""
    assert report_of(start("memory", "1000000", *options), stdin) == {"survived": 1000000}


def test_memory_waits_to_be_told(start: Callable[..., RunnerProcess]) -> None:
    """With the option no memory is used if stdin ends instead."""
    stdout, stderr = start("memory", "1000000", "--when-told").process.communicate(b"", DEADLINE_S)
    assert stdout == b""
    assert b"StreamEnded" in stderr
