"""The running service: sockets, launcher and HTTP, and the order in which they come and go.

Coming: bind (so that a taken port is the first thing said, and two gateways of one address can't both believe they
are this installation), check the engine, sweep, begin to fill, serve. Going, on SIGTERM or Ctrl-C: readiness first,
then jobs that wait are refused and those that run may finish within the grace period, then the pool is emptied.
A second signal cuts the grace short. The public socket stays open until the end, so clients get an answer, and a
successor can't start before we are gone.
"""

from __future__ import annotations

import asyncio
import errno
import signal
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web
from loguru import logger

from gateway.admission import Admission
from gateway.app import build_app, metrics_app
from gateway.cache.renders import RenderCache
from gateway.context import Context
from gateway.keys.live_keyring import load_keyring
from gateway.model.errors import StartError
from gateway.model.jobs import MiB
from gateway.observability.metrics import Metrics
from gateway.render_service import RenderService
from gateway.server.ambiguity import check_parser
from gateway.server.connections import Edge, EdgeLimits, check_descriptors
from gateway.server.doorman import protocol_factory
from gateway.shutdown import Shutdown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.keys.keyring import Keyring
    from gateway.launcher.interface import Counters, Launcher
    from gateway.launcher.sizing import Sizes
    from gateway.settings import Settings

#: Seconds for connections to close once all jobs are answered.
CONNECTIONS_LIMIT_S = 2.0

#: Connections the kernel holds for us until we take them.
BACKLOG = 256


async def serve(settings: Settings, started: Callable[[str], None] = lambda _: None) -> None:
    """Run the service until a signal ends it.

    Args:
        settings: Validated settings.
        started: Called with the base URL once requests are served.

    Raises:
        StartError: It can't start; the text says what to do.
    """
    check_parser()
    check_descriptors(settings.connections_limit)
    keyring = load_keyring(settings)
    shutdown = Shutdown()
    async with AsyncExitStack() as stack:
        listener = stack.enter_context(bind(settings.host, settings.port, "PORT"))
        metrics = Metrics()
        if settings.metrics_port:
            await _serve_metrics(stack, settings, metrics)
        launcher = make_launcher(settings, metrics)
        stack.push_async_callback(launcher.aclose)
        shutdown.install(asyncio.get_running_loop())
        sizes = await launcher.start()
        admission = make_admission(settings, len(keyring), sizes)
        service = RenderService(keyring, admission, launcher, metrics)
        shares = _Shares(settings, service, sizes)
        launcher.on_sizes = shares.follow_sizes
        await _follow_keys(stack, settings, service, shares)
        context = Context(settings, service, shutdown, _open_cache(stack, settings))
        edge = Edge(EdgeLimits.public(settings), metrics)
        metrics.watch("figbox_jobs_running", "Jobs that hold a place", lambda: admission.running_count)
        metrics.watch("figbox_jobs_waiting", "Jobs in the queue", lambda: admission.waiting_count)
        metrics.watch("figbox_connections", "Connections open to the public listener", lambda: edge.connection_count)
        server = await _listen(stack, build_app(context), edge, listener)
        host, port = listener.getsockname()[:2]
        url = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        logger.info("listening", url=url, keys=len(keyring))
        started(url)
        await shutdown.wait()
        logger.info("shutting down", running=admission.running_count, waiting=admission.waiting_count)
        admission.close()
        if not await shutdown.drain(admission.wait_empty(), settings.grace_s):
            logger.warning("grace period is over", running=admission.running_count)
        server.pre_shutdown()  # connections without a request are closed and not waited for
        await server.shutdown(CONNECTIONS_LIMIT_S)
        await launcher.aclose()  # requests that still come are told that the service ends
    logger.info("stopped")


def make_launcher(settings: Settings, counters: Counters) -> Launcher:
    """Return the launcher that the settings ask for: one in this process, or a client of another process.

    Neither is imported before it is chosen: a gateway that asks another process must not even load what talks to an
    engine.
    """
    if settings.launcher_socket is None:
        from gateway.launcher.launcher import EngineLauncher  # noqa: PLC0415 - see above

        return EngineLauncher(settings, counters)
    from gateway.launcher.remote.client import LauncherClient  # noqa: PLC0415 - see above

    return LauncherClient(settings.launcher_socket, counters)


