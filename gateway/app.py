"""Build the applications of the public listener and of the metrics listener."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from gateway import legacy
from gateway.context import CONTEXT
from gateway.description import endpoint as description
from gateway.server.cors import Cors
from gateway.server.middleware import HOLDER, ON_DEFECT, add_headers, describe_failures, identify
from gateway.server.routes import bind_routes
from gateway.status import endpoints as status
from gateway.v1 import handlers as v1

if TYPE_CHECKING:
    from gateway.context import Context
    from gateway.observability.metrics import Metrics


def build_app(context: Context) -> web.Application:
    """Return the public application."""
    tracing = () if context.service.tracing is None else (context.service.tracing.middleware,)
    middlewares = [identify, *tracing, describe_failures]
    app = web.Application(middlewares=middlewares, client_max_size=context.settings.body_limit_bytes)
    app[CONTEXT] = context
    app[ON_DEFECT] = context.service.metrics.count_internal_error
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(add_rate_headers)
    app.on_response_prepare.append(count_response)
    app.on_response_prepare.append(close_at_the_end)
    Cors(context.settings.cors_origins).add_to(app)
    routes = (*status.ROUTES, *legacy.ROUTES, *v1.ROUTES, *description.ROUTES)
    bind_routes(app, routes, context.settings.path_prefix)
    return app


async def add_rate_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add what a request's key has left, whatever the response is (aiohttp's `on_response_prepare`)."""
    if HOLDER in request:
        response.headers.update(request.app[CONTEXT].service.headers(request[HOLDER]))


async def count_response(request: web.Request, response: web.StreamResponse) -> None:
    """Count a response that is about to be sent (aiohttp's `on_response_prepare`)."""
    request.app[CONTEXT].service.metrics.count_response(response.status)


async def close_at_the_end(request: web.Request, response: web.StreamResponse) -> None:
    """Make a response its connection's last once the end was asked for (aiohttp's `on_response_prepare`).

    The next request then comes by a new connection, to a successor if there is one. The header says so to the client:
    aiohttp has written its own by now.
    """
    if request.app[CONTEXT].shutdown.is_requested:
        response.force_close()
        response.headers[hdrs.CONNECTION] = "close"


def metrics_app(metrics: Metrics) -> web.Application:
    """Return the application of the metrics listener: `GET /metrics`."""

    async def expose(_: web.Request) -> web.Response:
        return web.Response(body=generate_latest(metrics.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application(middlewares=[identify, describe_failures])
    app[ON_DEFECT] = metrics.count_internal_error
    app.on_response_prepare.append(add_headers)
    bind_routes(app, [(hdrs.METH_GET, "/metrics", expose)])
    return app
