"""Measure what the Redis that nodes share needs: processor time of its one thread on loopback, half a minute in all.

Nodes are the gateway's own budgets, each with connections of its own, asked by clients that never pause. The time is
what the kernel counts for the thread of Redis, so neither the nodes nor others on the machine are in it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import secrets
import shutil
import tempfile
import time
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loguru import logger
from redis import asyncio as client
from redis.exceptions import RedisError

from benchmarks.cpu import main_thread_s
from benchmarks.scaling.live.groups import Unsuitable
from benchmarks.scaling.shared_costs import COMPUTE, REQUESTS, SharedCosts
from gateway.keys.budgets import Budgets
from gateway.keys.keyring import Holder, KeyPolicy
from gateway.keys.revocations import RevocationList
from gateway.keys.shared_budgets import SharedBudgets
from gateway.shared.shared_server import SharedServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

#: Names of the one program: the second is in a package of Debian that starts no service.
PROGRAMS = ("redis-server", "redis-check-rdb")

#: Allowances that are never used up.
MANY = 10_000_000

#: Processor seconds that each job may use, and uses.
WORST_S, USED_S = 30.0, 0.4

#: Seconds that the start, and one call, may take.
LIMIT_S = 20.0


@dataclass(frozen=True, slots=True)
class SharedExtent:
    """How much is measured.

    Attributes:
        nodes: That ask.
        clients: Of each node; they never pause.
        keys: That clients use in turn.
        requests: Of each client.
    """

    nodes: int = 8
    clients: int = 8
    keys: int = 1000
    requests: int = 400


TINY_SHARED = SharedExtent(nodes=2, clients=2, keys=5, requests=10)


async def measure_shared(extent: SharedExtent) -> SharedCosts:
    """Measure both kinds of key, one after the other.

    Raises:
        Unsuitable: Redis isn't installed.
    """
    policies = {
        REQUESTS: KeyPolicy(requests_per_minute=MANY),
        COMPUTE: KeyPolicy(requests_per_minute=MANY, compute_seconds_per_minute=MANY),
    }
    request_us: dict[str, float] = {}
    logger.disable("gateway")  # each node would say that the server is in use
    async with _redis() as running, AsyncExitStack() as stack:
        nodes = [await stack.enter_async_context(_node(running.url)) for _ in range(extent.nodes)]
        for name, policy in policies.items():
            holders = [Holder(f"{name} {number}", policy) for number in range(extent.keys)]
            before_s = main_thread_s(running.process_id)
            await _requests(nodes, holders, extent)
            used_s = main_thread_s(running.process_id) - before_s
            request_us[name] = round(used_s / (extent.nodes * extent.clients * extent.requests) * 1e6, 1)
        return SharedCosts(await running.version(), request_us)


async def _requests(nodes: Sequence[SharedBudgets], holders: Sequence[Holder], extent: SharedExtent) -> None:
    """Let all clients of all nodes send their requests, each after the last."""
    following = itertools.cycle(holders)

    async def send(node: SharedBudgets) -> None:
        for _ in range(extent.requests):
            holder = next(following)
            await node.take_request(holder)
            async with node.hold_compute(holder, WORST_S, WORST_S) as hold:
                hold.used_s = USED_S

    async with asyncio.TaskGroup() as group:
        for node in nodes:
            for _ in range(extent.clients):
                group.create_task(send(node))


@dataclass(frozen=True, slots=True)
class _Running:
    """A running Redis."""

    process_id: int
    url: str

    async def version(self) -> str:
        """Return what it says of itself."""
        async with client.Redis.from_url(self.url) as redis:
            return str((await redis.info("server"))["redis_version"])


@asynccontextmanager
async def _redis() -> AsyncIterator[_Running]:
    """Run a Redis on a socket of its own, which keeps nothing on disk."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        raise Unsuitable("Redis isn't installed")
    with tempfile.TemporaryDirectory(prefix="figbox-redis-") as folder:
        url = f"unix://{folder}/redis.sock"
        words = ("--port", "0", "--unixsocket", f"{folder}/redis.sock", "--save", "", "--appendonly", "no")
        # The name it is called by decides which of its tools the program is.
        process = await asyncio.create_subprocess_exec(
            "redis-server", *words, executable=program, stdout=asyncio.subprocess.DEVNULL
        )
        try:
            await _until_it_answers(url, process)
            yield _Running(process.pid, url)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.terminate()
            await process.wait()


async def _until_it_answers(url: str, process: asyncio.subprocess.Process) -> None:
    end = time.monotonic() + LIMIT_S
    async with client.Redis.from_url(url) as redis:
        while True:
            try:
                await redis.ping()
            except (RedisError, OSError) as error:
                if process.returncode is not None or time.monotonic() > end:
                    raise Unsuitable(f"Redis doesn't start: {error}") from error
                await asyncio.sleep(0.05)
            else:
                return


@asynccontextmanager
async def _node(url: str) -> AsyncIterator[SharedBudgets]:
    """Make what a gateway asks the server with."""
    server = SharedServer(url, secrets.token_hex(16), "benchmark", call_limit_s=LIMIT_S)
    budgets = SharedBudgets(server, Budgets(), LIMIT_S)
    try:
        await RevocationList(server).exchange([])  # takes the server into use
        yield budgets
    finally:
        await budgets.aclose()
        await server.aclose()
