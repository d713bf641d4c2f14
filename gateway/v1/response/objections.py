"""What a request objects to, by `fail_on`, in a render that ended well."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from gateway.model.explanation import Severity
from gateway.v1.response.response import HEAVY_BYTES, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.model.results import Figure, Result

NOT_DESCRIBED = "Figure {} could not be described, so it is not known whether it has what fail_on names."
MORE = "Figure {} has more findings than are listed, so it is not known whether it has what fail_on names."

#: Lines of the text; `findings` has all.
LINES_LIMIT = 50

#: What begins the last members of an explanation.
_FINDINGS = b'"findings":'

#: The worst first.
_SEVERITIES = tuple(severity.value for severity in Severity)


@dataclass(frozen=True, slots=True)
class Objections:
    """Why a render fails.

    Attributes:
        text: For a person, a line for each of the first reasons.
        findings: Those that the request names, as JSON values, each with the number of its figure.
    """

    text: str
    findings: tuple[dict[str, Any], ...]


async def find_objections(result: Result, fail_on: Sequence[str], paid: Callable[[float], object]) -> Objections | None:
    """Return why a render fails, or None if it doesn't.

    It fails as well where that can't be known: because a figure could not be described, or has too many findings.

    Args:
        result: A job that ended well.
        fail_on: Codes of findings, and severities, each of which stands for those that are worse, too.
        paid: As in `gateway.v1.response.response.respond`.
    """
    if not fail_on:
        return None
    find = partial(_find, result.figures, *_split(fail_on))
    if sum(len(figure.explanation or b"") for figure in result.figures) > HEAVY_BYTES:
        return await in_thread(find, paid)
    return find()


def _split(fail_on: Sequence[str]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the codes, and all severities that are meant."""
    least = max((_SEVERITIES.index(name) for name in fail_on if name in _SEVERITIES), default=-1)
    return frozenset(fail_on) - frozenset(_SEVERITIES), frozenset(_SEVERITIES[: least + 1])


def _find(figures: Sequence[Figure], codes: frozenset[str], severities: frozenset[str]) -> Objections | None:
    found: list[dict[str, Any]] = []
    reasons: list[str] = []
    for figure in figures:
        if figure.explanation is None:
            reasons.append(NOT_DESCRIBED.format(figure.number))
            continue
        explanation = _without_description(figure.explanation)
        those = [each for each in explanation["findings"] if each["code"] in codes or each["severity"] in severities]
        found += [{"figure": figure.number, **finding} for finding in those]
        reasons += [f"Figure {figure.number}: {_line(finding)}" for finding in those]
        if not those and explanation["findings_left_out"]:
            reasons.append(MORE.format(figure.number))
    if len(reasons) > LINES_LIMIT:
        reasons[LINES_LIMIT:] = [f"And {len(reasons) - LINES_LIMIT} more."]
    return Objections("\n".join(reasons), tuple(found)) if reasons else None


def _without_description(explanation: bytes) -> dict[str, Any]:
    """Return what is said of a figure's findings: parsing 2 MiB of data would hold up the event loop from any thread.

    They come last, and nothing else that is said of a figure has members of that name. Within a text each quote has a
    backslash before it.
    """
    _, name, findings = explanation.rpartition(_FINDINGS)
    found: dict[str, Any] = json.loads(b"{" + name + findings)
    return found


def _line(finding: dict[str, Any]) -> str:
    return f"{finding['severity']}: {finding['sentence']} {finding['advice']} ({finding['code']})"
