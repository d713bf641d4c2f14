"""Faults of nodes under load, whatever the nodes are: what is done, and what clients may get meanwhile."""

from __future__ import annotations

import asyncio
import secrets
import sys
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.load.generator import Client, Load, right_pictures
from benchmarks.load.programs import programs
from benchmarks.load.record import Judge
from benchmarks.load.trial import Trial
from tests.cluster.faults.documented import documented
from tests.fakes import KEY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

#: Clients that send all the time, by their keys' names.
KEYS = {"one": KEY, "two": secrets.token_hex(16), "three": secrets.token_hex(16)}
CLIENTS = [
    Client("one", KEYS["one"]),
    Client("one", KEYS["one"], bearer=True),
    Client("two", KEYS["two"]),
    Client("three", KEYS["three"], bearer=True),
]

#: Requests to be answered before and after a fault.
SOME = 6

#: What comes of a request that is too large for HAProxy to send it again: the second on a connection that had an answer
#: before.
LOST_NODE = ("502 node-lost", "no answer")
LOST_ENGINE = ("503 engine-unavailable", "503 container-lost")
ENDING = ("503 shutting-down",)

#: What a client notices when its balancer is ended while it waits, and while there is none.
NO_BALANCER = ("no answer", "no connection")


@dataclass(frozen=True)
class Fault:
    """What is done to a node, or to what is around the nodes.

    Attributes:
        name: In the table.
        harm: Does it.
        repair: Undoes it.
        away: The node that the balancer then sees down until it is repaired; None if all stay up.
        lasts: Whether some requests are to come before it is repaired although all nodes stay up.
        allowed: What clients may get from then on until all is well.
        large: What those may get whose requests are too large for the balancer to send them again.
    """

    name: str
    harm: Callable[[], object]
    repair: Callable[[], object] = lambda: None
    away: str | None = None
    lasts: bool = False
    allowed: tuple[str, ...] = ()
    large: tuple[str, ...] = ()


@asynccontextmanager
async def under_load(url: str, title: str) -> AsyncIterator[Trial]:
    """Let clients send, and print what became of it at the end, however that comes."""
    mix = programs()
    trial = Trial(Load(url, mix), Judge(await right_pictures(url, CLIENTS[0], mix), documented()))
    running = asyncio.create_task(trial.load.run(CLIENTS))
    try:
        yield trial
    finally:
        trial.load.stop()
        await running
        sys.stdout.write(f"{trial.text(title)}\n")


async def suffer(trial: Trial, fault: Fault, nodes: list[str], until: Callable[[str, str], Awaitable[None]]) -> None:
    """Let a fault happen, see what comes for a while, repair it, and wait until all nodes are up.

    Args:
        trial: Has the load.
        fault: What happens.
        nodes: The names of all nodes.
        until: Waits until the balancer's state of a node begins with a word, such as `UP`.
    """
    async with trial.phase(fault.name, fault.allowed, fault.large):
        await trial.pictures(SOME)
        trial.fault()
        await asyncio.to_thread(fault.harm)
        if fault.away is not None:
            await until(fault.away, "DOWN")
        if fault.away is not None or fault.lasts:
            await trial.pictures(SOME)
        await asyncio.to_thread(fault.repair)
        for name in nodes:
            await until(name, "UP")
        trial.whole()
