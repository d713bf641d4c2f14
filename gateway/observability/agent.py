"""What a node says of itself to a load balancer that asks: how much room it has, or that it takes nothing more.

HAProxy opens a connection, reads one line of words and closes it. The words are HAProxy's: `ready` and `up` with a
weight in percent, `drain` while running jobs finish, `maint` while the sandbox doesn't hold, `down` with a reason
otherwise. Nothing is read from the connection, and nothing waits: the line fits into any socket's buffer.

The weight is that of free places only where the operator wants it. A balancer that counts open requests knows the
newer number by itself, and overruns hosts in turn if it also believes the older one (docs/scaling.md).

`ready` takes back an earlier `drain` or `maint`, also one that an operator has set at the balancer: `disable agent`
comes before that.

Source: HAProxy's configuration manual, 5.2, "agent-check".
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

#: Longest reason that is told, in characters.
REASON_LIMIT = 120


@dataclass(frozen=True, slots=True)
class NodeState:
    """How a node is.

    Attributes:
        is_ending: Whether it was asked to end, so that it lets running jobs finish and takes no others.
        is_unsafe: Whether its last self-test found that the sandbox doesn't hold.
        not_ready: Why a render would fail now; None if it wouldn't.
        jobs: Jobs that run or wait.
        running_limit: Jobs that can run at once; None if free places are no weight.
    """

    is_ending: bool
    is_unsafe: bool
    not_ready: str | None
    jobs: int
    running_limit: int | None


def agent_line(state: NodeState) -> str:
    """Return the line for the balancer, without its end.

    The weight is the whole one, or the share of places that are free. It never is 0, which would be `drain`: a node
    whose places are all taken still has a queue, and is the right one if all others are as full.
    """
    if state.is_ending:
        return "drain"
    if state.is_unsafe:
        return "maint"
    if state.not_ready is not None:
        reason = "".join(char if char.isascii() and char.isprintable() else "?" for char in state.not_ready)
        return f"down #{reason[:REASON_LIMIT]}"
    if state.running_limit is None:
        return "ready up 100%"
    free = max(0, state.running_limit - state.jobs)
    return f"ready up {max(1, 100 * free // max(1, state.running_limit))}%"


async def serve_agent(listener: socket.socket, state: Callable[[], NodeState]) -> asyncio.Server:
    """Answer whoever connects; return the server.

    Args:
        listener: A listening socket.
        state: Returns how the node is now.
    """
    return await asyncio.get_running_loop().create_server(lambda: _Answer(state), sock=listener)


class _Answer(asyncio.Protocol):
    """Writes the line to one connection, and closes it."""

    def __init__(self, state: Callable[[], NodeState]) -> None:
        self._state = state

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        writing = cast("asyncio.WriteTransport", transport)
        writing.write(f"{agent_line(self._state())}\n".encode("ascii"))
        writing.close()
