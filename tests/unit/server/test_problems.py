"""The table of problems: every error has its response, and no response reveals more than it may."""

from __future__ import annotations

import inspect
import json

import pytest
from aiohttp import web

from gateway.model import errors
from gateway.model.results import Outcome, Result
from gateway.server.problems import (
    CONTENT_TYPE,
    OUTCOME_TITLES,
    PROBLEMS,
    error_response,
    find_problem,
    http_error_response,
    internal_error_response,
    outcome_response,
)

#: Every class of the tree that a request can end with, and its status.
STATUSES = {
    errors.Unauthorized: 401,
    errors.MalformedRequest: 400,
    errors.HeadTimeout: 408,
    errors.HeadTooLarge: 431,
    errors.InvalidRequest: 400,
    errors.InvalidOptions: 400,
    errors.NotAcceptable: 406,
    errors.UnsupportedType: 415,
    errors.UnsupportedEncoding: 415,
    errors.BodyTooLarge: 413,
    errors.BodyTimeout: 408,
    errors.KeyShareExceeded: 429,
    errors.RateExceeded: 429,
    errors.BudgetExceeded: 429,
    errors.QueueFull: 503,
    errors.QueueTimeout: 503,
    errors.TooManyConnections: 503,
    errors.ShuttingDown: 503,
    errors.NotReady: 503,
    errors.EngineError: 503,
    errors.EngineUnavailable: 503,
    errors.EngineRefused: 503,
    errors.ContainerLost: 503,
    errors.NameTaken: 503,
}

#: Classes that are only ever parents, and the one that ends the start.
NEVER_RAISED_FOR_A_REQUEST = {errors.GatewayError, errors.RequestError, errors.Busy, errors.StartError}


def _document(response: web.Response) -> dict[str, object]:
    assert isinstance(response.body, bytes)
    document = json.loads(response.body)
    assert isinstance(document, dict)
    return document


def test_every_class_of_the_tree_is_in_these_tables() -> None:
    """A new class of error can't be forgotten here."""
    tree = {kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.GatewayError)}
    assert tree == STATUSES.keys() | NEVER_RAISED_FOR_A_REQUEST


@pytest.mark.parametrize(("kind", "status"), STATUSES.items(), ids=lambda value: getattr(value, "__name__", value))
def test_error_is_answered_with_its_status(kind: type[errors.GatewayError], status: int) -> None:
    """Each class has the status of the contract, as a problem document; 429 and 503 say when to come back."""
    response = error_response(kind("text of ours"), "id-1")
    document = _document(response)
    assert (status, CONTENT_TYPE) == (response.status, response.content_type)
    assert (status, "id-1") == (document["status"], document["request_id"])
    assert {"type", "title", "status", "detail", "request_id", "error"} == document.keys()
    assert (status in {429, 503}) == ("Retry-After" in response.headers)
    if "Retry-After" in response.headers:
        assert int(response.headers["Retry-After"]) >= 1


@pytest.mark.parametrize("kind", STATUSES, ids=lambda kind: kind.__name__)
def test_unlisted_child_takes_its_parents_entry(kind: type[errors.GatewayError]) -> None:
    """A class that isn't listed has the response of its nearest listed parent."""
    child = type("Child", (kind,), {})
    assert find_problem(kind("x")) is find_problem(child("x"))
    assert find_problem(kind("x")) is not PROBLEMS[Exception]


def test_anything_else_is_an_internal_error() -> None:
    """Exceptions outside the tree, of every base, are internal errors."""
    for error in (KeyError("secret"), BaseException(), KeyboardInterrupt()):
        assert PROBLEMS[Exception] is find_problem(error)
    assert "secret" not in internal_error_response("id").body.decode()  # type: ignore[union-attr]


def test_slugs_are_unique() -> None:
    """A type URN stands for one kind of problem."""
    slugs = [problem.slug for problem in PROBLEMS.values()]
    assert len(slugs) == len(set(slugs))


def test_words_of_the_engine_stay_inside() -> None:
    """The engine's texts may name containers and paths, so the client gets the title instead."""
    response = error_response(errors.EngineUnavailable("container 4f3a at /var/run"), "id")
    assert _document(response)["error"] == "The container engine is unavailable"
    assert "4f3a" not in response.body.decode()  # type: ignore[union-attr]


def test_busy_tells_its_own_time() -> None:
    """Retry-After is what admission computed."""
    assert error_response(errors.QueueFull("full", 42), "id").headers["Retry-After"] == "42"


@pytest.mark.parametrize("outcome", [outcome for outcome in Outcome if outcome is not Outcome.OK])
def test_outcome_is_answered(outcome: Outcome) -> None:
    """Every outcome but OK has a title, and stands beside the error."""
    response = outcome_response(Result(outcome, error="Traceback\x1b\u2028"), 500, "id")
    document = _document(response)
    assert (500, outcome.value, "Traceback��") == (response.status, document["outcome"], document["error"])
    assert OUTCOME_TITLES[outcome] == document["title"] == document["detail"]
    assert response.body.isascii()  # type: ignore[union-attr]


def test_refusals_of_aiohttp_are_documents_too() -> None:
    """An unknown path or method gets a document of the same form, with the allowed methods."""
    response = http_error_response(web.HTTPMethodNotAllowed("PUT", ["GET", "HEAD"]), "id")
    assert (response.status, response.headers["Allow"]) == (405, "GET,HEAD")
    assert _document(response)["type"] == "urn:figbox:problem:method-not-allowed"


def test_wrong_options_are_named() -> None:
    """Each wrong option stands by its name in the document, the first one in its text."""
    wrong = [errors.OptionError("dpi", "is too small"), errors.OptionError("rc.x", "is none")]
    document = _document(error_response(errors.InvalidOptions.of(wrong), "id"))
    assert document["error"] == "dpi: is too small (and 1 more)"
    assert document["errors"] == [
        {"option": "dpi", "message": "is too small"},
        {"option": "rc.x", "message": "is none"},
    ]
