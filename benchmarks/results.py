"""The results of a run, and the targets that they are compared with."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.machine import Machine
    from benchmarks.parts.burst import Burst
    from benchmarks.parts.idle import FirstRequest
    from benchmarks.parts.latency import Latency
    from benchmarks.parts.saturation import Saturation
    from benchmarks.parts.savings import Savings
    from benchmarks.parts.soak import Soak
    from benchmarks.plan import Plan
    from benchmarks.statistics import Summary

#: A warm request's median / in process, throughput / naked, milliseconds to a refusal.
WARM_RATIO_TARGET = 1.15
THROUGHPUT_RATIO_TARGET = 1.5
REFUSAL_TARGET_MS = 5.0


@dataclass(frozen=True, slots=True)
class Target:
    """A number that should be reached."""

    name: str
    wanted: str
    found: float
    reached: bool


@dataclass(slots=True)
class Results:
    """What was measured; a part that was left out is empty or None."""

    machine: Machine
    plan: Plan
    seconds: float = 0.0
    broken_off: list[str] = field(default_factory=list)
    latency: list[Latency] = field(default_factory=list)
    saturation: list[Saturation] = field(default_factory=list)
    memory_mib: dict[str, Summary] = field(default_factory=dict)
    refusal_ms: dict[str, Summary] = field(default_factory=dict)
    bursts: list[Burst] = field(default_factory=list)
    first_requests: list[FirstRequest] = field(default_factory=list)
    savings: Savings | None = None
    soak: Soak | None = None

    def targets(self, figbox: str) -> list[Target]:
        """Return the targets that this run measured.

        Args:
            figbox: Name of Figbox on the default runtime.
        """
        found = [
            _at_most(WARM_RATIO_TARGET, one.ratio.p50, "warm p50 / in process, light")
            for one in self.latency
            if one.contender == figbox and one.figure == "light"
        ]
        ratios = [
            (one.clients, one.ratio.p50)
            for one in self.saturation
            if one.contender == figbox and one.figure == "light" and one.clients > 1 and one.ratio.count
        ]
        if ratios:
            clients, ratio = max(ratios)
            name = f"throughput / naked, light, {clients} clients, {figbox}"
            found.append(Target(name, f">= {THROUGHPUT_RATIO_TARGET}", ratio, ratio >= THROUGHPUT_RATIO_TARGET))
        found += [
            _at_most(REFUSAL_TARGET_MS, ms.p50, f"refusal p50 in ms, {case}") for case, ms in self.refusal_ms.items()
        ]
        if self.soak is not None:
            found.append(Target("what grew in the soak", "nothing", len(self.soak.grown), not self.soak.grown))
        return found

    def to_json(self, figbox: str) -> str:
        """Return everything as JSON, with null for NaN."""
        document = {**asdict(self), "targets": [asdict(target) for target in self.targets(figbox)]}
        return json.dumps(_finite(document), indent=1, allow_nan=False)


def _at_most(limit: float, found: float, name: str) -> Target:
    return Target(name, f"<= {limit:g}", found, found <= limit)


def _finite(value: Any) -> Any:
    """Replace what JSON can't express."""
    if isinstance(value, dict):
        return {key: _finite(member) for key, member in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
