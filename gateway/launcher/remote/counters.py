"""The counters of a launcher in a process of its own: plain numbers that it reports to its gateway.

The gateway has the Prometheus metrics and their listener; the launcher has no network. So it counts here and reports
the sums with its state, and the gateway adds what they have grown by.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.launcher.interface import Counters

#: Prefix of the names of the pool's events.
POOL = "pool:"
#: Prefix of the names of workers' ends; then what they worked on, a colon, and why they ended.
WORKERS = "workers:"
SWEEPS = "sweeps"
STRAYS = "strays"
ENGINE_FAILURES = "engine_failures"


class PlainCounters:
    """Keeps sums since the start; see `gateway.launcher.interface.Counters`."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._gauges: dict[str, Callable[[], float]] = {}

    def count_pool_event(self, event: str, times: int = 1) -> None:
        """Count one of the events that `Pool.on_event` names."""
        self._counts[POOL + event] += times

    def count_sweep(self, removed: int, sweeps: int = 1) -> None:
        """Count searches for strays and what they removed."""
        self._counts[SWEEPS] += sweeps
        self._counts[STRAYS] += removed

    def count_engine_failure(self, times: int = 1) -> None:
        """Count calls that the engine failed."""
        self._counts[ENGINE_FAILURES] += times

    def count_worker_end(self, work: str, reason: str, times: int = 1) -> None:
        """Count workers that ended before their time, for the reasons that `WorkerPool` has."""
        self._counts[f"{WORKERS}{work}:{reason}"] += times

    def watch(self, name: str, text: str, read: Callable[[], float]) -> None:  # noqa: ARG002 - the gateway has it
        """Add a gauge whose value is read when needed."""
        self._gauges[name] = read

    @property
    def counts(self) -> dict[str, int]:
        """The sums, by name."""
        return dict(self._counts)

    @property
    def gauges(self) -> dict[str, float]:
        """The current values of the gauges, by name."""
        return {name: read() for name, read in self._gauges.items()}


def add_growth(counters: Counters, before: Mapping[str, int], now: Mapping[str, int]) -> None:
    """Add to `counters` what a launcher's sums have grown by between two reports; a sum that shrank adds nothing."""
    grown = {name: max(0, count - before.get(name, 0)) for name, count in now.items()}
    for name, times in grown.items():
        if name.startswith(POOL):
            counters.count_pool_event(name.removeprefix(POOL), times)
        elif name.startswith(WORKERS):
            work, _, reason = name.removeprefix(WORKERS).partition(":")
            counters.count_worker_end(work, reason, times)
    counters.count_sweep(grown.get(STRAYS, 0), grown.get(SWEEPS, 0))
    counters.count_engine_failure(grown.get(ENGINE_FAILURES, 0))
