"""What a worker and its owner write to each other, through two pipes.

Both write a head, a document and the bytes beside it (`gateway.model.codec`). A worker says first that it is ready, and
then one thing for each question.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

#: To a worker: the number of the task, the processor seconds it may take, the lengths of document and bytes.
#: From a worker: one of `Said`, the processor seconds it has used since the last, the same lengths.
HEAD = struct.Struct(">BdII")


class Said(IntEnum):
    """What a worker says."""

    READY = 0
    ANSWER = 1
    TOO_MUCH_MEMORY = 2
    FAILED = 3


@dataclass(frozen=True, slots=True)
class Failure:
    """A bug in a task, without the exception's text: it may quote the input.

    Attributes:
        error: Name of the exception's class.
        places: Where it was raised, the innermost last.
    """

    error: str
    places: tuple[str, ...]


#: Longest document of a failure, in bytes.
FAILURE_LIMIT = 16 * 1024
