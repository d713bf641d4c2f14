"""The endpoints. Each is a list of named steps."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway.model.errors import NotReady
from gateway.model.jobs import Job, Outcome, SaveOptions, Stages
from gateway.server import problems
from gateway.server.body import read_code
from gateway.server.middleware import REQUEST_ID

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from gateway.cache.renders import RenderCache
    from gateway.launcher.selftest.verdict import Verdict
    from gateway.model.jobs import EnvironmentFacts, Result
    from gateway.render_service import Serving
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
        environments: Returns what jobs can run in, by name; nothing for as long as nobody knows.
        renders: What was rendered before, where the operator has switched that on.
        verdict: Returns what the last self-test of the sandbox came to, or None.
    """

    settings: Settings
    serving: Serving
    not_ready: Callable[[], str | None]
    environments: Callable[[], Mapping[str, EnvironmentFacts]] = dict
    renders: RenderCache | None = None
    verdict: Callable[[], Verdict | None] = lambda: None


SERVICES = web.AppKey("services", Services)


async def live(_: web.Request) -> web.Response:
    """`GET /`: one line that says the service is live."""
    return web.Response(text=LIVE)


async def healthz(_: web.Request) -> web.Response:
    """`GET /healthz`: the process lives, whatever else."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """`GET /readyz`: 200 when a render would work now, else 503 and the reason."""
    services = request.app[SERVICES]
    reason, verdict = services.not_ready(), services.verdict()
    self_test: dict[str, bool | int] | None = None
    if verdict is not None:
        self_test = {"holds": verdict.holds, "age_s": verdict.age_s()}
    if reason is not None:
        raise NotReady(reason, self_test)
    return web.json_response({"status": "ready"} | ({"self_test": self_test} if self_test is not None else {}))


async def render_matplotlib(request: web.Request) -> web.Response:
    """`POST /render-matplotlib`: draw the current figure of the code as a PNG."""
    services = request.app[SERVICES]
    began = time.perf_counter()
    stages = Stages()
    holder = services.serving.enter(request)
    code = await read_code(request, services.settings)
    job = Job(code, LEGACY_OPTIONS)
    result = await services.serving.run(holder, job, stages, began)
    return answer(result, request[REQUEST_ID])


def answer(result: Result, request_id: str) -> web.Response:
    """Make the answer to a job that was run: its picture, or its failure as a problem document."""
    if result.outcome is Outcome.OK and result.picture is not None:
        response = web.Response(body=result.picture.data, content_type="image/png")
    else:
        response = problems.outcome_response(result, LEGACY_FAULT_STATUS, request_id)
    response.headers["Server-Timing"] = result.stages.server_timing()
    return response


ROUTES = (
    (hdrs.METH_GET, "/", live),
    (hdrs.METH_GET, "/healthz", healthz),
    (hdrs.METH_GET, "/readyz", readyz),
    (hdrs.METH_POST, "/render-matplotlib", render_matplotlib),
)
