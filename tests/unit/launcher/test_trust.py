"""An engine that was away, or may have been, is tested before it is trusted again."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from gateway.launcher import launcher as module
from gateway.launcher.launcher import EngineLauncher
from gateway.launcher.selftest.monitor import Monitor
from gateway.model.errors import EngineUnavailable, InvalidRequest
from gateway.model.jobs import Job
from gateway.model.results import Stages
from gateway.observability.metrics import Metrics
from tests.fakes import until
from tests.unit.launcher.selftest.test_monitor import BAD, GOOD, Scripted

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable


class Watched:
    """A prepared launcher with an engine that responds to a ping or doesn't, and a scripted self-test."""

    def __init__(self, launcher: EngineLauncher, test: Scripted) -> None:
        self.launcher = launcher
        self.test = test
        self.answers = True
        self.pool = SimpleNamespace(breaker_open=False, idle_count=0)
        inside = cast("Any", launcher)
        inside._problem = None
        monitor = Monitor(test, GOOD, 3600)
        inside._open = {"default": SimpleNamespace(pool=self.pool, monitor=monitor)}
        inside._engine.ping = self._ping
        self.task = asyncio.create_task(inside._watch())

    async def _ping(self) -> None:
        if not self.answers:
            raise EngineUnavailable("it is away")

    async def go_and_return(self) -> None:
        """Let the engine be away long enough for the launcher to notice."""
        self.answers = False
        await until(lambda: self.launcher.not_ready == "the container engine doesn't respond")
        self.answers = True


@pytest.fixture
async def begin(
    make_settings: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Callable[[Scripted], Watched]]:
    """Return a function that begins to watch, with short pauses."""
    monkeypatch.setattr(module, "PING_PERIOD_S", 0.005)
    begun: list[Watched] = []

    def begin(test: Scripted) -> Watched:
        begun.append(Watched(EngineLauncher(make_settings(), Metrics()), test))
        return begun[-1]

    yield begin
    for watched in begun:
        watched.task.cancel()
        cast("Any", watched.launcher)._engine.close()


async def test_an_engine_that_came_back_worse_gets_no_job(begin: Callable[[Scripted], Watched]) -> None:
    """The gap that it has now is the reason, and jobs are refused; once a test finds no gap, they aren't."""
    watched = begin(Scripted(BAD, GOOD))
    assert watched.launcher.not_ready is None
    await watched.go_and_return()
    await until(lambda: watched.launcher.not_ready == BAD.reason)
    assert watched.launcher.verdict is not None
    assert watched.launcher.verdict.reason == BAD.reason
    with pytest.raises(EngineUnavailable, match="does not hold"):
        await watched.launcher.run(Job("x"), Stages())
    await watched.go_and_return()
    await until(lambda: watched.launcher.not_ready is None)
    assert watched.test.runs == 2


async def test_only_known_environments(begin: Callable[[Scripted], Watched]) -> None:
    """A job for an unknown environment is refused, although the gateway should have checked that."""
    with pytest.raises(InvalidRequest, match="no such environment"):
        await begin(Scripted(GOOD)).launcher.run(Job("x", environment="other"), Stages())


async def test_an_engine_that_cannot_be_tested_stays_away(begin: Callable[[Scripted], Watched]) -> None:
    """An engine that responds but can't do anything yet gets no job until a self-test has a verdict."""
    away = EngineUnavailable("it is not awake yet")
    watched = begin(Scripted(away, away, GOOD))
    await watched.go_and_return()
    await until(lambda: watched.test.runs == 1)
    assert watched.launcher.not_ready == "the container engine doesn't respond"
    await until(lambda: watched.launcher.not_ready is None)
    assert watched.test.runs == 3


async def test_an_open_breaker_is_told(begin: Callable[[Scripted], Watched]) -> None:
    """After several failed makes it isn't ready, unless a warm container is left, until a make succeeds."""
    watched = begin(Scripted(GOOD))
    assert watched.launcher.not_ready is None
    watched.pool.breaker_open = True
    assert watched.launcher.not_ready == "the engine fails to start containers"
    watched.pool.idle_count = 1
    assert watched.launcher.not_ready is None
    watched.pool.idle_count, watched.pool.breaker_open = 0, False
    assert watched.launcher.not_ready is None


@pytest.mark.parametrize("event", ["failed", "spoilt"])
async def test_an_unnoticed_restart_is_tested_too(begin: Callable[[Scripted], Watched], event: str) -> None:
    """Failing makes and dying warm containers reveal a restart; it is tested once, and not while makes still fail."""
    watched = begin(Scripted(BAD))
    cast("Any", watched.launcher)._note_pool_event("made")
    await asyncio.sleep(0.05)
    assert watched.test.runs == 0
    watched.pool.breaker_open = True
    cast("Any", watched.launcher)._note_pool_event(event)
    await asyncio.sleep(0.05)
    assert watched.test.runs == 0
    watched.pool.breaker_open = False
    await until(lambda: watched.launcher.not_ready == BAD.reason)
    await asyncio.sleep(0.05)
    assert watched.test.runs == 1
