"""A real gateway as a process of its own, and the engine it works with."""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import docker
import pytest

from gateway.launcher.engine.docker_engine import find_engine_url
from gateway.launcher.engine.specification import LABEL_INSTALLATION
from tests.fakes import DEADLINE_S, KEY
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
IMAGE = os.environ.get("FIGBOX_IMAGE", "figbox-runner:latest")

#: Ports for what tests start, and for how many workers they are enough. They are below those that the kernel chooses,
#: which usually begin at 32768 (ip(7), `ip_local_port_range`): one that was found free would be given away before it is
#: used, and a client of a gateway that is away could be given its port, and connect to itself.
PORTS = range(20_000, 32_000)
PORT_OWNERS = 8

#: `FIGBOX_WARM_START` of gateways whose test doesn't care. Not `auto`, so that nothing changes while they run.
WARM_START = os.environ.get("FIGBOX_WARM_START", "import")

#: Its values for tests of what must hold however a container becomes warm.
WARM_STARTS = ["import", pytest.param("snapshot", marks=pytest.mark.variant)]


def engine_url() -> str:
    """Return the address of the engine under test."""
    return find_engine_url(os.environ.get("DOCKER_HOST"))


@contextmanager
def engine_client(url: str | None = None, **options: Any) -> Iterator[docker.APIClient]:
    """Open a client of an engine; without an address, of the one under test."""
    with closing(docker.APIClient(base_url=url or engine_url(), version="auto", **options)) as client:
        yield client


@contextmanager
def tidy_client(installation: str) -> Iterator[docker.APIClient]:
    """Open a client of the engine; an installation's containers that a failure left are removed at the end."""
    with engine_client() as client:
        yield client
    remove_containers_of(installation, engine_url())


#: The module that becomes another one with its standard input as the socket that systemd would pass.
PASSING = "tests.support.passing"


@dataclass
class Response:
    """An HTTP response, read to its end."""

    status: int
    headers: MutableMapping[str, str]
    body: bytes
    json: dict[str, Any] = field(default_factory=dict)


@dataclass
class LiveProcess:
    """A running gateway or launcher, as a process of its own."""

    process: subprocess.Popen[str]
    installation: str
    docker_host: str
    log: Path

    def log_text(self) -> str:
        """Return what it has logged so far."""
        return self.log.read_text()

    def terminate(self) -> int:
        """End it as an operator would; return its exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(slowed(60))

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait(slowed(10))


@dataclass
class LiveGateway(LiveProcess):
    """A running gateway."""

    url: str
    metrics_url: str

    async def render(self, code: str, key: str = KEY, timeout_s: float = slowed(90)) -> Response:
        """POST code to the old endpoint; return the response."""
        return await self.post("/render-matplotlib", timeout_s, headers={"X-API-Key": key}, json={"code": code})

    async def render_v1(self, query: str = "", *, accept: str | None = None, **request: Any) -> Response:
        """POST what aiohttp makes of a request to `/v1/render`, with the key of the tests; return the response."""
        headers = {"X-API-Key": KEY, **({"Accept": accept} if accept else {}), **request.pop("headers", {})}
        return await self.post(f"/v1/render{query}", headers=headers, **request)

    async def post(self, path: str, timeout_s: float = slowed(90), **request: Any) -> Response:
        """POST a request; return the response."""
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(timeout_s)) as session,
            session.post(self.url + path, **request) as response,
        ):
            return await read_response(response)

    async def get(self, path: str, headers: dict[str, str] | None = None) -> Response:
        """GET a path; return the response."""
        async with aiohttp.ClientSession() as session, session.get(self.url + path, headers=headers) as response:
            return await read_response(response)

    async def environments(self) -> dict[str, dict[str, Any]]:
        """Return the environments that it lists, by name."""
        listed = (await self.get("/v1/environments", {"X-API-Key": KEY})).json["environments"]
        return {environment["name"]: environment for environment in listed}

    async def until_ready(self, status: int = 200) -> Response:
        """Wait until `/readyz` has a status; return that response."""
        return await until_status(lambda: self.get("/readyz"), status)

    async def until_rendered(self, code: str, check: Callable[[Response], None] = lambda _: None) -> Response:
        """Send code until it gives a picture; return that response. The others are checked."""
        return await until_status(lambda: self.render(code), 200, check)

    async def metric(self, name: str) -> float:
        """Return the value of a metric by its exposed name, labels included; 0 when it isn't there yet."""
        async with aiohttp.ClientSession() as session, session.get(self.metrics_url) as response:
            lines = (await response.text()).splitlines()
        return next((float(line.rsplit(" ", 1)[1]) for line in lines if line.rsplit(" ", 1)[0] == name), 0.0)

    async def until_metric(self, name: str, value: float, deadline_s: float = DEADLINE_S) -> None:
        """Wait until a metric has a value."""
        end = time.monotonic() + deadline_s
        while (found := await self.metric(name)) != value:
            assert time.monotonic() < end, f"{name} is {found}, not {value}"
            await asyncio.sleep(0.05)

    def containers(self) -> list[str]:
        """Return the names of this installation's job containers, in any state."""
        return containers_of(self.installation, self.docker_host)


@contextmanager
def live_gateway(tmp_path: Path, *, docker_host: str | None = None, **environment: object) -> Iterator[LiveGateway]:
    """Run a gateway with the given settings; whatever happens, nothing of it stays.

    Args:
        tmp_path: For its log.
        docker_host: Its engine; None is the one under test.
        environment: Settings by their variables' names.
    """
    docker_host = docker_host or engine_url()
    installation = str(environment.pop("FIGBOX_INSTALLATION", f"test-{secrets.token_hex(6)}"))
    try:
        gateway = start_gateway(tmp_path, docker_host, installation, **environment)
        try:
            yield gateway
        finally:
            end_gateway(gateway.process)
    finally:
        remove_containers_of(installation, docker_host)


