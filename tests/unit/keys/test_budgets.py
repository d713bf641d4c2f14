"""Budgets: never more than the allowance in any minute, all of it back a minute later, and no hold lost."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gateway.keys.budgets import CHANGE_S, FIRST_GUESS_S, STEP_S, WINDOW_S, Budgets, ComputeBudget, Quota, RequestBudget
from gateway.keys.keyring import Holder, KeyPolicy
from gateway.model.errors import BudgetExceeded, RateExceeded

BOUNDED = settings(deadline=None, max_examples=200)
PAUSES = st.floats(0, 90, allow_subnormal=False) | st.sampled_from([0.0, 0.5, 1.0, 59.0, 59.6, 60.0, 61.0])
CRUMB = 1e-6


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 1000.25

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def _most_within_a_window(uses: list[tuple[float, float]]) -> float:
    """Return the most that was used within any window."""
    return max((sum(u for t, u in uses if begin <= t < begin + WINDOW_S) for begin, _ in uses), default=0.0)


@BOUNDED
@given(st.integers(1, 12), st.lists(PAUSES, max_size=60))
@example(1, [0.5, 59.6])
def test_requests_keep_to_the_allowance_in_any_window(allowance: int, pauses: list[float]) -> None:
    """However requests come, no minute has more of them than allowed, and refusals cost nothing."""
    clock = Clock()
    budget = RequestBudget(clock)
    taken: list[tuple[float, float]] = []
    for pause in pauses:
        clock.now += pause
        if not budget.take(allowance):
            taken.append((clock.now, 1))
        quota = budget.quota(allowance)
        assert 0 <= quota.remaining <= allowance
        assert 1 <= (quota.more_in_s or 0) <= WINDOW_S + STEP_S
    assert _most_within_a_window(taken) <= allowance


@BOUNDED
@given(st.integers(1, 12), st.lists(PAUSES, max_size=40))
def test_retry_after_is_honest(allowance: int, pauses: list[float]) -> None:
    """A request is accepted after the seconds that the refusal before it named."""
    clock = Clock()
    budget = RequestBudget(clock)
    for pause in pauses:
        clock.now += pause
        wait_s = budget.take(allowance)
        if wait_s:
            assert wait_s <= WINDOW_S + STEP_S
            clock.now += math.ceil(wait_s)
            assert not budget.take(allowance)


@BOUNDED
@given(st.integers(1, 12), st.lists(PAUSES, max_size=40))
def test_all_requests_are_back_after_a_window(allowance: int, pauses: list[float]) -> None:
    """A window and a step after the last request the whole allowance is back."""
    clock = Clock()
    budget = RequestBudget(clock)
    for pause in pauses:
        clock.now += pause
        budget.take(allowance)
    clock.now += WINDOW_S + STEP_S
    assert budget.quota(allowance) == Quota("requests", "requests", allowance, allowance, WINDOW_S, WINDOW_S)
    assert not any(budget.take(allowance) for _ in range(allowance))


@BOUNDED
@given(st.integers(1, 30), st.lists(st.tuples(PAUSES, st.floats(0, 1)), max_size=60))
def test_requests_are_not_refused_while_there_is_room(allowance: int, steps: list[tuple[float, float]]) -> None:
    """Steps lengthen a window by one step at most: a key that used less within that is admitted."""
    clock = Clock()
    budget = RequestBudget(clock)
    taken: list[float] = []
    for pause, _ in steps:
        clock.now += pause
        recent = sum(time > clock.now - WINDOW_S - STEP_S for time in taken)
        if not budget.take(allowance):
            taken.append(clock.now)
        else:
            assert recent >= allowance


class ComputeMachine(RuleBasedStateMachine):
    """Jobs of one key that hold, run and settle in any order, at any cost."""

    ALLOWANCE = 10
    WORST_S = 40.0

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.budget = ComputeBudget(self.clock)
        self.under_way: list[float] = []
        self.uses: list[tuple[float, float]] = []
        self.overdrafts: list[float] = []
        self.began = self.clock.now

    @rule(pause=PAUSES)
    def wait(self, pause: float) -> None:
        """Let time pass."""
        self.clock.now += pause

    @rule()
    def begin(self) -> None:
        """Ask for the admission of a job."""
        held_s, wait_s = self.budget.hold(self.ALLOWANCE, self.WORST_S)
        assert (held_s > 0) != (wait_s > 0)
        if held_s:
            self.under_way.append(held_s)
        else:
            assert self.budget.quota(self.ALLOWANCE).remaining < self.ALLOWANCE

    @precondition(lambda self: self.under_way)
    @rule(share=st.floats(0, 1), dear=st.booleans(), which=st.integers(0, 100))
    def end(self, share: float, dear: bool, which: int) -> None:  # noqa: FBT001 - hypothesis
        """End a job, mostly within its hold, sometimes with the highest cost that a job can have."""
        held_s = self.under_way.pop(which % len(self.under_way))
        used_s = share * (self.WORST_S if dear else held_s)
        self.budget.settle(held_s, used_s, self.ALLOWANCE)
        self.uses.append((self.clock.now, used_s))
        self.overdrafts.append(max(0.0, used_s - held_s))

    @invariant()
    def holds_are_those_of_jobs_under_way(self) -> None:
        """Check that the holds are exactly those of the jobs under way."""
        assert self.budget.held_s == pytest.approx(sum(self.under_way))
        assert self.under_way or self.budget.held_s == 0

    @invariant()
    def never_more_than_the_allowance_but_for_overdrafts(self) -> None:
        """Check that in any window the key uses at most its allowance, plus the cost of its jobs beyond their holds."""
        most = _most_within_a_window(self.uses)
        assert most <= self.ALLOWANCE + sum(self.overdrafts) + CRUMB
        if not any(self.overdrafts):
            assert most <= self.ALLOWANCE + CRUMB

    @invariant()
    def debts_are_paid(self) -> None:
        """Check the rate in the long run, apart from one allowance and the cost of the last jobs beyond their holds."""
        elapsed = self.clock.now - self.began
        if not self.under_way and not self.budget.hold(self.ALLOWANCE, self.WORST_S)[1]:
            self.budget.settle(0, 0, self.ALLOWANCE)
            used = sum(used_s for _, used_s in self.uses)
            assert used <= self.ALLOWANCE * (1 + elapsed / WINDOW_S) + CRUMB

    @invariant()
    def quota_is_sane(self) -> None:
        """Check that the reported remainder is within the allowance."""
        quota = self.budget.quota(self.ALLOWANCE)
        assert 0 <= quota.remaining <= self.ALLOWANCE
        assert (quota.more_in_s or 0) >= 1

    def teardown(self) -> None:
        """Check that the whole allowance comes back when everything has ended."""
        for held_s in self.under_way:
            self.budget.settle(held_s, 0, self.ALLOWANCE)
        self.clock.now += WINDOW_S + STEP_S + sum(used_s for _, used_s in self.uses) * WINDOW_S / self.ALLOWANCE
        assert self.budget.quota(self.ALLOWANCE).remaining == self.ALLOWANCE
        assert self.budget.hold(self.ALLOWANCE, self.WORST_S)[0] > 0


TestCompute = ComputeMachine.TestCase
TestCompute.settings = settings(deadline=None, max_examples=80, stateful_step_count=40)


@dataclass
class Key:
    """A key with budgets of its own."""

    policy: KeyPolicy
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.holder = Holder("k", self.policy)
        self.budgets = Budgets(self.clock)

    def left(self) -> list[int]:
        """Return what is left."""
        return [quota.remaining for quota in self.budgets.quotas(self.holder)]


def test_surprise_makes_the_next_jobs_be_held_for_more() -> None:
    """One expensive job raises the estimate at once; cheap ones lower it slowly, never below the first guess."""
    budget = ComputeBudget(Clock())
    budget.settle(budget.hold(100, 30)[0], 20, 100)
    assert budget.hold(100, 30)[0] == 20
    assert budget.hold(100, 5)[0] == 5
    for _ in range(200):
        budget.settle(0, 0, 100)
    assert budget.hold(100, 30)[0] == FIRST_GUESS_S


def test_one_job_may_always_run_alone() -> None:
    """However expensive the key's jobs are, an unused allowance admits one."""
    clock = Clock()
    budget = ComputeBudget(clock)
    budget.settle(budget.hold(2, 30)[0], 30, 2)
    clock.now += 3600
    assert budget.hold(2, 30) == (2, 0)
    assert budget.hold(2, 30) == (0, STEP_S)


