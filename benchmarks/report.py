"""The results as tables: the first column is aligned to the left, all others to the right."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.parts.breakdown import Breakdown
    from benchmarks.parts.latency import Latency
    from benchmarks.parts.saturation import Saturation
    from benchmarks.parts.soak import Soak
    from benchmarks.results import Results
    from benchmarks.statistics import Summary

METHOD = """\
Method: all contenders run at once and take turns in a random order (seeded); warm-ups are not counted; numbers are
median [quartiles]. Latency is that of one client that waits until the pool is full again. Under saturation clients
never pause, and a window begins when the pool is used up, so each job pays for a container. CPU is the machine's busy
time, less an idle baseline taken right before and less the load generator's own time. In process has one server for
each core. Only compare numbers of the same run; with few requests, p95 and p99 are little more than the maximum."""

#: Cells, of whatever type.
Row = tuple[object, ...]

#: Cores that may be busy without load on a machine that counts as quiet.
QUIET_CORES = 0.2


def report(results: Results, figbox: str) -> str:
    """Return the tables of everything that was measured."""
    return "\n".join((_machine(results), *_tables(results), _targets(results, figbox), "", METHOD))


def _machine(results: Results) -> str:
    rows = [*asdict(results.machine).items(), ("form", results.plan.form), ("took", f"{results.seconds:.0f} s")]
    if results.broken_off:
        rows.append(("aborted", ", ".join(results.broken_off)))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)


def _tables(results: Results) -> Iterator[str]:
    if results.latency:
        yield from _latency(results.latency)
    if results.saturation:
        yield _saturation(results.saturation)
    if results.memory_mib:
        rows: list[Row] = [(name, spread(used), used.count) for name, used in results.memory_mib.items()]
        yield table("Memory of an idle warm container", ("contender", "MiB", "containers"), rows)
    if results.refusal_ms:
        rows = [(name, number(ms.p50, 2), number(ms.p95, 2), ms.count) for name, ms in results.refusal_ms.items()]
        yield table("Refusal by a full queue, in ms", ("queue full of", "p50", "p95", "requests"), rows)
    if results.bursts:
        rows = [(one.contender, one.size, number(one.ms.p50, 0), spread(one.last_ms, 0)) for one in results.bursts]
        yield table("Burst of the light figure, in ms", ("contender", "requests", "p50", "last"), rows)
    if results.first_requests:
        rows = [
            (one.case, spread(one.ms, 0), number(one.ms.p95, 0), f"{one.cold} of {one.ms.count}")
            for one in results.first_requests
        ]
        yield table("First request after idle, in ms", ("case", "p50", "p95", "cold"), rows)
    yield from _made_once(results)


def _made_once(results: Results) -> Iterator[str]:
    if results.breakdowns:
        head = ("contender, figure", *results.breakdowns[0].ms)
        lines = [(_what(one), *(number(ms, 0) for ms in one.ms.values())) for one in results.breakdowns]
        yield table("Where a job's processor time goes, in ms", head, lines)
    if (made := results.snapshot) is not None:
        cells = (number(made.made_s), number(made.tried_s), number(made.cpu_s), number(made.mib, 0))
        yield table("Making a snapshot", ("", "made in s", "tried in s", "CPU s", "MiB"), [("once", *cells)])
    if results.savings is not None:
        rows = [
            (one.name, spread(one.with_ms, 0), spread(one.without_ms, 0), spread(one.saved_ms, 0))
            for one in results.savings.savings
        ]
        yield table("Savings, CPU ms of one container, or of one picture", ("what", "with", "without", "saved"), rows)
        if results.savings.import_steps:
            yield "\n".join(("", *results.savings.import_steps))
    if results.described:
        rows = [
            (f"{one.level}, {one.figure}", spread(one.plain_ms, 0), spread(one.described_ms, 0), spread(one.ratio, 3))
            for one in results.described
        ]
        yield table("Describing a figure, CPU ms", ("level, figure", "none", "described", "ratio"), rows)
    if results.soak is not None:
        yield _soak(results.soak)


def _latency(measured: list[Latency]) -> Iterator[str]:
    rows: list[Row] = [
        (_what(one), one.ms.count, spread(one.ms), number(one.ms.p95), number(one.ms.p99), spread(one.ratio, 2))
        for one in measured
    ]
    head = ("contender, figure", "requests", "p50", "p95", "p99", "/ in process")
    yield table("Latency with one client, warm, in ms", head, rows)
    timed = [one for one in measured if one.stages_ms]
    stages = list(timed[0].stages_ms) if timed else []
    rows = [
        (
            _what(one),
            *(number(one.stages_ms[stage]) for stage in stages),
            number(one.ms.p50 - sum(one.stages_ms.values())),
        )
        for one in timed
    ]
    yield table("Where a warm request's time goes, medians in ms", ("contender, figure", *stages, "rest, HTTP"), rows)


def _saturation(measured: list[Saturation]) -> str:
    rows = [
        (_what(one), one.clients, spread(one.jobs_per_s, 2), spread(one.cpu_ms, 0), spread(one.ratio, 2))
        for one in measured
    ]
    busy = max(one.idle_load.p75 for one in measured)
    warning = f"\nNot quiet: {busy:.1f} cores were busy without load; ignore CPU ms, and treat ratios with caution."
    head = ("contender, figure", "clients", "jobs/s", "CPU ms/job", "throughput / naked")
    return table("Saturated", head, rows) + (warning if busy > QUIET_CORES else "")


def _what(measured: Breakdown | Latency | Saturation) -> str:
    return f"{measured.contender}, {measured.figure}"


def _soak(soak: Soak) -> str:
    readings = {"before": soak.before, "halfway": soak.halfway, "after": soak.after}
    rows = [(name, *(f"{value:g}" for value in asdict(reading).values())) for name, reading in readings.items()]
    growth = f"grown: {', '.join(soak.grown)}" if soak.grown else "flat"
    return table(f"Soak: {soak.jobs} jobs in {soak.seconds:.0f} s: {growth}", ("reading", *asdict(soak.before)), rows)


def _targets(results: Results, figbox: str) -> str:
    rows = [
        (target.name, target.wanted, number(target.found, 2), "reached" if target.reached else "missed")
        for target in results.targets(figbox)
    ]
    return table("Targets", ("what", "wanted", "found", ""), rows) if rows else ""


def table(title: str, head: Row, rows: Sequence[Row]) -> str:
    """Return a table as text, after an empty line."""
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    lines.insert(1, ["-" * width for width in widths])
    for line in lines:
        line[:] = [line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]
    return "\n".join(("", title, *("  ".join(line).rstrip() for line in lines)))


def number(value: float, digits: int = 1) -> str:
    """Return a number for a cell, or a dash for NaN."""
    return "-" if value != value else f"{value:.{digits}f}"  # noqa: PLR0124 - only NaN differs from itself


def spread(summary: Summary, digits: int = 1) -> str:
    """Return a median with its quartiles."""
    if not summary.count or summary.p50 != summary.p50:
        return "-"
    return f"{number(summary.p50, digits)} [{number(summary.p25, digits)}..{number(summary.p75, digits)}]"
