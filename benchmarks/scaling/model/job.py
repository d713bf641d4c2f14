"""A job on its way through the model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class End(StrEnum):
    """How a request ended."""

    OK = "ok"
    KEY_SHARE = "429"
    QUEUE_FULL = "503, queue full"
    QUEUE_TIMEOUT = "503, waited too long"
    NO_NODE = "503, no node"


@dataclass(eq=False, slots=True)
class Job:
    """One request.

    Attributes:
        at_s: When it arrived.
        key: Whose it is.
        draw_s: Processor seconds of its drawing.
        tries: Nodes that it was given to.
        end: How it ended; None until then.
        end_s: When.
    """

    at_s: float
    key: str
    draw_s: float
    tries: int = 0
    end: End | None = None
    end_s: float = 0.0

    @property
    def took_s(self) -> float:
        """Seconds from its arrival to its end."""
        return self.end_s - self.at_s
