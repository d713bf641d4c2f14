"""The benchmark runs from end to end; no test asserts how fast anything is."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.engine.specification import LABEL_INSTALLATION
from gateway.pictures.png import check_png
from tests.support.live import ROOT, engine_client
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

DEADLINE_S = slowed(180)

#: What each part adds to the numbers.
PARTS = (
    *("latency", "saturation", "memory_mib", "refusal_ms", "bursts", "first_requests"),
    *("breakdowns", "snapshot", "savings", "described", "soak"),
)


def installations() -> set[str]:
    """Name the installations of benchmarks that have containers."""
    with engine_client() as client:
        rows = client.containers(all=True, filters={"label": LABEL_INSTALLATION})
    names = {row["Labels"][LABEL_INSTALLATION] for row in rows}
    return {name for name in names if name.startswith("bench-")}


def test_tiny_form_measures_and_draws(tmp_path: Path) -> None:
    """Every part runs once; the table is printed, the numbers and the picture are written, and no container is left."""
    before = installations()
    numbers = tmp_path / "numbers.json"
    command = [sys.executable, "-m", "benchmarks", "--tiny", "--one-runtime", "--json", str(numbers)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            output, errors = process.communicate(timeout=DEADLINE_S)
        except BaseException:
            process.send_signal(signal.SIGTERM)  # it ends its gateways
            raise
    assert process.returncode == 0, errors
    assert "Latency with one client" in output
    assert "Soak: " in output
    document = json.loads(numbers.read_text("utf-8"))
    assert document["broken_off"] == []
    assert all(document[part] for part in PARTS)
    assert document["machine"]["cores"] >= 1
    contenders = {row["contender"] for row in document["latency"]}
    assert {"naked", "docker run", "in process"} < contenders
    assert all(row["ms"]["p50"] > 0 for row in document["latency"])
    check_png(numbers.with_suffix(".png").read_bytes(), 50_000_000)
    assert installations() <= before


def test_checking_a_project_is_measured() -> None:
    """Every contender has its turn, the service draws what Python draws, and no container is left."""
    before = installations()
    command = [sys.executable, "-m", "benchmarks.check", "--scripts", "3", "--rounds", "1"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            output, errors = process.communicate(timeout=DEADLINE_S)
        except BaseException:
            process.send_signal(signal.SIGTERM)
            raise
    assert process.returncode == 0, errors
    rows = [line for line in output.splitlines() if line.startswith(("python,", "check"))]
    assert len(rows) == 2 * 6  # time on the clock, and of the processors
    assert "of 2 pictures of the service look as those that Python saved" in errors
    assert installations() <= before
