"""The endpoints that report the state of the service."""

from __future__ import annotations

from aiohttp import hdrs, web

from gateway.context import CONTEXT
from gateway.model.errors import NotReady

LIVE = "Matplotlib Graph Render API is live!"


async def live(_: web.Request) -> web.Response:
    """`GET /`: one line that says the service is live."""
    return web.Response(text=LIVE)


async def healthz(_: web.Request) -> web.Response:
    """`GET /healthz`: the process runs, whether or not it can render."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """`GET /readyz`: 200 if a render would work now, else 503 and the reason."""
    context = request.app[CONTEXT]
    verdict = context.service.launcher.verdict
    warm_starts = {
        each.environment: {"way": each.way} | ({"reason": each.reason} if each.reason else {})
        for each in context.service.launcher.warm_starts
    }
    self_test: dict[str, bool | int] = {} if verdict is None else {"holds": verdict.holds, "age_s": verdict.age_s()}
    if context.not_ready is not None:
        raise NotReady(context.not_ready, self_test or None)
    details = {"self_test": self_test, "warm_start": warm_starts}
    return web.json_response({"status": "ready"} | {name: value for name, value in details.items() if value})


ROUTES = ((hdrs.METH_GET, "/", live), (hdrs.METH_GET, "/healthz", healthz), (hdrs.METH_GET, "/readyz", readyz))
