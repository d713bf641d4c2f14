"""When to try again, and how long to wait before that."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from figbox.errors import Busy, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable

#: Pauses double from the first to the longest, unless the service asks for more.
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 15.0
DOUBLINGS = 10

#: A pause is lengthened by up to this share of it, so that clients refused together don't come back together.
JITTER = 0.25


@dataclass(frozen=True, slots=True)
class Retries:
    """How patient a client is with one request.

    A busy service is tried again no sooner than its `Retry-After` says. A connection that can't be made or breaks is
    tried again, too, since a render doesn't change the service; a response that is only late isn't waited for again.

    Attributes:
        budget_s: Seconds that all pauses of one request may add up to; 0 means never to try again. If a pause doesn't
            fit, the error is raised at once.
        connections: How often to try again when the service can't be reached.
    """

    budget_s: float = 60.0
    connections: int = 2

    def __post_init__(self) -> None:
        if self.budget_s < 0 or self.connections < 0:
            raise ValueError("neither the budget nor the number of connections can be negative")

    def begin(self, draw: Callable[[], float] = random.random) -> Patience:
        """Return the patience for one request; its jitter comes from random numbers from 0 to 1."""
        return Patience(self, draw)


@dataclass(slots=True)
class Patience:
    """What is left of the patience with one request."""

    policy: Retries
    draw: Callable[[], float]
    spent_s: float = 0.0
    pauses: int = 0
    failed_connections: int = 0

    def pause_after(self, failure: Busy | Unreachable) -> float | None:
        """Return the seconds to wait before trying again, or None to give up."""
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
