"""What became of each figure of a source, from what is known of it before and after."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from figbox.check.pictures import distance
from figbox.check.verdicts import Judged, Verdict, verdict_on
from figbox.cli.batch.results import Result, Status
from figbox.cli.connection import describe
from figbox.cli.terminal import one_line
from figbox.errors import RenderFailed
from figbox.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from figbox.check.config import Config
    from figbox.check.facts import Figure
    from figbox.cli.check.sources import Source

#: Why figures weren't drawn that count as the same.
SETTLED = "not drawn: neither code, data, options nor image changed"

#: Verdicts of pictures that differ, which a tolerance is for.
DIFFERING = frozenset({Verdict.CHANGED, Verdict.RENDERER_CHANGED})


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a source on one side.

    Attributes:
        figures: Its figures; none if it failed.
        problem: Why it failed, in a line; empty if it didn't.
        is_lost: Whether nothing is known, because the service failed.
    """

    figures: tuple[Figure, ...] = ()
    problem: str = ""
    is_lost: bool = False


def known_of(result: Result, figures: tuple[Figure, ...], source: Source) -> Known | None:
    """Return what is known after a render; None for a fence without a name that draws nothing."""
    error = result.error
    if result.status is Status.RENDERED or error is None:
        return Known(figures)
    if isinstance(error, RenderFailed) and error.outcome == Outcome.NO_FIGURE and not source.counts:
        return None
    problem = one_line(describe(error).strip().rpartition("\n")[2])
    return Known(problem=problem, is_lost=result.status is Status.NOT_RENDERED)


def judge(name: str, before: Known | None, after: Known | None) -> list[Judged]:
    """Return what became of the figures of a source.

    Args:
        name: The source's name.
        before: None if it wasn't there.
        after: None if it isn't there.
    """
    earlier = before if before is not None else Known()
    if earlier.is_lost or (after is not None and after.is_lost):
        note = after.problem if after is not None and after.is_lost else earlier.problem
        return [Judged(name, name, Verdict.NOT_RUN, note=note)]
    if after is None:
        return _missing(name, earlier, "what draws it is gone")
    if after.problem:
        note = f"{after.problem} (as before)" if earlier.problem == after.problem else after.problem
        return [Judged(name, name, Verdict.FAILED, note=note)]
    old = {figure.name: figure for figure in earlier.figures}
    found = [_compared(name, old.pop(figure.name, None), figure, earlier) for figure in after.figures]
    left = replace(earlier, figures=tuple(old.values()), problem="")
    return found + (_missing(name, left, f"only {len(after.figures)} are drawn now") if old else [])


def _missing(source: str, before: Known, note: str) -> list[Judged]:
    if before.problem:
        return [Judged(source, source, Verdict.MISSING, note=f"{note}; before, it failed")]
    return [Judged(figure.name, source, Verdict.MISSING, before=figure, note=note) for figure in before.figures]


def _compared(source: str, before: Figure | None, after: Figure, earlier: Known) -> Judged:
    verdict = verdict_on(before, after)
    note = ""
    if before is None:
        note = "before, what draws it failed" if earlier.problem else ""
    elif verdict is not Verdict.SAME:
        note = _difference(before, after)
    return Judged(after.name, source, verdict, before, after, note)


def _difference(before: Figure, after: Figure) -> str:
    """Return which of the things that a figure is made of changed."""
    pairs = {
        "code": (before.inputs.code, after.inputs.code),
        "data": (before.inputs.data, after.inputs.data),
        "options": (before.inputs.options, after.inputs.options),
        "image": (before.image, after.image),
    }
    changed = [name for name, (one, other) in pairs.items() if one != other]
    size = ""
    if (before.width_px, before.height_px) != (after.width_px, after.height_px):
        size = f"; {before.width_px}x{before.height_px} before, {after.width_px}x{after.height_px} now"
    if not changed:
        return f"although nothing that it is made of changed: it doesn't draw the same each time{size}"
    return f"changed: {', '.join(changed)}{size}"


def within_tolerance(
    judged: Judged, config: Config, find: Callable[[Judged], tuple[Path | None, Path | None]]
) -> Judged:
    """Return a figure as the same if its pictures differ by no more than its tolerance.

    Args:
        judged: What became of it.
        config: Has its tolerance.
        find: Returns its pictures before and after; None where there is none.
    """
    tolerance = config.tolerance_of(judged.source, judged.name)
    if tolerance is None or judged.verdict not in DIFFERING:
        return judged
    before, after = find(judged)
    if before is None or after is None:
        return replace(judged, note=f"{judged.note}; its tolerance needs the accepted picture, which isn't kept")
    rms = distance(before.read_bytes(), after.read_bytes())
    if rms is None or rms > tolerance:
        far = f"; {rms:.2f} apart, tolerated are {tolerance:g}" if rms is not None else ""
        return replace(judged, rms=rms, note=judged.note + far)
    note = f"within its tolerance: {rms:.2f} apart, tolerated are {tolerance:g}"
    return replace(judged, verdict=Verdict.SAME, rms=rms, note=note)
