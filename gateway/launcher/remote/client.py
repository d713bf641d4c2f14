"""The gateway's side of a launcher in a process of its own.

On one connection the launcher reports its state: what it can do and what it has counted. Every job has a connection of
its own; closing it kills the job's container. When the first connection breaks or falls silent, the launcher is lost:
jobs under way fail at once, new ones are refused, and the gateway reconnects until the launcher is back. Nothing here
knows an engine.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from loguru import logger

from gateway.launcher.interface import GAUGES
from gateway.launcher.remote.counters import add_growth
from gateway.launcher.remote.messages import (
    FAILURE,
    FAILURE_DOCUMENT_LIMIT,
    RESULT,
    RESULT_DATA_LIMIT,
    RESULT_DOCUMENT_LIMIT,
    SCHEMA,
    STATE,
    STATE_DOCUMENT_LIMIT,
    Failure,
    MalformedMessage,
    State,
    encode_job,
    error_of,
    read_data,
    read_frame,
)
from gateway.launcher.sizing import Sizes
from gateway.model.codec import MalformedDocument, build, length_of_data, parse
from gateway.model.errors import EngineUnavailable, ShuttingDown
from gateway.model.jobs import MiB
from gateway.model.results import Result, Stages

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gateway.launcher.interface import Counters
    from gateway.launcher.selftest.verdict import Verdict
    from gateway.launcher.snapshot.warm_start import WarmStart
    from gateway.model.jobs import EnvironmentFacts, Job

#: Seconds to connect, and to send a job.
CONNECT_LIMIT_S = 5.0
SEND_LIMIT_S = 30.0

#: Seconds that a launcher may take to end a job that was given up.
LEAVE_LIMIT_S = 10.0

#: Seconds a launcher may be silent; it reports every other second, and its event loop never blocks for long.
SILENCE_LIMIT_S = 8.0

#: Seconds to wait for the launcher at the start before going on without it, and between attempts to connect.
START_LIMIT_S = 3.0
RETRY_S = 0.5

#: Bytes of a stream that are read ahead.
READ_AHEAD = 1 * MiB

#: The sizes until a launcher has reported any; every job is refused meanwhile.
UNKNOWN_SIZES = Sizes(running=1, pool=0)

#: The stages that the gateway itself measures.
OWN_STAGES = frozenset({"queue_ms"})

#: What can be wrong with a launcher's message: it is malformed, or it breaks off.
BROKEN = (MalformedMessage, MalformedDocument, OSError)


class LauncherClient:
    """Runs jobs through a launcher behind a unix socket; see `gateway.launcher.interface.Launcher`.

    Args:
        path: Of the socket.
        counters: Where to add what the launcher has counted.
    """

    def __init__(self, path: Path, counters: Counters) -> None:
        self._path = path
        self._counters = counters
        self.on_sizes: Callable[[Sizes], None] = lambda _: None
        self._state: State | None = None
        self._sizes = UNKNOWN_SIZES
        self._last_instance: str | None = None
        self._last_counts: Mapping[str, int] = {}
        self._reason = "the launcher has not been reached yet"
        self._reached = asyncio.Event()
        #: Done when the present launcher is lost.
        self._lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._closing = False
        self._watch: asyncio.Task[None] | None = None
        for name, text in GAUGES.items():
            counters.watch(name, text, partial(self._gauge, name))

    @property
    def not_ready(self) -> str | None:
        """Why a job would fail now, or None."""
        return self._reason if self._state is None else self._state.not_ready

    @property
    def is_broken(self) -> bool:
        """Whether nothing watches the launcher any more."""
        return self._watch is not None and self._watch.done()

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the last self-test; None as long as none is known."""
        return None if self._state is None else self._state.verdict

    @property
    def warm_starts(self) -> Sequence[WarmStart]:
        """How the runners of each environment start."""
        return () if self._state is None else self._state.warm_starts

    @property
    def environments(self) -> Mapping[str, EnvironmentFacts]:
        """The environments that jobs can name."""
        return {} if self._state is None else {facts.name: facts for facts in self._state.environments}

    async def start(self) -> Sizes:
        """Connect to the launcher, or go on without it if it isn't there yet."""
        self._watch = asyncio.create_task(self._watch_on(), name="launcher-watch")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_LIMIT_S):
                await self._reached.wait()
        if self._state is None:
            logger.warning("launcher not reached", socket=str(self._path), reason=self._reason)
        return self._sizes

    async def run(self, job: Job, stages: Stages) -> Result:
        """Run one job; see `Launcher.run`."""
        if self._closing:
            raise ShuttingDown("The service is shutting down")
        if self._state is None:
            raise EngineUnavailable(self._reason)
        lost = self._lost
        asking = asyncio.ensure_future(self._ask(job, lost))
        try:
            waits: list[asyncio.Future[Any]] = [asking, lost]
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            if not asking.done():
                raise EngineUnavailable("the launcher was lost while it ran a job")
            message = asking.result()
        except BROKEN as error:
            raise EngineUnavailable("the launcher sent no result") from error
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)
        _take_over(stages, message.stages)
        if isinstance(message, Failure):
            raise error_of(message)
        return replace(message, stages=stages)

    async def aclose(self) -> None:
        """Disconnect; what the launcher still runs for us ends with our connections."""
        self._closing = True
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    # Jobs

    async def _ask(self, job: Job, lost: asyncio.Future[None]) -> Result | Failure:
        """Hand a job over and return the launcher's message; cancelling it hangs up, and waits until the job has ended.

        Its place here is not free before that: the launcher serves all keys in one queue, and whoever hangs up again
        and again would fill it.

        Raises:
            MalformedMessage, MalformedDocument, OSError: No readable message comes.
        """
        reader, writer = await self._connect()
        try:
            # At the same time, since a launcher that refuses a job doesn't read all of it.
            sending = asyncio.create_task(_send(writer, encode_job(job)))
            try:
                return await _read_message(reader)
            finally:
                sending.cancel()
                await asyncio.gather(sending, return_exceptions=True)
        except asyncio.CancelledError:
            await _leave(reader, writer, lost)
            raise
        finally:
            writer.transport.abort()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        try:
            async with asyncio.timeout(CONNECT_LIMIT_S):
                return await asyncio.open_unix_connection(self._path, limit=READ_AHEAD)
        except TimeoutError as error:
            raise MalformedMessage("the launcher accepts no connection") from error

    # Watching

    async def _watch_on(self) -> None:
        """Watch the launcher, and reconnect whenever it is lost."""
        while True:
            try:
                await self._watch_one()
            except TimeoutError:
                self._lose("the launcher does not respond")
            except FileNotFoundError:
                self._lose("the launcher has no socket yet")
            except OSError as error:
                self._lose(f"the launcher can't be reached: {error.strerror}")
            except (MalformedMessage, MalformedDocument):
                self._lose("the launcher is of another version than the gateway")
            await asyncio.sleep(RETRY_S)

    async def _watch_one(self) -> None:
        """Take in the states that one launcher reports, until it stops."""
        reader, writer = await self._connect()
        try:
            writer.write_eof()  # which makes us a watcher
            while True:
                async with asyncio.timeout(SILENCE_LIMIT_S):
                    frame = await read_frame(reader, {STATE: STATE_DOCUMENT_LIMIT})
                if frame is None:
                    raise ConnectionResetError(0, "it has ended")
                self._take_in(build(State, parse(frame[1]), b""))
        finally:
            writer.transport.abort()

    def _take_in(self, state: State) -> None:
        if state.schema != SCHEMA:
            raise MalformedMessage("another schema")
        before, self._state = self._state, state
        if before is None:
            logger.info("launcher ready" if state.not_ready is None else "launcher found", reason=state.not_ready)
            self._lost = asyncio.get_running_loop().create_future()
        if state.sizes != self._sizes:
            self._sizes = state.sizes
            self.on_sizes(state.sizes)
        if state.instance != self._last_instance:
            self._last_instance, self._last_counts = state.instance, {}
        add_growth(self._counters, self._last_counts, state.counts)
        self._last_counts = state.counts
        self._reached.set()

    def _lose(self, reason: str) -> None:
        if self._state is not None:
            logger.error("launcher lost", reason=reason)
            self._state = None
            self._counters.count_engine_failure()
        self._reason = reason
        if not self._lost.done():
            self._lost.set_result(None)

    def _gauge(self, name: str) -> float:
        return 0.0 if self._state is None else self._state.gauges.get(name, 0.0)


