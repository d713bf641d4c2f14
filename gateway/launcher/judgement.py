"""How a job ended whose runner gave no complete reply."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.results import Outcome


@dataclass(frozen=True, slots=True)
class Ending:
    """How a container's conversation ended when it gave no complete reply.

    Attributes:
        deadline: We killed it because its time was over.
        output_exceeded: We killed it because it wrote more than it may.
        malformed: It wrote something that is no reply.
        oom_killed: The kernel killed it for its memory, says the engine.
        exit_code: The exit status the engine reports; None while it still ran.
    """

    deadline: bool = False
    output_exceeded: bool = False
    malformed: bool = False
    oom_killed: bool = False
    exit_code: int | None = None


#: Exit statuses above this mean death by signal `status - 128` (the shell's convention, which engines keep).
SIGNAL_BASE = 128


def decide_outcome(ending: Ending) -> Outcome:
    """Name the outcome of a conversation without an reply; the most specific rule comes last and wins."""
    outcome = Outcome.INVALID_OUTPUT
    if ending.exit_code is not None and ending.exit_code > SIGNAL_BASE and not ending.malformed:
        outcome = Outcome.KILLED
    if ending.oom_killed:
        outcome = Outcome.MEMORY_LIMIT
    if ending.output_exceeded:
        outcome = Outcome.OUTPUT_LIMIT
    if ending.deadline:
        outcome = Outcome.TIME_LIMIT
    return outcome
