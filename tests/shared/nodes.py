"""Nodes of a test: the parts of a gateway that share a server, in this process."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.keys.budgets import Budgets
from gateway.keys.keyring import Holder, KeyPolicy
from gateway.keys.revocations import RevocationList
from gateway.keys.shared_budgets import SharedBudgets
from gateway.model.errors import BudgetExceeded, RateExceeded
from gateway.shared.shared_server import PAUSE_S, SharedServer, SharedServerGone
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

SECRET = "what-only-nodes-know-" + "x" * 20


@dataclass
class Node:
    """One node, with a clock that a test can set.

    Attributes:
        server: Its view of the shared server.
        budgets: What keys may have.
        failures: Failed calls, by kind.
        calls: How many calls there were.
        ahead_s: By how much its clock is wrong.
    """

    server: SharedServer
    budgets: SharedBudgets = field(init=False)
    failures: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    ahead_s: float = 0.0

    def clock(self) -> float:
        """Return what its clock shows."""
        return time.monotonic() + self.ahead_s

    def count(self, _: float, failure: str | None) -> None:
        """Count a call."""
        self.calls += 1
        if failure is not None:
            self.failures[failure] += 1

    async def probe(self) -> None:
        """Ask the server once, whatever was before."""
        with suppress(SharedServerGone):
            await RevocationList(self.server).exchange([])

    async def until_up(self) -> None:
        """Probe until the server is in use."""
        end = time.monotonic() + slowed(60) + PAUSE_S
        while not self.server.is_up:
            assert time.monotonic() < end, "the server isn't taken into use"
            await self.probe()
            await asyncio.sleep(0.05)

    async def takes(self, holder: Holder) -> bool:
        """Tell whether a request is granted."""
        try:
            await self.budgets.take_request(holder)
        except RateExceeded:
            return False
        return True

    async def runs(self, holder: Holder, used_s: float, worst_s: float = 30.0) -> bool:
        """Tell whether a job is granted, which then uses so much."""
        try:
            async with self.budgets.hold_compute(holder, worst_s, worst_s) as hold:
                hold.used_s = used_s
        except BudgetExceeded:
            return False
        return True

    def left(self, holder: Holder) -> dict[str, tuple[int, int]]:
        """Return what clients are told: the allowances, and what is left of each."""
        return {quota.name: (quota.allowance, quota.remaining) for quota in self.budgets.quotas(holder)}


@dataclass
class Nodes:
    """Makes nodes that share a server, and ends them.

    Attributes:
        url: The server's.
        call_limit_s: Longest time of a call: long, because a machine may be slow, unless a test needs it to pass.
        made: All nodes so far.
    """

    url: str
    call_limit_s: float = field(default_factory=lambda: slowed(10))
    made: list[Node] = field(default_factory=list)

    async def make(self, count: int, *, of: int | None = None) -> Sequence[Node]:
        """Return so many nodes, of which there are `of`, that have the server in use."""
        fresh = [await self.one(of or count) for _ in range(count)]
        for node in fresh:
            await node.until_up()
        return fresh

    async def one(self, of: int, script: Callable[[str], str] = lambda text: text) -> Node:
        """Return a node that hasn't asked yet; `script` changes what the server decides by."""
        node = Node(None)  # type: ignore[arg-type]  # made next: it counts into the node
        node.server = SharedServer(self.url, SECRET, "test", node.count, self.call_limit_s)
        node.budgets = SharedBudgets(node.server, Budgets(node.clock, nodes=of), 30.0, node.clock)
        node.budgets._script = node.server.script(script(node.budgets._script._text))
        self.made.append(node)
        return node

    async def aclose(self) -> None:
        """End all nodes."""
        for node in self.made:
            await node.budgets.aclose()
            await node.server.aclose()


def key(name: str = "k", requests: int | None = None, compute: int | None = None) -> Holder:
    """Return the holder of a key with these allowances."""
    return Holder(name, KeyPolicy(requests_per_minute=requests, compute_seconds_per_minute=compute))
