"""What a self-test of the sandbox came to, as it travels to whoever asks: `/readyz`, the log, a person."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.model.jobs import DEFAULT_ENVIRONMENT

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Attributes:
        name: What it is about, e.g. `memory`.
        faults: What doesn't hold, each in the middle of a sentence; empty when it holds.
    """

    name: str
    faults: tuple[str, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of one self-test.

    Attributes:
        checks: All that was tried, in a fixed order.
        when_s: When it was done, in seconds since 1970.
        duration_s: Seconds it took.
    """

    checks: tuple[Check, ...]
    when_s: float
    duration_s: float

    @property
    def holds(self) -> bool:
        """Whether every check holds; nothing tried proves nothing."""
        return bool(self.checks) and all(check.holds for check in self.checks)

    @property
    def faults(self) -> tuple[str, ...]:
        """Everything that doesn't hold."""
        return tuple(fault for check in self.checks for fault in check.faults)

    @property
    def reason(self) -> str | None:
        """Why no job may be run, in one sentence; None when it holds."""
        return None if self.holds else "the sandbox does not hold: " + ("; ".join(self.faults) or "nothing was tried")

    def age_s(self) -> int:
        """Return the whole seconds since; 0 if the clock was set back."""
        return max(0, int(time.time() - self.when_s))


def merged(verdicts: Mapping[str, Verdict]) -> Verdict:
    """Return one verdict on several environments' sandboxes, as old as the oldest; what isn't the default's says whose.

    Args:
        verdicts: By environment; the default's among them.
    """
    checks = [
        check
        if name == DEFAULT_ENVIRONMENT
        else Check(f"{name}: {check.name}", tuple(f"in environment {name}, {fault}" for fault in check.faults))
        for name, verdict in verdicts.items()
        for check in verdict.checks
    ]
    return Verdict(
        tuple(checks),
        min(verdict.when_s for verdict in verdicts.values()),
        sum(verdict.duration_s for verdict in verdicts.values()),
    )
