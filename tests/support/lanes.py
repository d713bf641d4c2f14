"""Which tests may run at once, for runs in several processes."""

from __future__ import annotations

from xdist.scheduler import LoadScopeScheduling

#: Folders whose tests need an engine, beside the attacks.
ON_ENGINES = frozenset({"chaos", "compose", "engine", "runtimes"})

#: Files in them whose tests run, for the most part, on engines of their own; no hindrance to those on the one in use.
ON_OTHER_ENGINES = frozenset(
    {
        "tests/chaos/test_chaos.py",
        "tests/engine/test_benchmark.py",
        "tests/engine/test_clean.py",
        "tests/engine/test_faults.py",
        "tests/engine/test_gvisor.py",
        "tests/engine/test_selftest.py",
        "tests/engine/test_setup.py",
        "tests/engine/test_taken_over_gateway.py",
        "tests/runtimes/test_runtimes.py",
    }
)


def lane_of(node_id: str) -> str:
    """Return what a test belongs to: tests of one lane run one after the other.

    Those on the engine in use share a lane, those that start engines another, and so do the attacks, which make as much
    load as there may be; of all others each file is for itself.
    """
    file = node_id.partition("::")[0]
    folder = file.split("/")[1]
    if folder == "exploits":
        return "attacks"
    if folder not in ON_ENGINES:
        return file
    return "other engines" if file in ON_OTHER_ENGINES else "the engine in use"


class Lanes(LoadScopeScheduling):
    """Gives each process one lane after the other, those with the most tests first."""

    def _split_scope(self, nodeid: str) -> str:
        return lane_of(nodeid)
