"""What one, two and three nodes draw behind a balancer, as measured once and kept.

`nodes.json` is what `python -m benchmarks.scaling measure-nodes` wrote.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

FILE = Path(__file__).with_name("nodes.json")


@dataclass(frozen=True, slots=True)
class NodesWindow:
    """So many nodes under load.

    Attributes:
        nodes: How many.
        seconds: How long it took.
        right: Right pictures.
        others: Anything else.
        p50_s: Seconds to a right picture, the median.
        p99_s: The 99th percentile of the same.
        by_node: Pictures that each node gave, the most first.
    """

    nodes: int
    seconds: float
    right: int
    others: int
    p50_s: float
    p99_s: float
    by_node: list[int]


@dataclass(frozen=True, slots=True)
class NodesMeasured:
    """What was measured in one run.

    Attributes:
        processor: Its name.
        cores: Each node's share of it.
        places: Jobs that a node runs at once.
        clients: Clients that never pause, whatever the number of nodes.
        windows: One for each number of nodes.
    """

    processor: str
    cores: float
    places: int
    clients: int
    windows: list[NodesWindow]

    def to_json(self) -> str:
        """Return it as text."""
        return json.dumps(asdict(self), indent=2) + "\n"


def parse(text: str) -> NodesMeasured:
    """Return what a file's text says."""
    document = json.loads(text)
    return NodesMeasured(**{**document, "windows": [NodesWindow(**window) for window in document["windows"]]})


def read() -> NodesMeasured:
    """Return what the file says."""
    return parse(FILE.read_text("utf-8"))
