"""Stand-ins for the parts that need an engine, and small helpers to wait by.

They hold no logic worth testing: a fake does what its test tells it to, and remembers what was asked of it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import struct
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from gateway.launcher.container import Container
from gateway.launcher.engine.engine import ExitState
from gateway.launcher.sizing import Sizes
from gateway.model.errors import EngineUnavailable
from gateway.model.jobs import DEFAULT_ENVIRONMENT, EnvironmentFacts, Format, Limits
from gateway.model.results import Figure, Outcome, Picture, Result
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping

    from gateway.launcher.runner.reply import ReplyReader
    from gateway.launcher.selftest.verdict import Verdict
    from gateway.launcher.snapshot.warm_start import WarmStart
    from gateway.model.jobs import Job
    from gateway.model.results import Stages, Usage

#: The API key of every gateway under test.
KEY = "6bPq0LrX2uWzT9gEdV4mJhYc7KsNfA1o"

#: Seconds that a test waits for a condition, unless it says otherwise.
DEADLINE_S = slowed(30)

#: The smallest PNG: one grey pixel.
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c636000000002000148afa4710000000049454e44ae426082"
)

#: The one environment that a launcher has, unless a test says otherwise.
DEFAULT_FACTS = EnvironmentFacts(
    DEFAULT_ENVIRONMENT, "sha256:1", "default", Limits(), {"python": "3"}, {"numpy": "2"}, "f"
)


async def until(
    condition: Callable[[], object], what: str = "what the test waits for", limit_s: float = DEADLINE_S
) -> None:
    """Wait until a condition holds; fail with `what` when it doesn't in time."""
    end = time.monotonic() + limit_s
    pause_s = 0.001
    while not condition():
        assert time.monotonic() < end, f"not within {limit_s:g} s: {what}"
        await asyncio.sleep(pause_s)
        pause_s = min(1.5 * pause_s, 0.05)


def wait_until(condition: Callable[[], object], what: str, limit_s: float = DEADLINE_S) -> None:
    """Do the same where there is no event loop."""
    asyncio.run(until(condition, what, limit_s))


async def settle(turns: int = 12) -> None:
    """Give every task that can go on the turns to do so."""
    for _ in range(turns):
        await asyncio.sleep(0)


def block(stream: int, payload: bytes) -> bytes:
    """Return one block of an engine's attach stream."""
    return struct.pack(">BxxxI", stream, len(payload)) + payload


class FakeConversation:
    """A conversation that is idle until the test spoils it; exchanges what it was given.

    Attributes:
        stdout: What the runner writes before that.
        said: What it says of its figures after that, as `answer`.
    """

    def __init__(self, answer: object = None, stdout: bytes = b"", said: object = None) -> None:
        self.is_idle = True
        self.on_spoilt: Callable[[], None] | None = None
        self.closed = False
        self.answer = answer
        self.said = said
        self.stdout = stdout
        self.jobs: list[bytes] = []

    def spoil(self) -> None:
        """Die or speak while waiting, as a real one would."""
        self.is_idle = False
        if self.on_spoilt is not None:
            self.on_spoilt()

    def close(self) -> None:
        """End it."""
        self.is_idle = False
        self.closed = True

    async def exchange(self, job_frames: bytes, reader: ReplyReader, output_limit_bytes: int) -> object:
        """Return what the test set, raise it if it is an error, or wait for ever when nothing is set."""
        self.jobs.append(job_frames)
        reader.feed(self.stdout)
        return await self._answer(self.answer)

    async def explanations(self) -> object:
        """Do the same with what it says of its figures."""
        return await self._answer(self.said)

    async def _answer(self, answer: object) -> object:
        if answer is None:
            await asyncio.get_running_loop().create_future()
        if isinstance(answer, Exception):
            raise answer
        return answer


