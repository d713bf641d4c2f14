"""`POST /render-matplotlib`: exactly the contract of the Matplotlib Graph Render API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway.context import CONTEXT
from gateway.model.errors import InvalidRequest
from gateway.model.jobs import Job, SaveOptions
from gateway.model.results import Outcome
from gateway.model.strict_json import InvalidJson, has_lone_surrogate, parse_json
from gateway.render_service import Timing
from gateway.server import problems
from gateway.server.body import check_code_length, read_body
from gateway.server.middleware import REQUEST_ID, server_timing

if TYPE_CHECKING:
    from gateway.model.results import Result
    from gateway.settings import Settings

NOT_JSON = "Content-Type must be application/json"
BROKEN_JSON = "Body is not valid JSON"
BAD_CODE = "Missing or invalid 'code' field"

#: How the contract saves figures.
OPTIONS = SaveOptions(dpi=200, bbox_inches="tight")

#: The status of every failure of the code.
FAILURE_STATUS = 500


async def render_matplotlib(request: web.Request) -> web.Response:
    """`POST /render-matplotlib`: draw the current figure of the code as a PNG."""
    context = request.app[CONTEXT]
    timing = Timing()
    holder = context.service.enter(request, timing)
    code = await read_code(request, context.settings)
    job = context.service.bound(holder, Job(code, OPTIONS))
    result = await context.service.run(holder, job, timing)
    return respond(result, request[REQUEST_ID])


async def read_code(request: web.Request, settings: Settings) -> str:
    """Return the `code` of a JSON body.

    Args:
        request: An authenticated request whose body has not been read.
        settings: For the limits of body, code and time.

    Raises:
        InvalidRequest: The body is not JSON, or has no usable `code`.
        BodyTooLarge: The code is too long; the body may raise what `read_body` does.
    """
    if request.content_type != "application/json":
        raise InvalidRequest(NOT_JSON)
    body = await read_body(request, settings.body_limit_bytes, settings.body_timeout_s)
    code = parse_code(body)
    check_code_length(code, settings.code_limit_bytes)
    return code


def parse_code(body: bytes) -> str:
    """Return the `code` member of a JSON object, or raise `InvalidRequest` with a text of the contract."""
    try:
        document = parse_json(body)
    except InvalidJson as error:
        raise InvalidRequest(BROKEN_JSON) from error
    code = document.get("code") if isinstance(document, dict) else None
    if not isinstance(code, str) or not code.strip() or "\0" in code or has_lone_surrogate(code):
        raise InvalidRequest(BAD_CODE)
    return code


def respond(result: Result, request_id: str) -> web.Response:
    """Return the response to a job that ran: its picture, or its failure as a problem document."""
    if result.outcome is Outcome.OK and result.picture is not None:
        response = web.Response(body=result.picture.data, content_type="image/png")
    else:
        response = problems.outcome_response(result, FAILURE_STATUS, request_id)
    response.headers["Server-Timing"] = server_timing(result.stages.by_name())
    return response


ROUTES = ((hdrs.METH_POST, "/render-matplotlib", render_matplotlib),)
