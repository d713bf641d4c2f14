"""The two clients: the same conversations, over a blocking and over an asynchronous connection."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import time
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Self, Unpack

import httpx2

from figbox import exchange
from figbox.errors import Unreachable
from figbox.exchange import Conversation, Pause, Reply, Request, T, Value, advance
from figbox.retries import Retries

if TYPE_CHECKING:
    from types import TracebackType

    from figbox.model import Environment, Readiness, Render
    from figbox.options import Options

#: Where `make run` starts a gateway.
DEFAULT_URL = "http://127.0.0.1:5150"

#: Seconds an answer may take, a job's own time limit not counted: the queue, the container, the way.
DEFAULT_TIMEOUT_S = 120.0

#: Seconds a connection may take.
CONNECT_TIMEOUT_S = 10.0

#: Connections of one client; whoever asks for more at once waits for one, without a limit of time.
CONNECTIONS = httpx2.Limits(max_connections=256, max_keepalive_connections=32)

PORTS = range(1, 65536)

USER_AGENT = "figbox-client"


class _Service:
    """Where the service is and how to speak to it; what the two clients have in common."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        """Take the settings; nothing is connected yet.

        Args:
            url: The service's address; a path in it stays in front of the service's own.
            api_key: Sent as `X-API-Key`; None sends none, which is enough for `ready`.
            timeout: Seconds an answer may take, beyond the `timeout_s` of the render.
            retries: How patient to be; None is patient for a minute.

        Raises:
            ValueError: Not an HTTP address, a key that can't be sent, or no time at all.
        """
        host = _checked_host(url)
        if api_key is not None and (not api_key or not api_key.isascii() or not api_key.isprintable()):
            raise ValueError("the key is empty or has characters that no HTTP header can carry")
        if not timeout > 0:
            raise ValueError("timeout must be positive")
        self.url = url.rstrip("/")
        self.timeout = timeout
        self.retries = retries if retries is not None else Retries()
        self.is_loopback = _is_loopback(host)
        self._headers = {"User-Agent": USER_AGENT, **({"X-API-Key": api_key} if api_key is not None else {})}
        #: A proxy of the environment can't reach what listens on this machine only.
        self._trust_env = not self.is_loopback

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.url!r})"  # no key: reprs end up in logs

    def _arguments(self, request: Request) -> dict[str, Any]:
        """Return what the transport is asked for a request."""
        return {
            "method": request.method,
            "url": self.url + request.path,
            "headers": request.headers,
            "content": request.body,
            "timeout": httpx2.Timeout(self.timeout + request.extra_s, connect=CONNECT_TIMEOUT_S, pool=None),
        }


class Client(_Service):
    """A client that blocks. Usable from several threads; close it, or use it in a `with` statement."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        super().__init__(url, api_key, timeout=timeout, retries=retries)
        self._http = httpx2.Client(headers=self._headers, trust_env=self._trust_env, limits=CONNECTIONS)

    def render(self, code: str, **options: Unpack[Options]) -> Render:
        """Render code and return everything that came of it.

        Args:
            code: A Matplotlib script.
            options: See `Options`.

        Raises:
            RenderFailed: The code's fault.
            Refused: The service doesn't take the request.
            Busy: It had no room for it, for longer than `retries` allow.
            Unreachable: There was no answer.
            BadAnswer: There was one that makes no sense.
            TypeError: No such option.
        """
        return self._hold(exchange.render(code, options, self.retries))

    def environments(self) -> tuple[Environment, ...]:
        """Return the environments that a render can choose; raises as `render` does."""
        return self._hold(exchange.environments(self.retries))

    def ready(self) -> Readiness:
        """Ask once whether the service could render now; needs no key. Raises `Unreachable` and `BadAnswer`."""
        return self._hold(exchange.ready())

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _hold(self, conversation: Conversation[T]) -> T:
        step = advance(conversation)
        while not isinstance(step, Value):
            if isinstance(step, Pause):
                time.sleep(step.seconds)
                step = advance(conversation)
            else:
                step = advance(conversation, self._send(step))
        return step.value

    def _send(self, request: Request) -> Reply | Unreachable:
        try:
            return _reply(self._http.request(**self._arguments(request)))
        except httpx2.RequestError as error:
            return _unreachable(self.url, error)