async def test_holds_are_given_back_on_every_path() -> None:
    """Whether a job ends, fails or is cancelled, its hold becomes what it used."""
    key = Key(KeyPolicy(compute_seconds_per_minute=5))

    async def job(used_s: float, error: BaseException | None = None, *, stay: bool = False) -> None:
        async with key.budgets.hold_compute(key.holder, 30, 30) as hold:
            hold.used_s = used_s
            if stay:
                await asyncio.get_running_loop().create_future()
            if error is not None:
                raise error

    await job(1)
    assert key.left() == [4]
    with pytest.raises(ZeroDivisionError):
        await job(1, ZeroDivisionError())
    assert key.left() == [3]
    task = asyncio.create_task(job(1, stay=True))
    await asyncio.sleep(0)
    assert key.left() == [2]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert key.left() == [2]
    key.clock.now += WINDOW_S + STEP_S
    assert key.left() == [5]


async def test_jobs_at_once_are_bounded_by_their_holds() -> None:
    """As many jobs are admitted at once as estimates fit the allowance; the next is refused, with a time to retry."""
    key = Key(KeyPolicy(compute_seconds_per_minute=3))
    holds = [key.budgets.hold_compute(key.holder, 30, 30) for _ in range(4)]
    for hold in holds[:3]:
        await hold.__aenter__()
    with pytest.raises(BudgetExceeded) as caught:
        await holds[3].__aenter__()
    assert caught.value.retry_after_s == STEP_S
    for hold in holds[:3]:
        await hold.__aexit__(None, None, None)
    assert key.left() == [3]


