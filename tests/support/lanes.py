"""Which tests may run at once, for runs in several processes."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

#: Folders whose tests need an engine.
ON_ENGINES = frozenset({"chaos", "compose", "engine", "exploits", "runtimes"})


def lane_of(node_id: str) -> str:
    """Return what a test belongs to: tests of one lane run one after the other.

    Those on engines share a lane: they need the machine for themselves. Of the others each file is a lane.
    """
    file = node_id.partition("::")[0]
    return "on engines" if file.split("/")[1] in ON_ENGINES else file


class Lanes(LoadScopeScheduling):
    """Gives each process one lane after the other, those with the most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid)
