"""A cluster's processes are found again by their files, and its balancer has the project's configuration."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from bootstrap.cluster import Balancer, Node, Shape
from bootstrap.cluster.configuration import CONFIGURATION
from bootstrap.cluster.groups import NodeGroups
from bootstrap.cluster.processes import Recorded, until
from bootstrap.steps import SetupError
from tests.support.machine import slowed


def test_a_process_is_found_by_its_file_and_ended(tmp_path: Path) -> None:
    """Whoever has the file knows the process; after its end there is none, and no file."""
    process_id = Recorded(tmp_path / "sleep.pid").start(["sleep", "60"], tmp_path / "log")
    again = Recorded(tmp_path / "sleep.pid")
    assert again.process_id == process_id
    program = Path(f"/proc/{process_id}/comm")
    until(lambda: program.read_text() == "sleep\n", "it isn't the program", slowed(10))
    again.end(signal.SIGTERM)
    assert again.process_id is None
    assert list(tmp_path.iterdir()) == [tmp_path / "log"]


def test_another_process_with_the_same_id_is_left_alone(tmp_path: Path) -> None:
    """A process that began at another time isn't the recorded one, so it gets no signal."""
    file = tmp_path / "old.pid"
    file.write_text(f"{os.getpid()} 1")
    assert Recorded(file).process_id is None
    Recorded(file).end(signal.SIGKILL)


def test_what_does_not_come_is_said_with_its_log(tmp_path: Path) -> None:
    """When the time is over, the end of the log is in the error."""
    log = tmp_path / "log"
    log.write_text("cannot find the bridge\n")
    with pytest.raises(SetupError, match=r"cannot find the bridge\n\nno network after 0 s"):
        until(lambda: False, "no network", 0, log)


def configured(tmp_path: Path, **changes: str) -> str:
    """Return the configuration of a balancer of two nodes, for a listener with descriptor 7."""
    nodes = [Node(number, tmp_path / f"node{number}", "group") for number in (1, 2)]
    return Balancer(tmp_path, 5160, changes=changes)._configured(7, nodes)


def test_the_balancer_has_the_projects_configuration(tmp_path: Path) -> None:
    """Only its listeners, its socket and the nodes are others."""
    own = configured(tmp_path).splitlines()
    assert set(own) - set(CONFIGURATION.read_text().splitlines()) == {
        "    bind fd@7",
        f"    bind unix@{tmp_path}/metrics mode 600",
        f"    stats socket {tmp_path}/control mode 600 level admin",
        "    server node1 10.213.0.11:5150",
        "    server node2 10.213.0.12:5150",
        "    server node1 10.213.0.11:5150 track nodes/node1",
        "    server node2 10.213.0.12:5150 track nodes/node2",
    }
    assert not any("node3" in line for line in own)


@pytest.mark.parametrize(("user_id", "kept"), [(0, True), (1000, False)])
def test_only_root_can_change_the_user(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    user_id: int,
    kept: bool,  # noqa: FBT001
) -> None:
    """HAProxy that root starts works as a user of its own; started by another, it would refuse to start so."""
    monkeypatch.setattr(os, "geteuid", lambda: user_id)
    lines = configured(tmp_path).splitlines()
    assert ("    user haproxy" in lines, "    group haproxy" in lines) == (kept, kept)


def test_a_change_that_fits_nowhere_is_refused(tmp_path: Path) -> None:
    """A text that isn't in the configuration can't be replaced."""
    assert "gt 3" in configured(tmp_path, **{"gt 6": "gt 3"})
    with pytest.raises(SetupError, match="0 times"):
        configured(tmp_path, **{"no such line": "x"})


def test_a_node_has_an_equal_share() -> None:
    """By default nine tenths of the machine are divided; a given share is taken as it is."""
    cores = os.cpu_count() or 1
    assert Shape(nodes=3).cpus_of_node == pytest.approx(0.3 * cores, abs=0.01)
    assert Shape(nodes=3, cpus=0.25).cpus_of_node == 0.25
    assert NodeGroups("a/node1").containers == "/a/node1/containers"