def start_gateway(
    tmp_path: Path,
    docker_host: str,
    installation: str,
    *,
    prefix: Sequence[str] = (),
    listener: socket.socket | None = None,
    **environment: object,
) -> LiveGateway:
    """Start a gateway that the caller ends, and wait until it serves; what its end leaves is the caller's, too.

    Args:
        tmp_path: For its log.
        docker_host: Its engine.
        installation: Whose containers it makes.
        prefix: A program that becomes what is behind it, such as `nsenter` with its options.
        listener: A socket that it is passed, as systemd does it.
        environment: Settings by their variables' names.
    """
    settings = {
        "API_KEY": KEY,
        "PORT": 0,
        "FIGBOX_METRICS_PORT": free_port(),
        "FIGBOX_INSTALLATION": installation,
        "FIGBOX_WARM_START": WARM_START,
        # Tests send faster than any honest client.
        "FIGBOX_REQUESTS_PER_MINUTE": 100_000,
        "DOCKER_HOST": docker_host,
        **environment,
    }
    log = tmp_path / f"gateway-{secrets.token_hex(4)}.log"
    variables = {**os.environ, **{name: str(value) for name, value in settings.items()}}
    process = begin("gateway", variables, log, prefix=prefix, listener=listener)
    metrics_url = f"http://{settings.get('FIGBOX_METRICS_HOST', '127.0.0.1')}:{settings['FIGBOX_METRICS_PORT']}/metrics"
    try:
        return LiveGateway(process, installation, docker_host, log, _read_url(process, log), metrics_url)
    except BaseException:
        end_gateway(process)
        raise


def begin(
    module: str,
    environment: dict[str, str],
    log: Path,
    *,
    prefix: Sequence[str] = (),
    listener: socket.socket | None = None,
) -> subprocess.Popen[str]:
    """Start a process of ours; what it writes to stderr is added to a log. For the others, see `start_gateway`.

    It runs in the log's folder, where no `.env` is: one of this checkout's would add to the environment.
    """
    command = [sys.executable, "-m", module]
    if listener is not None:
        command[2:2] = [PASSING]
    with log.open("a") as stderr:
        return subprocess.Popen(
            [*prefix, *command],
            cwd=log.parent,
            env={**environment, "PYTHONPATH": str(ROOT)},
            stdin=listener,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


def end_gateway(process: subprocess.Popen[str]) -> None:
    """End a gateway's process, in an orderly way if it can, and close what we hold of it."""
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
        try:
            process.wait(slowed(60))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


def free_port() -> int:
    """Return a port that nothing uses, and that nobody is given who asks the kernel or, for a long time, this."""
    for port in _own_ports:
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError


def _ports() -> Iterator[int]:
    """Yield ports without end, in turn; each worker that runs tests has its own."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    own = PORTS[worker % PORT_OWNERS :: PORT_OWNERS]
    first = secrets.randbelow(len(own))  # a run of pytest that a test starts begins elsewhere
    return itertools.cycle([*own[first:], *own[:first]])


_own_ports = _ports()


def containers_of(installation: str, docker_host: str) -> list[str]:
    """Return the names of an installation's containers, in any state."""
    with engine_client(docker_host) as client:
        rows = client.containers(all=True, filters={"label": f"{LABEL_INSTALLATION}={installation}"})
        return [row["Names"][0].lstrip("/") for row in rows if row["Names"]]


def remove_containers_of(installation: str, docker_host: str) -> None:
    """Remove what a test left on purpose; an engine that is gone has nothing left."""
    with socket.socket(socket.AF_UNIX) as knock:
        try:  # the SDK leaks the socket of a connect that fails
            knock.connect(docker_host.removeprefix("unix://"))
        except OSError:
            return
    try:
        client = docker.APIClient(base_url=docker_host, version="auto", timeout=slowed(10))
    except docker.errors.DockerException:
        return
    with closing(client):
        for row in client.containers(all=True, filters={"label": LABEL_INSTALLATION}):
            if not row["Labels"][LABEL_INSTALLATION].startswith(installation):  # with those of its self-test
                continue
            try:
                client.remove_container(row["Id"], force=True)
            except docker.errors.APIError as error:
                if error.status_code not in (404, 409):  # its removal is under way, or done
                    raise


def _read_url(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith("Figbox serves "):
            return line.split()[2]
    raise AssertionError(f"the gateway did not start:\n{log.read_text()}")


async def until_status(
    ask: Callable[[], Awaitable[Response]], status: int, check: Callable[[Response], None] = lambda _: None
) -> Response:
    """Ask until a response has a status; return it. Until then nothing may listen, and other responses are checked."""
    end = time.monotonic() + slowed(60)
    while True:
        said: object = "nothing listens"
        with suppress(aiohttp.ClientConnectionError):
            if (response := await ask()).status == status:
                return response
            check(response)
            said = response.status, response.body[-2000:]
        assert time.monotonic() < end, said
        await asyncio.sleep(0.1)


async def read_response(response: aiohttp.ClientResponse) -> Response:
    """Read a response to its end."""
    body = await response.read()
    document = await response.json(content_type=None) if "json" in response.content_type else {}
    return Response(response.status, response.headers.copy(), body, document)
