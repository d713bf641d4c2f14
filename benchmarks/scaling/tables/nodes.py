"""What one, two and three nodes draw, each with a fixed share of a processor."""

from __future__ import annotations

from benchmarks.report import number, table
from benchmarks.scaling.nodes_measured import read


def text() -> str:
    """Return the table of what was measured."""
    measured = read()
    one = measured.windows[0]
    rows = [
        (
            window.nodes,
            window.right,
            window.others,
            number(window.right / window.seconds, 2),
            number(window.right / window.seconds / (one.right / one.seconds), 2),
            number(window.p50_s, 2),
            number(window.p99_s, 2),
            " ".join(map(str, window.by_node)),
        )
        for window in measured.windows
    ]
    head = ("nodes", "pictures", "others", "a second", "times one", "p50 s", "p99 s", "by node")
    title = (
        f"Nodes of {measured.cores:g} cores of {measured.processor} with {measured.places} places each, "
        f"{measured.clients} clients that never pause"
    )
    return table(title, head, rows)
