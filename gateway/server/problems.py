"""Turn failures into `application/problem+json` responses (RFC 9457).

One table maps error classes to status, slug and title; a class that isn't listed has the entry of its nearest listed
parent, by method resolution order. Besides RFC 9457's members every document has `request_id` and `error`, which
clients of the old service read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from aiohttp import web

from gateway.model import errors
from gateway.model.results import Outcome, Result, printable

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTENT_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Problem:
    """One kind of failure: its HTTP status, the slug of its type URN, and its title."""

    status: int
    slug: str
    title: str


PROBLEMS: dict[type[BaseException], Problem] = {
    errors.Unauthorized: Problem(401, "unauthorized", "Unauthorized"),
    errors.MalformedRequest: Problem(400, "malformed-request", "Malformed HTTP request"),
    errors.HeadTimeout: Problem(408, "head-timeout", "Head did not arrive in time"),
    errors.HeadTooLarge: Problem(431, "head-too-large", "Head too large"),
    errors.InvalidRequest: Problem(400, "invalid-request", "Invalid request"),
    errors.NotAcceptable: Problem(406, "not-acceptable", "Not acceptable"),
    errors.UnsupportedType: Problem(415, "unsupported-type", "Unsupported content type"),
    errors.UnsupportedEncoding: Problem(415, "unsupported-encoding", "Unsupported content encoding"),
    errors.BodyTooLarge: Problem(413, "body-too-large", "Body too large"),
    errors.BodyTimeout: Problem(408, "body-timeout", "Body did not arrive in time"),
    errors.KeyShareExceeded: Problem(429, "key-share-exceeded", "Too many jobs for this key"),
    errors.RateExceeded: Problem(429, "rate-exceeded", "Too many requests with this key"),
    errors.BudgetExceeded: Problem(429, "budget-exceeded", "This key's processor time is used up"),
    errors.QueueFull: Problem(503, "queue-full", "Queue is full"),
    errors.QueueTimeout: Problem(503, "queue-timeout", "Waited too long in the queue"),
    errors.TooManyConnections: Problem(503, "too-many-connections", "Too many connections"),
    errors.ShuttingDown: Problem(503, "shutting-down", "Shutting down"),
    errors.NotReady: Problem(503, "not-ready", "Not ready"),
    errors.ContainerLost: Problem(503, "container-lost", "The sandbox was lost"),
    errors.EngineError: Problem(503, "engine-unavailable", "The container engine is unavailable"),
    Exception: Problem(500, "internal-error", "Internal error"),
}

#: The title of each outcome.
OUTCOME_TITLES = {
    Outcome.PROGRAM_ERROR: "The code raised an exception",
    Outcome.NO_FIGURE: "The code left no figure open",
    Outcome.TIME_LIMIT: "Time limit exceeded",
    Outcome.MEMORY_LIMIT: "Memory limit exceeded",
    Outcome.OUTPUT_LIMIT: "Output limit exceeded",
    Outcome.INVALID_OUTPUT: "The job produced no valid picture",
    Outcome.KILLED: "The job was killed",
    Outcome.FINDINGS: "The figures have findings that the request refuses",
}


def find_problem(error: BaseException) -> Problem:
    """Return the table's entry for an exception, or for its nearest listed parent."""
    for kind in type(error).__mro__:
        if kind in PROBLEMS:
            return PROBLEMS[kind]
    return PROBLEMS[Exception]


def slug_of(error: BaseException) -> str:
    """Return the slug of an exception's problem, by which logs and metrics name it."""
    return find_problem(error).slug


def error_response(error: errors.GatewayError, request_id: str) -> web.Response:
    """Return the response to one of our own errors, with `Retry-After` if waiting helps."""
    problem = find_problem(error)
    retry_after_s: int | None = getattr(error, "retry_after_s", None)
    # The engine's own text may name containers and paths: the client gets the title instead.
    text = problem.title if isinstance(error, errors.EngineError) else str(error)
    detail = error.detail if isinstance(error, errors.InvalidRequest) else None
    members: dict[str, Any] = {}
    if isinstance(error, errors.InvalidOptions) and error.errors:
        members["errors"] = [{"option": item.option, "message": item.message} for item in error.errors]
    if isinstance(error, errors.NotReady) and error.self_test is not None:
        members["self_test"] = error.self_test
    response = _response(problem, text, request_id, retry_after_s=retry_after_s, detail=detail, members=members)
    if isinstance(error, errors.Unauthorized) and error.challenge is not None:
        response.headers["WWW-Authenticate"] = error.challenge
    return response


def internal_error_response(request_id: str) -> web.Response:
    """Return the response to a defect of ours, which reveals nothing about it."""
    problem = PROBLEMS[Exception]
    return _response(problem, problem.title, request_id)


def http_error_response(error: web.HTTPException, request_id: str) -> web.Response:
    """Return the response to what aiohttp itself refuses, such as unknown paths and wrong methods."""
    phrase = HTTPStatus(error.status).phrase
    problem = Problem(error.status, phrase.lower().replace(" ", "-"), phrase)
    response = _response(problem, phrase, request_id)
    if "Allow" in error.headers:
        response.headers["Allow"] = error.headers["Allow"]
    return response


def outcome_response(
    result: Result, status: int, request_id: str, members: Mapping[str, Any] = MappingProxyType({})
) -> web.Response:
    """Return the response to a job whose code failed.

    Args:
        result: Its result.
        status: The endpoint's status for such failures.
        request_id: The id of the request.
        members: The endpoint's further members of the document.
    """
    title = OUTCOME_TITLES[result.outcome]
    problem = Problem(status, result.outcome.value.replace("_", "-"), title)
    return _response(
        problem,
        printable(result.error),
        request_id,
        # `error` may be a long traceback; `detail` is short.
        detail=title,
        members={"outcome": result.outcome.value, **members},
    )


def _response(
    problem: Problem,
    error: str,
    request_id: str,
    *,
    retry_after_s: int | None = None,
    detail: str | None = None,
    members: Mapping[str, Any] = MappingProxyType({}),
) -> web.Response:
    document = {
        "type": f"urn:figbox:problem:{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": error if detail is None else detail,
        "request_id": request_id,
        "error": error,
        **members,
    }
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    body = json.dumps(document, separators=(",", ":")).encode("ascii")
    return web.Response(status=problem.status, body=body, content_type=CONTENT_TYPE, headers=headers)
