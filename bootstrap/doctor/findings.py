"""The doctor's findings, as lines for people and as JSON for programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Level(StrEnum):
    """How bad a finding is: `BAD` means that Figbox can't work, or not safely."""

    OK = "ok"
    WARN = "warn"
    BAD = "bad"


SEVERITY = (Level.OK, Level.WARN, Level.BAD)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found about one thing, whose name is the same on every host; the remedy is empty if all is well."""

    name: str
    level: Level
    what: str
    remedy: str = ""

    def text(self) -> str:
        """Return it as a line, with its remedy below."""
        return f"{self.level:<4}  {self.what}" + (f"\n      -> {self.remedy}" if self.remedy else "")


def judged(name: str, what: str, remedy: str, *, good: bool, otherwise: Level = Level.BAD) -> Finding:
    """Return a good finding, or one of another level with its remedy."""
    return Finding(name, Level.OK, what) if good else Finding(name, otherwise, what, remedy)


def worst(findings: Iterable[Finding]) -> Level:
    """Return the worst level; ok without findings."""
    return max((finding.level for finding in findings), key=SEVERITY.index, default=Level.OK)


def document(findings: list[Finding]) -> dict[str, Any]:
    """Return all findings as a JSON document."""
    return {"verdict": worst(findings), "findings": [asdict(finding) for finding in findings]}
