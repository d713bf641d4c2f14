"""The endpoints. Each is a list of named steps."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from loguru import logger

from gateway import auth, problems
from gateway.bodies import read_code
from gateway.errors import EngineError, NotReady
from gateway.jobs import Job, Outcome, SaveOptions, Stages
from gateway.middleware import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.admission import Admission
    from gateway.auth import Keyring
    from gateway.jobs import Result
    from gateway.launcher.executor import Executor
    from gateway.metrics import Metrics
    from gateway.settings import Settings

LIVE = "Matplotlib Graph Render API is live!"

#: How the contract of `/render-matplotlib` saves a figure.
LEGACY_OPTIONS = SaveOptions(dpi=200, bbox_inches="tight")

#: Every fault of a guest has this status on `/render-matplotlib`.
LEGACY_FAULT_STATUS = 500


@dataclass(frozen=True, slots=True)
class Services:
    """What the endpoints work with.

    Attributes:
        not_ready: Returns why the service can't render now, or None when it can.
    """

    settings: Settings
    keyring: Keyring
    admission: Admission
    executor: Executor
    metrics: Metrics
    not_ready: Callable[[], str | None]


SERVICES = web.AppKey("services", Services)


async def live(_: web.Request) -> web.Response:
    """`GET /`: one line that says the service is live."""
    return web.Response(text=LIVE)


async def healthz(_: web.Request) -> web.Response:
    """`GET /healthz`: the process lives, whatever else."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """`GET /readyz`: 200 when a render would work now, else 503 and the reason."""
    reason = request.app[SERVICES].not_ready()
    if reason is not None:
        raise NotReady(reason)
    return web.json_response({"status": "ready"})


async def render_matplotlib(request: web.Request) -> web.Response:
    """`POST /render-matplotlib`: draw the current figure of the code as a PNG."""
    services = request.app[SERVICES]
    began = time.perf_counter()
    stages = Stages()
    key = services.keyring.authenticate(request.headers.getall(auth.HEADER, ()))
    code = await read_code(request, services.settings)
    job = Job(code, LEGACY_OPTIONS)
    try:
        result = await _admit_and_run(services, key, job, stages)
    except BaseException as error:
        _report_unserved(services.metrics, key, error, stages, began)
        raise
    _report(services.metrics, key, result, began)
    return answer(result, request[REQUEST_ID])


async def _admit_and_run(services: Services, key: str, job: Job, stages: Stages) -> Result:
    asked = time.perf_counter()
    async with services.admission.place(key):
        stages.queue_ms = (time.perf_counter() - asked) * 1000
        return await services.executor.run(job, stages)


def answer(result: Result, request_id: str) -> web.Response:
    """Make the answer to a job that was run: its picture, or its failure as a problem document."""
    if result.outcome is Outcome.OK and result.picture is not None:
        response = web.Response(body=result.picture.data, content_type="image/png")
    else:
        response = problems.outcome_response(result, LEGACY_FAULT_STATUS, request_id)
    response.headers["Server-Timing"] = result.stages.server_timing()
    return response


def _report(metrics: Metrics, key: str, result: Result, began: float) -> None:
    """Count a finished job and write its one log line."""
    metrics.count_job(result)
    usage = result.usage
    logger.info(
        "job finished",
        key=key,
        outcome=result.outcome.value,
        **_timings(result.stages, began),
        cpu_s=round(usage.cpu_s, 3) if usage is not None else None,
        memory_peak_bytes=usage.memory_peak_bytes if usage is not None else None,
        picture_bytes=sum(len(picture.data) for figure in result.figures for picture in figure.pictures) or None,
    )


def _report_unserved(metrics: Metrics, key: str, error: BaseException, stages: Stages, began: float) -> None:
    """Count a job that ended without a result, and write its one log line."""
    gone = isinstance(error, asyncio.CancelledError)
    outcome = "client-gone" if gone else problems.find_problem(error).slug
    metrics.count_request(outcome)
    if isinstance(error, EngineError):
        metrics.count_engine_failure()
    logger.info("job not served", key=key, outcome=outcome, **_timings(stages, began))


def _timings(stages: Stages, began: float) -> dict[str, float | bool]:
    return {
        "warm": stages.warm,
        "queue_ms": round(stages.queue_ms, 1),
        "acquire_ms": round(stages.acquire_ms, 1),
        "run_ms": round(stages.run_ms, 1),
        "check_ms": round(stages.check_ms, 1),
        "total_ms": round((time.perf_counter() - began) * 1000, 1),
    }


async def expect_nothing(_: web.Request) -> None:
    """Leave `Expect` to whoever reads the body: aiohttp's own way asks strangers for theirs."""


def add_routes(app: web.Application) -> None:
    """Bind the endpoints to their paths."""
    for method, path, handler in (
        (hdrs.METH_GET, "/", live),
        (hdrs.METH_GET, "/healthz", healthz),
        (hdrs.METH_GET, "/readyz", readyz),
        (hdrs.METH_POST, "/render-matplotlib", render_matplotlib),
    ):
        app.router.add_route(method, path, handler, expect_handler=expect_nothing)
