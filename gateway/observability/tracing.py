"""Traces: a span for each request whose key is right, and below it one for each of its stages.

Nobody but whoever switches traces on imports this module, and OpenTelemetry's library with it.

A span of ours has what the metrics and the log have: times, sizes, outcomes, names of environments and formats. It
never has a code, a key, a path or a query as the client sent it, or a word of a guest's. What a client decides is
`traceparent` and `tracestate`, which are for this: to whose trace the spans belong, and whether they are kept. Both are
read by the library, which ignores what isn't valid.

The launcher makes no spans. It reports how long its stages took, and the gateway, whose clock they then have, makes
spans of that which follow one another from when the job was handed over. What is left between the last of them and the
next span is the way between the two processes.

Source: W3C, "Trace Context"; OpenTelemetry, "Semantic conventions for HTTP spans".
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from aiohttp import web
from opentelemetry.context import Context
from opentelemetry.propagators.textmap import Getter
from opentelemetry.trace import SpanKind, Status, StatusCode, format_trace_id, set_span_in_context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from gateway.model.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from opentelemetry.trace import Span, Tracer

    from gateway.model.jobs import Job
    from gateway.model.results import Result, Stages
    from gateway.observability.timing import Timing

    Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: Statuses from which on a response is an error, and an error of the server.
CLIENT_ERROR = 400
SERVER_ERROR = 500

#: Longest `tracestate` that goes along, in characters: each of a request's spans has it, in memory and in what is sent.
#: Source: W3C, "Trace Context", 3.3.1.5: at least so many should be passed on.
STATE_LIMIT = 512

_NS = 1_000_000_000


class _Fields(Getter[web.Request]):
    """How the library reads the header of a request."""

    def get(self, carrier: web.Request, key: str) -> list[str] | None:
        """Return the values of a field; none if it is there more often or is longer than it may be."""
        values = carrier.headers.getall(key, [])
        if key == "traceparent" and len(values) > 1:
            return None
        if key == "tracestate" and len(",".join(values)) > STATE_LIMIT:
            return None
        return list(values) or None

    def keys(self, carrier: web.Request) -> list[str]:
        """Return the names of all fields."""
        return list(carrier.headers)


class _Clock:
    """Tells the moments of one request as others know them; the system's clock may be set meanwhile."""

    def __init__(self) -> None:
        self._offset_ns = time.time_ns() - time.perf_counter_ns()

    def unix_ns(self, moment: float) -> int:
        """Return a moment of `time.perf_counter` as nanoseconds since 1970."""
        return self._offset_ns + int(moment * _NS)


