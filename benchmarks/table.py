"""Plain tables: the first column to the left, all others to the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.statistics import Summary


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as text, with an empty line before it."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        first, *rest = (
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join((first, *rest)).rstrip()

    return "\n".join(("", title, line(head), line(["-" * width for width in widths]), *map(line, rows)))


def number(value: float, digits: int = 1) -> str:
    """Return a number for a cell; a dash for what isn't one."""
    return "-" if value != value else f"{value:.{digits}f}"  # noqa: PLR0124 - only not-a-number differs from itself


def spread(summary: Summary, digits: int = 1) -> str:
    """Return a median with its quartiles."""
    if not summary.count or summary.p50 != summary.p50:
        return "-"
    return f"{number(summary.p50, digits)} [{number(summary.p25, digits)}..{number(summary.p75, digits)}]"
