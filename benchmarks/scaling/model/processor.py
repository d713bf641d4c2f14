"""A processor that all tasks share equally, each using one core at most.

With n tasks on c cores each advances at the speed min(1, c / n). So a task ends when the *progress*, which is the same
for all, has grown by its work since it began.

Source: the limit of round robin for short slices; Kleinrock, "Time-shared systems: a theoretical treatment", Journal of
the ACM 14 (1967).
"""

from __future__ import annotations

import heapq
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.scaling.model.clock import Clock, Event


class Processor:
    """The cores of a node.

    Args:
        clock: The model's time.
        cores: How many; a share of one is fine.
    """

    def __init__(self, clock: Clock, cores: float) -> None:
        self._clock = clock
        self._cores = cores
        self._tasks: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._progress = 0.0
        self._updated_at = 0.0
        self._next: Event | None = None
        self.used_s = 0.0

    def work(self, seconds: float, done: Callable[[], None]) -> None:
        """Do work of so many processor seconds, then call an action."""
        self._advance()
        heapq.heappush(self._tasks, (self._progress + seconds, next(self._numbers), done))
        self._plan()

    def clear(self) -> None:
        """Forget all tasks."""
        self._advance()
        self._tasks.clear()
        self._plan()

    @property
    def _speed(self) -> float:
        return min(1.0, self._cores / len(self._tasks))

    def _advance(self) -> None:
        if self._tasks:
            step = (self._clock.now - self._updated_at) * self._speed
            self._progress += step
            self.used_s += step * len(self._tasks)
        self._updated_at = self._clock.now

    def _plan(self) -> None:
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._tasks:
            left = max(0.0, self._tasks[0][0] - self._progress)
            self._next = self._clock.after(left / self._speed, self._end_first)

    def _end_first(self) -> None:
        self._next = None
        self._advance()
        ends, _, done = heapq.heappop(self._tasks)
        self._progress = max(self._progress, ends)  # what rounding left
        self._plan()
        done()
