"""The launcher as a process of its own: the server's side of the socket.

Theory of operation. A connection is accepted, the kernel tells its peer's uid, and a peer that isn't allowed is cut
off before a byte is read. What comes first decides what it is (see `gateway.launcher.remote.messages`): a closed
sending side makes it a watcher, which is sent the state every other second; a job's document makes it a job. A job
takes one of as many places as jobs may run at once, whatever the gateway believes, before its bytes are read; its
reply is written when it is done, and the connection closed. A peer that hangs up before has cancelled its job: the
container is killed.

Bounded are: connections, watchers, the time a peer may take for each part of what it says, the time it may take to
read our answer, and every length. What a peer does wrong is counted and logged as one constant line, not too many.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections import defaultdict, deque
from typing import TYPE_CHECKING

from loguru import logger

from gateway.launcher.launcher import EngineLauncher
from gateway.launcher.remote.counters import PlainCounters
from gateway.launcher.remote.listener import listening, peer_of
from gateway.launcher.remote.messages import (
    JOB,
    JOB_DATA_LIMIT,
    JOB_DOCUMENT_LIMIT,
    SCHEMA,
    MalformedMessage,
    State,
    check_job,
    encode_failure,
    encode_result,
    encode_state,
    read_data,
    read_frame,
)
from gateway.model.codec import MalformedDocument, build, length_of_data, parse
from gateway.model.errors import EngineError, GatewayError, InvalidRequest, QueueTimeout, ShuttingDown
from gateway.model.jobs import Job, KiB
from gateway.model.results import Stages
from gateway.observability.logs import LogGate
from gateway.shutdown import Shutdown

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

    from gateway.launcher.interface import Launcher
    from gateway.launcher.sizing import Sizes
    from gateway.model.results import Result
    from gateway.settings import LauncherProcessSettings

#: Connections at once, beside one for each job that may run: watchers, waiting jobs, whatever a peer tries.
CONNECTIONS_LIMIT = 64

#: Connections at once that only watch.
WATCHERS_LIMIT = 8

#: Seconds a peer may take to say what it wants, and to send the bytes of a job.
ASK_LIMIT_S = 5.0
SEND_LIMIT_S = 20.0

#: Seconds a peer may take to read an answer or a state.
READ_LIMIT_S = 20.0

#: Seconds a job may wait for a place. A gateway admits no more jobs than there are places, so it is only ever the
#: moment in which an ended job's connection goes, or another gateway's.
PLACE_LIMIT_S = 10.0

#: Seconds between looks at the state, and between two that are told to a watcher when nothing has changed.
LOOK_S = 0.25
TELL_S = 2.0

#: Seconds to wait when no connection can be taken for want of descriptors.
ACCEPT_PAUSE_S = 0.1

#: Bytes of a stream that are read ahead.
READ_AHEAD = 64 * KiB


async def serve(settings: LauncherProcessSettings, started: Callable[[], None] = lambda: None) -> None:
    """Run the launcher until a signal ends it.

    Args:
        settings: Validated settings.
        started: Called once gateways are answered.

    Raises:
        StartError: It can't start; the text says what to do.
    """
    ending = Shutdown()
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(listening(settings.socket))
        counters = PlainCounters()
        launcher = EngineLauncher(settings, counters)
        stack.push_async_callback(launcher.aclose)
        ending.install(asyncio.get_running_loop())
        server = LauncherServer(launcher, counters, settings.peer_uids, await launcher.start())
        stack.push_async_callback(server.aclose)
        server.start(listener)
        logger.info("listening", socket=str(settings.socket), peers=sorted(settings.peer_uids))
        started()
        await ending.wait()
        logger.info("shutting down", running=server.running_count)
        server.refuse()
        if not await ending.drain(server.wait_idle(), settings.grace_s):
            logger.warning("grace period is over", running=server.running_count)
        await server.aclose()
        await launcher.aclose()
    logger.info("stopped")


class LauncherServer:
    """Answers gateways.

    Args:
        launcher: Runs the jobs.
        counters: What it counts in.
        peers: Uids that may ask.
        sizes: How many jobs may run at once, as long as the launcher says nothing else.
    """

    def __init__(self, launcher: Launcher, counters: PlainCounters, peers: frozenset[int], sizes: Sizes) -> None:
        self._launcher = launcher
        self._counters = counters
        self._peers = peers
        self._sizes = sizes
        self._instance = secrets.token_hex(8)
        self._places = _Places(sizes.running)
        self._connections: set[asyncio.Task[None]] = set()
        self._watchers = 0
        self._closing = False
        self._acceptor: asyncio.Task[None] | None = None
        #: One for each kind, so that a flood of one hides no other.
        self._complaints: defaultdict[str, LogGate] = defaultdict(LogGate)
        launcher.on_sizes = self._follow_sizes

    @property
    def running_count(self) -> int:
        """Jobs that hold a place."""
        return self._places.taken

    def start(self, listener: socket.socket) -> None:
        """Begin to take connections."""
        self._acceptor = asyncio.create_task(self._accept(listener), name="launcher-accept")

    def refuse(self) -> None:
        """Take no more jobs; those that run go on."""
        self._closing = True

    async def wait_idle(self) -> None:
        """Wait until no job runs."""
        await self._places.wait_empty()

    async def aclose(self) -> None:
        """Close every connection, and so cancel every job."""
        tasks = [*self._connections, *([self._acceptor] if self._acceptor is not None else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Connections

    async def _accept(self, listener: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(listener)
            except OSError as error:
                self._complain("connection not taken", error=error.strerror)
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            if not self._may_stay(connection):
                connection.close()
                continue
            task = asyncio.create_task(self._attend(connection))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    def _may_stay(self, connection: socket.socket) -> bool:
        """Tell whether a connection is a peer's, and one that there is room for; nothing of it has been read."""
        try:
            uid = peer_of(connection)
        except OSError:
            return False
        if uid not in self._peers:
            self._complain("stranger refused", uid=uid)
            return False
        if len(self._connections) >= CONNECTIONS_LIMIT + self._sizes.running:
            self._complain("too many connections")
            return False
        return True

    async def _attend(self, connection: socket.socket) -> None:
        reader, writer = await asyncio.open_unix_connection(sock=connection, limit=READ_AHEAD)
        writer.transport.set_write_buffer_limits(high=0)  # so that a drained stream has been handed over whole
        try:
            async with asyncio.timeout(ASK_LIMIT_S):
                frame = await read_frame(reader, {JOB: JOB_DOCUMENT_LIMIT})
            if frame is None:
                await self._tell(writer)
            else:
                await self._serve(frame[1], reader, writer)
        except (MalformedMessage, MalformedDocument) as error:
            self._complain("peer broke the protocol", reason=str(error))
            refusal = InvalidRequest("the launcher was asked something unknown")
            with contextlib.suppress(OSError):
                await _write(writer, encode_failure(refusal, Stages()))
        except TimeoutError:
            self._complain("peer too slow")
        except OSError:
            return  # it is gone, and with it whoever could be told
        finally:
            writer.transport.abort()

    def _complain(self, event: str, **fields: object) -> None:
        """Log what a peer did wrong, unless such lines come too often; a peer's own words are in none."""
        left_out = self._complaints[event].passes()
        if left_out is not None:
            logger.warning(event, **fields, left_out=left_out or None)

    # Jobs

    async def _serve(self, document: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Run the job of a document, and answer."""
        parsed = parse(document)
        length = length_of_data(Job, parsed)
        stages = Stages()
        try:
            async with self._places.hold(PLACE_LIMIT_S):
                async with asyncio.timeout(SEND_LIMIT_S):
                    data = await read_data(reader, length, JOB_DATA_LIMIT)
                job = build(Job, parsed, data)
                check_job(job)
                del parsed, data
                result = await self._run(job, stages, reader)
        except GatewayError as error:
            if isinstance(error, EngineError):
                logger.error("job failed", reason=str(error), cause=error.cause)
            await _write(writer, encode_failure(error, stages))
        else:
            if result is not None:
                await _write(writer, encode_result(result))

    async def _run(self, job: Job, stages: Stages, reader: asyncio.StreamReader) -> Result | None:
        """Run a job for as long as its peer is there; return None when it has gone.

        Raises:
            MalformedMessage: The peer says more than its job.
            GatewayError: One of ours.
        """
        if self._closing:
            raise ShuttingDown("The service is shutting down")
        run = asyncio.create_task(self._launcher.run(job, stages))
        gone = asyncio.create_task(reader.read(1))
        try:
            await asyncio.wait({run, gone}, return_when=asyncio.FIRST_COMPLETED)
            if run.done():
                return _outcome(run)
            if gone.exception() is None and gone.result():
                raise MalformedMessage("more came than a job")
            logger.info("job cancelled by its peer")
            return None
        finally:
            for task in (run, gone):
                task.cancel()
            await asyncio.gather(run, gone, return_exceptions=True)

    def _follow_sizes(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._places.resize(sizes.running)

    # Watchers

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        """Tell the state, and again whenever it changes, until the peer is gone."""
        if self._watchers >= WATCHERS_LIMIT:
            self._complain("too many watchers")
            return
        self._watchers += 1
        try:
            told: State | None = None
            told_at = 0.0
            loop = asyncio.get_running_loop()
            while not writer.is_closing():
                state = self.state()
                if state != told or loop.time() - told_at >= TELL_S:
                    await _write(writer, encode_state(state))
                    told, told_at = state, loop.time()
                await asyncio.sleep(LOOK_S)
        finally:
            self._watchers -= 1

    def state(self) -> State:
        """Return how the launcher is doing now."""
        return State(
            schema=SCHEMA,
            instance=self._instance,
            not_ready="the launcher is shutting down" if self._closing else self._launcher.not_ready,
            verdict=self._launcher.verdict,
            sizes=self._sizes,
            environments=tuple(self._launcher.environments.values()),
            counts=self._counters.counts,
            gauges=self._counters.gauges,
        )


class _Places:
    """As many places as jobs may run at once; who comes first gets the next one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._empty = asyncio.Event()
        self._empty.set()
        self.taken = 0

    def resize(self, limit: int) -> None:
        """Go on with another number of places."""
        self._limit = limit
        self._hand_out()

    async def wait_empty(self) -> None:
        """Wait until none is taken."""
        await self._empty.wait()

    @contextlib.asynccontextmanager
    async def hold(self, limit_s: float) -> AsyncIterator[None]:
        """Hold a place.

        Raises:
            QueueTimeout: None fell free in time.
        """
        await self._take(limit_s)
        try:
            yield
        finally:
            self._give_back()

    async def _take(self, limit_s: float) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._hand_out()
        try:
            async with asyncio.timeout(limit_s):
                await waiter
        except BaseException as error:
            if waiter.done() and not waiter.cancelled():
                self._give_back()  # it came in the very moment of giving up
            else:
                with contextlib.suppress(ValueError):  # whoever handed places out has seen that it gave up
                    self._waiting.remove(waiter)
            if isinstance(error, TimeoutError):
                raise QueueTimeout("The launcher runs as many jobs as it may") from error
            raise

    def _give_back(self) -> None:
        self.taken -= 1
        if not self.taken:
            self._empty.set()
        self._hand_out()

    def _hand_out(self) -> None:
        while self._waiting and self.taken < self._limit:
            waiter = self._waiting.popleft()
            if not waiter.done():
                self.taken += 1
                self._empty.clear()
                waiter.set_result(None)


def _outcome(run: asyncio.Task[Result]) -> Result:
    """Return what a job gave; raise what it raised, a defect of ours as one that names nothing."""
    error = run.exception()
    if error is None:
        return run.result()
    if isinstance(error, GatewayError):
        raise error
    logger.opt(exception=error).error("internal error")
    raise GatewayError("the launcher failed by a defect of its own") from error


async def _write(writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
    """Write all of it, and give up on a peer that doesn't read.

    Raises:
        TimeoutError: It doesn't.
        OSError: It is gone.
    """
    for piece in pieces:
        writer.write(piece)
    async with asyncio.timeout(READ_LIMIT_S):
        await writer.drain()
