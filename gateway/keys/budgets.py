"""What each key has used of its allowance: requests, and processor seconds.

Both allowances are for *any* minute, not for minutes of the clock: what was used is kept in steps of a second for 61
seconds. So a key never gets more than its allowance within 60 s, wherever they begin, and has all of it again 61 s
after the last use.

What a job will use isn't known before it has run. So an estimate is held while it waits and runs, and when it ends,
however it ends, the hold is replaced by what it really used. A key's estimate rises at once to its most expensive job
and falls slowly. Usage can exceed the allowance by what the jobs under way at one moment cost beyond their holds; this
debt is paid off at the key's own rate before new jobs are accepted.

Where nodes share a server, what is here is what a node goes by while it can't ask it (`gateway.keys.shared_budgets`).
"""

from __future__ import annotations

import math
import time
from collections import deque
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.errors import BudgetExceeded, RateExceeded

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from gateway.keys.keyring import Holder

    Clock = Callable[[], float]

#: The window that allowances are for, in seconds, and the steps in which its end moves.
WINDOW_S = 60
STEP_S = 1

#: Lowest estimate of a job, and that of a key's first, in processor seconds: most use half of it.
FIRST_GUESS_S = 1.0

#: Processor seconds that count as zero: rounding errors of sums.
CRUMB = 1e-6

#: Processor seconds used without a job that are worth counting: a millisecond would keep a key whose whole allowance a
#: job needs from ever having one.
CHANGE_S = 0.1

#: Weight of a job that was cheaper than the estimate; a more expensive one sets it.
ESTIMATE_WEIGHT = 0.1


@dataclass(frozen=True, slots=True)
class Quota:
    """One allowance of a key and what is left of it.

    Attributes:
        name: Of the allowance.
        unit: What is counted.
        allowance: How much there is.
        remaining: How much is left.
        window_s: Seconds the allowance is for; None if it is for any one moment.
        more_in_s: Whole seconds until more is left; the whole window if all is left; None without a window.
    """

    name: str
    unit: str
    allowance: int
    remaining: int
    window_s: int | None = None
    more_in_s: int | None = None


