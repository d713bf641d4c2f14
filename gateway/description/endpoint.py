"""The endpoints that serve the description: for programs, and for people."""

from __future__ import annotations

import json
from functools import cache

from aiohttp import hdrs, web

from gateway.description.openapi import describe
from gateway.description.page import page


async def openapi(_: web.Request) -> web.Response:
    """`GET /openapi.json`: what the service can be asked."""
    return web.Response(body=_body(), content_type="application/json")


@cache
def _body() -> bytes:
    return json.dumps(describe()).encode()


async def docs(_: web.Request) -> web.Response:
    """`GET /docs`: the same as a page."""
    return web.Response(text=_page(), content_type="text/html")


@cache
def _page() -> str:
    return page(describe())


ROUTES = ((hdrs.METH_GET, "/openapi.json", openapi), (hdrs.METH_GET, "/docs", docs))
