"""How an environment's warm runners got their libraries, as readiness and log say it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WarmStart:
    """How an environment's runners start.

    Attributes:
        environment: Its name.
        way: "snapshot" or "import".
        reason: Why not from a snapshot; None where they are, and where they aren't meant to be.
    """

    environment: str
    way: str
    reason: str | None
