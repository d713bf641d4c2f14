"""When a client tries again: never sooner than the service says, never beyond its budget."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from figbox.errors import Busy, Unreachable
from figbox.retries import FIRST_PAUSE_S, JITTER, LONGEST_PAUSE_S, Retries

busy = st.builds(
    lambda seconds: Busy("busy", status=503, retry_after_s=seconds),
    st.one_of(st.none(), st.floats(0, 100)),
)


@given(st.lists(busy, min_size=1, max_size=50), st.floats(0, 300), st.randoms(use_true_random=False))
def test_pauses_honour_retry_after_and_the_budget(failures: list[Busy], budget_s: float, random: object) -> None:
    """Pauses are at least as long as the service asks, and together within the budget."""
    patience = Retries(budget_s=budget_s).begin(random.random)  # type: ignore[attr-defined]
    pauses = []
    for failure in failures:
        pause_s = patience.pause_after(failure)
        if pause_s is None:
            break
        assert pause_s >= (failure.retry_after_s or 0)
        pauses.append(pause_s)
    assert sum(pauses) <= budget_s + 1e-6


def test_pauses_double_up_to_the_longest() -> None:
    """If the service doesn't say, pauses grow up to a limit."""
    patience = Retries(budget_s=1e9).begin(lambda: 0.0)
    failure = Busy("busy", status=503, retry_after_s=None)
    pauses = [patience.pause_after(failure) for _ in range(2000)]
    assert pauses[:6] == [FIRST_PAUSE_S * 2**step for step in range(5)] + [LONGEST_PAUSE_S]
    assert pauses[-1] == LONGEST_PAUSE_S


def test_jitter_lengthens_and_never_shortens() -> None:
    """Clients that were refused together come back at different times, and never too early."""
    failure = Busy("busy", status=429, retry_after_s=10)
    assert Retries(budget_s=60).begin(lambda: 0.0).pause_after(failure) == 10
    assert Retries(budget_s=60).begin(lambda: 1.0).pause_after(failure) == pytest.approx(10 * (1 + JITTER))
    # If the budget is too small for the jitter, the jitter goes.
    assert Retries(budget_s=10).begin(lambda: 1.0).pause_after(failure) == 10


def test_retry_after_beyond_the_budget_ends_it_at_once() -> None:
    """If `Retry-After` doesn't fit into the budget, it is an error at once."""
    patience = Retries(budget_s=9.9).begin()
    assert patience.pause_after(Busy("busy", status=503, retry_after_s=10)) is None
    assert Retries(budget_s=0).begin().pause_after(Busy("busy", status=503, retry_after_s=None)) is None


def test_connections_are_counted_apart() -> None:
    """An unreachable service is tried a few times, however large the budget; a late one isn't tried again."""
    patience = Retries(budget_s=1e6, connections=2).begin()
    tries = list(itertools.takewhile(bool, (patience.pause_after(Unreachable("gone")) for _ in range(10))))
    assert len(tries) == 2
    assert Retries().begin().pause_after(Unreachable("late", timed_out=True)) is None


@pytest.mark.parametrize("values", [{"budget_s": -1}, {"connections": -1}])
def test_negative_patience_is_refused(values: dict[str, int]) -> None:
    """Negative numbers are refused."""
    with pytest.raises(ValueError, match="negative"):
        Retries(**values)  # type: ignore[arg-type]
