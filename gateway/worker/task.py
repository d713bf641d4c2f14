"""What a worker can be asked to do.

A task is a function from one frozen dataclass to another, both of which `gateway.model.codec` can write. It is found in
a module of its own, as `TASK`, so that a worker imports nothing but what its tasks need.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Q = TypeVar("Q")
A = TypeVar("A")

#: Seconds that every task may take beyond what its size allows: a loaded machine, or one that was asleep.
PATIENCE_S = 2.0


@dataclass(frozen=True, slots=True)
class Task(Generic[Q, A]):
    """A kind of work.

    Attributes:
        module: The name of the module that has it as `TASK`.
        question: What it is asked.
        answer: What it returns; a fault of the input is an answer, too, and never an exception.
        work: Does it.
        size: Returns how many hostile bytes a question has.
        at_once: Tells whether a question is done at once, without a worker, because the most hostile one of its kind
            takes no more than some 10 ms.
        bytes_per_s: The rate that its deadline follows from. Honest input is at least ten times as fast.
        memory_per_byte: Bytes of memory that a worker gets for each byte of the largest input.
        examples: Questions that a worker answers for practice before it gives up files, so that all is loaded.
    """

    module: str
    question: type[Q]
    answer: type[A]
    work: Callable[[Q], A]
    size: Callable[[Q], int]
    at_once: Callable[[Q], bool]
    bytes_per_s: int
    memory_per_byte: int
    examples: tuple[Q, ...]

    def limit_s(self, size: int) -> float:
        """Return the seconds that an input of so many bytes may take."""
        return PATIENCE_S + size / self.bytes_per_s


class Unfinished(Exception):
    """An input can't be worked on within the limits; the text is the end of a sentence about it, and quotes nothing."""


class WorkFailed(Exception):
    """A task raised an exception, which is a bug of ours; the log has the place."""