async def test_keys_have_budgets_of_their_own() -> None:
    """One key's use is not another's, and a key without an allowance is not counted."""
    budgets = Budgets(Clock())
    one, two, free = (
        Holder(name, KeyPolicy(requests_per_minute=limit)) for name, limit in (("1", 1), ("2", 1), ("f", None))
    )
    for holder in (one, two, free, free):
        await budgets.take_request(holder)
    with pytest.raises(RateExceeded) as caught:
        await budgets.take_request(one)
    assert 1 <= caught.value.retry_after_s <= WINDOW_S + STEP_S
    assert budgets.quotas(free) == []
    async with budgets.hold_compute(free, 30, 30) as hold:
        hold.used_s = 1e9


async def test_changed_allowance_holds_for_what_was_used_already() -> None:
    """A key's new limits count what it used under the old ones; a name that was removed starts afresh."""
    key = Key(KeyPolicy(requests_per_minute=10))
    for _ in range(5):
        await key.budgets.take_request(key.holder)
    key.holder = Holder("k", KeyPolicy(requests_per_minute=3))
    with pytest.raises(RateExceeded):
        await key.budgets.take_request(key.holder)
    assert key.left() == [0]
    key.budgets.keep_only(frozenset({"k"}))
    assert key.left() == [0]
    key.budgets.keep_only(frozenset())
    assert key.left() == [3]


def test_history_takes_bounded_room() -> None:
    """A hundred thousand uses are kept in as many entries as a window has steps."""
    clock = Clock()
    budget = RequestBudget(clock)
    for _ in range(100_000):
        clock.now += 0.01
        budget.take(100_000)
    assert len(budget._window._steps) <= WINDOW_S / STEP_S + 1


async def test_common_allowance_of_requests() -> None:
    """A key without an allowance of requests has the common one; its own goes before that."""
    budgets = Budgets(lambda: 1000.0, requests_per_minute=2)
    plain, own = Holder("plain"), Holder("own", KeyPolicy(requests_per_minute=3))
    for holder, allowance in ((plain, 2), (own, 3)):
        assert [quota.allowance for quota in budgets.quotas(holder)] == [allowance]
        for _ in range(allowance):
            await budgets.take_request(holder)
        with pytest.raises(RateExceeded):
            await budgets.take_request(holder)


async def test_small_change_is_collected() -> None:
    """What is used without a job counts once it is worth it, and none of it is forgotten."""
    budgets = Budgets(lambda: 1000.0)
    holder = Holder("a", KeyPolicy(compute_seconds_per_minute=1))
    for _ in range(9):
        budgets.charge(holder, CHANGE_S / 10)
    async with budgets.hold_compute(holder, 30, 30) as hold:  # the whole allowance is still there
        hold.used_s = 0.0
    for _ in range(99 - 9):
        await budgets.check_compute(holder)
        budgets.charge(holder, CHANGE_S / 10)
    for _ in range(12):  # rounding errors of sums
        budgets.charge(holder, CHANGE_S / 10)
    with pytest.raises(BudgetExceeded):
        await budgets.check_compute(holder)


async def test_each_node_gives_its_share() -> None:
    """Nodes without a shared server divide each allowance; none of a share is nothing, and clients are told of it."""
    budgets = Budgets(lambda: 1000.0, nodes=3)
    holder = Holder("a", KeyPolicy(requests_per_minute=8, compute_seconds_per_minute=2))
    assert [(quota.allowance, quota.remaining) for quota in budgets.quotas(holder)] == [(2, 2), (1, 1)]
    for _ in range(2):
        await budgets.take_request(holder)
    with pytest.raises(RateExceeded):
        await budgets.take_request(holder)
    async with budgets.hold_compute(holder, 30, 30) as hold:
        hold.used_s = 1
    with pytest.raises(BudgetExceeded):
        await budgets.check_compute(holder)
    assert budgets.part_used(holder) == 1
