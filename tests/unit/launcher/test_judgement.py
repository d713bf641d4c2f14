"""Which outcome a job without a reply has."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.launcher.judgement import Ending, decide_outcome
from gateway.model.results import Outcome

BOUNDED = settings(deadline=None, max_examples=200)


@pytest.mark.parametrize(
    ("ending", "outcome"),
    [
        (Ending(), Outcome.INVALID_OUTPUT),
        (Ending(exit_code=0), Outcome.INVALID_OUTPUT),
        (Ending(exit_code=1), Outcome.INVALID_OUTPUT),
        (Ending(exit_code=128), Outcome.INVALID_OUTPUT),
        (Ending(exit_code=129), Outcome.KILLED),
        (Ending(exit_code=137), Outcome.KILLED),
        (Ending(malformed=True), Outcome.INVALID_OUTPUT),
        (Ending(malformed=True, exit_code=137), Outcome.INVALID_OUTPUT),
        (Ending(oom_killed=True, exit_code=137), Outcome.MEMORY_LIMIT),
        (Ending(oom_killed=True), Outcome.MEMORY_LIMIT),
        (Ending(output_exceeded=True), Outcome.OUTPUT_LIMIT),
        (Ending(output_exceeded=True, oom_killed=True, exit_code=137), Outcome.OUTPUT_LIMIT),
        (Ending(deadline=True), Outcome.TIME_LIMIT),
        (Ending(deadline=True, exit_code=137), Outcome.TIME_LIMIT),
        (
            Ending(deadline=True, output_exceeded=True, oom_killed=True, malformed=True, exit_code=137),
            Outcome.TIME_LIMIT,
        ),
    ],
)
def test_ending_decides_the_outcome(ending: Ending, outcome: Outcome) -> None:
    """The most specific known cause decides; what we did ourselves comes before its consequences."""
    assert outcome is decide_outcome(ending)


@BOUNDED
@given(st.builds(Ending, st.booleans(), st.booleans(), st.booleans(), st.booleans(), st.none() | st.integers(0, 255)))
def test_no_ending_is_ok(ending: Ending) -> None:
    """Without a reply the outcome is never OK, nor one that only a runner can claim."""
    assert decide_outcome(ending) not in {Outcome.OK, Outcome.PROGRAM_ERROR, Outcome.NO_FIGURE}
