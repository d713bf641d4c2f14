"""The endpoints that say how the service is."""

from __future__ import annotations

from aiohttp import hdrs, web

from gateway.context import CONTEXT
from gateway.model.errors import NotReady

LIVE = "Matplotlib Graph Render API is live!"


async def live(_: web.Request) -> web.Response:
    """`GET /`: one line that says the service is live."""
    return web.Response(text=LIVE)


async def healthz(_: web.Request) -> web.Response:
    """`GET /healthz`: the process lives, whatever else."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """`GET /readyz`: 200 if a render would work now, else 503 and the reason."""
    context = request.app[CONTEXT]
    verdict = context.service.launcher.verdict
    self_test: dict[str, bool | int] | None = None
    if verdict is not None:
        self_test = {"holds": verdict.holds, "age_s": verdict.age_s()}
    if context.not_ready is not None:
        raise NotReady(context.not_ready, self_test)
    return web.json_response({"status": "ready"} | ({"self_test": self_test} if self_test is not None else {}))


ROUTES = ((hdrs.METH_GET, "/", live), (hdrs.METH_GET, "/healthz", healthz), (hdrs.METH_GET, "/readyz", readyz))
