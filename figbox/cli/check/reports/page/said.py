"""What the code of a figure said: why it failed, what it printed, what Python warned of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from figbox.cli.check.reports.page.shown import Said
from figbox.cli.connection import describe
from figbox.cli.terminal import one_line
from figbox.errors import RenderFailed

if TYPE_CHECKING:
    from figbox.cli.batch.results import Result
    from figbox.model import RenderWarning

#: Characters of a text that the code wrote; the last ones are shown.
SAID_LIMIT = 20_000

#: Warnings of a source.
WARNINGS_LIMIT = 20


def said_of(result: Result | None) -> Said:
    """Return what the code of a source said when it was rendered last; nothing if it wasn't."""
    if result is None:
        return Said()
    error = result.error
    said = error if isinstance(error, RenderFailed) else result.render
    fault = error.fault if isinstance(error, RenderFailed) else None
    found = Said(
        error=_last(describe(error)) if error is not None else "",
        hint=one_line(fault.hint) if fault is not None and fault.hint else "",
    )
    if said is None:
        return found
    warnings = tuple(map(_warning, said.warnings[:WARNINGS_LIMIT]))
    return Said(found.error, found.hint, _last(said.stdout.text), _last(said.stderr.text), warnings)


def _last(text: str) -> str:
    """Return the last characters of a text."""
    text = text.rstrip()
    left_out = len(text) - SAID_LIMIT
    return text if left_out <= 0 else f"[{left_out} characters are left out]\n{text[-SAID_LIMIT:]}"


def _warning(warning: RenderWarning) -> str:
    place = f"line {warning.line}: " if warning.line is not None else ""
    return f"{place}{warning.category}: {warning.message}"[:SAID_LIMIT]
