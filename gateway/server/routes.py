"""Bind requests to handlers, so that every request reaches one of ours.

aiohttp would respond to unknown paths and methods itself: it asks even strangers for their bodies (`100 Continue`), and
quotes expectations that it doesn't know.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


async def expect_nothing(_: web.Request) -> None:
    """Leave `Expect` to the reader of the body: aiohttp would ask strangers for theirs."""


def bind_routes(app: web.Application, routes: Iterable[tuple[str, str, Handler]], prefix: str = "") -> None:
    """Bind handlers to methods and paths, and refuse all others; to be called once, with all routes.

    What can be asked by GET can be asked by HEAD, too: monitors and balancers do so.
    Source: RFC 9110, 9.1: a general-purpose server must support both.

    Args:
        app: The application.
        routes: Method, path and handler of each.
        prefix: Comes before each path, and alone is the same as with a slash.
    """
    by_path: dict[str, dict[str, Handler]] = {}
    for method, path, handler in routes:
        by_path.setdefault(path, {})[method] = handler
        if method == hdrs.METH_GET:
            by_path[path][hdrs.METH_HEAD] = handler  # aiohttp leaves out the body
    if prefix:
        by_path = {prefix + path: handlers for path, handlers in by_path.items()}
        by_path[prefix] = by_path.get(f"{prefix}/", {})
    for path, handlers in by_path.items():
        for method, handler in handlers.items():
            app.router.add_route(method, path, handler, expect_handler=expect_nothing)
        app.router.add_route(hdrs.METH_ANY, path, _refuse_method(sorted(handlers)), expect_handler=expect_nothing)
    app.router.add_route(hdrs.METH_ANY, "/{path:.*}", _refuse_path, expect_handler=expect_nothing)


def _refuse_method(allowed: list[str]) -> Handler:
    async def refuse(request: web.Request) -> web.StreamResponse:
        raise web.HTTPMethodNotAllowed(request.method, allowed)

    return refuse


async def _refuse_path(_: web.Request) -> web.StreamResponse:
    raise web.HTTPNotFound
