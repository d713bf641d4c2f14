"""Killing without the engine: the container's own process, and never another."""

from __future__ import annotations

import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.engine.direct_kill import kill_process
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTAINER = "c0ffee" * 10 + "c0de"


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that waits until it is ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    yield child
    child.kill()
    child.communicate()


def show(proc: Path, process_id: int, *groups: str) -> None:
    """Make the files that show a process with one thread in each control group."""
    for number, group in enumerate(groups):
        thread = proc / str(process_id) / "task" / str(process_id + number)
        thread.mkdir(parents=True)
        (thread / "cgroup").write_text(f"12:memory:{group}\n0::{group}\n")


def test_kills_a_process_of_the_container(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """A zombie's first thread is shown in the root group; another thread's group names the container."""
    show(tmp_path, process.pid, "/", f"/docker/{CONTAINER}")
    assert kill_process(process.pid, CONTAINER, tmp_path)
    assert process.wait(slowed(10)) == -signal.SIGKILL


@pytest.mark.parametrize("group", ["/", "/docker/" + CONTAINER[::-1], "/user.slice"])
def test_leaves_other_processes_alone(process: subprocess.Popen[bytes], tmp_path: Path, group: str) -> None:
    """A process that has the number here, or has it by now, isn't killed if it isn't the container's."""
    show(tmp_path, process.pid, group)
    assert not kill_process(process.pid, CONTAINER, tmp_path)
    assert not kill_process(process.pid, CONTAINER)
    assert process.poll() is None


def test_process_that_is_gone(process: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """A process that has ended or can't be seen is ignored."""
    assert not kill_process(process.pid, CONTAINER, tmp_path)
    process.kill()
    process.wait()
    assert not kill_process(process.pid, CONTAINER, tmp_path)
    assert not kill_process(0, CONTAINER)
