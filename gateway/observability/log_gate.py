"""Bounds how many lines strangers can make us log.

A line for everything that anybody sends would let anybody fill the disk. Each kind of such lines has a gate: a burst
passes, then one line every now and then, with the number of those left out before it. The metrics count all of them.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

#: Lines of one kind at once, and in every minute from then on.
BURST = 30
LINES_PER_MINUTE = 12


class LogGate:
    """Lets lines of one kind pass, not too many.

    Args:
        clock: Seconds that never go backwards.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._room = float(BURST)
        self._at = clock()
        self._left_out = 0

    def passes(self) -> int | None:
        """Return how many lines were left out since the last, or None when this one is left out too."""
        now = self._clock()
        self._room = min(BURST, self._room + (now - self._at) * LINES_PER_MINUTE / 60)
        self._at = now
        if self._room < 1:
            self._left_out += 1
            return None
        self._room -= 1
        left_out, self._left_out = self._left_out, 0
        return left_out
