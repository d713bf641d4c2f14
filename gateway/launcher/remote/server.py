"""The launcher as a process of its own: the server's side of the socket.

Theory of operation. A connection is accepted, the kernel tells its peer's uid, and a peer that isn't allowed is cut
off before a byte is read. What comes first decides what it is (see `gateway.launcher.remote.messages`): a closed
sending side makes it a watcher, which is sent the state every other second; a job's document makes it a job. Before its
bytes are read, a job needs a place, of which there are as many as jobs may run at once, and memory; when it is done,
its result is written and the connection closed. A peer that hangs up earlier cancels its job, and the container is
killed.

Bounded are the connections, the watchers, the time for each part of what a peer sends and for reading what we send, and
every length. What a peer does wrong is logged as a constant line, and not too often.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
from collections import defaultdict
from traceback import clear_frames
from typing import TYPE_CHECKING

from loguru import logger

from gateway.admission import Admission
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
    parse_job,
    read_data,
    read_frame,
)
from gateway.launcher.runner.frames import FRAME_HEAD
from gateway.memory.malloc import keep_tidy
from gateway.memory.memory_plan import launcher_budget, received_job_bytes
from gateway.model.codec import MalformedDocument, build, length_of_data
from gateway.model.errors import EngineError, GatewayError, InvalidRequest, ShuttingDown
from gateway.model.jobs import Job, KiB
from gateway.model.results import Stages
from gateway.observability.logs import LogGate
from gateway.shutdown import Shutdown
from gateway.startup.service_manager import STARTING, ServiceManager, described

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from gateway.launcher.interface import Launcher
    from gateway.launcher.sizing import Sizes
    from gateway.memory.byte_budget import ByteBudget, Hold
    from gateway.model.results import Result
    from gateway.settings import LauncherProcessSettings

#: Connections at once beside those of running jobs: watchers, waiting jobs, whatever a peer tries.
CONNECTIONS_LIMIT = 64

#: Watchers at once.
WATCHERS_LIMIT = 8

#: Seconds a peer may take to send its first frame, and to send the bytes of a job.
ASK_LIMIT_S = 5.0
SEND_LIMIT_S = 20.0

#: Seconds a peer may take to read a result or a state.
READ_LIMIT_S = 20.0

#: Seconds a peer may go on sending a job that was refused.
LINGER_LIMIT_S = 5.0

#: Seconds a job may wait for a place. A gateway admits no more jobs than there are places, so a job waits only until
#: the connection of an ended one has closed, or for the jobs of another gateway.
PLACE_LIMIT_S = 10.0

#: Seconds between looks at the state, and between two messages to a watcher while nothing changes.
LOOK_S = 0.25
TELL_S = 2.0

#: Seconds to wait when no connection can be accepted, for want of descriptors.
ACCEPT_PAUSE_S = 0.1

#: The one key of all jobs here: which client they are of is the gateway's business.
GATEWAY = "gateway"

#: Bytes of a stream that are read ahead.
READ_AHEAD = 64 * KiB


async def serve(settings: LauncherProcessSettings, started: Callable[[], None] = lambda: None) -> None:
    """Run the launcher until a signal ends it.

    Args:
        settings: Validated settings.
        started: Called once gateways can connect.

    Raises:
        StartError: It can't start; the text says what to do.
    """
    ending = Shutdown()
    manager = ServiceManager()
    manager.status(STARTING)
    async with contextlib.AsyncExitStack() as stack:
        listener = stack.enter_context(listening(settings.socket))
        counters = PlainCounters()
        memory = launcher_budget(settings, CONNECTIONS_LIMIT, PLACE_LIMIT_S)
        launcher = EngineLauncher(settings, counters)
        stack.push_async_callback(launcher.aclose)
        ending.install(asyncio.get_running_loop())
        server = LauncherServer(launcher, counters, settings.peer_uids, await launcher.start(), memory)
        stack.push_async_callback(server.aclose)
        server.start(listener)
        tidying = asyncio.create_task(keep_tidy([memory]))
        stack.callback(tidying.cancel)
        logger.info("listening", socket=str(settings.socket), peers=sorted(settings.peer_uids))
        started()
        manager.ready()
        following = asyncio.create_task(
            manager.follow(lambda: described(server.not_ready, server.running_count), lambda: server.works)
        )
        stack.callback(following.cancel)
        await ending.wait()
        manager.stopping()
        logger.info("shutting down", running=server.running_count)
        server.refuse()
        if not await ending.drain(server.wait_idle(), settings.grace_s):
            logger.warning("grace period is over", running=server.running_count)
        await server.aclose()
        await launcher.aclose()
    logger.info("stopped")


class LauncherServer:
    """Serves gateways.

    Args:
        launcher: Runs the jobs.
        counters: Where the launcher counts.
        peers: Uids that may connect.
        sizes: How many jobs may run at once, until the launcher says otherwise.
        memory: What jobs and their results may take.
    """

    def __init__(
        self, launcher: Launcher, counters: PlainCounters, peers: frozenset[int], sizes: Sizes, memory: ByteBudget
    ) -> None:
        self._memory = memory
        self._launcher = launcher
        self._counters = counters
        self._peers = peers
        self._sizes = sizes
        self._instance = secrets.token_hex(8)
        # All jobs count as one key's, so they get their places in the order in which they came.
        self._places = Admission(
            running_limit=sizes.running,
            queue_limit=CONNECTIONS_LIMIT,
            queue_wait_s=PLACE_LIMIT_S,
            key_limit=sys.maxsize,
        )
        self._connections: set[asyncio.Task[None]] = set()
        self._watchers = 0
        self._closing = False
        self._acceptor: asyncio.Task[None] | None = None
        #: One for each event, so that a flood of one doesn't hide the others.
        self._complaints: defaultdict[str, LogGate] = defaultdict(LogGate)
        launcher.on_sizes = self._follow_sizes

    @property
    def running_count(self) -> int:
        """Jobs that hold a place."""
        return self._places.running_count

    @property
    def works(self) -> bool:
        """Whether connections are accepted, and the launcher isn't broken."""
        return self._acceptor is not None and not self._acceptor.done() and not self._launcher.is_broken

    def start(self, listener: socket.socket) -> None:
        """Begin to accept connections."""
        self._acceptor = asyncio.create_task(self._accept(listener), name="launcher-accept")

    def refuse(self) -> None:
        """Accept no more jobs, and refuse those that wait; those that run go on."""
        self._closing = True
        self._places.close()

    async def wait_idle(self) -> None:
        """Wait until no job runs."""
        await self._places.wait_empty()

    async def aclose(self) -> None:
        """Close every connection, which cancels every job."""
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
                self._complain("connection not accepted", error=error.strerror)
                await asyncio.sleep(ACCEPT_PAUSE_S)
                continue
            if not self._may_stay(connection):
                connection.close()
                continue
            task = asyncio.create_task(self._attend(connection))
            self._connections.add(task)
            task.add_done_callback(self._connections.discard)

    def _may_stay(self, connection: socket.socket) -> bool:
        """Tell whether a connection is a peer's and there is room for it; nothing has been read from it yet."""
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
        writer.transport.set_write_buffer_limits(high=0)  # so that draining waits until all is written
        try:
            async with asyncio.timeout(ASK_LIMIT_S):
                frame = await read_frame(reader, {JOB: JOB_DOCUMENT_LIMIT})
            if frame is None:
                await self._tell(writer)
            else:
                with self._memory.hold(GATEWAY) as hold:
                    await self._serve(frame[1], reader, writer, hold)
        except (MalformedMessage, MalformedDocument) as error:
            self._complain("peer broke the protocol", reason=str(error))
            refusal = InvalidRequest("the launcher does not understand the request")
            with contextlib.suppress(OSError):
                await _write(writer, encode_failure(refusal, Stages()))
        except TimeoutError:
            self._complain("peer too slow")
        except OSError as error:  # the peer is gone
            clear_frames(error.__traceback__)  # the reader keeps the error, and so all that its traceback knows
        finally:
            writer.transport.abort()

    def _complain(self, event: str, **fields: object) -> None:
        """Log what a peer did wrong, unless that happens too often; a peer's own words are never logged."""
        left_out = self._complaints[event].passes()
        if left_out is not None:
            logger.warning(event, **fields, left_out=left_out or None)

    # Jobs

    async def _serve(
        self, document: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hold: Hold
    ) -> None:
        """Run the job of a document, and write what came of it; all of that is held until it is written."""
        parsed = parse_job(document)
        length = length_of_data(Job, parsed)
        unread = FRAME_HEAD.size + length
        stages = Stages()
        try:
            async with self._places.place(GATEWAY):
                await hold.grow(received_job_bytes(self._output_limit_bytes(), length))
                async with asyncio.timeout(SEND_LIMIT_S):
                    data = await read_data(reader, length, JOB_DATA_LIMIT)
                unread = 0
                job = build(Job, parsed, data)
                check_job(job)
                del parsed, data
                result = await self._run(job, stages, reader)
                del job
        except GatewayError as error:
            if isinstance(error, EngineError):
                logger.error("job failed", reason=str(error), cause=error.cause)
            await _write(writer, encode_failure(error, stages))
            await _read_off(reader, unread)
        else:
            if result is not None:
                pieces = encode_result(result)
                hold.shrink(2 * sum(map(len, pieces)))  # what isn't written yet is kept twice
                await _write(writer, pieces)

    async def _run(self, job: Job, stages: Stages, reader: asyncio.StreamReader) -> Result | None:
        """Run a job while its peer is connected; return None if it hangs up.

        Raises:
            MalformedMessage: The peer sent more than its job.
            GatewayError: The job failed.
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

    def _output_limit_bytes(self) -> int:
        """Return the most that any job may write."""
        return max((facts.limits.output_limit_bytes for facts in self._launcher.environments.values()), default=0)

    def _follow_sizes(self, sizes: Sizes) -> None:
        self._sizes = sizes
        self._places.resize(sizes.running)

    # Watchers

    async def _tell(self, writer: asyncio.StreamWriter) -> None:
        """Send the state, and again whenever it changes, until the peer is gone."""
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

    @property
    def not_ready(self) -> str | None:
        """Why a job would fail now, or None."""
        return "the launcher is shutting down" if self._closing else self._launcher.not_ready

    def state(self) -> State:
        """Return the launcher's present state."""
        return State(
            schema=SCHEMA,
            instance=self._instance,
            not_ready=self.not_ready,
            verdict=self._launcher.verdict,
            sizes=self._sizes,
            environments=tuple(self._launcher.environments.values()),
            warm_starts=tuple(self._launcher.warm_starts),
            counts=self._counters.counts,
            gauges=self._counters.gauges,
        )


def _outcome(run: asyncio.Task[Result]) -> Result:
    """Return a job's result or raise its error; a bug of ours is raised without details."""
    error = run.exception()
    if error is None:
        return run.result()
    if isinstance(error, GatewayError):
        raise error
    logger.opt(exception=error).error("internal error")
    raise GatewayError("the launcher failed because of a bug") from error


async def _read_off(reader: asyncio.StreamReader, unread: int) -> None:
    """Read what is left of a refused job, of so many bytes at most, or until the peer hangs up.

    A unix socket that is closed with bytes unread resets the connection (unix(7), ECONNRESET): a peer that is sending
    its job may see that before the refusal.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(LINGER_LIMIT_S):
            while unread > 0 and (read := await reader.read(min(unread, READ_AHEAD))):
                unread -= len(read)


async def _write(writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
    """Write all pieces, and give up on a peer that doesn't read them.

    Raises:
        TimeoutError: The peer doesn't read.
        OSError: The peer is gone.
    """
    for piece in pieces:
        writer.write(piece)
    async with asyncio.timeout(READ_LIMIT_S):
        await writer.drain()
