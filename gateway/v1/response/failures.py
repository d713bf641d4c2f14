"""The response to code that failed: 422, with what it wrote and what a person needs to correct it."""

from __future__ import annotations

from dataclasses import asdict, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.model.results import Outcome
from gateway.server import problems
from gateway.server.sending import Answer
from gateway.v1.response.rendering import UNEXPLAINED, file_document, filled
from gateway.v1.response.response import HEAVY_BYTES, in_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from gateway.model.results import Result
    from gateway.v1.response.objections import Objections

#: The status of every failure of the code.
STATUS = 422


async def respond_to_failure(
    result: Result, request_id: str, paid: Callable[[float], object], objections: Objections | None = None
) -> Answer:
    """Return the answer to a job whose code failed: a problem document, whatever form the client accepts.

    Args:
        result: What became of the job.
        request_id: The id of the request.
        paid: As in `respond`.
        objections: Why it failed although the code did not.
    """
    if objections is not None:
        result = replace(result, outcome=Outcome.FINDINGS, error=objections.text)
    make = partial(_answer, result, request_id, objections.findings if objections is not None else ())
    if result.size > HEAVY_BYTES:
        return await in_thread(make, paid)
    return make()


def _answer(result: Result, request_id: str, findings: Sequence[dict[str, Any]]) -> Answer:
    whole = problems.outcome_response(result, STATUS, request_id, _members(result, findings))
    if not (result.files or result.figures) or not isinstance(whole.body, bytes):
        return Answer.whole(whole)
    response = web.StreamResponse(status=STATUS)
    response.content_type = problems.CONTENT_TYPE
    explanations = [figure.explanation for figure in result.figures]
    return Answer.of_parts(response, filled(whole.body, [file.data for file in result.files], explanations))


def _members(result: Result, findings: Sequence[dict[str, Any]]) -> dict[str, Any]:
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
    if result.outcome is Outcome.FINDINGS:
        members["findings"] = list(findings)
        members["explanations"] = [
            {"number": figure.number, "label": figure.label, **dict.fromkeys(UNEXPLAINED)} for figure in result.figures
        ]
    return {
        **members,
        "files": [file_document(file).model_dump(mode="json") for file in result.files],
        "files_truncated": result.files_truncated,
        "stdout": asdict(result.stdout),
        "stderr": asdict(result.stderr),
        "warnings": [asdict(warning) for warning in result.warnings],
    }