class RequestTrace:
    """The span of one request, and those of its stages.

    Args:
        tracer: Makes spans.
        span: The request's, which has begun.
        clock: Of the request.
    """

    def __init__(self, tracer: Tracer, span: Span, clock: _Clock) -> None:
        self._tracer = tracer
        self._span = span
        self._clock = clock
        self._context = set_span_in_context(span, Context())
        self._is_kept = span.is_recording()
        self._error: str | None = None

    @property
    def trace_id(self) -> str:
        """The id of the trace, as 32 hex digits."""
        return format_trace_id(self._span.get_span_context().trace_id)

    def stage(self, name: str, began: float, ended: float) -> None:
        """Add a stage that has ended.

        Args:
            name: One of ours.
            began: When it began, by `time.perf_counter`.
            ended: When it ended, likewise.
        """
        if self._is_kept:
            span = self._tracer.start_span(name, self._context, start_time=self._clock.unix_ns(began))
            span.end(self._clock.unix_ns(ended))

    def job(self, asked: float, placed: float | None, stages: Stages) -> None:
        """Add the stages of a job that has ended.

        Args:
            asked: When it asked for a place, by `time.perf_counter`.
            placed: When it had one; None if it was refused one.
            stages: How long it was in each.
        """
        if not self._is_kept:
            return
        self.stage("queue", asked, placed if placed is not None else time.perf_counter())
        if placed is None:
            return
        self._note(warm=stages.warm)
        spent_ms = stages.by_name()
        began = placed
        for name in ("acquire", "run", "check"):
            if spent_ms[name]:
                ended = began + spent_ms[name] / 1000
                self.stage(name, began, ended)
                began = ended

    def note_job(self, job: Job) -> None:
        """Add where a job is to run, and what it is to draw; both were checked."""
        self._note(environment=job.environment, formats=[each.value for each in job.options.formats])

    def note_result(self, result: Result, *, cached: bool) -> None:
        """Add what came of a job."""
        usage, stages = result.usage, result.stages
        pictures = [picture for figure in result.figures for picture in figure.pictures]
        self.note_outcome(result.outcome.value, is_error=result.outcome is not Outcome.OK)
        self._note(
            cached=cached,
            figures=len(result.figures),
            picture_bytes=sum(len(picture.data) for picture in pictures),
            cpu_s=usage.cpu_s if usage is not None else None,
            memory_peak_bytes=usage.memory_peak_bytes if usage is not None else None,
            **({} if cached else {f"{name}_ms": spent_ms for name, spent_ms in stages.by_name().items()}),
        )

    def note_outcome(self, outcome: str, *, is_error: bool = True) -> None:
        """Add how the request ended, in the words of the metric `figbox_requests`."""
        self._note(outcome=outcome)
        if is_error:
            self._error = outcome

    def end(self, status: int | None) -> None:
        """End the request's span.

        Args:
            status: Of the response; None if there was none.
        """
        if status is not None:
            self._span.set_attribute("http.response.status_code", status)
            if status >= CLIENT_ERROR and self._error is None:
                self._error = str(status)
            if status >= SERVER_ERROR:
                self._span.set_status(Status(StatusCode.ERROR))
        if self._error is not None:
            self._span.set_attribute("error.type", self._error)
        self._span.end(self._clock.unix_ns(time.perf_counter()))

    def _note(self, **facts: str | float | bool | list[str] | None) -> None:
        """Add facts by their names below `figbox.`; those that are None are left out."""
        for name, fact in facts.items():
            if fact is not None:
                self._span.set_attribute(f"figbox.{name}", fact)


#: The trace of a request; set once its key is known to be right.
TRACE = web.RequestKey("trace", RequestTrace)


class Tracing:
    """Begins traces.

    Args:
        tracer: Makes spans.
    """

    def __init__(self, tracer: Tracer) -> None:
        self._tracer = tracer
        self._propagator = TraceContextTextMapPropagator()
        self._fields = _Fields()
        self.middleware = end_trace

    def begin(self, request: web.Request, request_id: str, timing: Timing) -> None:
        """Begin the trace of a request whose key is right; `end_trace` ends it.

        Args:
            request: Its head has been read.
            request_id: The id that its client is told.
            timing: When it came.
        """
        resource = request.match_info.route.resource
        route = resource.canonical if resource is not None else ""
        clock = _Clock()
        span = self._tracer.start_span(
            f"{request.method} {route}",
            self._propagator.extract(request, getter=self._fields),
            SpanKind.SERVER,
            attributes={
                "http.request.method": request.method,
                "http.route": route,
                "url.path": route,  # without parameters, so that both are the same
                "url.scheme": request.scheme,
                "network.protocol.version": f"{request.version.major}.{request.version.minor}",
                "figbox.request_id": request_id,
            },
            start_time=clock.unix_ns(timing.began),
        )
        timing.trace = request[TRACE] = RequestTrace(self._tracer, span, clock)


@web.middleware
async def end_trace(request: web.Request, handler: Handler) -> web.StreamResponse:
    """End the trace of a request, if one has begun."""
    status = None
    try:
        response = await handler(request)
        status = response.status
        return response
    finally:
        if TRACE in request:
            request[TRACE].end(status)
