"""The first signal begins the shutdown, the second ends it at once."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import TYPE_CHECKING

import pytest

from gateway.model.errors import StartError
from gateway.shutdown import Shutdown
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_ask_and_then_insist(number: signal.Signals) -> None:
    """The first signal lets running jobs finish; the second ends the wait for them."""
    wish = Shutdown()
    wish.install(asyncio.get_running_loop())
    assert not wish.is_requested
    os.kill(os.getpid(), number)
    await asyncio.wait_for(wish.wait(), slowed(5))
    never: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    drained = asyncio.create_task(wish.drain(never, 60))
    await asyncio.sleep(0)
    assert not drained.done()
    os.kill(os.getpid(), number)
    assert await asyncio.wait_for(drained, slowed(5))


async def test_drain_tells_whether_all_ended() -> None:
    """The wait ends when all jobs have; those that don't end in time are reported after the grace period."""
    wish, done = Shutdown(), asyncio.Event()
    assert not await wish.drain(done.wait(), 0.01)
    done.set()
    assert await wish.drain(done.wait(), 60)


async def test_end_of_standard_input_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes by standard input is ignored; its end, which is that of the parent, is taken for a signal."""
    reader, writer = os.pipe()
    wish = Shutdown()
    with os.fdopen(reader) as stdin, os.fdopen(writer, "wb", buffering=0) as parent:
        monkeypatch.setattr("sys.stdin", stdin)
        wish.end_with_stdin(asyncio.get_running_loop())
        parent.write(b"x" * 10_000)
        for _ in range(10):
            await asyncio.sleep(0)
        assert not wish.is_requested
        parent.close()
        await asyncio.wait_for(wish.wait(), slowed(5))


@pytest.mark.parametrize("what", ["a file", "closed"])
async def test_standard_input_without_an_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Where the end can't be waited for, the service doesn't start: it would stay behind."""
    path = tmp_path / "file"
    path.touch()
    with path.open() as file:
        monkeypatch.setattr("sys.stdin", file if what == "a file" else None)
        with pytest.raises(StartError, match="FIGBOX_END_WITH_STDIN: standard input must be a pipe"):
            Shutdown().end_with_stdin(asyncio.get_running_loop())
