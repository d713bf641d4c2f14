"""The connections of one listener: what each may do, how many there are, and which one makes room.

    accepted ─> Doorman ─┬─ there is room, or a connection makes room ─> EdgeProtocol ─> handlers
                         └─ all connections work for a key ────────────> 503, closed

Strangers can't keep clients out by holding connections. When all are taken, one that doesn't work for a key makes room:
those that never sent a right key first, and of equals the one that has waited longest. Only if every connection works
for a key is the new one refused. Keys can't bring that about: none may have more connections at work than it leaves to
others, and a request beyond that is refused. A limit for each address is left to a proxy in front: behind one, and on
loopback, all clients have the same address.
"""

from __future__ import annotations

import asyncio
import resource
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from loguru import logger

from gateway.model.errors import KeyShareExceeded, StartError, TooManyConnections
from gateway.observability.logs import LogGate

if TYPE_CHECKING:
    from gateway.model.errors import GatewayError
    from gateway.observability.metrics import Metrics
    from gateway.settings import Settings

#: Bytes of a head, all its lines together; aiohttp bounds each line (8190) and their number (128) only.
HEAD_LIMIT_BYTES = 32 * 1024

#: Refused connections that linger at the same time; those beyond are cut without a response.
FAREWELLS_LIMIT = 64

#: File descriptors beside those of connections: containers' streams, the engine's socket, files.
OTHER_DESCRIPTORS = 256

#: The part of all connections that the only key leaves to others, such as those who ask whether the service is alive.
RESERVE = 8

#: Seconds after which a key that works on its share of connections should try again.
RETRY_S = 5

#: Seconds that the last accepted connections get to bring their key, and between looks whether all is served.
KEY_S = 2.0
LOOK_S = 0.02

#: Seconds from a response to a client's next request by the same connection, in which the connection isn't closed.
NEXT_S = 1.0

FULL = "Too many connections are open"


class Connection(Protocol):
    """One connection that was let in, as far as its listener cares."""

    had_a_key: bool

    @property
    def works_for_a_key(self) -> bool:
        """Whether a request with a right key is being served."""

    @property
    def key(self) -> str | None:
        """The name of that key, if so."""

    @property
    def is_new(self) -> bool:
        """Whether nothing has come yet."""

    @property
    def is_at_work(self) -> bool:
        """Whether a request is under way, from the first byte of its head to the last of its response."""

    def make_room(self, error: GatewayError) -> None:
        """Close at once."""


@dataclass(frozen=True, slots=True)
class EdgeLimits:
    """What connections of one listener may do.

    Attributes:
        connections: How many there may be.
        head_s: Seconds from a head's first byte to its last.
        head_bytes: Bytes of a head.
        request_bytes: Bytes a request may bring after its head, including what delimits its chunks.
    """

    connections: int = 64
    head_s: float = 10.0
    head_bytes: int = HEAD_LIMIT_BYTES
    request_bytes: int = HEAD_LIMIT_BYTES

    @classmethod
    def public(cls, settings: Settings) -> EdgeLimits:
        """Return the limits of the public listener."""
        # More than enough for the largest body and the framing that the protocol allows for it.
        request_bytes = 2 * max(settings.body_limit_bytes, settings.files_limit_bytes) + HEAD_LIMIT_BYTES
        return cls(settings.connections_limit, settings.head_timeout_s, HEAD_LIMIT_BYTES, request_bytes)


