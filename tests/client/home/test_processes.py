"""A process is told from a later one with the same id."""

from __future__ import annotations

import signal
import subprocess
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from figbox.cli.home.processes import identity_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def process() -> Iterator[subprocess.Popen[bytes]]:
    """Return a process that runs until it is ended."""
    with subprocess.Popen(["sleep", "600"]) as found:
        yield found
        found.kill()


def test_process_that_runs_and_ends(process: subprocess.Popen[bytes]) -> None:
    """It runs until it has ended, even before its parent has asked for its exit status."""
    found = identity_of(process.pid)
    assert found is not None
    assert found.runs
    assert not found.ends_within(0)
    found.signal(signal.SIGTERM)
    assert found.ends_within(60)
    assert process.returncode is None
    assert identity_of(process.pid) is None
    found.signal(signal.SIGTERM)


@pytest.mark.parametrize("other", [{"started": 1}, {"boot": "another"}])
def test_another_process_with_the_same_id(process: subprocess.Popen[bytes], other: dict[str, object]) -> None:
    """One that started at another time isn't the one meant, and gets no signal."""
    found = identity_of(process.pid)
    assert found is not None
    earlier = replace(found, **other)  # type: ignore[arg-type]
    assert not earlier.runs
    earlier.signal(signal.SIGKILL)
    assert found.runs


def test_no_process() -> None:
    """An id that no process has."""
    assert identity_of(2**22 + 1) is None
