"""Send traces to a collector, by OpenTelemetry's own library.

Requests only put their ended spans into a queue. A thread of the library takes them out, in batches, and sends each by
HTTP. So a collector that is slow, wrong or gone costs a request nothing: when the queue is full, the oldest spans in it
are lost. The log says that a collector can't be reached, and when it can be again.

The library's own words don't get into the log: it quotes what clients send. Only why it couldn't send is kept.

Source: opentelemetry.io, "Specification", "Trace SDK" and "OTLP exporter".
"""

from __future__ import annotations

import asyncio
import logging
import platform
import threading
import time
import uuid
from typing import TYPE_CHECKING, Any

from loguru import logger
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import SpanLimits, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from requests import Response, Session
from requests.exceptions import InvalidURL

from gateway import __version__
from gateway.observability.tracing import Tracing

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from opentelemetry.sdk.trace import ReadableSpan

#: Where a collector takes traces, below its address. Source: opentelemetry.io, "OTLP", "OTLP/HTTP request".
PATH = "/v1/traces"

#: Most spans that wait to be sent; each takes some 3 KiB.
QUEUE_LIMIT = 2048

#: Most spans that are sent at once, and milliseconds between two batches that aren't full.
BATCH_LIMIT = 512
PERIOD_MS = 2000

#: Seconds that sending a batch may take, with all attempts.
SEND_LIMIT_S = 5.0

#: Seconds that sending what is left may take at the end.
CLOSE_LIMIT_S = 2.0

#: Seconds after which the log says again that nothing can be sent.
REPEAT_S = 600.0

#: What a span may have. Ours have fewer and shorter ones; this bounds what a mistake of ours could do.
LIMITS = SpanLimits(max_attributes=32, max_events=0, max_links=0, max_attribute_length=128)

#: The library's logger that tells why it couldn't send.
SENDER = "opentelemetry.exporter"


class TraceExport:
    """Sends spans until it is closed.

    Args:
        endpoint: Base URL of the collector.
        fields: Header fields that it wants, such as one with a token.
        ratio: Share of the traces to keep of those for which no `traceparent` says whether they are kept.

    Attributes:
        tracing: Begins the traces.
    """

    def __init__(self, endpoint: str, fields: Mapping[str, str], ratio: float) -> None:
        reasons = _LastReason()
        self._exporter = _ReportingExporter(
            OTLPSpanExporter(endpoint=endpoint + PATH, headers=fields, timeout=SEND_LIMIT_S, session=_HeadSession()),
            reasons,
        )
        self._processor = BatchSpanProcessor(
            self._exporter,
            max_queue_size=QUEUE_LIMIT,
            schedule_delay_millis=PERIOD_MS,
            max_export_batch_size=BATCH_LIMIT,
            meter_provider=NoOpMeterProvider(),
        )
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(ratio)),
            resource=_resource(),
            shutdown_on_exit=False,  # which would wait for half a minute
            span_limits=LIMITS,
            meter_provider=NoOpMeterProvider(),
        )
        self._provider.add_span_processor(self._processor)

        self.tracing = Tracing(self._provider.get_tracer("figbox", __version__))

    async def aclose(self) -> None:
        """Send what is left, within a bound; where nothing could be sent lately, try no more."""
        if self._exporter.is_failing:
            self._exporter.shutdown()
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        await asyncio.to_thread(ending.join, CLOSE_LIMIT_S)


class _HeadSession(Session):
    """Reads the head of each response only: a collector could send a body without end."""

    def request(self, *arguments: Any, **options: Any) -> Response:
        """Send a request, and close its connection once the response has begun.

        Raises:
            InvalidURL: Another address is the right one. The library takes that for a success, and follows nothing.
        """
        response = super().request(*arguments, **{**options, "stream": True})
        response.close()
        if response.is_redirect:
            raise InvalidURL(f"it is elsewhere ({response.status_code})")
        return response


class _LastReason(logging.Handler):
    """Takes the library's messages out of the log, and keeps the last one about sending."""

    def __init__(self) -> None:
        super().__init__()
        self.text: str | None = None
        library = logging.getLogger("opentelemetry")
        library.propagate = False
        library.handlers = [self]

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a message, if it is about sending."""
        if record.name.startswith(SENDER):
            self.text = record.getMessage()


class _ReportingExporter(SpanExporter):
    """Reports when sending begins to fail, now and then while it fails, and when it works again."""

    def __init__(
        self, exporter: SpanExporter, reasons: _LastReason, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._exporter = exporter
        self._reasons = reasons
        self._clock = clock
        self._failures = 0
        self._reported = 0.0

    @property
    def is_failing(self) -> bool:
        """Whether the last batch couldn't be sent."""
        return self._failures > 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch."""
        result = self._exporter.export(spans)
        if result is SpanExportResult.SUCCESS:
            if self._failures:
                logger.info("traces are exported again", failures=self._failures)
            self._failures = 0
            return result
        self._failures += 1
        if self._failures == 1 or self._clock() - self._reported > REPEAT_S:
            self._reported = self._clock()
            logger.warning("traces not exported", failures=self._failures, cause=self._reasons.text)
        return result

    def shutdown(self) -> None:
        """Send nothing more."""
        self._exporter.shutdown()


def _resource() -> Resource:
    """Return what the spans say of this process; `OTEL_RESOURCE_ATTRIBUTES` adds to it and changes it."""
    ours = {
        "service.name": "figbox",
        "service.version": __version__,
        "service.instance.id": str(uuid.uuid4()),
        "host.name": platform.node(),
    }
    return Resource.create(ours).merge(OTELResourceDetector().detect())
