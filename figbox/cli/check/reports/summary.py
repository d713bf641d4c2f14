"""The summary of a check in Markdown, for the pages on which CI services show what a job says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figbox.check.verdicts import Judged, Verdict, in_order
from figbox.cli.check.reports.lines import tally
from figbox.cli.terminal import one_line, shortened

if TYPE_CHECKING:
    from figbox.cli.check.flow import Checked

#: Figures in the table; GitHub takes 1 MiB of summary from a step.
ROWS_LIMIT = 200

#: Characters of a cell.
CELL_LIMIT = 500


def summary(checked: Checked, seconds: float) -> str:
    """Return the summary: how many there are, and a table of those that aren't the same."""
    against = f"compared with `{checked.base[:10]}`" if checked.base else "compared with the accepted ones"
    lines = ["## Figures", "", f"{tally(checked.figures)}, {against}, in {seconds:.1f} s."]
    told = [judged for judged in in_order(checked.figures) if judged.verdict is not Verdict.SAME]
    if told:
        lines += ["", "| | Figure | What |", "| --- | --- | --- |"]
        lines += [_row(judged) for judged in told[:ROWS_LIMIT]]
    if len(told) > ROWS_LIMIT:
        lines += ["", f"{len(told) - ROWS_LIMIT} more are not listed."]
    return "\n".join(lines) + "\n\n"


def _row(judged: Judged) -> str:
    what = "<br>".join(_text(text) for text in (judged.note, *judged.words) if text)
    return f"| {judged.verdict} | {_text(judged.name)} | {what} |"


def _text(text: str) -> str:
    """Return untrusted text as code in Markdown, in which nothing has a meaning: no tag, link, person or issue.

    A backtick would end it, and a bar the cell of the table, whatever is before it.
    """
    return "`" + shortened(one_line(text), CELL_LIMIT).replace("`", "'").replace("|", "\N{BROKEN BAR}") + "`"
