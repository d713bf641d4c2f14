"""What a balancer is told of the service itself, through the listener that it asks."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from gateway.context import Context
from gateway.launcher.selftest.verdict import Check, Verdict
from gateway.lifecycle import _serve_agent
from gateway.shutdown import Shutdown
from tests.http.conftest import make_rig
from tests.support.live import free_port
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.settings import Settings


class Ending(Shutdown):
    """The state of a process that was asked to end."""

    is_requested = True


async def told(context: Context) -> str:
    """Return the line for a balancer that asks now."""
    async with AsyncExitStack() as stack:
        await _serve_agent(stack, context)
        async with asyncio.timeout(slowed(10)):
            reader, writer = await asyncio.open_connection("127.0.0.1", context.settings.agent_port)
            line = await reader.read()
        writer.close()
    return line.decode("ascii")


@pytest.mark.parametrize("weights", [False, True])
async def test_lines_are_those_of_the_service(make_settings: Callable[..., Settings], weights: bool) -> None:  # noqa: FBT001
    """Jobs take places where these are a weight; a gap of the sandbox is maintenance, and the end a drain."""
    rig = make_rig(make_settings, agent_port=free_port(), agent_weights=weights)
    context = Context(rig.settings, rig.service, Shutdown())
    rig.admission.resize(4)
    assert await told(context) == "ready up 100%\n"
    async with rig.admission.place("mine"):
        assert await told(context) == f"ready up {75 if weights else 100}%\n"
    rig.launcher.not_ready = "the container engine doesn't respond"
    assert await told(context) == "down #the container engine doesn't respond\n"
    rig.launcher.verdict = Verdict((Check("memory", ("it can be exceeded",)),), 0, 1.0)
    assert await told(context) == "maint\n"
    assert await told(Context(rig.settings, rig.service, Ending())) == "drain\n"