class FakeMaker:
    """Makes containers without an engine, and remembers all it made.

    Attributes:
        held: Makes wait for `finish` when True; else they succeed at once.
        failures: How many of the next makes fail.
        remove_failures: How many of the next removals fail.
        dead_on_arrival: How many of the next containers have died by the time they are made.
        lowers_memory: Whether memory limits can be brought down at all.
        lowering: What comes of trying; an exception is raised.
        lowered: Names and limits of those that were brought down.
        memory: The limits that each make was asked for.
    """

    def __init__(self, *, held: bool = False) -> None:
        self.held = held
        self.failures = 0
        self.remove_failures = 0
        self.dead_on_arrival = 0
        self.lowers_memory = True
        self.lowering: bool | Exception = True
        self.lowered: list[tuple[str, int]] = []
        self.memory: list[int | None] = []
        self.made: list[Container] = []
        self.live: set[str] = set()
        self.known: set[str] = set()
        self.removals: list[str] = []
        self.under_way = 0
        self.most_under_way = 0
        self.attempts = 0
        self.gates: list[asyncio.Future[Exception | None]] = []
        self._numbers = itertools.count(1)

    async def make(self, memory_limit_bytes: int | None = None) -> Container:
        """See `Maker.make`."""
        self.attempts += 1
        self.memory.append(memory_limit_bytes)
        self.under_way += 1
        self.most_under_way = max(self.most_under_way, self.under_way)
        try:
            if self.held:
                gate: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
                self.gates.append(gate)
                error = await gate
                if error is not None:
                    raise error
            else:
                await asyncio.sleep(0)
            if self.failures:
                self.failures -= 1
                raise EngineUnavailable("told to fail")
        finally:
            self.under_way -= 1
        name = f"c{next(self._numbers)}"
        container = Container(name, name, FakeConversation())  # type: ignore[arg-type]
        self.made.append(container)
        self.live.add(name)
        self.known.add(name)
        if self.dead_on_arrival:
            self.dead_on_arrival -= 1
            container.conversation.spoil()  # type: ignore[attr-defined]
        return container

    async def lower_memory(self, container: Container, memory_limit_bytes: int) -> bool:
        """See `Maker.lower_memory`."""
        await asyncio.sleep(0)
        if isinstance(self.lowering, Exception):
            raise self.lowering
        self.lowered.append((container.name, memory_limit_bytes))
        return self.lowering

    def finish(self, index: int = 0, error: Exception | None = None) -> None:
        """Let a held make end."""
        gate = self.gates.pop(index)
        if not gate.done():
            gate.set_result(error)

    async def remove(self, container: Container) -> None:
        """See `Maker.remove`."""
        self.removals.append(container.name)
        await asyncio.sleep(0)
        if self.remove_failures:
            self.remove_failures -= 1
            raise EngineUnavailable("told to fail")
        self.live.discard(container.name)

    def owns(self, name: str) -> bool:
        """See `Maker.owns`."""
        return name in self.known

    def forget(self, container: Container) -> None:
        """See `Maker.forget`."""
        self.known.discard(container.name)


class FakePool:
    """Leases one container; tells whether it was given back."""

    def __init__(self, container: Container) -> None:
        self.container = container
        self.returned = 0
        self.memory: list[int | None] = []

    @contextlib.asynccontextmanager
    async def lease(self, memory_limit_bytes: int | None = None) -> AsyncIterator[Container]:
        """See `Pool.lease`."""
        self.memory.append(memory_limit_bytes)
        try:
            yield self.container
        finally:
            self.returned += 1


class FakeEngine:
    """Says of every container that it ended as told, and remembers which it killed."""

    def __init__(
        self, state: ExitState | Exception | None = None, kill_error: Exception | None = None, *, late_oom: bool = False
    ) -> None:
        self._state = state if state is not None else ExitState(0, oom_killed=False)
        self._late_oom = late_oom
        self._kill_error = kill_error
        self.killed: list[str] = []

    async def exit_state(self, container_id: str) -> ExitState:
        """See `Engine.exit_state`."""
        if isinstance(self._state, Exception):
            raise self._state
        return self._state

    async def saw_oom(self, container_id: str) -> bool:
        """See `Engine.saw_oom`."""
        return self._late_oom

    async def kill(self, container_id: str) -> None:
        """See `Engine.kill`."""
        self.killed.append(container_id)
        if self._kill_error is not None:
            raise self._kill_error


class FakeLauncher:
    """Returns the same result or error for every job; without one a job runs until it is cancelled.

    Attributes:
        run_ms: How long it says that a job ran.
        check_ms: How long it says that checking its pictures took.
        warm: Whether it says that a container was warm.
        jobs: The jobs that it was given.
        running: How many run now.
        most_running: How many ran at once, at most.
        cancelled: How many were cancelled.
    """

    def __init__(self, *, run_ms: float = 0.0, warm: bool = False) -> None:
        self.result: Result | BaseException | None = picture_result(PNG)
        self.run_ms = run_ms
        self.check_ms = 0.0
        self.warm = warm
        self.jobs: list[Job] = []
        self.running = 0
        self.most_running = 0
        self.cancelled = 0
        self.not_ready: str | None = None
        self.is_broken = False
        self.verdict: Verdict | None = None
        self.warm_starts: tuple[WarmStart, ...] = ()
        self.environments: Mapping[str, EnvironmentFacts] = {DEFAULT_FACTS.name: DEFAULT_FACTS}
        self.on_sizes: Callable[[Sizes], None] = lambda _: None

    async def start(self) -> Sizes:
        """See `Launcher.start`."""
        return Sizes(2, 4)

    async def run(self, job: Job, stages: Stages) -> Result:
        """See `Launcher.run`."""
        self.jobs.append(job)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        stages.run_ms, stages.check_ms, stages.warm = self.run_ms, self.check_ms, self.warm
        try:
            if self.result is None:
                await asyncio.get_running_loop().create_future()
            if isinstance(self.result, BaseException):
                raise self.result
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        else:
            return replace(self.result, stages=stages)  # type: ignore[type-var]
        finally:
            self.running -= 1

    async def aclose(self) -> None:
        """See `Launcher.aclose`."""


def no_usage(_: str) -> Any:
    """Say that usage can't be seen."""


def picture_result(data: bytes, usage: Usage | None = None) -> Result:
    """Return the result of a job that drew one picture."""
    return Result(Outcome.OK, (Figure(1, "", (Picture(Format.PNG, data, 1, 1),)),), usage=usage)
