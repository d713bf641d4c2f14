"""Puts the HTTP side together."""

from __future__ import annotations

from aiohttp import web

from gateway import handlers
from gateway.handlers import SERVICES, Services
from gateway.render_service import HOLDER
from gateway.server.middleware import add_headers, answer_failures, identify
from gateway.server.routes import bind_routes
from gateway.v1 import handlers as v1


def build_app(services: Services) -> web.Application:
    """Return the public application."""
    app = web.Application(middlewares=[identify, answer_failures], client_max_size=services.settings.body_limit_bytes)
    app[SERVICES] = services
    app.on_response_prepare.append(add_headers)
    app.on_response_prepare.append(add_rate_headers)
    bind_routes(app, (*handlers.ROUTES, *v1.ROUTES))
    return app


async def add_rate_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Tell whoever was let in what is left to them, whatever the answer (aiohttp's `on_response_prepare`)."""
    if HOLDER in request:
        response.headers.update(request.app[SERVICES].serving.headers(request[HOLDER]))
