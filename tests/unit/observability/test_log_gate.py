"""Lines that strangers cause are bounded, and none is lost from the count."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.observability.log_gate import BURST, LINES_PER_MINUTE, LogGate


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats(0, 20, allow_subnormal=False), max_size=300))
def test_lines_are_bounded_and_counted(pauses: list[float]) -> None:
    """However they come, no more lines pass than a burst and the rate; the numbers left out add up."""
    now = 0.0
    gate = LogGate(lambda: now)
    passed, told, silent = 0, 0, 0
    for pause in pauses:
        now += pause
        left_out = gate.passes()
        if left_out is None:
            silent += 1
        else:
            passed += 1
            told += left_out
            assert left_out == silent
            silent = 0
    assert passed <= BURST + now * LINES_PER_MINUTE / 60 + 1e-6
    assert passed + told + silent == len(pauses)


def test_a_burst_passes_whole() -> None:
    """What is rare is logged line by line."""
    gate = LogGate(lambda: 0.0)
    assert [gate.passes() for _ in range(BURST + 1)] == [0] * BURST + [None]
