"""A few workers that do what is dangerous to do here: parse and check what strangers and guests have made.

Theory of operation. Small inputs are worked on at once, with the same function. For a larger one the caller waits for a
place (`gateway.admission`, so that a key with many inputs doesn't keep others waiting), and a worker gets it. Workers
are processes of their own that live on: they do one thing at a time, can do nothing else (`confinement`), and are
killed when the deadline is over that follows from the input's size. One that died, was killed or talked nonsense is
replaced. An input that was being worked on when its worker died is given to one other worker: if that dies, too, the
input is to blame.

A caller that is cancelled doesn't interrupt its worker: killing one for each client that hangs up would cost more than
what is left to do. Whatever an input costs is paid, by the callback given with it, also then. Where a worker can't tell
what it has used, the time that has passed counts, and the start of its successor.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, TypeVar

from loguru import logger

from gateway.admission import Admission
from gateway.model.codec import MalformedDocument, build, encode, parse
from gateway.model.errors import QueueFull
from gateway.model.jobs import START_LIMIT_S, MiB
from gateway.observability.logs import LogGate
from gateway.worker.task import Unfinished, WorkFailed
from gateway.worker.worker_process import NoMemory, WorkerLost, WorkerProcess

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping

    from gateway.worker.task import Task

Q = TypeVar("Q")
A = TypeVar("A")

#: Workers of a pool: more than one, so that a slow input doesn't hold up all others. Each takes up to 120 MiB.
WORKERS = 2

#: Most inputs that wait for a worker, and most of one key, running and waiting, unless a pool has other limits.
WAITING_LIMIT = 256
KEY_LIMIT = 64

#: Longest wait for a worker, in seconds.
WAIT_LIMIT_S = 30.0

#: Address space of a worker beyond its start, in bytes, whatever it works on.
MEMORY_BASE_BYTES = 64 * MiB

#: Longest document of an answer, and most bytes beside it: so many, and one for each byte of the input.
ANSWER_BASE_BYTES = 1 * MiB

#: Workers that are kept when there is nothing to do, and seconds after which the others are ended.
KEPT = 1
IDLE_LIMIT_S = 60.0

#: Attempts at an input whose worker dies.
ATTEMPTS = 2

#: Why workers end before their time.
DEADLINE = "deadline"
MEMORY = "memory"
LOST = "lost"


class WorkerPool:
    """Works on hostile inputs.

    Args:
        tasks: What its workers can do, each with the bytes of its largest input.
        workers: Most workers.
        waiting_limit: Most inputs that wait for one.
        key_limit: Most inputs of one key, running and waiting.
        start_limit_s: Seconds from a worker's start to its being ready.
        on_end: Called for each worker that was killed for what it took, or is lost: with `deadline`, `memory`, or
            `lost` if it died or talked nonsense.
    """

    def __init__(
        self,
        tasks: Mapping[Task[Any, Any], int],
        *,
        workers: int = WORKERS,
        waiting_limit: int = WAITING_LIMIT,
        key_limit: int = KEY_LIMIT,
        start_limit_s: float = START_LIMIT_S,
        on_end: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._tasks = tuple(tasks)
        self._modules = tuple(task.module for task in tasks)
        self._memory_bytes = MEMORY_BASE_BYTES + max(task.memory_per_byte * size for task, size in tasks.items())
        self._places = Admission(
            running_limit=workers,
            queue_limit=waiting_limit,
            queue_wait_s=WAIT_LIMIT_S,
            key_limit=key_limit,
        )
        self._idle: list[tuple[float, WorkerProcess]] = []
        self._busy: set[WorkerProcess] = set()
        self._under_way: set[asyncio.Task[Any]] = set()
        self._complaints = LogGate()
        self._start_limit_s = start_limit_s
        self._on_end = on_end
        self._look: asyncio.TimerHandle | None = None

    @property
    def pids(self) -> frozenset[int]:
        """Process ids of the workers that are ready or at work."""
        return frozenset(worker.pid for worker in (*self._busy, *(worker for _, worker in self._idle)))

    def start(self) -> None:
        """Start the first worker in the background; without this the first large input does."""
        self._spawn(self._start_first())

    async def do(self, task: Task[Q, A], question: Q, *, key: str, paid: Callable[[float], object]) -> A:
        """Return a task's answer.

        Args:
            task: One of this pool's.
            question: What to work on.
            key: Whose it is; those of different keys get workers in turn.
            paid: Called once with the processor seconds that it took, whatever came of it.

        Raises:
            Unfinished: It takes too much time or memory, or kills its workers.
            Busy: Too many inputs wait, this one waited too long, or no worker can be started.
            WorkFailed: The task has a bug.
        """
        if task.at_once(question):
            began_s = time.thread_time()
            try:
                return task.work(question)
            finally:
                paid(time.thread_time() - began_s)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._places.place(key))
            place = stack.pop_all()
        return await asyncio.shield(self._spawn(self._work(place, task, question, paid)))

    async def aclose(self) -> None:
        """End all workers, and what they work on. May be called twice."""
        self._places.close()
        if self._look is not None:
            self._look.cancel()
        for task in tuple(self._under_way):
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)
        idle, self._idle = self._idle, []
        await asyncio.gather(*(worker.end() for _, worker in idle))

    # One input

    async def _work(self, place: AsyncExitStack, task: Task[Q, A], question: Q, paid: Callable[[float], object]) -> A:
        spent: list[float] = []
        try:
            async with place:
                for _ in range(ATTEMPTS):
                    worker = await self._take()
                    try:
                        return await self._ask(worker, task, question, spent)
                    except (WorkerLost, MalformedDocument) as error:
                        self._on_end(LOST)
                        self._complain("worker lost", worker, reason=str(error) or type(error).__name__)
                raise Unfinished("it fails")
        finally:
            paid(sum(spent))

    async def _ask(self, worker: WorkerProcess, task: Task[Q, A], question: Q, spent: list[float]) -> A:
        """Have one worker answer; add what that cost to `spent`."""
        size = task.size(question)
        limit_s = task.limit_s(size)
        began_s = time.monotonic()
        sound = False
        try:
            async with asyncio.timeout(limit_s):
                answer_limit = ANSWER_BASE_BYTES + size
                number = self._tasks.index(task)
                cpu_s, document, data = await worker.ask(number, limit_s, *encode(question), answer_limit)
            answer = build(task.answer, parse(document), data)
            sound = True
        except TimeoutError as error:
            self._on_end(DEADLINE)
            self._complain("worker killed at its deadline", worker, limit_s=round(limit_s, 1), size=size)
            raise Unfinished(f"it takes more than {limit_s:.0f} s") from error
        except NoMemory as error:
            self._on_end(MEMORY)
            self._complain("worker had too little memory", worker, size=size)
            raise Unfinished("it takes too much memory") from error
        except WorkFailed as error:
            logger.error("worker failed because of a bug", place=str(error))
            raise
        else:
            spent.append(cpu_s)
            return answer
        finally:
            self._busy.discard(worker)
            if sound:
                self._put_back(worker)
            else:
                spent.append(time.monotonic() - began_s + worker.start_cpu_s)
                await worker.end()

    # Workers

    async def _start_first(self) -> None:
        # With a place, so that there are never more workers than places.
        async with self._places.place(""):
            worker = await self._take()
            self._busy.discard(worker)
            self._put_back(worker)

    async def _take(self) -> WorkerProcess:
        """Return a worker that is ready.

        Raises:
            QueueFull: None can be started; that is in the log.
        """
        while self._idle:
            _, worker = self._idle.pop()
            if worker.is_alive:
                self._busy.add(worker)
                return worker
            await worker.end()
            self._on_end(LOST)
            self._complain("worker died while it had nothing to do", worker)
        try:
            async with asyncio.timeout(self._start_limit_s):
                worker = await WorkerProcess.start(self._modules, self._memory_bytes)
        except (OSError, TimeoutError, WorkerLost) as error:
            if self._complaints.passes() is not None:
                logger.error("no worker can be started", reason=f"{type(error).__name__}: {error}")
            raise QueueFull("The service has no process to work on this") from error
        self._busy.add(worker)
        return worker

    def _put_back(self, worker: WorkerProcess) -> None:
        self._idle.append((time.monotonic(), worker))
        if self._look is None:
            self._look = asyncio.get_running_loop().call_later(IDLE_LIMIT_S, self._end_idle)

    def _end_idle(self) -> None:
        """End those that had nothing to do for a while; the longest idle are first."""
        while len(self._idle) > KEPT and self._idle[0][0] <= time.monotonic() - IDLE_LIMIT_S:
            _, worker = self._idle.pop(0)
            self._spawn(worker.end())
        more = len(self._idle) + len(self._busy) > KEPT
        self._look = asyncio.get_running_loop().call_later(IDLE_LIMIT_S, self._end_idle) if more else None

    def _spawn(self, work: Coroutine[Any, Any, A]) -> asyncio.Task[A]:
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._under_way.discard(task)
        if not task.cancelled():
            task.exception()  # marks it as retrieved: whoever waited for it may be gone

    def _complain(self, event: str, worker: WorkerProcess, **fields: object) -> None:
        """Log what became of a worker, unless that happens too often."""
        left_out = self._complaints.passes()
        if left_out is not None:
            logger.warning(
                event, **fields, status=worker.exit_code, said=worker.last_words or None, left_out=left_out or None
            )
