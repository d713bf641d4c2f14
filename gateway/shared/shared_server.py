"""The Redis that nodes share: calls that are bounded in time, and what keeps a lost server from costing requests any.

Each call is one script, which the server runs as a whole, so that nothing comes between what it reads and what it
writes, whichever nodes call at the same moment. A call that fails or takes longer than `CALL_LIMIT_S` takes the server
out of use: all further calls fail at once, without asking it. It comes back into use by a probe alone, which no request
waits for. So a server that hangs costs only the requests that were asking it at that moment.

Whoever can write to the server can lift allowances, or make nodes work without it. They can't make a node serve a
picture that no node has kept, and neither keys nor their names are there: what is stored has names that only holders of
the nodes' secret can make.

Source: redis.io, "Scripting with Lua" (atomicity), "EVALSHA"; redis-py, `redis.asyncio`.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from loguru import logger
from redis import asyncio as client
from redis._parsers import _AsyncRESP2Parser
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import NoScriptError, RedisError

from gateway.model.jobs import MiB

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from typing import TypeVar

    T = TypeVar("T")
    Argument = bytes | str | int | float

#: Begins the name of all that we keep there. The number is that of the layout: two versions of the gateway with
#: different layouts work side by side, each for itself.
PREFIX: Final = "figbox:1:"

#: Longest time of a call in seconds; on one network it takes a thousandth of a second or less.
CALL_LIMIT_S: Final = 0.2

#: Longest time of a probe: it may have to connect first, by TLS. It must be as fast as a call to bring the server back.
PROBE_LIMIT_S: Final = 1.0

#: Seconds between probes, and those since the last failure after which one may bring the server back into use.
PROBE_PERIOD_S: Final = 1.0
PAUSE_S: Final = 2.0

#: Most connections of a node. A call that finds none free waits, before its time begins: that there are many calls is
#: no fault of the server.
CONNECTIONS_LIMIT: Final = 16

#: Most bytes of a reply, of which a render has most, and what each of its parts counts as at least: the client's parser
#: takes as long for an empty one as for a KiB. Whatever speaks for the server could send either without end.
REPLY_LIMIT: Final = 3 * MiB
PART_COST: Final = 4096

#: Why calls fail: it took too long; there is no connection, or no permission; the server refused; what it said was not
#: what a script of ours returns.
FAILURES: Final = ("timeout", "connection", "refused", "nonsense")


class SharedServerGone(Exception):
    """The shared server can't be asked now; the node goes on by itself."""


class _BoundedParser(_AsyncRESP2Parser):
    """The client's parser, which would read replies of any length.

    It has no public name: the version is locked, and a test fails if this one isn't used.
    """

    __slots__ = ("_left",)

    async def read_response(self, disable_decoding: bool = False) -> Any:  # noqa: FBT001, FBT002 - the client's
        self._left = REPLY_LIMIT
        return await super().read_response(disable_decoding)

    async def _readline(self) -> bytes:
        self._spend(PART_COST)
        return await super()._readline()

    async def _read(self, length: int) -> bytes:
        self._spend(max(0, length))
        return await super()._read(length)

    def _spend(self, cost: int) -> None:
        self._left -= cost
        if self._left < 0:
            raise ValueError("a shorter reply was expected")


class Script:
    """A script that the server runs as a whole.

    Args:
        server: Runs it.
        text: In Lua.
    """

    def __init__(self, server: SharedServer, text: str) -> None:
        self._server = server
        self._text = text
        self._digest = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def run(
        self,
        keys: Sequence[str],
        arguments: Sequence[Argument],
        read: Callable[[object], T],
        *,
        limit_s: float | None = None,
        probe: bool = False,
    ) -> T:
        """Run the script and return what `read` makes of its reply.

        Args:
            keys: What it reads and writes, without the prefix.
            arguments: Of the script.
            read: Raises ValueError if the reply is none that the script gives.
            limit_s: Longest time of the call, in seconds; None for that of the server's calls.
            probe: Ask although the server is out of use, and take it into use again if it answers.

        Raises:
            SharedServerGone: It can't be asked now, or didn't answer in time.
        """
        names = [f"{PREFIX}{key}" for key in keys]
        return await self._server.call(lambda redis: self._run(redis, names, arguments), read, limit_s, probe=probe)

    async def _run(self, redis: client.Redis, names: Sequence[str], arguments: Sequence[Argument]) -> object:
        try:
            return await redis.evalsha(self._digest, len(names), *names, *arguments)
        except NoScriptError:  # the server has been restarted, or we are the first
            return await redis.eval(self._text, len(names), *names, *arguments)


