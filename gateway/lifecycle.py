"""Start and stop the service: sockets, launcher and HTTP, in this order.

Start: bind the port (first, so that a taken port is reported at once, and two gateways with one address can't both take
themselves for this installation), check the engine, sweep, begin to fill the pool, serve. Stop, on SIGTERM, Ctrl-C, or
the end of standard input where that is wanted: report that we are not ready, refuse waiting jobs, let running ones
finish within the grace period, empty the pool. A second signal cuts the grace period short. The public socket stays
open until the end, so that clients get a response, and a successor can't start before we are gone.

A socket that a service manager passes on outlives us. Then we only stop accepting, and serve to the end what was
accepted, waiting jobs included: who connects from then on is served by a successor, at once or once there is one.
"""

from __future__ import annotations

import asyncio
import errno
import math
import signal
import socket
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from typing import TYPE_CHECKING

from aiohttp import web
from loguru import logger

from gateway.admission import Admission
from gateway.app import build_app, metrics_app
from gateway.cache.renders import RenderCache
from gateway.context import Context
from gateway.keys.budgets import Budgets
from gateway.keys.live_keyring import load_keyring
from gateway.keys.strength import REMEDY
from gateway.legacy_body import TASK as CODE
from gateway.memory.malloc import keep_tidy
from gateway.memory.memory_plan import READERS, MemoryPlan, RequestMemory
from gateway.model.errors import StartError
from gateway.model.jobs import MiB
from gateway.observability.agent import NodeState, serve_agent
from gateway.observability.metrics import Metrics
from gateway.render_service import RenderService
from gateway.server.ambiguity import check_parser
from gateway.server.connections import Edge, EdgeLimits, check_descriptors
from gateway.server.doorman import protocol_factory
from gateway.shutdown import Shutdown
from gateway.startup import passed_socket, unix_socket
from gateway.startup.service_manager import STARTING, ServiceManager, described
from gateway.status.endpoints import add_gauges
from gateway.v1.request.reading import TASK as READ
from gateway.worker.worker_pool import WorkerPool

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from gateway.keys.keyring import Keyring
    from gateway.keys.live_keyring import LiveKeyring
    from gateway.launcher.interface import Counters, Launcher
    from gateway.launcher.sizing import Sizes
    from gateway.nodes.sharing import Sharing
    from gateway.observability.trace_export import TraceExport
    from gateway.settings import Settings

#: Seconds for connections to close once all jobs have ended.
CONNECTIONS_LIMIT_S = 2.0

#: Connections that the kernel queues until we accept them.
BACKLOG = 256


@dataclass(frozen=True, slots=True)
class _Listener:
    """A listener at work: what its connections share, what serves them, and what accepts them."""

    edge: Edge
    server: web.Server
    site: asyncio.Server

    async def stop_accepting(self) -> None:
        """Leave further connections to the kernel.

        asyncio accepts a connection in one turn of its loop and gives it a protocol in the next. One whose server is
        closed in between is dropped, and its client's request with it (`Server._attach` in CPython's asyncio).
        """
        for each in self.site.sockets:
            asyncio.get_running_loop().remove_reader(each)
        await asyncio.sleep(0)
        self.site.close()


