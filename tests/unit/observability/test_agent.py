"""What a balancer reads of a node: its words, over a real connection."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import replace

import pytest

from gateway.observability.agent import REASON_LIMIT, NodeState, agent_line, serve_agent

READY = NodeState(is_ending=False, is_unsafe=False, not_ready=None, jobs=0, running_limit=4)


@pytest.mark.parametrize(
    ("jobs", "weight"), [(0, 100), (1, 75), (3, 25), (4, 1), (9, 1)], ids=["idle", "one", "three", "full", "queued"]
)
def test_the_weight_is_the_share_of_free_places(jobs: int, weight: int) -> None:
    """A node whose places are all taken keeps the smallest weight, since 0 would take it out."""
    assert agent_line(replace(READY, jobs=jobs)) == f"ready up {weight}%"


def test_without_weights_a_node_is_up_however_full() -> None:
    """The weight is told as a whole, which takes back one that was told before."""
    for jobs in (0, 4, 9):
        assert agent_line(replace(READY, jobs=jobs, running_limit=None)) == "ready up 100%"


def test_many_places_are_not_rounded_to_none() -> None:
    """One free place of a thousand is a weight of 1, and all but one taken are more than that."""
    assert agent_line(replace(READY, jobs=999, running_limit=1000)) == "ready up 1%"
    assert agent_line(replace(READY, jobs=1, running_limit=1000)) == "ready up 99%"


def test_a_node_that_ends_drains_whatever_else_it_is() -> None:
    """Running jobs finish, so the node isn't down, and the reason for not being ready is that it ends."""
    state = replace(READY, is_ending=True, is_unsafe=True, not_ready="the service is shutting down")
    assert agent_line(state) == "drain"


def test_a_sandbox_that_does_not_hold_is_maintenance() -> None:
    """That isn't a fault that passes by itself: somebody must look."""
    assert agent_line(replace(READY, is_unsafe=True, not_ready="the sandbox does not hold: network")) == "maint"


def test_any_other_reason_is_told_in_one_line_of_ascii() -> None:
    """A reason ends neither the line nor the words, and is bounded."""
    line = agent_line(replace(READY, not_ready="the engine\r\nup 100% ü" + "x" * 500))
    assert line == f"down #{('the engine??up 100% ?' + 'x' * 500)[:REASON_LIMIT]}"


async def test_a_connection_gets_one_line_and_its_end() -> None:
    """A balancer that sends nothing, or sends first, gets the state of that moment, and the connection is closed."""
    states = [READY, replace(READY, jobs=2), replace(READY, is_ending=True)]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = await serve_agent(listener, lambda: states.pop(0))
        lines = []
        for sent in (b"", b"", b"agent hello\n"):
            reader, writer = await asyncio.open_connection(*listener.getsockname())
            writer.write(sent)
            lines.append(await reader.read())
            writer.close()
        server.close()
    assert lines == [b"ready up 100%\n", b"ready up 50%\n", b"drain\n"]


async def test_hundreds_that_do_not_read_hold_nothing() -> None:
    """Connections that are never read are closed at once, and others are answered meanwhile."""
    with socket.create_server(("127.0.0.1", 0), backlog=256) as listener:
        server = await serve_agent(listener, lambda: READY)
        idle = [await asyncio.open_connection(*listener.getsockname()) for _ in range(200)]
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        assert await reader.read() == b"ready up 100%\n"
        for _, each in [*idle, (reader, writer)]:
            each.close()
        server.close()
