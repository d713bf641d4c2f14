"""How a balancer chooses the node for a job: by what it knows itself, or by what the nodes' agents said last.

Source: HAProxy's documentation of `balance` and `agent-check`; Mitzenmacher, "The power of two choices in randomized
load balancing", IEEE Transactions on Parallel and Distributed Systems 12 (2001).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random


class View:
    """What one balancer knows of the nodes.

    Attributes:
        connections: Jobs that it has given to each node and that haven't ended.
        weights: Of each node, in percent, by what its agent said last.
    """

    def __init__(self, nodes: int) -> None:
        self.connections = [0] * nodes
        self.weights = [100] * nodes


class Policy(Protocol):
    """A way to choose."""

    def choose(self, candidates: Sequence[int], view: View) -> int:
        """Return one of the candidates."""


class RoundRobin:
    """Each in turn, whatever it is doing."""

    def __init__(self, random: Random) -> None:
        self._last = random.randrange(1 << 30)

    def choose(self, candidates: Sequence[int], view: View) -> int:
        """Return the next one."""
        count = len(view.connections)
        self._last = min(candidates, key=lambda node: (node - self._last - 1) % count)
        return self._last


class LeastConnections:
    """The one with the fewest jobs of this balancer; of equals, the one that was chosen longest ago."""

    def __init__(self, random: Random) -> None:
        self._turn = 0
        self._chosen: dict[int, float] = {}
        self._random = random

    def choose(self, candidates: Sequence[int], view: View) -> int:
        """Return the one with the fewest."""
        self._turn += 1
        for node in candidates:
            if node not in self._chosen:
                self._chosen[node] = self._random.random() - 1  # several balancers don't begin with the same one
        node = min(candidates, key=lambda node: (self._load(node, view), self._chosen[node]))
        self._chosen[node] = self._turn
        return node

    def _load(self, node: int, view: View) -> float:
        return view.connections[node]


class TwoChoices:
    """Two at random, and of these the one with fewer jobs."""

    def __init__(self, random: Random) -> None:
        self._random = random

    def choose(self, candidates: Sequence[int], view: View) -> int:
        """Return the better of two."""
        if len(candidates) == 1:
            return candidates[0]
        one, other = self._random.sample(candidates, 2)
        return one if view.connections[one] <= view.connections[other] else other


class AgentWeights:
    """Each as often as its weight says: round robin, spread smoothly."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._credits: dict[int, float] = {}

    def choose(self, candidates: Sequence[int], view: View) -> int:
        """Return the one that has waited for the most of its share."""
        for node in candidates:
            credit = self._credits.setdefault(node, self._random.random())
            self._credits[node] = credit + view.weights[node]
        node = max(candidates, key=lambda node: self._credits[node])
        self._credits[node] -= sum(view.weights[node] for node in candidates)
        return node


class WeightedConnections(LeastConnections):
    """The one with the fewest jobs for its weight, as HAProxy's `leastconn` does with weights."""

    def _load(self, node: int, view: View) -> float:
        return view.connections[node] / view.weights[node]


#: Policies by their names in the tables.
POLICIES: dict[str, Callable[[Random], Policy]] = {
    "round robin": RoundRobin,
    "agent's weights": AgentWeights,
    "two choices": TwoChoices,
    "least connections": LeastConnections,
    "least connections by agent's weights": WeightedConnections,
}
