"""What a reader of a figure would stumble over.

Theory: `Scene` gathers the texts and the axes of a figure once; each check looks at it and yields findings, one for
each cause. A check that meets an artist which raises loses only itself; all of them stop when the time is over. Every
finding says something that can be seen in the picture: where a rule of the literature would fire on figures that people
read without trouble, the check is narrower than the rule. `docs/findings.md` lists them all.
"""

from __future__ import annotations

import contextlib
import io
import warnings
from typing import TYPE_CHECKING, Any

from explain.drawn import OutOfTime
from explain.words import FINDINGS_LIMIT, SENTENCE_LIMIT, Finding, cut

from findings import axes, bars, contrast, covered, data, legends, overlaps, texts
from findings.scene import ERROR, NOTE, WARNING, Scene

if TYPE_CHECKING:
    from collections.abc import Iterator

    from explain.drawn import Drawn

#: How much a finding matters, the most first.
SEVERITIES = (ERROR, WARNING, NOTE)

#: All checks, in the order in which findings of one severity are told.
CHECKS = (
    *texts.CHECKS,
    *overlaps.CHECKS,
    *covered.CHECKS,
    *data.CHECKS,
    *bars.CHECKS,
    *legends.CHECKS,
    *contrast.CHECKS,
    *axes.CHECKS,
)


def find(drawn: Drawn) -> tuple[tuple[Finding, ...], int]:
    """Return what a reader of a figure would stumble over, the worst first, and how many more findings there are.

    Args:
        drawn: The figure on its saved picture, within `as_saved`.

    Raises:
        OutOfTime: The time of `drawn` is over.
    """
    import numpy as np

    with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stderr(io.StringIO()):
        warnings.simplefilter("ignore")
        found = list(_all_of(Scene(drawn)))
    found.sort(key=lambda finding: SEVERITIES.index(finding.severity))
    return tuple(found[:FINDINGS_LIMIT]), max(0, len(found) - FINDINGS_LIMIT)


def _all_of(scene: Scene) -> Iterator[Finding]:
    """Yield what all checks find."""
    for check in CHECKS:
        scene.drawn.check_time()
        try:
            found: list[Any] = list(check(scene))
        except OutOfTime:
            raise
        except Exception:  # noqa: BLE001, S112 - whatever an artist of the program raises costs this check alone
            continue
        yield from _merged(found)


def _merged(found: list[Finding]) -> Iterator[Finding]:
    """Yield findings of one check: one for each cause in each axes, the first of which stands for all."""
    alike: dict[tuple[str, tuple[int, ...]], list[Finding]] = {}
    for finding in found:
        alike.setdefault((finding.code, finding.axes), []).append(finding)
    for first, *others in alike.values():
        more = f" {len(others)} more likewise." if others else ""
        yield first._replace(
            sentence=cut(first.sentence, SENTENCE_LIMIT - len(more)) + more, advice=cut(first.advice, SENTENCE_LIMIT)
        )
