"""The pictures of docs/scaling.md are drawn by a gateway; and a node is measured from end to end."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.scaling import measured, nodes_measured, pictures
from benchmarks.scaling.__main__ import main
from gateway.pictures.png import check_png
from tests.cluster.balancer import have_haproxy
from tests.fakes import KEY
from tests.support.live import ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.live import LiveGateway

pytestmark = pytest.mark.engine


def test_pictures_are_drawn(gateway: LiveGateway, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One picture for each program in `drawing/`, from data of the model; here from short ones."""
    monkeypatch.setenv("FIGBOX_URL", gateway.url)
    monkeypatch.setenv("API_KEY", KEY)
    monkeypatch.setattr(pictures, "FOLDER", tmp_path)
    monkeypatch.setattr(pictures, "LOADS", (0.3,))
    assert main(["pictures"]) == 0
    assert sorted(path.stem for path in tmp_path.iterdir()) == sorted(pictures.DATA)
    for path in tmp_path.iterdir():
        check_png(path.read_bytes(), 50_000_000)


def measure(command: str, file: Path) -> str | None:
    """Measure a little into a file; return what is printed, or None where control groups don't allow it."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scaling", command, "--tiny", "--json", str(file)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=slowed(400),
    )
    if not done.returncode:
        return done.stdout
    assert done.stderr == "not measured: this needs root, and version 1 of control groups\n"
    return None


def test_node_is_measured(tmp_path: Path) -> None:
    """`measure` runs a node in control groups of its own, and writes costs and windows that the model can read."""
    file = tmp_path / "measured.json"
    printed = measure("measure", file)
    if printed is None:
        return
    found = measured.read(file.read_text("utf-8"))
    assert json.loads(printed) == json.loads(file.read_text("utf-8"))
    assert min(found.costs.draw_cpu_s.values()) > 0
    assert [window.name for window in found.windows] == ["load 0.5", "2 clients"]
    assert {request.status for window in found.windows for request in window.requests} == {200}
    assert found.series > 100


def test_nodes_are_measured(tmp_path: Path) -> None:
    """`measure-nodes` runs nodes behind HAProxy; with two, both draw."""
    have_haproxy()
    file = tmp_path / "nodes.json"
    printed = measure("measure-nodes", file)
    if printed is None:
        return
    found = nodes_measured.parse(file.read_text("utf-8"))
    assert [(window.nodes, window.others) for window in found.windows] == [(1, 0), (2, 0)]
    assert [len(window.by_node) for window in found.windows] == [1, 2]
    assert printed == found.to_json()
