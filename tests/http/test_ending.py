"""How the HTTP side ends."""

from __future__ import annotations

import asyncio
import gc
import socket
from contextlib import AsyncExitStack, suppress
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from gateway.lifecycle import CONNECTIONS_LIMIT_S, _listen, make_runner
from gateway.observability.metrics import Metrics
from gateway.server.connections import Edge, EdgeLimits
from gateway.server.doorman import protocol_factory
from tests.support.machine import slowed

if TYPE_CHECKING:
    from tests.http.conftest import Rig


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")  # of a connection that asyncio accepted too late
@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_of_the_last_moment_does_not_hold_up_the_end(turns: int) -> None:
    """In whichever turn of the event loop a silent connection is being accepted, the end comes in time."""
    runner = make_runner(web.Application())
    await runner.setup()
    assert runner.server is not None
    site = await asyncio.get_running_loop().create_server(
        protocol_factory(Edge(EdgeLimits(), Metrics()), runner.server), "127.0.0.1", 0
    )
    with socket.create_connection(site.sockets[0].getsockname()):
        for _ in range(turns):
            await asyncio.sleep(0)
        site.close()
        async with asyncio.timeout(slowed(3 * CONNECTIONS_LIMIT_S)):
            await runner.cleanup()
    gc.collect()


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_of_the_last_moment_is_served_or_left(rig: Rig, turns: int) -> None:
    """In whichever turn of the event loop it comes, a connection isn't lost when no more are accepted."""
    with socket.create_server(("127.0.0.1", 0)) as kept:
        kept.setblocking(False)
        async with AsyncExitStack() as stack:
            own = socket.fromfd(kept.fileno(), kept.family, kept.type)
            listener = await _listen(stack, rig.app(), rig.edge, own)
            with socket.create_connection(kept.getsockname()) as client:
                client.setblocking(False)
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
                for _ in range(turns):
                    await asyncio.sleep(0)
                await listener.stop_accepting()
                with suppress(BlockingIOError):  # it was accepted
                    left, _ = kept.accept()
                    left.close()
                    return
                async with asyncio.timeout(slowed(10)):
                    response = await asyncio.get_running_loop().sock_recv(client, 4096)
                assert response.startswith(b"HTTP/1.1 200")