def _take_over(stages: Stages, reported: Stages) -> None:
    """Copy the stages that the launcher measured beside those that the gateway measures itself."""
    for stage in fields(reported):
        if stage.name not in OWN_STAGES:
            setattr(stages, stage.name, getattr(reported, stage.name))


async def _send(writer: asyncio.StreamWriter, pieces: list[bytes]) -> None:
    for piece in pieces:
        writer.write(piece)
    async with asyncio.timeout(SEND_LIMIT_S):
        await writer.drain()


async def _leave(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lost: asyncio.Future[None]) -> None:
    """Tell the launcher that a job is given up, and wait until it has hung up, too, or is lost."""
    with contextlib.suppress(OSError):
        writer.write_eof()
    ended = asyncio.create_task(_read_off(reader))
    try:
        await asyncio.wait({ended, lost}, timeout=LEAVE_LIMIT_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        await asyncio.gather(ended, return_exceptions=True)


async def _read_off(reader: asyncio.StreamReader) -> None:
    while await reader.read(READ_AHEAD):
        pass


async def _read_message(reader: asyncio.StreamReader) -> Result | Failure:
    frame = await read_frame(reader, {RESULT: RESULT_DOCUMENT_LIMIT, FAILURE: FAILURE_DOCUMENT_LIMIT})
    if frame is None:
        raise MalformedMessage("the launcher hung up")
    kind, document = frame
    parsed = parse(document)
    if kind == FAILURE:
        return build(Failure, parsed, b"")
    data = await read_data(reader, length_of_data(Result, parsed), RESULT_DATA_LIMIT)
    return build(Result, parsed, data)
