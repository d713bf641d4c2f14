"""The response to code that produced no picture: 422, with what a person needs to correct it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from gateway.model.results import Outcome
from gateway.server import problems

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.model.results import Result

#: The status of every failure of the code.
STATUS = 422


def failure_response(result: Result, request_id: str) -> web.Response:
    """Return the response to a job whose code failed."""
    return problems.outcome_response(result, STATUS, request_id, _members(result))


def _members(result: Result) -> dict[str, Any]:
    """Return the members that a failure has beside those of every problem."""
    members: dict[str, Any] = {}
    if result.program_error is not None:
        members["fault"] = asdict(result.program_error)
    if result.limit is not None:
        members["limit"] = asdict(result.limit)
    if result.signal is not None:
        members["signal"] = result.signal
    if result.outcome is Outcome.NO_FIGURE:
        # None was open at the end, so all that were drawn were closed.
        members["figures"] = {"drawn": result.figures_drawn, "closed": result.figures_drawn}
    return {
        **members,
        "stdout": asdict(result.stdout),
        "stderr": asdict(result.stderr),
        "warnings": [asdict(warning) for warning in result.warnings],
    }
