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
from gateway.observability.timing import Timing
from gateway.server import problems
from gateway.server.body import BodyLimits, read_body
from gateway.server.content_type import media_type
from gateway.server.middleware import REQUEST_ID, server_timing
from gateway.server.sending import Answer, send

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gateway.keys.keyring import Holder
    from gateway.legacy_body import CodeFound
    from gateway.memory.byte_budget import Hold
    from gateway.model.results import Result
    from gateway.render_service import RenderService
    from gateway.settings import Settings
    from gateway.worker.task import Task

    Work = Callable[[Task[CodeBody, CodeFound], CodeBody], Awaitable[CodeFound]]

NOT_JSON = "Content-Type must be application/json"

#: How the contract saves figures.
OPTIONS = SaveOptions(dpi=200, bbox_inches="tight")

#: The status of every failure of the code.
FAILURE_STATUS = 500


async def render_matplotlib(request: web.Request) -> web.StreamResponse:
    """`POST /render-matplotlib`: draw the current figure of the code as a PNG."""
    service = request.app[CONTEXT].service
    timing = Timing()
    holder = await service.enter(request, timing, bearer=False)  # its contract has one header for the key
    with service.memory.answers.hold(holder.name) as held:
        answer = await _answer(request, service, holder, timing, held)
        with timing.stage("send"):
            return await send(request, answer, held)


async def _answer(request: web.Request, service: RenderService, holder: Holder, timing: Timing, held: Hold) -> Answer:
    """Return the answer to a request; when it returns, nothing else of the request is kept."""
    with service.intake(holder, timing) as body:
        with service.reading(holder, timing):
            code = await read_code(request, request.app[CONTEXT].settings, body, partial(service.work, holder))
        job = service.bound(holder, Job(code, OPTIONS))
        timing.note_job(job)
        result = await service.run(holder, job, timing, held)
    return respond(result, request[REQUEST_ID])


async def read_code(request: web.Request, settings: Settings, hold: Hold, work: Work) -> str:
    """Return the `code` of a JSON body.

    Args:
        request: An authenticated request whose body has not been read.
        settings: For the limits of body, code and time.
        hold: Holds what the body takes.
        work: `RenderService.work` for the request's key.

    Raises:
        InvalidRequest: The body is not JSON, or has no usable `code`.
        BodyTooLarge: The code is too long; the body may raise what `read_body` does.
        Busy: The body is one too many for its key or for the service.
    """
    if media_type(request) != "application/json":
        raise InvalidRequest(NOT_JSON)
    body = await read_body(request, settings.body_limit_bytes, BodyLimits.of(settings, hold))
    found = await work(TASK, CodeBody(body, settings.code_limit_bytes))
    if found.too_large is not None:
        raise BodyTooLarge(found.too_large)
    if found.invalid is not None:
        raise InvalidRequest(found.invalid, found.detail)
    return found.code.decode()


def respond(result: Result, request_id: str) -> Answer:
    """Return the answer to a job that ran: its picture, or its failure as a problem document."""
    if result.outcome is Outcome.OK and result.picture is not None:
        response = web.StreamResponse()
        response.content_type = "image/png"
        answer = Answer.of_parts(response, [result.picture.data])
    else:
        answer = Answer.whole(problems.outcome_response(result, FAILURE_STATUS, request_id))
    answer.response.headers["Server-Timing"] = server_timing(result.stages.by_name())
    return answer


ROUTES = ((hdrs.METH_POST, "/render-matplotlib", render_matplotlib),)