async def serve(settings: Settings, started: Callable[[str], None] = lambda _: None) -> None:
    """Run the service until a signal ends it.

    Args:
        settings: Validated settings.
        started: Called with the base URL when requests are accepted.

    Raises:
        StartError: The service can't start; the text says what to do.
    """
    check_parser()
    check_descriptors(settings.connections_limit)
    plan = MemoryPlan.of(settings)
    keyring = load_keyring(settings)
    metrics = Metrics()
    shutdown = Shutdown()
    manager = ServiceManager()
    manager.status(STARTING)
    async with AsyncExitStack() as stack:
        passed = passed_socket.take()
        listener = stack.enter_context(passed if passed is not None else _bind_public(settings))
        check_keys(keyring, None if listener.family == socket.AF_UNIX else listener.getsockname()[0])
        if settings.metrics_port:
            await _serve_metrics(stack, settings, metrics)
        launcher = make_launcher(settings, metrics)
        stack.push_async_callback(launcher.aclose)
        shutdown.install(asyncio.get_running_loop())
        if settings.end_with_stdin:
            shutdown.end_with_stdin(asyncio.get_running_loop())
        admission = make_admission(settings, len(keyring), await launcher.start())
        bodies = _start_readers(stack, settings, metrics)
        memory = RequestMemory(plan, settings.queue_limit, settings.queue_wait_s)
        memory.share_among(len(keyring))
        budgets = Budgets(requests_per_minute=settings.requests_per_minute, nodes=settings.nodes)
        sharing = await _open_sharing(stack, settings, keyring, budgets, metrics)
        traces = _open_traces(settings)
        service = RenderService(
            keyring,
            admission,
            launcher,
            metrics,
            memory,
            bodies,
            budgets if sharing is None else sharing.budgets,
            tracing=None if traces is None else traces.tracing,
        )
        stack.push_async_callback(cancelled, asyncio.create_task(keep_tidy([memory.bodies, memory.answers])))
        _follow_launcher(settings, service, plan)
        _follow_keys(stack, settings, service)
        context = Context(settings, service, shutdown, _open_cache(stack, settings, sharing), sharing)
        public = await _serve_public(stack, context, listener)
        if settings.agent_port:
            await _serve_agent(stack, context)
        started(_announce(settings, listener, keyring))
        manager.ready()
        _follow_state(stack, manager, context)
        await shutdown.wait()
        manager.stopping()
        if passed is not None:
            await public.stop_accepting()
        await _finish_jobs(context, None if passed is None else public.edge)
        public.server.pre_shutdown()  # idle connections are closed and not waited for
        await public.server.shutdown(CONNECTIONS_LIMIT_S)
        sending = asyncio.create_task(traces.aclose()) if traces is not None else None
        await launcher.aclose()  # requests that still come are told that the service is shutting down
        if sending is not None:
            await sending
    logger.info("stopped")


def _start_readers(stack: AsyncExitStack, settings: Settings, metrics: Metrics) -> WorkerPool:
    """Start the workers that read bodies, until the stack ends."""
    bodies = WorkerPool(
        {READ: settings.files_limit_bytes, CODE: settings.body_limit_bytes},
        workers=READERS,
        start_limit_s=settings.start_limit_s,
        on_end=partial(metrics.count_worker_end, "read"),
    )
    stack.push_async_callback(bodies.aclose)
    bodies.start()
    return bodies


def check_keys(keyring: LiveKeyring, address: str | None) -> None:
    """Warn of keys that anybody would guess.

    Args:
        keyring: All keys.
        address: The numeric one that the service listens on; None for a unix socket, whose mode says who may connect.

    Raises:
        StartError: There is such a key, and others than this host's programs can connect.
    """
    keyring.warn_of_weak_keys()
    for name, reason in keyring.weak_keys.items():
        if address is not None and not ip_address(address.partition("%")[0]).is_loopback:
            raise StartError(
                f"anybody would guess the key {name!r}: {reason}. Listening on {address}, Figbox starts with keys that "
                f"can't be guessed: {REMEDY}"
            )


def make_launcher(settings: Settings, counters: Counters) -> Launcher:
    """Return a launcher in this process, or the client of one in another process, as the settings say.

    Only the chosen one is imported: the client of another process must not even load what talks to an engine.
    """
    if settings.launcher_socket is None:
        from gateway.launcher.launcher import EngineLauncher  # noqa: PLC0415 - see above

        return EngineLauncher(settings, counters)
    from gateway.launcher.remote.client import LauncherClient  # noqa: PLC0415 - see above

    return LauncherClient(settings.launcher_socket, counters)


def make_admission(settings: Settings, key_count: int, sizes: Sizes) -> Admission:
    """Return the admission for these sizes and this number of keys."""
    return Admission(
        running_limit=sizes.running,
        queue_limit=settings.queue_limit,
        queue_wait_s=settings.queue_wait_s,
        key_limit=share_of_key(settings, key_count, sizes.running),
    )


