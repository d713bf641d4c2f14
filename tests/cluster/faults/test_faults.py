"""Three nodes under load while parts of them fail; the figures are printed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from benchmarks.load.record import Answer
from tests.cluster.balancer import Balancer, balancer
from tests.cluster.faults.fault import (
    ENDING,
    KEYS,
    LOST_ENGINE,
    LOST_NODE,
    NO_BALANCER,
    SOME,
    Fault,
    suffer,
    under_load,
)
from tests.cluster.faults.machines import NEXT_IMAGE, Machine, machines
from tests.cluster.nodes import keys_file

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.engine


async def test_faults_cost_no_promised_answer(tmp_path: Path) -> None:
    """Killed, cut, drained, updated and restarted parts cost what the page says, and nothing else."""
    settings = {
        "API_KEY": "",
        "FIGBOX_API_KEYS_FILE": keys_file(tmp_path, **KEYS),
        "FIGBOX_RUNNING_LIMIT": 2,
        "FIGBOX_POOL_SIZE": 2,
    }
    with machines(tmp_path, 3, **settings) as nodes, balancer(tmp_path, [one.node for one in nodes]) as haproxy:
        names = [machine.name for machine in nodes]
        images = [machine.make_next_image() for machine in nodes]
        for name in names:
            await haproxy.until(name, "UP")
        async with under_load(haproxy.url, "Three nodes under load") as trial:
            async with trial.phase("nothing"):
                await trial.pictures(2 * SOME)
            for fault in faults(haproxy, nodes):
                await suffer(trial, fault, names, haproxy.until)
        running = [(await machine.gateway.environments())["default"]["image"] for machine in nodes]
    assert trial.objections() == []
    assert running == images
    assert {one.came.node for one in trial.load.records if isinstance(one.came, Answer)} >= set(names)


def faults(haproxy: Balancer, nodes: list[Machine]) -> list[Fault]:
    """Return what happens, one after the other."""
    first, second, third = nodes
    return [
        Fault("node killed", first.lose, first.begin, first.name, large=LOST_NODE),
        Fault("engine killed", second.engine.crash, second.engine.start, second.name, large=LOST_ENGINE),
        Fault("network cut", third.cut, third.mend, third.name, large=LOST_NODE),
        Fault("balancer reloaded", haproxy.reload),
        Fault("balancer restarted", haproxy.end, haproxy.start, allowed=NO_BALANCER),
        *(Fault(f"{machine.name} updated", machine.drain, update(machine), large=ENDING) for machine in nodes),
    ]


def update(machine: Machine) -> Callable[[], object]:
    """Return what begins a node with another image."""
    return lambda: machine.serve(NEXT_IMAGE)