class Edge:
    """What all connections of one listener share.

    Args:
        limits: What they may do.
        metrics: Where to count refusals.
    """

    def __init__(self, limits: EdgeLimits, metrics: Metrics) -> None:
        self.limits = limits
        self._metrics = metrics
        #: Since when each has waited for a key's next request, or for its first one, on the clock of `time.monotonic`.
        self._connections: dict[Connection, float] = {}
        self._gates: dict[str, LogGate] = {}
        #: Refused connections that linger.
        self.farewells = 0

    @property
    def connection_count(self) -> int:
        """Connections that were let in and are open."""
        return len(self._connections)

    async def wait_served(self) -> None:
        """Wait until no request of a key is under way; to be called once no more connections are accepted.

        A connection of which no key is known yet may have been accepted a moment ago, so it gets a moment, too; but no
        more, or strangers could hold up the end by sending a head slowly, or by not reading a response. One that has
        just been served gets a moment for its next request: its client may be sending that now, and is told with the
        response to it that the connection closes. One that has been idle for longer is not waited for.
        """
        last_moment = time.monotonic() + KEY_S
        waited_for = True
        while waited_for:
            await asyncio.sleep(LOOK_S)
            now = time.monotonic()
            waited_for = any(
                each.works_for_a_key
                or (now < last_moment and (each.is_new or each.is_at_work))
                or (each.had_a_key and now < entered + NEXT_S)
                for each, entered in self._connections.items()
            )

    def has_room(self) -> bool:
        """Tell whether a connection may be let in, after another one made room if necessary."""
        if len(self._connections) < self.limits.connections:
            return True
        leaving = self._first_to_leave()
        if leaving is None:
            return False
        self.leave(leaving)
        self.note("made-room")
        leaving.make_room(TooManyConnections(FULL))
        return True

    def _first_to_leave(self) -> Connection | None:
        """Return the oldest that never had a key, else the oldest that works for none, or None.

        Whoever connects again and again makes this look for one each time, so it ends with the first that will do:
        where strangers have taken all connections, that is the first of all.
        """
        second_choice = None
        for connection in self._connections:
            if not connection.works_for_a_key:
                if not connection.had_a_key:
                    return connection
                second_choice = second_choice or connection
        return second_choice

    def check_share(self, key: str, key_count: int) -> None:
        """Refuse a request of a key that has as many connections at work as are free of work, those of strangers too.

        So however many keys take all they can, each leaves something for the next (the dynamic thresholds of Choudhury
        and Hahne for buffers that queues share, IEEE/ACM Transactions on Networking 6 (2), 1998).

        Args:
            key: Name of the key that it was sent with; its own connection doesn't work for that yet.
            key_count: How many keys there are: the only one has seven times as many as it leaves free.

        Raises:
            KeyShareExceeded: It has.
        """
        limit = self.limits.connections
        # They are counted only where there are so many at all: looking at 500 takes as long as a tenth of a request.
        if len(self._connections) <= limit // 2:
            return
        at_work = [connection.key for connection in self._connections if connection.key is not None]
        share = (limit - len(at_work)) * (RESERVE - 1 if key_count <= 1 else 1)
        if at_work.count(key) >= share:
            raise KeyShareExceeded("This key has too many requests under way", RETRY_S)

    def enter(self, connection: Connection) -> None:
        """Count a connection as the newest, also one that has worked for a key and begins to wait anew."""
        self._connections.pop(connection, None)
        self._connections[connection] = time.monotonic()

    def leave(self, connection: Connection) -> None:
        """Stop counting a connection."""
        self._connections.pop(connection, None)

    def count_defect(self) -> None:
        """Count a defect of ours that came up while a connection was served."""
        self._metrics.count_internal_error()

    def note(self, reason: str, request_id: str | None = None, cause: str | None = None) -> None:
        """Count a refusal, and log it unless there are too many of its kind.

        Args:
            reason: Why, one of a fixed few.
            request_id: The id that the client is told, if any.
            cause: The kind of what was found, never its text.
        """
        self._metrics.count_refusal(reason)
        left_out = self._gates.setdefault(reason, LogGate()).passes()
        if left_out is not None:
            logger.info(
                "refused at the edge", reason=reason, request_id=request_id, cause=cause, left_out=left_out or None
            )


def check_descriptors(connections: int) -> None:
    """Make sure that there are file descriptors for this many connections.

    Raises:
        StartError: There aren't, and the limit can't be raised.
    """
    needed = connections + FAREWELLS_LIMIT + OTHER_DESCRIPTORS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise StartError(
            f"{needed} file descriptors are needed and {hard} allowed: raise the limit (ulimit -n), or lower "
            "FIGBOX_CONNECTIONS_LIMIT"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
