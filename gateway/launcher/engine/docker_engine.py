"""The container engine, through the Docker SDK; the only module that imports `docker`.

Theory of operation. The SDK blocks, so every call runs in a thread, for no longer than the engine timeout. A
container's life has four calls: *create*, *attach*, *start*, and at its end *remove*, which kills. The first three run
together (`launch`) in threads of their own, so that hanging creates can't delay the kills. *Kill* and *remove* have
theirs: a guest can make them slow, which must delay neither pings nor questions about other containers. Attach comes
before start, since the SDK may lose the first bytes otherwise (docker-py#2466). The attached socket is handed to
asyncio (`gateway.launcher.runner.conversation`), so no thread waits while a job runs, and to cancel a job is to close a
socket and remove a container.

Every exception of the SDK and the layers below it is translated here, by `_translated`.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import json
import os
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import docker
import docker.context
import docker.errors
import requests
import urllib3
from docker.transport import UnixHTTPAdapter

from gateway.launcher.engine.engine import EngineFacts, ExitState, FoundContainer, FoundImage, Launched
from gateway.launcher.engine.specification import LABEL_INSTALLATION
from gateway.model.errors import ContainerLost, EngineError, EngineRefused, EngineUnavailable, NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gateway.launcher.engine.engine import ImageOrder

T = TypeVar("T")

#: HTTP statuses of the engine that are handled.
NOT_FOUND = 404
CONFLICT = 409
SERVER_ERROR = 500

#: The SDK's scheme for unix sockets.
SDK_SCHEME = "http+docker://"

#: Threads by what they do: make containers, end them, ask about them, ping the engine, store snapshots.
LAUNCH_THREADS = 4
END_THREADS = 8
CONTROL_THREADS = 4
PING_THREADS = 1
STORE_THREADS = 1

#: The part that Podman names itself by, among those that an engine says it is made of.
#: Source: Podman 5.4, `pkg/api/handlers/compat/version.go`.
PODMAN_PART = "Podman Engine"

#: Members of the engine's account of itself that change with its runtimes.
RUNTIME_FACTS = ("ContainerdCommit", "DefaultRuntime", "RuncCommit", "Runtimes")

#: Seconds that the engine's notice of a kill for memory may come after the container's end, and those between two
#: looks for it, at first; each pause is twice as long as the one before.
OOM_PATIENCE_S = 2.0
OOM_LOOK_PERIOD_S = 0.025


class DockerEngine:
    """A Docker engine behind a unix socket.

    Args:
        base_url: `unix:///path`; see `find_engine_url`.
        timeout_s: Seconds one call may take.
    """

    def __init__(self, base_url: str, timeout_s: float) -> None:
        self._base_url = base_url
        self._timeout_s = timeout_s
        self._version: str | None = None
        self._local = threading.local()
        self._clients: list[docker.APIClient] = []
        self._launchers = ThreadPoolExecutor(LAUNCH_THREADS, "engine-launch")
        self._enders = ThreadPoolExecutor(END_THREADS, "engine-end")
        self._controllers = ThreadPoolExecutor(CONTROL_THREADS, "engine-control")
        self._pingers = ThreadPoolExecutor(PING_THREADS, "engine-ping")
        self._storers = ThreadPoolExecutor(STORE_THREADS, "engine-store")

    # Calls

    async def launch(self, config: dict[str, Any], name: str) -> Launched:
        """Create, attach and start a container.

        Args:
            config: Body of the create call, from `Sandbox`.
            name: Chosen beforehand, so that the container can be found whatever happens.

        Raises:
            NameTaken: Another container has that name.
            EngineError: The engine failed; no container is left, unless the engine can no longer be reached.
        """
        return await self._run(self._launchers, lambda: self._launch(config, name), _dispose_launched(self))

    async def exit_state(self, container_id: str) -> ExitState:
        """Return how a container ended whose stream has ended; waits a moment for its end.

        Raises:
            ContainerLost: It is gone.
            EngineUnavailable: The engine doesn't respond.
        """
        return await self._run(self._controllers, lambda: self._exit_state(container_id))

    async def saw_oom(self, container_id: str) -> bool:
        """Tell whether the kernel killed a process of an ended container for its memory.

        The kernel's notice and the container's end reach the engine by different ways. Where the end comes first,
        `OOMKilled` stays false in the engine's account, but the notice still becomes an event: seen once in 84 runs
        on two cores with eight busy loops.
        Source: moby 20.10 `libcontainerd/remote/client.go` (`processEventStream`).

        Raises:
            ContainerLost: It is gone.
            EngineUnavailable: The engine doesn't respond.
        """
        began, pause_s = time.monotonic(), OOM_LOOK_PERIOD_S
        while True:
            elapsed_s = time.monotonic() - began
            if await self._run(self._controllers, functools.partial(self._saw_oom, container_id, elapsed_s)):
                return True
            if elapsed_s >= OOM_PATIENCE_S:
                return False
            await asyncio.sleep(min(pause_s, OOM_PATIENCE_S - elapsed_s))
            pause_s *= 2

    async def lower_memory(self, container_id: str, memory_limit_bytes: int) -> bool:
        """Lower the memory limit of a running container, and the equal one of memory and swap together.

        Returns:
            Whether that worked; False if the runtime can't, or the container already uses more.

        Raises:
            ContainerLost: It is gone.
            EngineUnavailable: The engine doesn't respond.
        """

        def lower_memory() -> bool:
            with self._translated():
                try:
                    self._client().update_container(
                        container_id, mem_limit=memory_limit_bytes, memswap_limit=memory_limit_bytes
                    )
                except docker.errors.APIError as error:
                    if error.status_code == NOT_FOUND:
                        raise
                    return False
            return True

        return await self._run(self._controllers, lower_memory)

    async def process_id(self, container_id: str) -> int:
        """Return the number of a running container's first process, as the engine's host counts; 0 if it has ended.

        Raises:
            ContainerLost: It is gone.
            EngineUnavailable: The engine doesn't respond.
        """
        found = await self._ask(lambda client: client.inspect_container(container_id))
        return int(found["State"].get("Pid") or 0)

    async def kill(self, container_id: str) -> None:
        """Kill a container by its id; raises EngineUnavailable if that can't be confirmed."""

        def kill() -> None:
            with self._translated(), _ignored_statuses(NOT_FOUND, CONFLICT):
                self._client().kill(container_id)

        await self._run(self._enders, kill)

    async def remove(self, container_id: str) -> None:
        """Kill and remove a container with its volumes; 404 and 409 (removal under way) mean done."""
        await self._run(self._enders, lambda: self._remove(container_id))

    async def find(self, installation: str) -> list[FoundContainer]:
        """List the containers that carry an installation's label, in any state."""
        filters = {"label": f"{LABEL_INSTALLATION}={installation}"}
        return [
            FoundContainer(row["Id"], row["Names"][0].lstrip("/"))
            for row in await self._ask(lambda client: client.containers(all=True, filters=filters))
            # The filter is the engine's; we check the label ourselves before we remove anything.
            if row["Labels"].get(LABEL_INSTALLATION) == installation and row["Names"]
        ]

    async def facts(self) -> EngineFacts:
        """Return what the engine is and what it can enforce."""
        version, info = await self._ask(lambda client: (client.version(), client.info()))
        missing = [name for name in ("MemoryLimit", "PidsLimit", "CpuCfsQuota") if not info.get(name)]
        if not any("seccomp" in option for option in info.get("SecurityOptions") or ()):
            missing.append("seccomp")
        return EngineFacts(
            runtimes=frozenset(info.get("Runtimes") or ()),
            missing_limits=tuple(missing),
            cpus=int(info.get("NCPU") or os.cpu_count() or 1),
            memory_bytes=int(info.get("MemTotal") or 0),
            version=str(info.get("ServerVersion") or "unknown"),
            cgroup_driver=str(info.get("CgroupDriver") or ""),
            cgroup_version=str(info.get("CgroupVersion") or "1"),
            runtime_versions=json.dumps({name: info.get(name) for name in RUNTIME_FACTS}, sort_keys=True),
            is_podman=any(part.get("Name") == PODMAN_PART for part in version.get("Components") or ()),
        )

    async def image_id(self, image: str) -> str | None:
        """Return the digest of an image by its tag or digest, or None if the engine doesn't have it."""
        found = await self._inspect_image(image)
        return None if found is None else str(found["Id"])

    async def image_config(self, image: str) -> dict[str, Any] | None:
        """Return the configuration in an image, or None if the engine doesn't have it."""
        found = await self._inspect_image(image)
        return None if found is None else dict(found["Config"])

    async def store_file(self, order: ImageOrder, archive: Iterator[bytes]) -> str:
        """Return the digest of a new image: another one with what is in an archive, below its root.

        Args:
            order: What it is to be.
            archive: A tarball, read in one of the engine's threads; what it raises passes through.

        Raises:
            EngineError: The engine failed; no image is left, unless the engine can no longer be reached.
        """
        abandoned = threading.Event()
        store = functools.partial(self._store_file, order, archive, abandoned)
        try:
            return await self._run(self._storers, store, self._dispose_image, limit_s=3 * order.limit_s)
        except BaseException:
            abandoned.set()  # the thread goes on, also after our event loop has ended, and undoes what it has done
            raise

    async def find_images(self, label: str, value: str | None = None) -> list[FoundImage]:
        """List the images that have a label, with that value if one is given."""
        wanted = label if value is None else f"{label}={value}"
        found = await self._ask(lambda client: client.images(filters={"label": wanted}))
        images = [FoundImage(row["Id"], row.get("Labels") or {}) for row in found]
        return [
            image for image in images if image.labels.get(label) is not None and value in (None, image.labels[label])
        ]

    async def remove_image(self, image_id: str) -> bool:
        """Remove an image, and tell whether it is gone: one that a container uses stays.

        The one that it was made from stays in any case: the engine would take it along if it had lost its name, as it
        does when a newer one is built, though our own containers are made of it.
        """

        def remove() -> bool:
            with self._translated():
                try:
                    self._client().remove_image(image_id, noprune=True)
                except docker.errors.APIError as error:
                    if error.status_code == CONFLICT:
                        return False
                    if error.status_code != NOT_FOUND:
                        raise
            return True

        return await self._run(self._controllers, remove)

    async def ping(self) -> None:
        """Ping the engine; raises EngineUnavailable."""
        await self._ask(lambda client: client.ping(), self._pingers)

    def close(self) -> None:
        """Close threads and connections; calls under way end within the timeout."""
        for threads in (self._launchers, self._enders, self._controllers, self._pingers, self._storers):
            threads.shutdown(wait=False, cancel_futures=True)
        for client in self._clients:
            client.close()

    # In the threads

    def _launch(self, config: dict[str, Any], name: str) -> Launched:
        client = self._client()
        with self._translated(), contextlib.ExitStack() as undo:
            try:
                container_id: str = client.create_container_from_config(config, name=name)["Id"]
            except docker.errors.APIError as error:
                if error.status_code == CONFLICT:
                    raise NameTaken(name) from error
                raise
            undo.callback(self._remove_quietly, container_id)
            try:
                stream = self._attach(client, container_id)
                undo.callback(stream.close)
                client.start(container_id)
            except docker.errors.APIError as error:
                if error.status_code in {NOT_FOUND, CONFLICT}:  # removed by somebody else, or about to be
                    raise ContainerLost("a container was removed before it started", was_killed=True) from error
                raise
            undo.pop_all()
            return Launched(container_id, stream)

    def _attach(self, client: docker.APIClient, container_id: str) -> socket.socket:
        """Return a socket for a container's streams, as the engine multiplexes them.

        The SDK's object keeps an HTTP response and its connection; we keep only the descriptor.
        """
        raw = client.attach_socket(container_id, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        try:
            return socket.socket(fileno=os.dup(raw.fileno()))
        finally:
            raw._response.close()  # noqa: SLF001 - docker-py keeps it there and offers no other way to close it
            raw.close()

    def _store_file(self, order: ImageOrder, archive: Iterator[bytes], abandoned: threading.Event) -> str:
        """Put the file into a container that is never started, and make an image of it.

        The container is made from a plain body: the SDK's own would add the proxies of the CLI's configuration to its
        environment, passwords included, and so to the environment of every job.
        """
        repository, _, tag = order.name.partition(":")
        config = {"Image": order.base_id, "NetworkDisabled": True, "Labels": {LABEL_INSTALLATION: order.owner}}
        with (
            self._translated(),
            contextlib.closing(
                docker.APIClient(base_url=self._base_url, version=self._client().api_version, timeout=order.limit_s)
            ) as client,
            contextlib.ExitStack() as always,
            contextlib.ExitStack() as undo,
        ):
            container_id: str = client.create_container_from_config(config)["Id"]
            always.callback(self._remove_quietly, container_id)
            client.put_archive(container_id, "/", archive)
            _check_wanted(abandoned)
            undo.callback(self._remove_image_quietly, order.name)
            # An image has its container's labels, and hands them on to those that are made of it by hand.
            changes = _label_lines({**order.labels, LABEL_INSTALLATION: ""})
            image_id = str(client.commit(container_id, repository, tag, changes=changes)["Id"])
            _check_wanted(abandoned)
            undo.pop_all()
            return image_id

    def _remove_image_quietly(self, image: str) -> None:
        """Remove an image after a failure that is already being reported."""
        with contextlib.suppress(EngineError), self._translated():
            self._client().remove_image(image, noprune=True)

    def _dispose_image(self, image_id: str) -> None:
        """Remove an image whose maker was cancelled at the last moment."""
        with contextlib.suppress(RuntimeError):  # the threads have ended
            self._enders.submit(self._remove_image_quietly, image_id)

    def _exit_state(self, container_id: str) -> ExitState:
        client = self._client()
        with self._translated():
            # The stream may end a little before the engine knows that the container has.
            with contextlib.suppress(requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
                client.wait(container_id, timeout=min(2.0, self._timeout_s))
            state = client.inspect_container(container_id)["State"]
        exit_code = None if state.get("Running") else int(state.get("ExitCode", 0))
        return ExitState(exit_code, bool(state.get("OOMKilled")))

    def _saw_oom(self, container_id: str, since_end_s: float) -> bool:
        """Look for the notice among the events up to so many seconds after a container's end.

        By the engine's clock that moment is past, so the engine returns the events it has kept and waits for none,
        unless its clock was set back. The SDK's own call has no time limit. An engine that doesn't show its events saw
        nothing: its account of the container, which it does give, then decides.
        """
        client = self._client()
        with self._translated():
            state = client.inspect_container(container_id)["State"]
            if state.get("OOMKilled"):
                return True
            until = datetime.fromisoformat(state["FinishedAt"]).timestamp() + since_end_s
            filters = json.dumps({"container": [container_id], "event": ["oom"]})
            with contextlib.suppress(requests.RequestException):
                events = client.get(
                    f"{client.base_url}/v{client.api_version}/events",
                    params={"since": "1", "until": f"{until:.6f}", "filters": filters},
                    timeout=min(OOM_PATIENCE_S, self._timeout_s),
                )
                return bool(events.ok and events.content.strip())
        return False

    def _remove(self, container_id: str) -> None:
        with self._translated(), _ignored_statuses(NOT_FOUND, CONFLICT):
            self._client().remove_container(container_id, force=True, v=True)

    def _remove_quietly(self, container_id: str) -> None:
        """Remove after a failure that is already being reported; the sweep takes what is left."""
        with contextlib.suppress(EngineError):
            self._remove(container_id)

    # Plumbing

    async def _ask(self, call: Callable[[docker.APIClient], Any], threads: ThreadPoolExecutor | None = None) -> Any:
        """Return the engine's response to a call that changes nothing."""

        def ask() -> Any:
            with self._translated():
                return call(self._client())

        return await self._run(threads or self._controllers, ask)

    async def _inspect_image(self, image: str) -> dict[str, Any] | None:
        try:
            return dict(await self._ask(lambda client: client.inspect_image(image)))
        except ContainerLost:
            return None

    def _client(self) -> docker.APIClient:
        """Return this thread's client: the SDK's session must not be shared between threads."""
        client = getattr(self._local, "client", None)
        if client is None:
            client = docker.APIClient(base_url=self._base_url, version=self._version or "auto", timeout=self._timeout_s)
            client.get_adapter(SDK_SCHEME).close()  # the connection that asked for the version
            client.mount(SDK_SCHEME, _OneConnection(f"http+{self._base_url}", self._timeout_s, max_pool_size=1))
            self._version = client.api_version
            self._local.client = client
            self._clients.append(client)
        return client

    async def _run(
        self,
        threads: ThreadPoolExecutor,
        call: Callable[[], T],
        dispose: Callable[[T], None] | None = None,
        *,
        limit_s: float | None = None,
    ) -> T:
        """Run a blocking call in a thread.

        Cancelling the await doesn't stop the thread, so what a cancelled call still returns goes to `dispose`.
        """
        future = asyncio.get_running_loop().run_in_executor(threads, call)
        try:
            async with asyncio.timeout(limit_s or 3 * self._timeout_s):
                return await asyncio.shield(future)
        except (asyncio.CancelledError, TimeoutError) as error:
            future.add_done_callback(lambda done: _settle(done, dispose))
            if isinstance(error, TimeoutError):
                raise EngineUnavailable("the engine is too slow") from error
            raise

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        """Translate the exceptions of the SDK and the layers below it to our own."""
        try:
            yield
        except docker.errors.APIError as error:
            status = error.status_code or SERVER_ERROR
            if status == NOT_FOUND:
                raise ContainerLost("no such container or image") from error
            raise EngineRefused(status) from error
        except (
            docker.errors.DockerException,
            requests.RequestException,
            urllib3.exceptions.HTTPError,
        ) as error:
            raise EngineUnavailable("the engine doesn't respond") from error
        except OSError as error:
            raise EngineUnavailable("the engine can't be reached") from error


class _OneConnection(UnixHTTPAdapter):  # type: ignore[misc]  # the SDK is untyped
    """Keeps one connection to the engine for all addresses.

    The SDK's own class keeps one for each of the last 25 addresses, and every container is an address: 300 descriptors
    of all our threads together, as many again in the engine, and hardly one is used a second time. Its `num_pools` has
    no effect on unix sockets (docker-py 7.1, `APIClient.__init__`).
    """

    def get_connection(self, url: str, proxies: object = None) -> Any:  # noqa: ARG002 - one pool for all addresses
        """Return the pool of the only connection."""
        return super().get_connection(SDK_SCHEME, proxies)


@contextlib.contextmanager
def _ignored_statuses(*statuses: int) -> Iterator[None]:
    try:
        yield
    except docker.errors.APIError as error:
        if error.status_code not in statuses:
            raise


def _label_lines(labels: Mapping[str, str]) -> list[str]:
    """Return the lines of a Dockerfile that set labels."""
    return [f"LABEL {json.dumps(label)}={json.dumps(value)}" for label, value in labels.items()]


def _check_wanted(abandoned: threading.Event) -> None:
    if abandoned.is_set():
        raise EngineUnavailable("nobody waits for the image any more")


def _settle(future: asyncio.Future[T], dispose: Callable[[T], None] | None) -> None:
    """Dispose of a result that nothing waits for any more."""
    if future.cancelled() or future.exception() is not None:
        return
    if dispose is not None:
        dispose(future.result())


def _dispose_launched(engine: DockerEngine) -> Callable[[Launched], None]:
    """Return what disposes of a container whose launch was cancelled."""

    def dispose(launched: Launched) -> None:
        launched.stream.close()
        with contextlib.suppress(RuntimeError):  # the threads have ended, and the next sweep removes it
            engine._enders.submit(engine._remove_quietly, launched.container_id)  # noqa: SLF001

    return dispose


def find_engine_url(configured: str | None) -> str:
    """Return the engine's address: the configured one, or that of the Docker CLI's current context.

    Args:
        configured: `unix:///path` or None.
    """
    if configured is not None:
        return configured
    default = "unix:///var/run/docker.sock"
    try:
        # The SDK reads the current context from the CLI's configuration, but leaves its variable to the caller.
        context = docker.context.ContextAPI.get_context(os.environ.get("DOCKER_CONTEXT"))
        host = context.Host if context is not None else None
    except (docker.errors.DockerException, OSError, ValueError, LookupError):
        host = None
    if host is None or not host.startswith("unix://"):
        return default
    return host if Path(host.removeprefix("unix://")).exists() else default
