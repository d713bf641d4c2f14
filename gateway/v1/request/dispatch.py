"""The job that a request asks for, whichever of the three types of body it has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from multipart import parse_options_header

from gateway.model.errors import InvalidRequest, UnsupportedType
from gateway.server.body import check_code_length, read_body, receive_body
from gateway.v1.request.form_body import BROKEN, FormReader, code_from_bytes
from gateway.v1.request.json_body import read_json
from gateway.v1.request.options import Options
from gateway.v1.request.text_options import options_from_text
from gateway.v1.request.validation import validated

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from aiohttp import web

    from gateway.model.errors import OptionError
    from gateway.model.jobs import Job
    from gateway.settings import Settings

JSON = "application/json"
PYTHON = "text/x-python"
FORM = "multipart/form-data"

#: The types that a body may have, in the order in which messages name them.
TYPES = (JSON, PYTHON, FORM)

#: Source: RFC 2046, 5.1.1.
BOUNDARY_LIMIT = 70


async def read_job(request: web.Request, settings: Settings) -> tuple[Job, bool]:
    """Return the job that a request asks for, and whether it allows the cache.

    Options in the query override those of the body.

    Args:
        request: An authenticated request whose body has not been read.
        settings: For the limits of body, code and time.

    Raises:
        RequestError: Of the kind that says what is wrong with the type, size, encoding or content of the body.
        InvalidOptions: Code, files or options are wrong; each is named.
    """
    query, errors = options_from_text(request.query.items())
    content_type = request.content_type if "Content-Type" in request.headers else None
    if content_type == JSON:
        body = await read_body(request, settings.files_limit_bytes, settings.body_timeout_s)
        job, cache = read_json(body, query, errors)
    elif content_type == PYTHON:
        body = await read_body(request, settings.body_limit_bytes, settings.body_timeout_s)
        job, cache = _read_python(body, query, errors)
    elif content_type == FORM:
        form = FormReader(_boundary(request), settings.code_limit_bytes)
        await receive_body(request, settings.files_limit_bytes, settings.body_timeout_s, form.take)
        job, cache = form.job(query, errors)
    else:
        raise UnsupportedType(f"Content-Type must be {', '.join(TYPES[:-1])} or {TYPES[-1]}")
    check_code_length(job.code, settings.code_limit_bytes)
    return job, cache


def _read_python(body: bytes, query: Mapping[str, Any], errors: list[OptionError]) -> tuple[Job, bool]:
    code, code_errors = code_from_bytes(body)
    options = validated(Options, query, [*errors, *code_errors])
    return options.job(code), options.cache


def _boundary(request: web.Request) -> str:
    _, parameters = parse_options_header(request.headers["Content-Type"])
    boundary = str(parameters.get("boundary", ""))
    if not 1 <= len(boundary) <= BOUNDARY_LIMIT or not boundary.isascii():
        raise InvalidRequest(BROKEN)
    return boundary
