"""What the doctor says about one thing it looked at, for people and for machines."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(StrEnum):
    """How bad a finding is."""

    OK = "ok"
    WARN = "warn"
    """It works; somebody should know."""

    BAD = "bad"
    """Figbox can't work, or not safely."""


SEVERITY = (Level.OK, Level.WARN, Level.BAD)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at.

    Attributes:
        name: What was looked at, the same on every host: for machines to tell findings apart.
        level: How bad it is.
        what: What was found, in words.
        remedy: What to do about it; empty where nothing is to be done.
    """

    name: str
    level: Level
    what: str
    remedy: str = ""

    def text(self) -> str:
        """Write it as a line, with its remedy below."""
        return f"{self.level:<4}  {self.what}" + (f"\n      -> {self.remedy}" if self.remedy else "")


def verdict(findings: Iterable[Finding]) -> Level:
    """Give the worst level there is; ok if there is none."""
    return max((finding.level for finding in findings), key=SEVERITY.index, default=Level.OK)


def document(findings: list[Finding]) -> dict[str, Any]:
    """Give all findings as JSON takes them."""
    return {"verdict": verdict(findings), "findings": [asdict(finding) for finding in findings]}
