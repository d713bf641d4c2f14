"""The verdict of a self-test, as `/readyz`, the log and a person read it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.jobs import DEFAULT_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Check:
    """One property of the sandbox that was tested.

    Attributes:
        name: E.g. `memory`.
        gaps: What doesn't hold, worded for the middle of a sentence.
    """

    name: str
    gaps: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether there is no gap."""
        return not self.gaps


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one self-test found.

    Attributes:
        checks: Everything that was tested, in a fixed order.
        when_s: Its end, in seconds since 1970.
        duration_s: How long it took, in seconds.
    """

    checks: tuple[Check, ...]
    when_s: float
    duration_s: float

    @property
    def holds(self) -> bool:
        """Whether every check holds, and there is any."""
        return bool(self.checks) and all(check.holds for check in self.checks)

    @property
    def gaps(self) -> tuple[str, ...]:
        """The gaps of all checks."""
        return tuple(gap for check in self.checks for gap in check.gaps)

    @property
    def reason(self) -> str | None:
        """Why no job may run, in one sentence; None if the sandbox holds."""
        return None if self.holds else "the sandbox does not hold: " + ("; ".join(self.gaps) or "nothing was tested")

    def age_s(self) -> int:
        """Return whole seconds since its end; 0 if the clock was set back."""
        return max(0, int(time.time() - self.when_s))


def merged(verdicts: Mapping[str, Verdict]) -> Verdict:
    """Return one verdict for several environments, as old as the oldest; checks name any but the default one."""
    checks = [
        check
        if name == DEFAULT_ENVIRONMENT
        else Check(f"{name}: {check.name}", tuple(f"in environment {name}, {gap}" for gap in check.gaps))
        for name, verdict in verdicts.items()
        for check in verdict.checks
    ]
    return Verdict(
        tuple(checks),
        min(verdict.when_s for verdict in verdicts.values()),
        sum(verdict.duration_s for verdict in verdicts.values()),
    )