def share_of_key(settings: Settings, key_count: int, running_limit: int) -> int:
    """Return how many jobs a key without a limit of its own may have: all if it is the only one, else half."""
    places = running_limit + settings.queue_limit
    return settings.key_limit or (places if key_count <= 1 else max(1, places // 2))


def _follow_launcher(settings: Settings, service: RenderService, plan: MemoryPlan) -> None:
    """Adapt the admission whenever the launcher's sizes change."""
    admission = service.admission
    _compare_sizes(plan, admission.running_limit)

    def adapt(sizes: Sizes) -> None:
        logger.info("sizes changed", running_limit=sizes.running, pool_size=sizes.pool)
        admission.key_limit = share_of_key(settings, len(service.keyring), sizes.running)
        admission.resize(sizes.running)
        _compare_sizes(plan, sizes.running)

    # Not an argument of the launcher: the admission is made from the sizes that its start returns.
    service.launcher.on_sizes = adapt


def _follow_state(stack: AsyncExitStack, manager: ServiceManager, context: Context) -> None:
    """Tell the service manager how the service is, until the stack ends."""
    admission, launcher = context.service.admission, context.service.launcher
    following = manager.follow(
        lambda: described(context.not_ready, admission.running_count), lambda: not launcher.is_broken
    )
    stack.push_async_callback(cancelled, asyncio.create_task(following))


def _compare_sizes(plan: MemoryPlan, running_limit: int) -> None:
    """Warn if this process has less memory than all jobs that the launcher can run might need: some would wait."""
    if plan.jobs < running_limit:
        logger.warning(
            "memory for fewer jobs than can run",
            running_limit=running_limit,
            jobs=plan.jobs,
            needed_mib=math.ceil(plan.bound_for(running_limit) / MiB),
        )


def _follow_keys(stack: AsyncExitStack, settings: Settings, service: RenderService) -> None:
    """Adapt whatever depends on the keys when their file changes, until the stack ends."""
    keyring, admission = service.keyring, service.admission

    def adapt(ring: Keyring) -> None:
        admission.key_limit = share_of_key(settings, len(ring), admission.running_limit)
        service.memory.share_among(len(ring))
        service.budgets.keep_only(ring.names)

    keyring.changed = adapt
    if settings.api_keys_file is not None and not sys.stdin.isatty():  # a terminal that hangs up ends the service
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGHUP, keyring.look_soon)
        stack.callback(loop.remove_signal_handler, signal.SIGHUP)
    stack.push_async_callback(cancelled, asyncio.create_task(keyring.watch()))


async def _open_sharing(
    stack: AsyncExitStack, settings: Settings, keyring: LiveKeyring, budgets: Budgets, metrics: Metrics
) -> Sharing | None:
    """Share with other nodes, if a server is named, until the stack ends; nothing waits for a server that is gone."""
    if settings.shared_url is None:
        return None
    from gateway.nodes.sharing import make_sharing  # noqa: PLC0415 - loads the client of Redis, which others don't need

    sharing = make_sharing(settings, keyring, budgets, metrics)
    stack.push_async_callback(sharing.aclose)
    await sharing.begin()
    stack.push_async_callback(cancelled, asyncio.create_task(sharing.watch()))
    return sharing


def _open_cache(stack: AsyncExitStack, settings: Settings, sharing: Sharing | None) -> RenderCache | None:
    """Open the cache, if it is enabled, until the stack ends."""
    if not settings.cache_mib:
        return None
    renders = RenderCache(
        settings.cache_file, settings.cache_mib * MiB, sharing.renders if sharing is not None else None
    )
    stack.push_async_callback(renders.aclose)
    return renders


def _open_traces(settings: Settings) -> TraceExport | None:
    """Open the way to a collector of traces, if there is one; only then is the library for it imported."""
    if settings.traces_endpoint is None:
        return None
    from gateway.observability.trace_export import TraceExport  # noqa: PLC0415 - see above

    logger.info("traces are exported", url=settings.traces_endpoint, ratio=settings.traces_ratio)
    return TraceExport(settings.traces_endpoint, settings.traces_header_fields, settings.traces_ratio)


async def cancelled(task: asyncio.Task[None]) -> None:
    """Cancel a task and wait for its end."""
    task.cancel()
    await asyncio.wait([task])


def make_runner(app: web.Application) -> web.AppRunner:
    """Return a runner of an application that shuts down within a bounded time.

    A connection accepted at the very moment of the shutdown is not told to close, and is then waited for: by default a
    whole minute, during which no request is served.
    """
    return web.AppRunner(app, handler_cancellation=True, shutdown_timeout=CONNECTIONS_LIMIT_S)


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Return a listening socket.

    Raises:
        StartError: The address can't be used; the text names the setting.
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


def _bind_public(settings: Settings) -> AbstractContextManager[socket.socket]:
    if settings.http_socket is not None:
        return unix_socket.listening(settings.http_socket, BACKLOG, "FIGBOX_HTTP_SOCKET")
    return bind(settings.host, settings.port, "PORT")


async def _serve_metrics(stack: AsyncExitStack, settings: Settings, metrics: Metrics) -> None:
    listener = stack.enter_context(bind(settings.metrics_host, settings.metrics_port, "FIGBOX_METRICS_PORT"))
    await _listen(stack, metrics_app(metrics), Edge(EdgeLimits(), metrics), listener)


async def _serve_agent(stack: AsyncExitStack, context: Context) -> None:
    """Tell balancers how this node is, until the stack ends."""
    settings, service = context.settings, context.service
    listener = stack.enter_context(bind(settings.agent_host, settings.agent_port, "FIGBOX_AGENT_PORT"))

    def state() -> NodeState:
        verdict, admission = service.launcher.verdict, service.admission
        return NodeState(
            is_ending=context.shutdown.is_requested,
            is_unsafe=verdict is not None and not verdict.holds,
            not_ready=context.not_ready,
            jobs=admission.running_count + admission.waiting_count,
            running_limit=admission.running_limit if settings.agent_weights else None,
        )

    stack.callback((await serve_agent(listener, state)).close)


async def _serve_public(stack: AsyncExitStack, context: Context, listener: socket.socket) -> _Listener:
    edge = Edge(EdgeLimits.public(context.settings), context.service.metrics)
    add_gauges(context, edge)
    return await _listen(stack, build_app(context), edge, listener)


async def _listen(stack: AsyncExitStack, app: web.Application, edge: Edge, listener: socket.socket) -> _Listener:
    """Serve an application on a socket until the stack ends."""
    runner = make_runner(app)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    server = runner.server
    assert server is not None  # noqa: S101 - setup() made it; the type can't say so
    # The socket listens already, but asyncio has it listen anew, with a queue of 100 if it isn't told another.
    site = await asyncio.get_running_loop().create_server(
        protocol_factory(edge, server), sock=listener, backlog=BACKLOG
    )
    stack.callback(site.close)
    return _Listener(edge, server, site)


def _announce(settings: Settings, listener: socket.socket, keyring: LiveKeyring) -> str:
    """Log the base URL of the service, and return it; that of a unix socket has any host."""
    if listener.family == socket.AF_UNIX:
        url = f"http://localhost{settings.path_prefix}"
        logger.info("listening", url=url, socket=listener.getsockname(), keys=len(keyring))
        return url
    host, port = listener.getsockname()[:2]
    url = f"http://{f'[{host}]' if ':' in host else host}:{port}{settings.path_prefix}"
    logger.info("listening", url=url, keys=len(keyring))
    return url


async def _finish_jobs(context: Context, served_to_the_end: Edge | None) -> None:
    """Let running jobs finish within the grace period, and refuse waiting ones.

    Args:
        context: What the endpoints share.
        served_to_the_end: A listener that accepts no more connections: what it has accepted is served, and waiting jobs
            are refused only when the grace period is over.
    """
    admission, shutdown, grace_s = context.service.admission, context.shutdown, context.settings.grace_s
    logger.info("shutting down", running=admission.running_count, waiting=admission.waiting_count)
    if served_to_the_end is None:
        admission.close()
    finished = admission.wait_empty() if served_to_the_end is None else served_to_the_end.wait_served()
    if not await shutdown.drain(finished, grace_s):
        logger.warning("grace period is over", running=admission.running_count)
    admission.close()
