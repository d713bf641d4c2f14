"""The results of a run, and the targets that they are compared with."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from benchmarks.drawing.describing import Described
    from benchmarks.machine import Machine
    from benchmarks.parts.breakdown import Breakdown
    from benchmarks.parts.burst import Burst
    from benchmarks.parts.idle import FirstRequest
    from benchmarks.parts.latency import Latency
    from benchmarks.parts.saturation import Saturation
    from benchmarks.parts.savings import Savings
    from benchmarks.parts.snapshot import Snapshot
    from benchmarks.parts.soak import Soak
    from benchmarks.plan import Plan
    from benchmarks.statistics import Summary

#: Name of the contender without a sandbox that imports once.
IN_PROCESS = "in process"

#: A warm request's median, a cold start's, a burst's last picture and the processor time of one picture / in process.
WARM_RATIO_TARGET = 1.05
COLD_RATIO_TARGET = 2.0
BURST_RATIO_TARGET = 2.5
CPU_RATIO_TARGET = 2.2

#: Throughput / naked with four clients, by figure; and on other runtimes, which have a kernel of their own.
THROUGHPUT_RATIO_TARGETS = {"light": 3.0, "science": 6.0}
OTHER_THROUGHPUT_RATIO_TARGET = 1.5
THROUGHPUT_CLIENTS = 4

#: Milliseconds to a refusal, MiB of an idle warm container, seconds to make a snapshot.
REFUSAL_TARGET_MS = 5.0
IDLE_TARGET_MIB = 6.0
SNAPSHOT_TARGET_S = 15.0

#: Processor time of a figure with a full description / without one.
DESCRIBED_RATIO_TARGET = 1.15


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
    breakdowns: list[Breakdown] = field(default_factory=list)
    snapshot: Snapshot | None = None
    savings: Savings | None = None
    described: list[Described] = field(default_factory=list)
    soak: Soak | None = None

    def targets(self, figbox: str) -> list[Target]:
        """Return the targets that this run measured.

        Args:
            figbox: Name of Figbox on the default runtime.
        """
        floor_ms = {one.figure: one.ms.p50 for one in self.latency if one.contender == IN_PROCESS}
        found = [
            _at_most(WARM_RATIO_TARGET, one.ratio.p50, "warm p50 / in process, light")
            for one in self.latency
            if one.contender == figbox and one.figure == "light"
        ]
        found += self._throughputs(figbox)
        cpu_ms = {
            one.contender: one.cpu_ms.p50
            for one in self.saturation
            if one.figure == "light" and one.clients == THROUGHPUT_CLIENTS
        }
        if IN_PROCESS in cpu_ms and figbox in cpu_ms:
            found.append(_at_most(CPU_RATIO_TARGET, cpu_ms[figbox] / cpu_ms[IN_PROCESS], "CPU / in process, light"))
        if self.first_requests and "light" in floor_ms:
            ratio = self.first_requests[0].ms.p50 / floor_ms["light"]
            found.append(_at_most(COLD_RATIO_TARGET, ratio, "cold start p50 / in process, light"))
        last_ms = {one.contender: one.last_ms.p50 for one in self.bursts}
        if IN_PROCESS in last_ms and figbox in last_ms:
            found.append(_at_most(BURST_RATIO_TARGET, last_ms[figbox] / last_ms[IN_PROCESS], "burst / in process"))
        if figbox in self.memory_mib:
            found.append(_at_most(IDLE_TARGET_MIB, self.memory_mib[figbox].p50, "MiB of an idle warm container"))
        if self.snapshot is not None:
            took_s = self.snapshot.made_s + self.snapshot.tried_s
            found.append(_at_most(SNAPSHOT_TARGET_S, took_s, "seconds to make and try a snapshot"))
        found += [
            _at_most(REFUSAL_TARGET_MS, ms.p50, f"refusal p50 in ms, {case}") for case, ms in self.refusal_ms.items()
        ]
        found += [
            _at_most(
                DESCRIBED_RATIO_TARGET, one.ratio.p50, f"CPU with a {one.level} description / without, {one.figure}"
            )
            for one in self.described
        ]
        if self.soak is not None:
            found.append(Target("what grew in the soak", "nothing", len(self.soak.grown), not self.soak.grown))
        return found

    def _throughputs(self, figbox: str) -> list[Target]:
        """Return the targets of throughput: Figbox on the default runtime, and on others with the light figure."""
        found = []
        for one in self.saturation:
            wanted = THROUGHPUT_RATIO_TARGETS.get(one.figure) if one.contender == figbox else None
            if one.contender.startswith("figbox ") and one.contender != figbox and one.figure == "light":
                wanted = OTHER_THROUGHPUT_RATIO_TARGET
            if wanted is not None and one.clients == THROUGHPUT_CLIENTS and one.ratio.count:
                name = f"throughput / naked, {one.figure}, {one.clients} clients, {one.contender}"
                found.append(Target(name, f">= {wanted:g}", one.ratio.p50, one.ratio.p50 >= wanted))
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
