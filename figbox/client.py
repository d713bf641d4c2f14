"""The two clients: the same conversations over a blocking and an asynchronous connection."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, Unpack

import httpx2

from figbox import exchange
from figbox.errors import Unreachable
from figbox.exchange import Conversation, Pause, Request, T, Value, advance
from figbox.responses import Response
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Callable

    from figbox.model import Environment, Readiness, Render
    from figbox.options import Options

#: Where `make run` starts the gateway.
DEFAULT_URL = "http://127.0.0.1:5150"

#: Seconds that a response may take beyond the job's own time limit: for the queue, the container and the network.
DEFAULT_TIMEOUT_S = 120.0

#: Seconds that connecting may take.
CONNECT_TIMEOUT_S = 10.0

#: Connections of one client; further requests wait for a free one, without a time limit.
CONNECTIONS = httpx2.Limits(max_connections=256, max_keepalive_connections=32)

PORTS = range(1, 65536)

USER_AGENT = "figbox-client"

Http = TypeVar("Http")


class _Service(Generic[Http]):
    """What the two clients have in common: where the service is, and how to make a request."""

    _open: Callable[..., Http]

    def __init__(
        self,
        url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        """Take the settings, without connecting.

        Args:
            url: The service's address; a path in it comes before the service's own paths.
            api_key: Sent as `X-API-Key`; `ready` doesn't need it.
            timeout: Seconds that a response may take beyond the `timeout_s` of the render.
            retries: How patient to be; None for a minute.

        Raises:
            ValueError: The address isn't HTTP's, the key can't be sent, or the timeout isn't positive.
        """
        host = _checked_host(url)
        if api_key is not None and (not api_key or not api_key.isascii() or not api_key.isprintable()):
            raise ValueError("the key is empty or has characters that an HTTP header can't contain")
        if not timeout > 0:
            raise ValueError("timeout must be positive")
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.retries = retries if retries is not None else Retries()
        self.is_loopback = is_loopback(host)
        headers = {"User-Agent": USER_AGENT, **({"X-API-Key": api_key} if api_key is not None else {})}
        # The environment may name a proxy, which can't reach what only listens on this machine.
        self._http = self._open(headers=headers, trust_env=not self.is_loopback, limits=CONNECTIONS)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"  # without the key, since reprs end up in logs

    def _arguments(self, request: Request) -> dict[str, Any]:
        """Return a request as arguments for the transport."""
        return {
            "method": request.method,
            "url": self.url + request.path,
            "headers": request.headers,
            "content": request.body,
            "timeout": httpx2.Timeout(self.timeout + request.extra_s, connect=CONNECT_TIMEOUT_S, pool=None),
        }


class Client(_Service[httpx2.Client]):
    """A blocking client. Threads can share it; close it, or use it in a `with` statement."""

    _open = httpx2.Client

    def render(self, code: str, **options: Unpack[Options]) -> Render:
        """Render code and return everything that it gave.

        Args:
            code: A Matplotlib script.
            options: See `Options`.

        Raises:
            RenderFailed: The code failed.
            Refused: The service doesn't accept the request.
            Busy: The service had no capacity for longer than `retries` allow.
            Unreachable: There was no response.
            BadResponse: The response isn't what the contract says.
            TypeError: An option doesn't exist.
        """
        return self._carry_out(exchange.render(code, options, self.retries))

    def environments(self) -> tuple[Environment, ...]:
        """Return the environments that a render can choose; raise as `render` does."""
        return self._carry_out(exchange.environments(self.retries))

    def ready(self) -> Readiness:
        """Ask once, without a key, whether the service could render now; raise `Unreachable` or `BadResponse`."""
        return self._carry_out(exchange.ready())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _carry_out(self, conversation: Conversation[T]) -> T:
        step = advance(conversation)
        while not isinstance(step, Value):
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                step = advance(conversation)
            else:
                step = advance(conversation, self._send(step))
        return step.value

    def _send(self, request: Request) -> Response | Unreachable:
        try:
            return _response(self._http.request(**self._arguments(request)))
        except httpx2.RequestError as error:
            return _unreachable(self.url, error)


class AsyncClient(_Service[httpx2.AsyncClient]):
    """A client for asyncio. Close it with `aclose`, or use it in an `async with` statement."""

    _open = httpx2.AsyncClient

    async def render(self, code: str, **options: Unpack[Options]) -> Render:
        """Render code as `Client.render` does; cancelling it ends the job on the service."""
        return await self._carry_out(exchange.render(code, options, self.retries))

    async def environments(self) -> tuple[Environment, ...]:
        """Return the environments that a render can choose."""
        return await self._carry_out(exchange.environments(self.retries))

    async def ready(self) -> Readiness:
        """Ask once, without a key, whether the service could render now."""
        return await self._carry_out(exchange.ready())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def _carry_out(self, conversation: Conversation[T]) -> T:
        step = advance(conversation)
        while not isinstance(step, Value):
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                step = advance(conversation)
            else:
                step = advance(conversation, await self._send(step))
        return step.value

    async def _send(self, request: Request) -> Response | Unreachable:
        try:
            return _response(await self._http.request(**self._arguments(request)))
        except httpx2.RequestError as error:
            return _unreachable(self.url, error)


def _unreachable(url: str, error: httpx2.RequestError) -> Unreachable:
    """Return the error for a failure of the transport."""
    reason = _reason(error)
    if isinstance(error, httpx2.ConnectTimeout):
        failure = Unreachable(f"{url} did not accept the connection in time")
    elif isinstance(error, httpx2.TimeoutException):
        failure = Unreachable(f"{url} did not respond in time", timed_out=True)
    elif isinstance(error, httpx2.ConnectError):
        failure = Unreachable(f"{url} can't be reached: {reason}")
    else:
        failure = Unreachable(f"{url} broke the connection: {reason}")
    failure.__cause__ = error
    return failure


def _reason(error: BaseException) -> str:
    """Return the system's reason, which is below the libraries' own words."""
    reason = str(error) or type(error).__name__
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, socket.gaierror | ssl.SSLError):
            reason = below.strerror or reason
        elif isinstance(below, OSError) and below.errno:
            reason = os.strerror(below.errno)
        below = below.__cause__ or below.__context__
    return reason


def _response(response: httpx2.Response) -> Response:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Response(response.status_code, headers, response.content)


def _checked_host(url: str) -> str:
    """Return the host of a service's address; raise ValueError if the address isn't usable."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"not an address: {url!r} ({error})") from error
    whole_port = parsed.port is None or parsed.port in PORTS
    if parsed.scheme not in {"http", "https"} or not parsed.host or set(parsed.host) & {" ", "%"} or not whole_port:
        raise ValueError(f"not the address of a service: {url!r} (expected http://HOST:PORT)")
    if parsed.userinfo:
        raise ValueError("the address can't contain a user or a password: the key has its own argument")
    if parsed.query or parsed.fragment:
        raise ValueError(f"the address can't contain '?' or '#': {url!r}")
    return parsed.host


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
