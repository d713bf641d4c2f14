"""The results as tables: the first column is aligned to the left, all others to the right."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import TYPE_CHECKING

from benchmarks.parts.soak import Reading

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.results import Results
    from benchmarks.statistics import Summary

METHOD = """\
Method: all contenders run at once and take turns in a random order (seeded); warm-ups are not counted; numbers are
median [quartiles]. Latency is that of one client that waits until the pool is full again. Under saturation clients
never pause, and a window begins when the pool is used up, so each job pays for a container. CPU is the machine's busy
time, less an idle baseline taken right before and less the load generator's own time. In process has one server for
each core. Only compare numbers of the same run; with few requests, p95 and p99 are little more than the maximum."""

#: Cores that may be busy without load on a machine that counts as quiet.
QUIET_CORES = 0.2


def report(results: Results, figbox: str) -> str:
    """Return the tables of everything that was measured."""
    return "\n".join((_machine(results), *_tables(results), _targets(results, figbox), "", METHOD))


def _tables(results: Results) -> Iterator[str]:
    if results.latency:
        yield _latency(results)
        yield _stages(results)
    if results.saturation:
        yield _saturation(results)
    if results.memory_mib:
        rows = [(name, spread(used), str(used.count)) for name, used in results.memory_mib.items()]
        yield table("Memory of an idle warm container", ("contender", "MiB", "containers"), rows)
    if results.refusal_ms:
        rows_of_four = [
            (name, number(ms.p50, 2), number(ms.p95, 2), str(ms.count)) for name, ms in results.refusal_ms.items()
        ]
        yield table("Refusal by a full queue, in ms", ("queue full of", "p50", "p95", "requests"), rows_of_four)
    if results.bursts:
        rows_of_four = [
            (burst.contender, str(burst.size), number(burst.ms.p50, 0), spread(burst.last_ms, 0))
            for burst in results.bursts
        ]
        yield table("Burst of the light figure, in ms", ("contender", "requests", "p50", "last"), rows_of_four)
    if results.first_requests:
        rows_of_four = [
            (first.case, spread(first.ms, 0), number(first.ms.p95, 0), f"{first.cold} of {first.ms.count}")
            for first in results.first_requests
        ]
        yield table("First request after idle, in ms", ("case", "p50", "p95", "cold"), rows_of_four)
    yield from _savings(results)
    if results.soak is not None:
        yield _soak(results)


def _machine(results: Results) -> str:
    rows = [(name, str(value)) for name, value in asdict(results.machine).items()]
    rows += [("form", results.plan.form), ("took", f"{results.seconds:.0f} s")]
    if results.broken_off:
        rows.append(("aborted", ", ".join(results.broken_off)))
    width = max(len(name) for name, _ in rows)
    return "\n".join(f"{name.ljust(width)}  {value}" for name, value in rows)


def _latency(results: Results) -> str:
    head = ("contender, figure", "requests", "p50", "p95", "p99", "/ in process")
    rows = [
        (
            f"{one.contender}, {one.figure}",
            str(one.ms.count),
            spread(one.ms),
            number(one.ms.p95),
            number(one.ms.p99),
            spread(one.ratio, 2),
        )
        for one in results.latency
    ]
    return table("Latency with one client, warm, in ms", head, rows)


def _stages(results: Results) -> str:
    timed = [one for one in results.latency if one.stages_ms]
    stages = list(timed[0].stages_ms) if timed else []
    rows = [
        (
            f"{one.contender}, {one.figure}",
            *(number(one.stages_ms[stage]) for stage in stages),
            number(one.ms.p50 - sum(one.stages_ms.values())),
        )
        for one in timed
    ]
    return table("Where a warm request's time goes, medians in ms", ("contender, figure", *stages, "rest, HTTP"), rows)


def _saturation(results: Results) -> str:
    head = ("contender, figure", "clients", "jobs/s", "CPU ms/job", "throughput / naked")
    rows = [
        (
            f"{one.contender}, {one.figure}",
            str(one.clients),
            spread(one.jobs_per_s, 2),
            spread(one.cpu_ms, 0),
            spread(one.ratio, 2),
        )
        for one in results.saturation
    ]
    busy = max(one.idle_load.p75 for one in results.saturation)
    warning = f"\nNot quiet: {busy:.1f} cores were busy without load; ignore CPU ms, and treat ratios with caution."
    return table("Saturated", head, rows) + (warning if busy > QUIET_CORES else "")


def _savings(results: Results) -> Iterator[str]:
    if results.savings is None:
        return
    rows = [
        (one.name, spread(one.with_ms, 0), spread(one.without_ms, 0), spread(one.saved_ms, 0))
        for one in results.savings.savings
    ]
    yield table("Savings, CPU ms of one container, or of one picture", ("what", "with", "without", "saved"), rows)
    if results.savings.import_steps:
        yield "\n".join(("", *results.savings.import_steps))


def _soak(results: Results) -> str:
    soak = results.soak
    assert soak is not None  # noqa: S101 - the caller checks
    readings = {"before": soak.before, "halfway": soak.halfway, "after": soak.after}
    head = ("reading", *(field.name for field in fields(Reading)))
    rows = [(name, *(f"{value:g}" for value in asdict(reading).values())) for name, reading in readings.items()]
    growth = f"grown: {', '.join(soak.grown)}" if soak.grown else "flat"
    return table(f"Soak: {soak.jobs} jobs in {soak.seconds:.0f} s: {growth}", head, rows)


def _targets(results: Results, figbox: str) -> str:
    rows = [
        (target.name, target.wanted, number(target.found, 2), "reached" if target.reached else "missed")
        for target in results.targets(figbox)
    ]
    return table("Targets", ("what", "wanted", "found", ""), rows) if rows else ""


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as text, after an empty line."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join((first, *rest)).rstrip()

    return "\n".join(("", title, line(head), line(["-" * width for width in widths]), *map(line, rows)))


def number(value: float, digits: int = 1) -> str:
    """Return a number for a cell, or a dash for NaN."""
    return "-" if value != value else f"{value:.{digits}f}"  # noqa: PLR0124 - only NaN differs from itself


def spread(summary: Summary, digits: int = 1) -> str:
    """Return a median with its quartiles."""
    if not summary.count or summary.p50 != summary.p50:
        return "-"
    return f"{number(summary.p50, digits)} [{number(summary.p25, digits)}..{number(summary.p75, digits)}]"