class AsyncClient(_Service):
    """The same for asyncio. Close it with `aclose`, or use it in an `async with` statement."""

    def __init__(
        self,
        url: str = DEFAULT_URL,
        api_key: str | None = None,
        *,
        timeout: float = DEFAULT_TIMEOUT_S,
        retries: Retries | None = None,
    ) -> None:
        super().__init__(url, api_key, timeout=timeout, retries=retries)
        self._http = httpx2.AsyncClient(headers=self._headers, trust_env=self._trust_env, limits=CONNECTIONS)

    async def render(self, code: str, **options: Unpack[Options]) -> Render:
        """Render code as `Client.render` does; cancelling it ends the job on the service."""
        return await self._hold(exchange.render(code, options, self.retries))

    async def environments(self) -> tuple[Environment, ...]:
        """Return the environments that a render can choose."""
        return await self._hold(exchange.environments(self.retries))

    async def ready(self) -> Readiness:
        """Ask once whether the service could render now; needs no key."""
        return await self._hold(exchange.ready())

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _hold(self, conversation: Conversation[T]) -> T:
        step = advance(conversation)
        while not isinstance(step, Value):
            if isinstance(step, Pause):
                await asyncio.sleep(step.seconds)
                step = advance(conversation)
            else:
                step = advance(conversation, await self._send(step))
        return step.value

    async def _send(self, request: Request) -> Reply | Unreachable:
        try:
            return _reply(await self._http.request(**self._arguments(request)))
        except httpx2.RequestError as error:
            return _unreachable(self.url, error)


def _unreachable(url: str, error: httpx2.RequestError) -> Unreachable:
    """Return what a failure of the transport means."""
    reason = _reason(error)
    if isinstance(error, httpx2.ConnectTimeout):
        failure = Unreachable(f"{url} did not take the connection in time")
    elif isinstance(error, httpx2.TimeoutException):
        failure = Unreachable(f"{url} did not answer in time", timed_out=True)
    elif isinstance(error, httpx2.ConnectError):
        failure = Unreachable(f"{url} can't be reached: {reason}")
    else:
        failure = Unreachable(f"{url} broke the connection: {reason}")
    failure.__cause__ = error
    return failure


def _reason(error: BaseException) -> str:
    """Return the reason that the system gave, which lies below the words of the libraries above it."""
    reason = str(error) or type(error).__name__
    below: BaseException | None = error
    while below is not None:
        if isinstance(below, socket.gaierror | ssl.SSLError):
            reason = below.strerror or reason
        elif isinstance(below, OSError) and below.errno:
            reason = os.strerror(below.errno)
        below = below.__cause__ or below.__context__
    return reason


def _reply(response: httpx2.Response) -> Reply:
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Reply(response.status_code, headers, response.content)


def _checked_host(url: str) -> str:
    """Return the host of a service's address; raises ValueError when it isn't one."""
    try:
        parsed = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise ValueError(f"not an address: {url!r} ({error})") from error
    whole_port = parsed.port is None or parsed.port in PORTS
    if parsed.scheme not in {"http", "https"} or not parsed.host or set(parsed.host) & {" ", "%"} or not whole_port:
        raise ValueError(f"not the address of a service: {url!r} (expected http://HOST:PORT)")
    if parsed.userinfo:
        raise ValueError("an address with a user or a password in it is not taken: the key has its own argument")
    if parsed.query or parsed.fragment:
        raise ValueError(f"an address ends before any '?' or '#': {url!r}")
    return parsed.host


def _is_loopback(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
