"""When to ask again, and how long to wait before."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from figbox.errors import Busy, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

#: Pauses grow from the first to the longest by doubling, where the service doesn't ask for more.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
DOUBLINGS = 10

#: A pause is lengthened by up to this share of itself, so that clients refused together don't come back together.
JITTER = 0.25


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is with one request.

    A busy service is asked again after at least the `Retry-After` it gave. A connection that can't be made or
    breaks is tried again, since a render changes nothing on the service; an answer that is only late is not.

    Attributes:
        budget_s: Seconds that all pauses of one request may come to; 0 means never to ask again. A pause that
            doesn't fit any more isn't begun: the error is raised at once.
        connections: How many times more to try where nobody answers.
    """

    budget_s: float = 60.0
    connections: int = 2

    def __post_init__(self) -> None:
        if self.budget_s < 0 or self.connections < 0:
            raise ValueError("neither the budget nor the number of connections can be negative")

    def begin(self, draw: Callable[[], float] = random.random) -> Patience:
        """Return the patience for one request.

        Args:
            draw: Gives numbers from 0 to 1, for the jitter.
        """
        return Patience(self, draw)


@dataclass(slots=True)
class Patience:
    """What is left of the patience with one request."""

    policy: Retries
    draw: Callable[[], float]
    spent_s: float = 0.0
    pauses: int = field(default=0)
    failed_connections: int = field(default=0)

    def pause_after(self, failure: Busy | Unreachable) -> float | None:
        """Return the seconds to wait before asking again, or None when it's time to give up."""
        if isinstance(failure, Unreachable):
            self.failed_connections += 1
            if failure.timed_out or self.failed_connections > self.policy.connections:
                return None
        wanted_s = min(FIRST_PAUSE_S * 2.0 ** min(self.pauses, DOUBLINGS), LONGEST_PAUSE_S)
        if isinstance(failure, Busy) and failure.retry_after_s is not None:
            wanted_s = max(wanted_s, failure.retry_after_s)
        left_s = self.policy.budget_s - self.spent_s
        if wanted_s > left_s:
            return None
        pause_s = min(wanted_s * (1 + JITTER * self.draw()), left_s)
        self.spent_s += pause_s
        self.pauses += 1
        return pause_s
