"""The model's time, and what happens at which."""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(slots=True)
class Event:
    """Something that will happen, unless it is cancelled."""

    action: Callable[[], None] | None

    def cancel(self) -> None:
        """Let it not happen."""
        self.action = None


class Clock:
    """Calls actions in the order of their times, and those of one moment in the order in which they were planned."""

    def __init__(self) -> None:
        self.now = 0.0
        self._numbers = itertools.count()
        self._events: list[tuple[float, int, Event]] = []

    def at(self, time: float, action: Callable[[], None]) -> Event:
        """Plan an action for a moment, in seconds."""
        event = Event(action)
        heapq.heappush(self._events, (time, next(self._numbers), event))
        return event

    def after(self, seconds: float, action: Callable[[], None]) -> Event:
        """Plan an action for so many seconds from now."""
        return self.at(self.now + seconds, action)

    def run(self, until: float = float("inf")) -> None:
        """Let everything happen that is planned up to a moment."""
        while self._events and self._events[0][0] <= until:
            time, _, event = heapq.heappop(self._events)
            if event.action is not None:
                self.now = time
                event.action()
