"""The answer to code that gave no picture: 422, with all that a person needs to mend it."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

from gateway.model.results import Outcome
from gateway.server import problems
from gateway.v1.response.rendering import text_document, warning_documents

if TYPE_CHECKING:
    from aiohttp import web

    from gateway.model.results import Result

#: Every fault of the code.
STATUS = 422


def failure_response(result: Result, request_id: str) -> web.Response:
    """Answer a job that failed by its own doing."""
    return problems.outcome_response(result, STATUS, request_id, failure_members(result))


def failure_members(result: Result) -> dict[str, Any]:
    """Return what a failure tells beside what every problem has."""
    members: dict[str, Any] = {}
    if result.program_error is not None:
        members["fault"] = dataclasses.asdict(result.program_error)
    if result.limit is not None:
        members["limit"] = dataclasses.asdict(result.limit)
    if result.signal is not None:
        members["signal"] = result.signal
    if result.outcome is Outcome.NO_FIGURE:
        # None was open at the end, so what was drawn was closed.
        members["figures"] = {"drawn": result.figures_drawn, "closed": result.figures_drawn}
    return {
        **members,
        "stdout": text_document(result.stdout).model_dump(),
        "stderr": text_document(result.stderr).model_dump(),
        "warnings": [document.model_dump() for document in warning_documents(result.warnings)],
    }
