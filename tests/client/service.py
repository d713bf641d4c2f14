"""A fake service: the contract of the render interface over real HTTP, without drawing.

A picture's bytes say what it shows, so that tests can tell pictures apart. Any response can be replaced by a failure.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import socketserver
import threading
import time
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from tests.fakes import DEADLINE_S, KEY
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

OPTIONS = {
    *(
        "bbox_inches",
        "cache",
        "code",
        "describe",
        "dpi",
        "embed_alt_text",
        "environment",
        "fail_on",
        "figures",
        "files",
        "format",
    ),
    *("height", "memory_mib", "rc", "seed", "style", "timeout_s", "transparent", "width"),
}
CONTENT_TYPES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
ENVIRONMENT = {
    "name": "default",
    "image": "sha256:0123",
    "versions": {"python": "3.13.5", "matplotlib": "3.11.2"},
    "packages": [{"name": "numpy", "version": "2.4.6"}, {"name": "pandas", "version": "3.1.1"}],
    "limits": {"wall_limit_s": 30.0, "memory_limit_bytes": 1073741824, "pids_limit": 64},
}


@dataclass(frozen=True)
class Canned:
    """A prepared response."""

    status: int
    document: Mapping[str, Any] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    def response(self) -> web.Response:
        """Return it as aiohttp sends it."""
        if self.document is None:
            return web.Response(status=self.status, body=self.body, headers=self.headers)
        kind = "application/json" if self.status == 200 else "application/problem+json"
        return web.Response(status=self.status, body=json.dumps(self.document), content_type=kind, headers=self.headers)


@dataclass
class Asked:
    """A request that the service received."""

    method: str
    path: str
    headers: Mapping[str, str]
    document: dict[str, Any]


@dataclass
class Service:
    """A running service.

    Attributes:
        asked: Every request, in order.
        canned: Responses to the next renders, instead of pictures.
        respond: Makes the response to a render from its document; None from it, too, means drawing.
        places: Most renders at once; more are refused with 429.
        gate: While it is set to a closed event, renders wait for it.
        peak: Most renders that were under way at once.
        ready: What `/readyz` says.
        environments: What `/v1/environments` says.
    """

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    canned: deque[Canned] = field(default_factory=deque)
    respond: Callable[[dict[str, Any]], Canned | None] = lambda _: None
    places: int = 1000
    gate: threading.Event = field(default_factory=threading.Event)
    running: int = 0
    peak: int = 0
    ready: bool = True
    environments: list[dict[str, Any]] = field(default_factory=lambda: [ENVIRONMENT])

    def __post_init__(self) -> None:
        self.gate.set()

    @property
    def renders(self) -> list[dict[str, Any]]:
        """The documents of all renders."""
        return [asked.document for asked in self.asked if asked.path == "/v1/render"]

    async def handle_render(self, request: web.Request) -> web.Response:
        """`POST /v1/render`."""
        if (refusal := self._authenticate(request)) is not None:
            return refusal
        assert request.content_type == "application/json"
        document = json.loads(await request.read())
        self.asked.append(Asked(request.method, request.path, dict(request.headers), document))
        if self.canned:
            return self.canned.popleft().response()
        if self.running >= self.places:
            return Canned(429, problem(429, "This key has its share"), {"Retry-After": "0"}).response()
        self.running += 1
        self.peak = max(self.peak, self.running)
        try:
            while not self.gate.is_set():  # noqa: ASYNC110 - it is set by another thread
                await asyncio.sleep(0.005)
            return (self.respond(document) or draw(document)).response()
        finally:
            self.running -= 1

    async def handle_environments(self, request: web.Request) -> web.Response:
        """`GET /v1/environments`."""
        if (refusal := self._authenticate(request)) is not None:
            return refusal
        self.asked.append(Asked(request.method, request.path, dict(request.headers), {}))
        return web.json_response({"environments": self.environments})

    async def handle_ready(self, _: web.Request) -> web.Response:
        """`GET /readyz`."""
        if self.ready:
            return web.json_response({"status": "ready"})
        return Canned(503, problem(503, "the pool is being filled"), {"Retry-After": "1"}).response()

    @staticmethod
    def _authenticate(request: web.Request) -> web.Response | None:
        if request.headers.getall("X-API-Key", []) == [KEY]:
            return None
        return Canned(401, problem(401, "Unauthorized")).response()


def problem(status: int, error: str, **members: Any) -> dict[str, Any]:
    """Return a problem document."""
    document = {"type": "urn:figbox:problem:test", "title": "Test", "status": status, "error": error}
    return {**document, "request_id": "id-of-a-problem", **members}


def failed(outcome: str, error: str, **members: Any) -> Canned:
    """Return the response to code that failed."""
    return Canned(422, problem(422, error, outcome=outcome, **members))


def rendered(figures: list[dict[str, Any]], **members: Any) -> Canned:
    """Return the response to code that was rendered."""
    document = {
        "outcome": "ok",
        "request_id": "id-of-a-render",
        "cached": False,
        "figures": figures,
        "files": [],
        "files_truncated": False,
        "stdout": {"text": "", "truncated": False},
        "stderr": {"text": "", "truncated": False},
        "warnings": [],
        "manifest": {"image": "sha256:0123", "versions": {"matplotlib": "3.11.2"}},
    }
    return Canned(200, {**document, **members})


def figure(number: int, *formats: str, data: bytes | None = None) -> dict[str, Any]:
    """Return a figure of a response, in formats."""
    return {"number": number, "label": "", "pictures": [picture(number, name, data) for name in formats]}


def picture(number: int, name: str, data: bytes | None = None) -> dict[str, Any]:
    """Return a picture of a response."""
    data = data if data is not None else f"{name} of figure {number}".encode()
    pixels = name not in {"svg", "pdf"}
    return {
        "format": name,
        "content_type": CONTENT_TYPES.get(name, f"image/{name}"),
        "width_px": 640 if pixels else None,
        "height_px": 480 if pixels else None,
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "pixels_sha256": "ab" * 32 if pixels else None,
        "data": base64.b64encode(data).decode(),
    }


def written(name: str, data: bytes, *, truncated: bool = False) -> dict[str, Any]:
    """Return a file that code wrote."""
    return {
        "name": name,
        "content_type": "application/octet-stream",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest() if not truncated else "00" * 32,
        "truncated": truncated,
        "data": base64.b64encode(data).decode(),
    }


def draw(document: dict[str, Any]) -> Canned:
    """Return what the code would give: `raise` fails, each `plt.figure` opens a figure, `plt.` alone the first."""
    unknown = sorted(set(document) - OPTIONS)
    if unknown:
        error = {"option": unknown[0], "message": "there is no such option"}
        return Canned(400, problem(400, "Unknown option", errors=[error]))
    code: str = document["code"]
    for number, line in enumerate(code.splitlines(), 1):
        if match := re.match(r"raise (\w+)\('(.*)'\)", line):
            kind, message = match.groups()
            trace = f'Traceback (most recent call last):\n  File "plot.py", line {number}, in <module>\n    {line}\n'
            fault = {"type": kind, "message": message, "line": number, "column": 1, "source": line}
            return failed("program_error", f"{trace}{kind}: {message}", fault=fault)
    wanted = document.get("format", "png")
    formats = [wanted] if isinstance(wanted, str) else wanted
    count = max(code.count("plt.figure("), int("plt." in code))
    if not count:
        return failed("no_figure", "The code left no figure open", figures={"drawn": 0, "closed": 0})
    numbers = range(1, count + 1) if document.get("figures") == "all" else [count]
    return rendered([figure(number, *formats) for number in numbers])


@contextmanager
def running_service() -> Iterator[Service]:
    """Run a service in a thread of its own."""
    service = Service()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_post("/v1/render", service.handle_render)
    app.router.add_get("/v1/environments", service.handle_environments)
    app.router.add_get("/readyz", service.handle_ready)
    runner = web.AppRunner(app, handler_cancellation=True)

    async def start() -> str:
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        return f"http://127.0.0.1:{runner.addresses[0][1]}"

    try:
        service.url = asyncio.run_coroutine_threadsafe(start(), loop).result(slowed(10))
        yield service
    finally:
        service.gate.set()
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(slowed(10))
        loop.call_soon_threadsafe(loop.stop)
        thread.join(slowed(10))
        loop.close()


@contextmanager
def opening_the_gate(service: Service, condition: Callable[[], object]) -> Iterator[None]:
    """Close a service's gate, and open it in another thread as soon as a condition is met."""

    def open_it() -> None:
        wait_until(condition)
        service.gate.set()

    service.gate.clear()
    thread = threading.Thread(target=open_it)
    thread.start()
    yield
    thread.join(slowed(10))


@contextmanager
def raw_service(answer: Callable[[], bytes], seen: list[bytes] | None = None) -> Iterator[str]:
    """Run a service that sends given bytes on each connection and closes it; yield its address.

    Args:
        answer: Returns the bytes; empty bytes close the connection in silence.
        seen: Collects what each client sent first.
    """

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            came = self.request.recv(65536)
            if seen is not None:
                seen.append(came)
            self.request.sendall(answer())

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(slowed(10))


def wait_until(condition: Callable[[], object], deadline_s: float = DEADLINE_S) -> None:
    """Wait until a condition holds; fail when it doesn't in time."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, "it didn't happen in time"
        time.sleep(0.005)
