"""What a launcher in a process of its own has counted: plain numbers that it tells its gateway.

The gateway has the Prometheus metrics and the listener for them; the launcher has no network. So it counts here, tells
the sums with its state, and the gateway adds what they have grown by.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.launcher.interface import Books

#: Beginning of the names that stand for events of the pool.
POOL = "pool:"
SWEEPS = "sweeps"
STRAYS = "strays"
ENGINE_FAILURES = "engine_failures"


class Tally:
    """Counts in sums since the start; see `gateway.launcher.interface.Books`."""

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

    def watch(self, name: str, text: str, read: Callable[[], float]) -> None:  # noqa: ARG002 - the gateway has it
        """Add a gauge whose value is read when it is asked for."""
        self._gauges[name] = read

    @property
    def counts(self) -> dict[str, int]:
        """The sums, by name."""
        return dict(self._counts)

    @property
    def gauges(self) -> dict[str, float]:
        """The values of the gauges now, by name."""
        return {name: read() for name, read in self._gauges.items()}


def add_growth(books: Books, before: Mapping[str, int], now: Mapping[str, int]) -> None:
    """Count in `books` what a tally has grown by between two looks at it; it never shrinks, or we don't believe it."""
    grown = {name: max(0, count - before.get(name, 0)) for name, count in now.items()}
    for name, times in grown.items():
        if name.startswith(POOL):
            books.count_pool_event(name.removeprefix(POOL), times)
    books.count_sweep(grown.get(STRAYS, 0), grown.get(SWEEPS, 0))
    books.count_engine_failure(grown.get(ENGINE_FAILURES, 0))
