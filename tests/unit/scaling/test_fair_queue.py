"""The model's queue decides as the gateway's admission does, whatever comes."""

from __future__ import annotations

import asyncio
import contextlib

from hypothesis import example, given, settings
from hypothesis import strategies as st

from benchmarks.scaling.model.clock import Clock
from benchmarks.scaling.model.fair_queue import FairQueue, QueueLimits
from benchmarks.scaling.model.job import End, Job
from gateway.admission import Admission
from gateway.model.errors import KeyShareExceeded, QueueFull
from tests.fakes import settle

PLACES, WAITING, SHARE = 2, 4, 4

#: A key that sends a job, or the number of a running job that ends.
STEPS = st.lists(st.one_of(st.sampled_from("abc"), st.integers(0, PLACES - 1)), max_size=40)


class Modelled:
    """The model's queue, and what it did."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.running: list[str] = []
        self.log: list[tuple[str, str]] = []
        limits = QueueLimits(PLACES, WAITING, of_key=SHARE)
        self.queue = FairQueue(self.clock, limits, self._begin, lambda job, end: self.log.append((job.key, end)))

    def _begin(self, job: Job) -> None:
        self.running.append(job.key)
        self.log.append((job.key, "runs"))

    def step(self, step: str | int) -> None:
        """Send a job, or end one."""
        if isinstance(step, str):
            self.queue.enter(Job(0.0, step, 0.0))
        elif step < len(self.running):
            self.queue.leave(self.running.pop(step))


class Real:
    """The gateway's admission, and what it did."""

    def __init__(self) -> None:
        self.admission = Admission(running_limit=PLACES, queue_limit=WAITING, queue_wait_s=60, key_limit=SHARE)
        self.running: list[tuple[str, asyncio.Event]] = []
        self.log: list[tuple[str, str]] = []
        self.tasks: list[asyncio.Task[None]] = []

    async def _visit(self, key: str) -> None:
        end = asyncio.Event()
        try:
            async with self.admission.place(key):
                self.running.append((key, end))
                self.log.append((key, "runs"))
                await end.wait()
        except KeyShareExceeded:
            self.log.append((key, End.KEY_SHARE))
        except QueueFull:
            self.log.append((key, End.QUEUE_FULL))

    async def step(self, step: str | int) -> None:
        """Send a job, or end one."""
        if isinstance(step, str):
            self.tasks.append(asyncio.create_task(self._visit(step)))
        elif step < len(self.running):
            self.running.pop(step)[1].set()
        await settle()

    async def aclose(self) -> None:
        """End all visits."""
        for task in self.tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


@settings(deadline=None, max_examples=150)
@given(STEPS)
@example(["a", "b", "a", "b", 1])  # b has waited less since its last turn, but runs nothing
def test_both_decide_alike(steps: list[str | int]) -> None:
    """The same jobs run, wait and are refused, in the same order."""

    async def both() -> None:
        modelled, real = Modelled(), Real()
        try:
            for step in steps:
                modelled.step(step)
                await real.step(step)
                assert modelled.log == real.log
                assert modelled.queue.waiting == real.admission.waiting_count
                assert modelled.queue.running == real.admission.running_count
        finally:
            await real.aclose()

    asyncio.run(both())


def test_whoever_waits_too_long_is_refused() -> None:
    """As `queue_wait_s` says; the place goes to others."""
    clock, ended = Clock(), []
    queue = FairQueue(clock, QueueLimits(1, wait_s=5), lambda _: None, lambda job, end: ended.append((job.key, end)))
    queue.enter(Job(0.0, "a", 1.0))
    queue.enter(Job(0.0, "b", 1.0))
    clock.run()
    assert ended == [("b", End.QUEUE_TIMEOUT)]
    assert clock.now == 5
    assert queue.waiting == 0


def test_first_come_first_served_without_fairness() -> None:
    """A balancer's queue knows no keys."""
    began: list[str] = []
    queue = FairQueue(Clock(), QueueLimits(1, fair=False), lambda job: began.append(job.key), lambda *_: None)
    for key in "aaab":
        queue.enter(Job(0.0, key, 1.0))
    for key in "aaa":
        queue.leave(key)
    assert began == ["a", "a", "a", "b"]