def make_admission(settings: Settings, key_count: int, sizes: Sizes) -> Admission:
    """Return the admission for these sizes and this many keys."""
    return Admission(
        running_limit=sizes.running,
        queue_limit=settings.queue_limit,
        queue_wait_s=settings.queue_wait_s,
        key_limit=share_of_key(settings, key_count, sizes),
    )


def share_of_key(settings: Settings, key_count: int, sizes: Sizes) -> int:
    """Return how many jobs a key without a limit of its own may have: all with one key, half with several."""
    house = sizes.running + settings.queue_limit
    return settings.key_limit or (house if key_count <= 1 else max(1, house // 2))


@dataclass(slots=True)
class _Shares:
    """Keeps the admission in step with what it depends on: the sizes of the launcher, and how many keys there are."""

    settings: Settings
    service: RenderService
    sizes: Sizes

    def follow_sizes(self, sizes: Sizes) -> None:
        """Go on with other sizes."""
        logger.info("sizes changed", running_limit=sizes.running, pool_size=sizes.pool)
        self.sizes = sizes
        self.follow_keys(len(self.service.keyring))
        self.service.admission.resize(sizes.running)

    def follow_keys(self, key_count: int) -> None:
        """Go on with other keys."""
        self.service.admission.key_limit = share_of_key(self.settings, key_count, self.sizes)


async def _follow_keys(stack: AsyncExitStack, settings: Settings, service: RenderService, shares: _Shares) -> None:
    """Keep everything that depends on the keys in step with their file, until the stack ends."""
    keyring = service.keyring

    def changed(ring: Keyring) -> None:
        shares.follow_keys(len(ring))
        service.budgets.keep_only(ring.names)

    keyring.changed = changed
    service.metrics.watch("figbox_keys", "Keys that are let in", lambda: len(keyring))
    service.metrics.watch("figbox_keys_file_good", "Whether the keys file can be used", lambda: keyring.is_good)
    if settings.api_keys_file is not None and not sys.stdin.isatty():  # where a terminal hangs up, the service ends
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, keyring.look)
        stack.callback(loop.remove_signal_handler, signal.SIGHUP)
    watch = asyncio.create_task(keyring.watch())
    stack.push_async_callback(cancelled, watch)


def _open_cache(stack: AsyncExitStack, settings: Settings) -> RenderCache | None:
    """Open the cache, where there is to be one, until the stack ends."""
    if not settings.cache_mib:
        return None
    renders = RenderCache(settings.cache_file, settings.cache_mib * MiB)
    stack.push_async_callback(renders.aclose)
    return renders


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.wait([task])


def make_runner(app: web.Application) -> web.AppRunner:
    """Return what runs an application; its end takes a bounded time.

    A connection that comes in the very moment of the end misses aiohttp's call to close, and is then waited for: by
    aiohttp's default a whole minute, in which the pool goes on and nobody is answered.
    """
    return web.AppRunner(app, handler_cancellation=True, shutdown_timeout=CONNECTIONS_LIMIT_S)


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Return a listening socket.

    Raises:
        StartError: The address can't be had; names the setting.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError:
            listener.close()
            raise
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise StartError(f"port {port} on {host} is taken: stop what uses it, or set {setting}") from error
        raise StartError(f"can't listen on {host} port {port}: {error.strerror}") from error
    return listener


async def _serve_metrics(stack: AsyncExitStack, settings: Settings, metrics: Metrics) -> None:
    listener = stack.enter_context(bind(settings.metrics_host, settings.metrics_port, "FIGBOX_METRICS_PORT"))
    await _listen(stack, metrics_app(metrics), Edge(EdgeLimits(), metrics), listener)


async def _listen(stack: AsyncExitStack, app: web.Application, edge: Edge, listener: socket.socket) -> web.Server:
    """Serve an application on a socket until the stack ends; return its server."""
    runner = make_runner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    server = runner.server
    assert server is not None  # noqa: S101 - setup() made it; the type can't say so
    site = await asyncio.get_running_loop().create_server(protocol_factory(edge, server), sock=listener)
    stack.callback(site.close)
    return server
