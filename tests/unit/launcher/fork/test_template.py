"""Only the parent of a forked runner knows how it ended, so the exit status arrives separately."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest

from gateway.launcher.fork import template
from gateway.launcher.fork.template import ForkedRunner
from gateway.model.errors import ContainerLost


def forked_runner() -> ForkedRunner:
    """Return one without processes, which these tests don't need."""
    return ForkedRunner(cast("Any", None), cast("Any", None))


async def test_exit_status_may_come_late() -> None:
    """A caller waits for the exit status until the template has reported it; a later one has it at once."""
    runner = forked_runner()
    asking = asyncio.create_task(runner.wait_exit())
    await asyncio.sleep(0.01)
    assert not asking.done()
    runner.note_exit(137)
    runner.note_exit(0)  # a process only ends once
    assert await asking == 137
    assert await runner.wait_exit() == 137


async def test_a_silent_template_is_not_blamed_on_the_guest(monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown exit status is a failure of ours, which the client may try again."""
    monkeypatch.setattr(template, "EXIT_LIMIT_S", 0.01)
    with pytest.raises(ContainerLost, match="can't be told"):
        await forked_runner().wait_exit()
