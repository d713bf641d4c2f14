"""The job that a request asks for, whichever of the three types of body it has."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from multipart import parse_options_header

from gateway.model.errors import InvalidRequest, UnsupportedType
from gateway.model.jobs import Format
from gateway.server.body import BodyLimits, read_body
from gateway.server.content_type import media_type
from gateway.v1.request.form_body import BROKEN
from gateway.v1.request.reading import FORM, JSON, PYTHON, TASK, TYPES, Submission

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import web

    from gateway.memory.byte_budget import Hold
    from gateway.model.jobs import Job
    from gateway.settings import Settings
    from gateway.v1.request.options import Terms
    from gateway.v1.request.reading import Reading
    from gateway.worker.task import Task

    Work = Callable[[Task[Submission, Reading], Submission], Awaitable[Reading]]

#: Source: RFC 2046, 5.1.1.
BOUNDARY_LIMIT = 70

_BUILT_ON_JSON = re.compile(r"application/[a-z0-9][a-z0-9!#$&^_.-]*\+json")


async def read_job(
    request: web.Request, settings: Settings, hold: Hold, work: Work, format_: Format = Format.PNG
) -> tuple[Job, Terms]:
    """Return the job that a request asks for, and on which terms.

    Options in the query override those of the body.

    Args:
        request: An authenticated request whose body has not been read.
        settings: For the limits of body, code and time.
        hold: Holds what the body takes.
        work: `RenderService.work` for the request's key.
        format_: What is drawn if the request has no option `format`.

    Raises:
        RequestError: Of the kind that says what is wrong with the type, size, encoding or content of the body.
        InvalidOptions: Code, files or options are wrong; each is named.
        Busy: There is no memory for the body, or it is one too many for its key or for the service.
    """
    content_type = _kind(media_type(request))
    if content_type not in TYPES:
        raise UnsupportedType(f"Content-Type must be {', '.join(TYPES[:-1])} or {TYPES[-1]}")
    boundary = _boundary(request) if content_type == FORM else ""
    limit_bytes = settings.body_limit_bytes if content_type == PYTHON else settings.files_limit_bytes
    body = await read_body(request, limit_bytes, BodyLimits.of(settings, hold))
    query = tuple(request.query.items())
    submission = Submission(content_type, boundary, query, body, settings.code_limit_bytes, format_.value)
    reading = await work(TASK, submission)
    if reading.job is None:
        raise InvalidRequest("Body is invalid") if reading.refusal is None else reading.refusal.error()
    return reading.job, reading.terms


def _kind(content_type: str) -> str:
    """Return a media type, that of JSON for those that are built on it (RFC 6839, 3.1)."""
    return JSON if _BUILT_ON_JSON.fullmatch(content_type) else content_type


def _boundary(request: web.Request) -> str:
    _, parameters = parse_options_header(request.headers["Content-Type"])
    boundary = str(parameters.get("boundary", ""))
    if not 1 <= len(boundary) <= BOUNDARY_LIMIT or not boundary.isascii():
        raise InvalidRequest(BROKEN)
    return boundary
