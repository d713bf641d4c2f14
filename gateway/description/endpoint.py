"""The endpoint that serves the description."""

from __future__ import annotations

import json
from functools import cache

from aiohttp import hdrs, web

from gateway.description.openapi import describe


async def openapi(_: web.Request) -> web.Response:
    """`GET /openapi.json`: what the service can be asked."""
    return web.Response(body=_body(), content_type="application/json")


@cache
def _body() -> bytes:
    return json.dumps(describe()).encode()


ROUTES = ((hdrs.METH_GET, "/openapi.json", openapi),)
