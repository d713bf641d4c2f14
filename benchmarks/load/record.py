"""What became of one request, and whether that was right."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from benchmarks.load.programs import Program

#: How the type of a problem of ours begins.
PROBLEM = "urn:figbox:problem:"


class Loss(StrEnum):
    """Where a connection broke.

    Attributes:
        CONNECT: Before anything was sent: nobody has seen the request.
        WAITING: Before the first byte of an answer.
        ANSWER: Within the answer: one that was promised was lost.
        SILENCE: No answer came in the time that a client waits.
    """

    CONNECT = "no connection"
    WAITING = "no answer"
    ANSWER = "cut answer"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer.

    Attributes:
        status: Its status.
        digest: Of its body.
        problem: What the type of a problem document ends with; empty for others.
        node: The node that the balancer names; empty if it names none.
    """

    status: int
    digest: str
    problem: str
    node: str


@dataclass(frozen=True, slots=True)
class Record:
    """One request.

    Attributes:
        key: The name of its key.
        program: What was sent.
        sent_s: When, on the clock of the load.
        ended_s: When the answer was complete, or the connection broke.
        came: What came.
    """

    key: str
    program: Program
    sent_s: float
    ended_s: float
    came: Answer | Loss

    @property
    def took_s(self) -> float:
        """Seconds from the request to its end."""
        return self.ended_s - self.sent_s


class Verdict(StrEnum):
    """How a request is counted.

    Attributes:
        RIGHT: The picture, or for code that fails, that it failed.
        REFUSED: A documented answer that isn't the picture.
        LOST: The connection broke.
        WRONG: Another picture, or an answer that no page has.
    """

    RIGHT = "right"
    REFUSED = "refused"
    LOST = "lost"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Judge:
    """Judges requests.

    Attributes:
        digests: Of the right pictures, by the names of programs.
        documented: Statuses with the names of the problems that may come with them.
    """

    digests: Mapping[str, str]
    documented: frozenset[tuple[int, str]]

    def verdict(self, record: Record) -> Verdict:
        """Judge one request."""
        came = record.came
        if isinstance(came, Loss):
            return Verdict.LOST
        if came.status == 200:
            is_right = not record.program.fails and came.digest == self.digests[record.program.name]
        else:
            is_right = record.program.fails and (came.status, came.problem) == (422, "program-error")
        if is_right:
            return Verdict.RIGHT
        # That code failed is the answer to code that does.
        is_told = came.status >= 429 and (came.status, came.problem) in self.documented
        return Verdict.REFUSED if is_told else Verdict.WRONG

    def name_of(self, record: Record) -> str:
        """Return how a request that wasn't right is called in a table."""
        if isinstance(record.came, Loss):
            return str(record.came)
        verdict = "" if self.verdict(record) is Verdict.REFUSED else "WRONG "
        return f"{verdict}{record.came.status} {record.came.problem}".rstrip()
