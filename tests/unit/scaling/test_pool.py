"""The model's node ends jobs when the gateway's own admission and pool do, in a time that jumps from event to event."""

from __future__ import annotations

import asyncio
import selectors
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.scaling.model.clock import Clock
from benchmarks.scaling.model.fair_queue import QueueLimits
from benchmarks.scaling.model.job import End, Job
from benchmarks.scaling.model.node import Node, NodeSpec
from gateway.admission import Admission
from gateway.launcher.pool import Pool
from tests.fakes import FakeMaker

if TYPE_CHECKING:
    from gateway.launcher.container import Container

#: When the first job may come: the pool is full by then.
BEGIN_S = 100.0

MAKE_S, MAKERS = 0.31, 2


class Jumping(selectors.SelectSelector):
    """Lets time pass at once instead of waiting for it."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready, or else be later."""
        ready = super().select(0)
        if not ready:
            assert timeout is not None, "nothing will ever happen"
            self.now += timeout
        return ready


class JumpingLoop(asyncio.SelectorEventLoop):
    """An event loop in such a time."""

    def __init__(self) -> None:
        self._jumping = Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        """Return its time."""
        return self._jumping.now


class SlowMaker(FakeMaker):
    """Takes some time for each container."""

    async def make(self, memory_limit_bytes: int | None = None) -> Container:
        """See `Maker.make`."""
        await asyncio.sleep(MAKE_S)
        return await super().make(memory_limit_bytes)


Scene = list[tuple[float, str, float]]


async def real_ends(scene: Scene, places: int, size: int) -> list[float]:
    """Return when each job ends in the gateway's own classes."""
    limits: dict[str, Any] = {"queue_limit": 1000, "queue_wait_s": 1e6, "key_limit": 1000}
    admission = Admission(running_limit=places, **limits)
    pool = Pool(SlowMaker(), size=size, makers=MAKERS, idle_limit_s=1e9, removing_limit=1000)
    pool.start()

    async def visit(at_s: float, key: str, draw_s: float) -> float:
        await asyncio.sleep(at_s)
        async with admission.place(key), pool.lease():
            await asyncio.sleep(draw_s)
            return asyncio.get_running_loop().time()

    ends = await asyncio.gather(*(visit(*job) for job in scene))
    await pool.aclose()
    return ends


def modelled_ends(scene: Scene, places: int, size: int) -> list[float]:
    """Return when each job ends in the model, with so many cores that none is shared."""
    clock = Clock()
    ends: dict[float, float] = {}

    def ended(job: Job, end: End) -> None:
        assert end is End.OK
        ends[job.at_s] = clock.now

    limits = QueueLimits(places, waiting=1000, wait_s=1e6, of_key=1000)
    node = Node(clock, NodeSpec(10_000, limits, pool=size, makers=MAKERS, make_s=MAKE_S), ended)
    for at_s, key, draw_s in scene:
        clock.at(at_s, partial(node.submit, Job(at_s, key, draw_s)))
    clock.run()
    return [ends[at_s] for at_s, _, _ in scene]


@settings(deadline=None, max_examples=80)
@given(
    seed=st.integers(0, 1 << 30),
    jobs=st.integers(1, 40),
    gap_s=st.sampled_from([0.05, 0.2, 0.6]),
    places=st.integers(1, 4),
    size=st.integers(0, 4),
)
def test_both_end_jobs_alike(seed: int, jobs: int, gap_s: float, places: int, size: int) -> None:
    """Whoever comes when: the same job gets the same place, and the same container is ready in time, or isn't."""
    random = Random(seed)  # noqa: S311 - a scene's chance
    scene, now = [], BEGIN_S
    for _ in range(jobs):
        now += random.expovariate(1 / gap_s)
        scene.append((now, random.choice("abc"), random.uniform(0.1, 1.0)))
    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        expected = runner.run(real_ends(scene, places, size))
    assert modelled_ends(scene, places, size) == pytest.approx(expected, abs=1e-6)