class SharedServer:
    """A Redis that nodes share.

    Args:
        url: With its password; never logged.
        secret: Known to all nodes, and not to the server.
        use: What this node uses it for, for the log.
        on_call: Called after each call with its seconds and the kind of its failure, or None.
        call_limit_s: Longest time of a call that a request waits for, in seconds.
    """

    def __init__(
        self,
        url: str,
        secret: str,
        use: str,
        on_call: Callable[[float, str | None], object] = lambda *_: None,
        call_limit_s: float = CALL_LIMIT_S,
    ) -> None:
        pool = client.ConnectionPool.from_url(
            url,
            socket_timeout=None,  # `call` bounds the whole; a connection whose call is cut is closed
            socket_connect_timeout=None,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            parser_class=_BoundedParser,
            driver_info=None,
        )
        self._redis = client.Redis.from_pool(pool)
        self._address = pool.connection_kwargs.get("host"), pool.connection_kwargs.get("port")
        self._lookup: asyncio.Task[object] | None = None
        self._places = asyncio.Semaphore(CONNECTIONS_LIMIT)
        self._secret = secret.encode()
        self._use = use
        self._on_call = on_call
        self._call_limit_s = call_limit_s
        self._is_up = False
        self._failed_at = float("-inf")

    @property
    def is_up(self) -> bool:
        """Whether requests ask it."""
        return self._is_up

    def script(self, text: str) -> Script:
        """Return a script for this server."""
        return Script(self, text)

    def name(self, purpose: str, of: bytes) -> str:
        """Return a name for something that only holders of the secret can make, and that doesn't tell what it is."""
        return self.tag(purpose, of).hex()[:32]

    def tag(self, purpose: str, data: bytes) -> bytes:
        """Return 32 bytes that prove that `data` comes from a holder of the secret, for one purpose."""
        return hmac.digest(self._secret, purpose.encode() + b"\0" + data, "sha256")

    async def call(
        self,
        ask: Callable[[client.Redis], Awaitable[object]],
        read: Callable[[object], T],
        limit_s: float | None,
        *,
        probe: bool,
    ) -> T:
        """Ask the server; see `Script.run`."""
        async with self._places:
            if not (self._is_up or probe):  # it may have gone while others had all places
                raise SharedServerGone("out of use")
            began = time.monotonic()
            found = await self._asked(ask, read, self._call_limit_s if limit_s is None else limit_s)
        now = time.monotonic()
        if probe and not self._is_up and now - began <= self._call_limit_s and now - self._failed_at >= PAUSE_S:
            self._is_up = True
            logger.info("shared server is in use", use=self._use)
        return found

    async def watch(self, probe: Callable[[], Awaitable[object]]) -> None:
        """Probe the server regularly, for ever.

        Args:
            probe: Runs a script as a probe; may raise `SharedServerGone`.
        """
        while True:
            with suppress(SharedServerGone):
                await probe()
            await asyncio.sleep(PROBE_PERIOD_S)

    async def aclose(self) -> None:
        """Close all connections."""
        if self._lookup is not None:
            self._lookup.cancel()
        await self._redis.aclose()

    async def _asked(
        self, ask: Callable[[client.Redis], Awaitable[object]], read: Callable[[object], T], limit_s: float
    ) -> T:
        began = time.monotonic()
        try:
            async with asyncio.timeout(limit_s):
                if not self._is_up:
                    await self._look_up()
                reply = await ask(self._redis)
            found = read(reply)
        except TimeoutError as error:
            raise self._failed(began, "timeout", error) from error
        except (NoConnection, OSError) as error:
            raise self._failed(began, "connection", error) from error
        except RedisError as error:
            raise self._failed(began, "refused", error) from error
        except Exception as error:  # whatever the client's parser raises, such as RecursionError
            raise self._failed(began, "nonsense", error) from error
        self._on_call(time.monotonic() - began, None)
        return found

    async def _look_up(self) -> None:
        """Wait until the server's name can be resolved.

        The call that connects asks again, and its thread isn't free before the resolver has given up, long after the
        call. All that this process does in threads waits if probes take them one after the other.
        """
        host, port = self._address
        if host is None:  # a unix socket
            return
        if self._lookup is None or self._lookup.done():
            asking = asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
            self._lookup = asyncio.ensure_future(asking)
            self._lookup.add_done_callback(lambda done: done.cancelled() or done.exception())  # perhaps nobody waits
        await asyncio.shield(self._lookup)

    def _failed(self, began: float, kind: str, error: Exception) -> SharedServerGone:
        """Take the server out of use. The log names the kind of error only: its text may have parts of the URL."""
        now = time.monotonic()
        self._on_call(now - began, kind)
        if self._is_up or self._failed_at == float("-inf"):
            logger.warning("shared server is out of use", use=self._use, reason=kind, error=type(error).__name__)
        self._is_up = False
        self._failed_at = now
        return SharedServerGone(kind)
