"""`python -m benchmarks.parts.tracing`: what traces cost the gateway's process, in processor time and memory.

Requests are begun and ended as the gateway does it, without HTTP, a body or a job between: what is measured is only the
tracing, and sending it to a collector in a process of its own, which takes it and keeps nothing.
"""

from __future__ import annotations

import asyncio
import resource
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from multiprocessing import get_context
from typing import TYPE_CHECKING

from aiohttp import hdrs, web
from aiohttp.test_utils import make_mocked_request

from gateway.model.jobs import Job
from gateway.model.results import Outcome, Result, Stages
from gateway.observability.timing import Timing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from multiprocessing.queues import Queue

    from gateway.observability.trace_export import TraceExport

#: Requests of a measurement, and those after which what they made is sent.
REQUESTS = 4000
BATCH = 200

RESULT = Result(Outcome.OK, stages=Stages(1, 2, 30, 4))


class _Sink(BaseHTTPRequestHandler):
    """Takes whatever comes."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        """Read and forget a batch."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def _serve(ports: Queue[int]) -> None:
    server = HTTPServer(("127.0.0.1", 0), _Sink)
    ports.put(server.server_port)
    server.serve_forever()


@contextmanager
def sink() -> Iterator[str]:
    """Run a collector in a process of its own; yield its URL."""
    context = get_context("spawn")
    ports: Queue[int] = context.Queue()
    process = context.Process(target=_serve, args=(ports,), daemon=True)
    process.start()
    try:
        yield f"http://127.0.0.1:{ports.get(timeout=60)}"
    finally:
        process.terminate()
        process.join()


async def request_of(app: web.Application, flags: str) -> web.Request:
    """Return a request to render whose `traceparent` has these flags."""
    traceparent = f"00-{'1' * 32}-{'2' * 16}-{flags}"
    request = make_mocked_request(hdrs.METH_POST, "/v1/render", {"traceparent": traceparent}, app=app)
    request._match_info = await app.router.resolve(request)  # noqa: SLF001 - as aiohttp's own application does
    return request


def serve_one(export: TraceExport | None, request: web.Request) -> None:
    """Do for a request what the gateway does for its trace."""
    timing = Timing()
    if export is not None:
        export.tracing.begin(request, "3" * 32, timing)
    with timing.stage("read"):
        pass
    timing.note_job(Job("x"))
    if timing.trace is not None:
        timing.trace.job(timing.began, timing.began, RESULT.stages)
        timing.trace.note_result(RESULT, cached=False)
    with timing.stage("send"):
        pass
    if timing.trace is not None:
        timing.trace.end(200)


def cost_us(export: TraceExport | None, request: web.Request) -> float:
    """Return the processor time of one request's trace in microseconds, in all threads of this process."""
    began = time.process_time()
    for number in range(REQUESTS):
        serve_one(export, request)
        if export is not None and number % BATCH == BATCH - 1:
            export._processor.force_flush()  # noqa: SLF001 - the gateway has no need to
    return (time.process_time() - began) / REQUESTS * 1e6


def peak_mib() -> float:
    """Return the most memory that this process had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def main() -> None:
    """Measure and print."""
    app = web.Application()

    async def render(_: web.Request) -> web.Response:
        return web.Response()

    app.router.add_post("/v1/render", render)
    kept, dropped = await request_of(app, "01"), await request_of(app, "00")
    print(f"off: {cost_us(None, kept):.1f} µs a request")
    before_mib = peak_mib()
    from gateway.observability.trace_export import TraceExport  # noqa: PLC0415 - its memory is measured

    with sink() as url:
        export = TraceExport(url, {}, 1.0)
        print(f"the library: {peak_mib() - before_mib:.0f} MiB")
        print(f"on, trace not kept: {cost_us(export, dropped):.0f} µs a request")
        print(f"on, trace kept and sent: {cost_us(export, kept):.0f} µs a request, of 7 spans")
        for _ in range(REQUESTS):  # more than the queue holds, since sending can't keep up
            serve_one(export, kept)
        print(f"with a full queue: {peak_mib() - before_mib:.0f} MiB")
        await export.aclose()


if __name__ == "__main__":
    asyncio.run(main())
