"""The endpoints that serve the description: for programs, and for people."""

from __future__ import annotations

import json
from functools import cache

from aiohttp import hdrs, web

from gateway.context import CONTEXT
from gateway.description.openapi import describe
from gateway.description.page import page


async def openapi(request: web.Request) -> web.Response:
    """`GET /openapi.json`: what the service can be asked."""
    return web.Response(body=_body(request.app[CONTEXT].settings.path_prefix), content_type="application/json")


@cache
def _body(prefix: str) -> bytes:
    return json.dumps(describe(prefix)).encode()


async def docs(request: web.Request) -> web.Response:
    """`GET /docs`: the same as a page."""
    return web.Response(text=_page(request.app[CONTEXT].settings.path_prefix), content_type="text/html")


@cache
def _page(prefix: str) -> str:
    return page(describe(prefix))


ROUTES = ((hdrs.METH_GET, "/openapi.json", openapi), (hdrs.METH_GET, "/docs", docs))
