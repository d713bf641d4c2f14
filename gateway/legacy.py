"""`POST /render-matplotlib`: exactly the contract of the Matplotlib Graph Render API."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway.context import CONTEXT
from gateway.legacy_body import TASK, CodeBody
from gateway.model.errors import BodyTooLarge, InvalidRequest
from gateway.model.jobs import Job, SaveOptions
from gateway.model.results import Outcome
from gateway.render_service import Timing
from gateway.server import problems
from gateway.server.body import read_body
from gateway.server.middleware import REQUEST_ID, server_timing

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.legacy_body import CodeFound
    from gateway.model.results import Result
    from gateway.settings import Settings
    from gateway.worker.task import Task

    Work = Callable[[Task[CodeBody, CodeFound], CodeBody], Awaitable[CodeFound]]

NOT_JSON = "Content-Type must be application/json"

#: How the contract saves figures.
OPTIONS = SaveOptions(dpi=200, bbox_inches="tight")

#: The status of every failure of the code.
FAILURE_STATUS = 500


async def render_matplotlib(request: web.Request) -> web.Response:
    """`POST /render-matplotlib`: draw the current figure of the code as a PNG."""
    context = request.app[CONTEXT]
    timing = Timing()
    holder = context.service.enter(request, timing)
    code = await read_code(request, context.settings, partial(context.service.work, holder, timing))
    job = context.service.bound(holder, Job(code, OPTIONS))
    result = await context.service.run(holder, job, timing)
    return respond(result, request[REQUEST_ID])


async def read_code(request: web.Request, settings: Settings, work: Work) -> str:
    """Return the `code` of a JSON body.

    Args:
        request: An authenticated request whose body has not been read.
        settings: For the limits of body, code and time.
        work: `RenderService.work` for the request's key.

    Raises:
        InvalidRequest: The body is not JSON, or has no usable `code`.
        BodyTooLarge: The code is too long; the body may raise what `read_body` does.
        Busy: The body is one too many for its key or for the service.
    """
    if request.content_type != "application/json":
        raise InvalidRequest(NOT_JSON)
    body = await read_body(request, settings.body_limit_bytes, settings.body_timeout_s)
    found = await work(TASK, CodeBody(body, settings.code_limit_bytes))
    if found.too_large is not None:
        raise BodyTooLarge(found.too_large)
    if found.invalid is not None:
        raise InvalidRequest(found.invalid)
    return found.code.decode()


def respond(result: Result, request_id: str) -> web.Response:
    """Return the response to a job that ran: its picture, or its failure as a problem document."""
    if result.outcome is Outcome.OK and result.picture is not None:
        response = web.Response(body=result.picture.data, content_type="image/png")
    else:
        response = problems.outcome_response(result, FAILURE_STATUS, request_id)
    response.headers["Server-Timing"] = server_timing(result.stages.by_name())
    return response


ROUTES = ((hdrs.METH_POST, "/render-matplotlib", render_matplotlib),)
