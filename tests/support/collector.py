"""A collector of traces: takes OTLP over HTTP with the official messages, and keeps all that it was sent."""

from __future__ import annotations

import gzip
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.fakes import DEADLINE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from opentelemetry.proto.common.v1.common_pb2 import AnyValue
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as SpanMessage

PATH = "/v1/traces"
CONTENT_TYPE = "application/x-protobuf"

REDIRECTIONS = (301, 302, 307, 308)

#: Bytes after which even an endless body ends.
ENDLESS = 64 << 20


@dataclass(frozen=True)
class Span:
    """A span as it was received."""

    name: str
    trace_id: str
    span_id: str
    parent_id: str
    kind: int
    began_ns: int
    ended_ns: int
    status: int
    trace_state: str
    attributes: dict[str, Any]
    resource: dict[str, Any]


@dataclass
class Collector:
    """What was received.

    Attributes:
        url: Its base URL.
        bodies: Every request's body, decompressed.
        heads: Every request's header fields.
        status: Sent in response; spans of other requests than those that get 200 are not taken.
        is_endless: Whether bodies of responses have no end.
        sent: Bytes of an endless body that were sent before its connection was closed.
    """

    url: str
    bodies: list[bytes] = field(default_factory=list)
    heads: list[dict[str, str]] = field(default_factory=list)
    status: int = 200
    is_endless: bool = False
    sent: int = 0

    def spans(self) -> list[Span]:
        """Return all spans, in the order in which they came."""
        return [span for body in self.bodies for span in decoded(body)]

    def requests(self) -> list[Span]:
        """Return the spans of requests."""
        return [span for span in self.spans() if span.kind == 2]

    def stages_of(self, request: Span) -> dict[str, Span]:
        """Return the spans of a request's stages, by their names."""
        found = [span for span in self.spans() if span.parent_id == request.span_id]
        assert len({span.name for span in found}) == len(found), found
        return {span.name: span for span in sorted(found, key=lambda span: span.began_ns)}

    def until(self, condition: Callable[[Collector], bool]) -> None:
        """Wait until a condition holds of what was received."""
        end = time.monotonic() + DEADLINE_S
        while not condition(self):
            assert time.monotonic() < end, [span.name for span in self.spans()]
            time.sleep(0.05)

    def until_request(self, request_id: str) -> Span:
        """Wait for the span of a request, and of whatever ended before it; return it."""
        self.until(lambda _: any(span.attributes["figbox.request_id"] == request_id for span in self.requests()))
        [found] = [span for span in self.requests() if span.attributes["figbox.request_id"] == request_id]
        return found


@contextmanager
def collector(host: str = "127.0.0.1") -> Iterator[Collector]:
    """Run a collector."""
    found = Collector("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            is_right = self.path == PATH and self.headers["Content-Type"] == CONTENT_TYPE
            status = found.status if is_right else 404
            if status == 200:
                ExportTraceServiceRequest.FromString(body)
                found.bodies.append(body)
            found.heads.append(dict(self.headers))
            answer = ExportTraceServiceResponse().SerializeToString()
            self.send_response(status)
            self.send_header("Content-Type", CONTENT_TYPE)
            if status in REDIRECTIONS:
                self.send_header("Location", f"{found.url}/elsewhere")
            if found.is_endless:
                self.end_headers()
                self.close_connection = True
                with suppress(ConnectionError):
                    while found.sent < ENDLESS:
                        found.sent += self.wfile.write(bytes(1 << 16))
                return
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: object) -> None:
            """Stay silent."""

    server = ThreadingHTTPServer((host, 0), Handler)
    server.daemon_threads = True
    found.url = f"http://{host}:{server.server_port}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def decoded(body: bytes) -> Iterator[Span]:
    """Yield the spans in a request's body."""
    for group in ExportTraceServiceRequest.FromString(body).resource_spans:
        resource = _values(group.resource.attributes)
        for scope in group.scope_spans:
            for span in scope.spans:
                yield _span(span, resource)


def _span(span: SpanMessage, resource: dict[str, Any]) -> Span:
    return Span(
        name=span.name,
        trace_id=span.trace_id.hex(),
        span_id=span.span_id.hex(),
        parent_id=span.parent_span_id.hex(),
        kind=span.kind,
        began_ns=span.start_time_unix_nano,
        ended_ns=span.end_time_unix_nano,
        status=span.status.code,
        trace_state=span.trace_state,
        attributes=_values(span.attributes),
        resource=resource,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {each.key: _value(each.value) for each in attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    return [_value(each) for each in value.array_value.values] if kind == "array_value" else getattr(value, kind)
