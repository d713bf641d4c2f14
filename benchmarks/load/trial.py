"""A load in phases, each with a fault: what clients got, how long they felt it, and what wasn't allowed."""

from __future__ import annotations

from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks.load.record import Judge, Verdict
from benchmarks.report import number, table
from benchmarks.statistics import summarize

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable

    from benchmarks.load.generator import Load
    from benchmarks.load.record import Record

#: Right answers in a row, of requests sent since a phase's work was done, that end it.
SETTLED = 6

#: Seconds that may take.
SETTLE_LIMIT_S = 180.0


@dataclass(slots=True)
class Phase:
    """A part of a load.

    Attributes:
        name: What is done in it.
        allowed: What may come in it that isn't right, as `Judge.name_of` calls it.
        large: What may come of requests that a balancer can't keep to send them again.
        began_s: When it began, on the load's clock.
        fault_s: When the fault was made; None without one.
        whole_s: When all was as before; None if that is not awaited.
        ended_s: When it was over.
        settled: Whether it ended because requests got their answers again.
    """

    name: str
    allowed: frozenset[str]
    large: frozenset[str]
    began_s: float
    fault_s: float | None = None
    whole_s: float | None = None
    ended_s: float | None = None
    settled: bool = False


@dataclass
class Trial:
    """A load, and its phases.

    Attributes:
        load: It runs while phases are gone through.
        judge: Judges its requests.
        phases: Those so far.
    """

    load: Load
    judge: Judge
    phases: list[Phase] = field(default_factory=list)

    @asynccontextmanager
    async def phase(self, name: str, allowed: Iterable[str] = (), large: Iterable[str] = ()) -> AsyncIterator[Phase]:
        """Begin a phase; at the end of the block, wait until requests get their answers again, which ends it."""
        phase = Phase(name, frozenset(allowed), frozenset(large), self.load.now_s)
        self.phases.append(phase)
        yield phase
        done_s = self.load.now_s
        phase.settled = await self.load.until(lambda: self._is_settled(done_s), SETTLE_LIMIT_S)
        phase.ended_s = self.load.now_s

    def fault(self) -> None:
        """Note that the fault of this phase is made now."""
        self.phases[-1].fault_s = self.load.now_s

    def whole(self) -> None:
        """Note that all is as before now."""
        self.phases[-1].whole_s = self.load.now_s

    async def pictures(self, count: int, limit_s: float = SETTLE_LIMIT_S) -> bool:
        """Wait until so many more requests have ended; tell whether they did in time."""
        end = len(self.load.records) + count
        return await self.load.until(lambda: len(self.load.records) >= end, limit_s)

    def records_of(self, phase: Phase) -> list[Record]:
        """Return the requests that ended in a phase."""
        end_s = phase.ended_s if phase.ended_s is not None else self.load.now_s
        return [record for record in self.load.records if phase.began_s <= record.ended_s < end_s]

    def recovered_s(self, phase: Phase) -> float | None:
        """Return the seconds from a phase's fault to the moment since which all requests got the right answer.

        It is 0 if none failed, and None without a fault.
        """
        if phase.fault_s is None:
            return None
        failed = [record.ended_s for record in self.records_of(phase) if not self._is_right(record)]
        return max(0.0, max(failed, default=phase.fault_s) - phase.fault_s)

    def objections(self) -> list[str]:
        """Return what came that no phase allowed, and the phases that didn't end well."""
        found = []
        for phase in self.phases:
            names = Counter(self._name_of(record) for record in self._bad(phase) if not self._may(record, phase))
            found += [f"{phase.name}: {count} {name}" for name, count in names.items()]
            if not phase.settled:
                found.append(f"{phase.name}: no {SETTLED} right answers in a row in {SETTLE_LIMIT_S:g} s")
        return found

    def text(self, title: str) -> str:
        """Return the table of all phases."""
        head = ("phase", "s", "sent", "right", "failing s", "whole s", "p50 s", "p99 s", "slowest s", "others")
        return table(title, head, [self._row(phase) for phase in self.phases])

    def _row(self, phase: Phase) -> tuple[object, ...]:
        records, bad = self.records_of(phase), self._bad(phase)
        took = [record.took_s for record in records if self._is_right(record)]
        names = Counter(map(self._name_of, bad))
        summary = summarize(took)
        return (
            phase.name,
            number((phase.ended_s or self.load.now_s) - phase.began_s, 0),
            len(records),
            len(took),
            _seconds(self.recovered_s(phase)),
            _seconds(phase.whole_s - phase.fault_s if phase.whole_s and phase.fault_s else None),
            number(summary.p50, 2),
            number(summary.p99, 2),
            number(max(took, default=0.0), 2),
            ", ".join(f"{count} {name}" for name, count in sorted(names.items())) or "-",
        )

    def _bad(self, phase: Phase) -> list[Record]:
        return [record for record in self.records_of(phase) if not self._is_right(record)]

    def _name_of(self, record: Record) -> str:
        return self.judge.name_of(record) + (" (large)" if record.program.is_large else "")

    def _may(self, record: Record, phase: Phase) -> bool:
        name = self.judge.name_of(record)
        return name in phase.allowed or (record.program.is_large and name in phase.large)

    def _is_right(self, record: Record) -> bool:
        return self.judge.verdict(record) is Verdict.RIGHT

    def _is_settled(self, since_s: float) -> bool:
        last = [record for record in self.load.records[-SETTLED:] if record.sent_s >= since_s]
        return len(last) == SETTLED and all(map(self._is_right, last))


def _seconds(value: float | None) -> str:
    return "-" if value is None else number(value, 1)
