"""Pages of other origins, for browsers: those that the operator names may ask, and read what we respond.

Without the setting nothing here does anything. An origin is compared as a whole, and is sent back only if it is one of
those named: never a wildcard, and never with credentials, since a key comes in a header that the page itself sets.

Source: fetch.spec.whatwg.org, "CORS protocol".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import hdrs, web

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Fields that a page may send beside those that any page may, and those that it may read.
SENT = ("X-API-Key", "Authorization", "Content-Type", "Accept", "If-None-Match", "Cache-Control")
READ = (
    "Content-Disposition", "ETag", "RateLimit", "RateLimit-Policy", "Retry-After", "Server-Timing", "WWW-Authenticate",
    "X-Figbox-Cache", "X-Request-ID",
)  # fmt: skip

#: Seconds for which a browser needn't ask again.
MAX_AGE_S = 600


class Cors:
    """What pages of some origins may do.

    Args:
        origins: Those; without any, nothing.
    """

    def __init__(self, origins: frozenset[str]) -> None:
        self._origins = origins

    def add_to(self, app: web.Application) -> None:
        """Let an application's responses be read; its preflights are answered inside of what describes failures."""
        if self._origins:
            app.on_response_prepare.append(self._allow)
            app.middlewares.append(self._answer_preflight)

    def _origin_of(self, request: web.Request) -> str | None:
        given = request.headers.getall(hdrs.ORIGIN, ())
        return given[0] if len(given) == 1 and given[0] in self._origins else None

    async def _allow(self, request: web.Request, response: web.StreamResponse) -> None:
        """Add the fields by which a browser shows a response to its page (aiohttp's `on_response_prepare`)."""
        vary = response.headers.get(hdrs.VARY)
        response.headers[hdrs.VARY] = hdrs.ORIGIN if vary is None else f"{vary}, {hdrs.ORIGIN}"
        origin = self._origin_of(request)
        if origin is not None:
            response.headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = origin
            response.headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = ", ".join(READ)

    @web.middleware
    async def _answer_preflight(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer what a browser asks before a request; it has no key. Other requests by OPTIONS are refused as ever."""
        try:
            return await handler(request)
        except web.HTTPMethodNotAllowed as error:
            asks = request.method == hdrs.METH_OPTIONS and hdrs.ACCESS_CONTROL_REQUEST_METHOD in request.headers
            if not asks or self._origin_of(request) is None:
                raise
            allowed = {
                hdrs.ACCESS_CONTROL_ALLOW_METHODS: ", ".join(sorted(error.allowed_methods)),
                hdrs.ACCESS_CONTROL_ALLOW_HEADERS: ", ".join(SENT),
                hdrs.ACCESS_CONTROL_MAX_AGE: str(MAX_AGE_S),
            }
            return web.Response(status=204, headers=allowed)
