"""The endpoints that describe all of them."""

from __future__ import annotations

import json
from functools import cache

from aiohttp import hdrs, web

from gateway.description import docs_page
from gateway.description.openapi import describe


async def openapi(_: web.Request) -> web.Response:
    """`GET /openapi.json`: what can be asked, for programs."""
    return web.Response(body=_openapi_body(), content_type="application/json")


async def docs(_: web.Request) -> web.Response:
    """`GET /docs`: the same for people."""
    return web.Response(
        text=_docs_body(), content_type="text/html", headers={"Content-Security-Policy": docs_page.POLICY}
    )


@cache
def _openapi_body() -> bytes:
    return json.dumps(describe()).encode()


@cache
def _docs_body() -> str:
    return docs_page.render_page(describe())


ROUTES = ((hdrs.METH_GET, "/openapi.json", openapi), (hdrs.METH_GET, "/docs", docs))