class SlidingWindow:
    """What was used within the last minute, and when it stops counting."""

    def __init__(self) -> None:
        self._steps: deque[tuple[float, float]] = deque()

    def charge(self, amount: float, now: float) -> None:
        """Count an amount as used now."""
        if amount <= 0:
            return
        end = (now // STEP_S + 1) * STEP_S
        if self._steps and self._steps[-1][0] >= end:
            end, before = self._steps.pop()
            amount += before
        self._steps.append((end, amount))

    def used(self, now: float) -> float:
        """Return what still counts."""
        while self._steps and self._steps[0][0] <= now - WINDOW_S:
            self._steps.popleft()
        return sum(amount for _, amount in self._steps)

    def wait_s(self, amount: float, allowance: float, now: float) -> float:
        """Return the seconds until `amount` more fits into the allowance, which it must not exceed by itself."""
        over = self.used(now) + amount - allowance
        for end, charged in self._steps:
            if over <= CRUMB:
                return 0.0
            over -= charged
            if over <= CRUMB:
                return max(0.0, end + WINDOW_S - now)
        return 0.0


class RequestBudget:
    """Requests of one key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window = SlidingWindow()

    def used(self) -> float:
        """Return the requests of the last minute."""
        return self._window.used(self._clock())

    def count(self) -> None:
        """Count a request that others have allowed."""
        self._window.charge(1, self._clock())

    def take(self, allowance: int) -> float:
        """Count a request and return 0, or return the seconds after which one fits into the allowance."""
        now = self._clock()
        wait_s = self._window.wait_s(1, allowance, now)
        if not wait_s:
            self._window.charge(1, now)
        return wait_s

    def quota(self, allowance: int) -> Quota:
        """Return what is left."""
        now = self._clock()
        remaining = max(0, allowance - round(self._window.used(now)))
        more = self._window.wait_s(remaining + 1, allowance, now) if remaining < allowance else WINDOW_S
        return Quota("requests", "requests", allowance, remaining, WINDOW_S, max(1, math.ceil(more)))


class ComputeBudget:
    """Processor seconds of one key."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._window = SlidingWindow()
        self._estimate_s = FIRST_GUESS_S
        self._holds = 0
        self._held_s = 0.0
        self._debt_s = 0.0
        self._debt_at = clock()
        self._change_s = 0.0

    def used(self) -> float:
        """Return the seconds that were used in the last minute or are held."""
        return self._window.used(self._clock()) + self._held_s

    @property
    def held_s(self) -> float:
        """What is held for jobs under way."""
        return self._held_s

    def hold(self, allowance: int, worst_s: float) -> tuple[float, float]:
        """Hold the estimate for one job.

        Args:
            allowance: Seconds the key may use in any minute.
            worst_s: Most that the job can use.

        Returns:
            What is held, and 0; or 0, and the seconds after which trying again makes sense.
        """
        now = self._clock()
        wanted = min(self._estimate_s, worst_s, allowance)
        wait_s = self._wait_s(wanted, allowance, now)
        if wait_s:
            return 0.0, wait_s
        if max(self._window.used(now), self._debt_s) + self._held_s + wanted > allowance + CRUMB:
            return 0.0, STEP_S  # jobs under way hold the rest for an unknown time
        self.grant(wanted)
        return wanted, 0.0

    def grant(self, held_s: float) -> None:
        """Hold what others have allowed."""
        self._held_s += held_s
        self._holds += 1

    def settle(self, held_s: float, used_s: float, allowance: int, *, owes: bool = True) -> None:
        """Replace a hold by what the job used; `owes` says whether more than the allowance becomes a debt."""
        now = self._clock()
        self._holds -= 1
        self._held_s = self._held_s - held_s if self._holds else 0.0  # drops rounding errors
        self._count(used_s, allowance, now, owes=owes)
        weight = 1 if used_s > self._estimate_s else ESTIMATE_WEIGHT
        self._estimate_s += (used_s - self._estimate_s) * weight
        self._estimate_s = max(FIRST_GUESS_S, self._estimate_s)

    def charge(self, used_s: float, allowance: int, *, owes: bool = True) -> None:
        """Count what was used by something else than a job; small amounts are collected first. `owes` as above."""
        self._change_s += used_s
        if self._change_s >= CHANGE_S:
            used_s, self._change_s = self._change_s, 0.0
            self._count(used_s, allowance, self._clock(), owes=owes)

    def wait_s(self, allowance: int) -> float:
        """Return the seconds until anything is left, if nothing were held."""
        return self._wait_s(2 * CRUMB, allowance, self._clock())

    def quota(self, allowance: int) -> Quota:
        """Return what is left, without what is held."""
        now = self._clock()
        self._pay(allowance, now)
        left = allowance - max(self._window.used(now), self._debt_s) - self._held_s
        remaining = max(0, math.floor(left + CRUMB))
        more = self._wait_s(remaining + 1, allowance, now) if remaining < allowance else WINDOW_S
        return Quota("compute", "figbox-cpu-seconds", allowance, remaining, WINDOW_S, max(1, math.ceil(more)))

    def _count(self, used_s: float, allowance: int, now: float, *, owes: bool) -> None:
        self._pay(allowance, now)
        self._window.charge(used_s, now)
        if owes:
            self._debt_s += used_s

    def _wait_s(self, amount: float, allowance: int, now: float) -> float:
        """Return the seconds until `amount` is available, if nothing were held."""
        self._pay(allowance, now)
        owed_s = self._debt_s + amount - allowance
        paid_in_s = owed_s * WINDOW_S / allowance if owed_s > CRUMB else 0.0
        return max(self._window.wait_s(amount, allowance, now), paid_in_s)

    def _pay(self, allowance: int, now: float) -> None:
        """Reduce the debt by what the key's rate has paid since the last time.

        The debt is a leaky bucket as deep as the allowance. It never overflows while usage stays within the window, and
        remembers what the window forgets after a minute, such as one job of ten allowances.
        """
        debt_s = self._debt_s - (now - self._debt_at) * allowance / WINDOW_S
        self._debt_s = debt_s if debt_s > CRUMB else 0.0
        self._debt_at = now


@dataclass(slots=True)
class Hold:
    """A job's hold, in which its caller records what it used.

    Attributes:
        used_s: Processor seconds of the job.
    """

    used_s: float = 0.0


def used_up(wait_s: float) -> BudgetExceeded:
    """Return the refusal of a job for which there is no processor time for so many seconds."""
    return BudgetExceeded("This key has used up its processor time for the minute", math.ceil(wait_s))


def too_many(wait_s: float) -> RateExceeded:
    """Return the refusal of a request that is one too many for so many seconds."""
    return RateExceeded("This key has sent too many requests within a minute", math.ceil(wait_s))


def share_of(allowance: int, nodes: int) -> int:
    """Return what each of several nodes may give of an allowance: not more together, but one at least."""
    return max(1, allowance // nodes)


class Budgets:
    """The budgets of all keys on this node, by their names; an `Allowances` that asks nobody else.

    Args:
        clock: A monotonic clock, in seconds.
        requests_per_minute: Requests of each key that has no allowance of its own; None means any number.
        nodes: Nodes that serve the same keys; each gives its share.
    """

    def __init__(
        self, clock: Clock = time.monotonic, requests_per_minute: int | None = None, *, nodes: int = 1
    ) -> None:
        self._clock = clock
        self._requests_per_minute = requests_per_minute
        self._nodes = nodes
        self._requests: dict[str, RequestBudget] = {}
        self._compute: dict[str, ComputeBudget] = {}

    def requests_allowed(self, holder: Holder) -> int | None:
        """Return the requests that all nodes together may give a key in a minute; None means any number."""
        return holder.policy.requests_per_minute or self._requests_per_minute

    async def take_request(self, holder: Holder) -> None:
        """Count a request, as `Allowances` has it."""
        allowance = self.requests_allowed(holder)
        if allowance is None:
            return
        wait_s = self._requests_of(holder).take(self._share(allowance))
        if wait_s:
            raise too_many(wait_s)

    def count_request(self, holder: Holder) -> None:
        """Count a request that others have allowed."""
        self._requests_of(holder).count()

    @asynccontextmanager
    async def hold_compute(self, holder: Holder, worst_s: float, longest_s: float) -> AsyncIterator[Hold]:  # noqa: ARG002
        """Hold what a job may use, as `Allowances` has it."""
        hold = Hold()
        allowance = holder.policy.compute_seconds_per_minute
        if allowance is None:
            yield hold
            return
        budget, share = self._compute_of(holder), self._share(allowance)
        held_s, wait_s = budget.hold(share, worst_s)
        if wait_s:
            raise used_up(wait_s)
        try:
            yield hold
        finally:
            budget.settle(held_s, hold.used_s, share)

    @asynccontextmanager
    async def hold_granted(self, holder: Holder, held_s: float) -> AsyncIterator[Hold]:
        """Hold what others have allowed; what it becomes isn't owed to this node."""
        hold = Hold()
        budget = self._compute_of(holder)
        budget.grant(held_s)
        try:
            yield hold
        finally:
            budget.settle(held_s, hold.used_s, holder.policy.compute_seconds_per_minute or 1, owes=False)

    async def check_compute(self, holder: Holder) -> None:
        """Refuse a holder that has used up its processor time, as `Allowances` has it."""
        allowance = holder.policy.compute_seconds_per_minute
        if allowance is None:
            return
        wait_s = self._compute_of(holder).wait_s(self._share(allowance))
        if wait_s:
            raise used_up(wait_s)

    def charge(self, holder: Holder, used_s: float, *, owes: bool = True) -> None:
        """Count processor seconds that were used without a hold; `owes` as in `ComputeBudget.settle`."""
        allowance = holder.policy.compute_seconds_per_minute
        if allowance is not None:
            self._compute_of(holder).charge(used_s, self._share(allowance), owes=owes)

    def quotas(self, holder: Holder) -> list[Quota]:
        """Return what is left of this node's share of each of a key's allowances."""
        found = []
        requests, compute = self.requests_allowed(holder), holder.policy.compute_seconds_per_minute
        if requests is not None:
            found.append(self._requests_of(holder).quota(self._share(requests)))
        if compute is not None:
            found.append(self._compute_of(holder).quota(self._share(compute)))
        return found

    @property
    def names(self) -> frozenset[str]:
        """Names of the keys that have ever used anything."""
        return frozenset(self._requests.keys() | self._compute.keys())

    def part_used(self, holder: Holder) -> float:
        """Return which part of a share a key has used, of the one of which that is most; cheaper than quotas."""
        requests, compute = self._requests.get(holder.name), self._compute.get(holder.name)
        per_minute, seconds = self.requests_allowed(holder), holder.policy.compute_seconds_per_minute
        return max(
            requests.used() / self._share(per_minute) if requests is not None and per_minute else 0.0,
            compute.used() / self._share(seconds) if compute is not None and seconds else 0.0,
        )

    def keep_only(self, names: frozenset[str]) -> None:
        """Forget removed keys; their jobs that still run settle with the budgets that they began with."""
        self._requests = {name: budget for name, budget in self._requests.items() if name in names}
        self._compute = {name: budget for name, budget in self._compute.items() if name in names}

    def _share(self, allowance: int) -> int:
        return share_of(allowance, self._nodes)

    def _requests_of(self, holder: Holder) -> RequestBudget:
        return self._requests.setdefault(holder.name, RequestBudget(self._clock))

    def _compute_of(self, holder: Holder) -> ComputeBudget:
        return self._compute.setdefault(holder.name, ComputeBudget(self._clock))
