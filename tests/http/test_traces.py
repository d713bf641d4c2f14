"""Whose traces requests belong to, which of them are kept, and what a collector can do to the service."""

from __future__ import annotations

import asyncio
import io
import json
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from loguru import logger

from gateway.keys.budgets import Budgets
from gateway.keys.keyring import HEADER
from gateway.observability import trace_export
from gateway.observability.logs import configure_logging
from gateway.observability.trace_export import TraceExport
from tests.fakes import KEY, until
from tests.http.conftest import PATH, Rig, listening, make_rig
from tests.support.collector import ENDLESS, REDIRECTIONS, Collector, collector

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator
    from pathlib import Path

    from gateway.settings import Settings

TRACE_ID = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT_ID = "00f067aa0ba902b7"
GOOD = f"00-{TRACE_ID}-{PARENT_ID}-01"


@pytest.fixture
def collected() -> Iterator[Collector]:
    """Return a collector."""
    with collector() as running:
        yield running


@asynccontextmanager
async def tracing(rig: Rig, url: str, ratio: float = 1.0) -> AsyncIterator[Callable[..., object]]:
    """Serve a rig with traces; yield what sends a request with header lines and returns the response's head.

    All spans have been sent when the block has ended.
    """
    export = TraceExport(url, {}, ratio)
    rig.tracing = export.tracing
    async with listening(rig.app(), rig.edge) as connect:

        async def send(*lines: bytes, body: bytes = b'{"code": "x"}', key: str = KEY) -> bytes:
            reader, writer = await connect()
            head = [
                f"POST {PATH} HTTP/1.1".encode(),
                b"Host: x",
                b"Connection: close",
                b"Content-Type: application/json",
                f"Content-Length: {len(body)}".encode(),
                f"{HEADER}: {key}".encode(),
                *lines,
            ]
            writer.write(b"\r\n".join([*head, b"", body]))
            return await reader.read()

        yield send
        await until(lambda: not rig.admission.running_count)
    await export.aclose()


@pytest.mark.parametrize(
    ("lines", "is_parent"),
    [
        ([GOOD], True),
        ([f"cc-{TRACE_ID}-{PARENT_ID}-01-what-later-versions-add"], True),
        ([], False),
        ([GOOD, GOOD], False),
        ([GOOD + "-more"], False),
        ([GOOD.upper()], False),
        ([f"ff-{TRACE_ID}-{PARENT_ID}-01"], False),
        ([f"00-{'0' * 32}-{PARENT_ID}-01"], False),
        ([f"00-{TRACE_ID}-{'0' * 16}-01"], False),
        ([f"00-{TRACE_ID}-{PARENT_ID}"], False),
        (["\x80" + GOOD], False),
        (["9" * 4000], False),
    ],
)
async def test_parents(rig: Rig, collected: Collector, lines: list[str], is_parent: bool) -> None:  # noqa: FBT001
    """A request belongs to the trace that its `traceparent` names; one that isn't valid is as none."""
    async with tracing(rig, collected.url) as send:
        assert b"200 OK" in await send(*(b"traceparent: " + line.encode("latin-1") for line in lines))
    [span] = collected.requests()
    assert (span.parent_id == PARENT_ID, span.trace_id == TRACE_ID) == (is_parent, is_parent)
    assert int(span.trace_id, 16)


@pytest.mark.parametrize(
    ("states", "kept"),
    [
        ([b"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"], "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"),
        ([b"a=1", b"b=2"], "a=1,b=2"),
        ([b"a=\xff"], ""),
        ([b"a=1;\x80"], ""),
        ([b"no state"], ""),
        ([b",".join(b"k%d=v" % number for number in range(33))], ""),
        ([b"a=" + b"v" * 600], ""),
        ([b"a=" + b"v" * 254, b"b=" + b"v" * 253], f"a={'v' * 254},b={'v' * 253}"),
        ([b"a=" + b"v" * 254, b"b=" + b"v" * 254], ""),
    ],
)
async def test_states(rig: Rig, collected: Collector, states: list[bytes], kept: str) -> None:
    """`tracestate` goes along if it is valid; whatever it is, the span arrives, and no word of it is logged."""
    log = io.StringIO()
    configure_logging(debug=False, stream=log)
    async with tracing(rig, collected.url) as send:
        assert b"200 OK" in await send(b"traceparent: " + GOOD.encode(), *(b"tracestate: " + state for state in states))
    logger.remove()
    [span] = collected.requests()
    assert (span.trace_id, span.trace_state) == (TRACE_ID, kept)
    assert [json.loads(line)["event"] for line in log.getvalue().splitlines()] == ["job finished"]


@pytest.mark.parametrize(("flags", "ratio", "count"), [("00", 1, 0), ("01", 0, 1), (None, 0, 0), (None, 1, 1)])
async def test_which_are_kept(rig: Rig, collected: Collector, flags: str | None, ratio: float, count: int) -> None:
    """A `traceparent` says whether a trace is kept; without one the ratio does."""
    lines = [f"traceparent: 00-{TRACE_ID}-{PARENT_ID}-{flags}".encode()] if flags else []
    async with tracing(rig, collected.url, ratio) as send:
        assert b"200 OK" in await send(*lines)
    assert len(collected.requests()) == count
    assert len(collected.spans()) > 1 or not count


async def test_nothing_begins_without_a_key_or_beyond_its_rate(rig: Rig, collected: Collector) -> None:
    """Whoever has no right key, or has used its rate, can't make the service trace."""
    rig.budgets = Budgets(requests_per_minute=1)
    async with tracing(rig, collected.url) as send:
        assert b"401" in (await send(key="no"))[:20]
        assert b"200" in (await send())[:20]
        assert b"429" in (await send(b"traceparent: " + GOOD.encode()))[:20]
    assert [span.attributes["http.response.status_code"] for span in collected.requests()] == [200]


async def test_refused_in_the_queue(make_settings: Callable[..., Settings], collected: Collector) -> None:
    """The span of a job that waited in vain has the refusal, and one stage that says how long it waited."""
    rig = make_rig(make_settings)
    rig.admission._queue_wait_s = 0.05
    async with tracing(rig, collected.url) as send, rig.admission.place("other"):
        assert b"503" in (await send())[:20]
    [span] = collected.requests()
    assert (span.attributes["error.type"], span.attributes["figbox.outcome"]) == ("queue-timeout", "queue-timeout")
    assert span.status == 2
    stages = collected.stages_of(span)
    assert list(stages) == ["read", "queue"]
    assert stages["queue"].ended_ns - stages["queue"].began_ns >= 50_000_000


async def test_defects_are_errors(rig: Rig, collected: Collector) -> None:
    """The span of a request that met a defect of ours says so, without a word of it."""
    rig.launcher.result = RuntimeError("a secret of ours")
    async with tracing(rig, collected.url) as send:
        assert b"500" in (await send())[:20]
    [span] = collected.requests()
    assert (span.attributes["error.type"], span.status) == ("internal-error", 2)
    assert b"secret" not in b"".join(collected.bodies)


async def test_queue_is_bounded(rig: Rig, collected: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a collector takes nothing, the newest spans are kept up to a bound, and requests go on."""
    monkeypatch.setattr(trace_export, "QUEUE_LIMIT", 20)
    monkeypatch.setattr(trace_export, "BATCH_LIMIT", 20)
    monkeypatch.setattr(trace_export, "PERIOD_MS", 3_600_000)
    export = TraceExport(collected.url, {}, 1.0)
    queue = export._processor._batch_processor._queue
    lock = export._processor._batch_processor._export_lock
    with lock:  # as while a batch is being sent
        for number in range(100):
            export.tracing._tracer.start_span(str(number)).end()
        assert len(queue) == 20
    await until(lambda: len(collected.spans()) == 20)
    assert sorted(int(span.name) for span in collected.spans()) == [*range(80, 100)]
    await export.aclose()


async def test_log_tells_when_sending_fails(
    collected: Collector, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The log says that nothing can be sent and why, once in a while, and when it works again; nothing else."""
    monkeypatch.setattr(trace_export, "PERIOD_MS", 5)
    with (tmp_path / "log").open("w") as stream:
        configure_logging(debug=False, stream=stream)
        export = TraceExport(collected.url, {}, 1.0)
        collected.status = 404
        for count in (1, 2, 3):
            export.tracing._tracer.start_span("x").end()
            await until(lambda count=count: len(collected.heads) == count)
        collected.status = 200
        export.tracing._tracer.start_span("x").end()
        await until(collected.spans)
        await export.aclose()
        logger.remove()
    first, second = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert (first["event"], first["level"], first["failures"]) == ("traces not exported", "WARNING", 1)
    assert "404" in first["cause"]
    assert (second["event"], second["failures"]) == ("traces are exported again", 3)


@pytest.mark.parametrize("status", REDIRECTIONS)
async def test_a_collector_that_is_elsewhere_is_a_failure(
    collected: Collector, monkeypatch: pytest.MonkeyPatch, log: io.StringIO, status: int
) -> None:
    """Nothing goes to another address than that of the settings, and the log tells of it."""
    monkeypatch.setattr(trace_export, "PERIOD_MS", 5)
    collected.status = status
    export = TraceExport(collected.url, {}, 1.0)
    export.tracing._tracer.start_span("x").end()
    await until(lambda: collected.heads)
    await export.aclose()
    assert len(collected.heads) == 1
    assert f"it is elsewhere ({status})" in log.getvalue()


async def test_an_answer_without_end_is_not_read(collected: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a collector says after its head takes neither memory nor time."""
    monkeypatch.setattr(trace_export, "PERIOD_MS", 5)
    collected.is_endless = True
    export = TraceExport(collected.url, {}, 1.0)
    for count in (1, 2):
        export.tracing._tracer.start_span("x").end()
        await until(lambda count=count: len(collected.spans()) == count)
    await export.aclose()
    assert collected.sent < ENDLESS


async def test_log_repeats_itself_after_a_while(collected: Collector, monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as nothing can be sent, the log says so again, but rarely."""
    monkeypatch.setattr(trace_export, "PERIOD_MS", 5)
    collected.status = 400
    now = [1000.0]
    export = TraceExport(collected.url, {}, 1.0)
    export._exporter._clock = lambda: now[0]
    said: list[int] = []
    sink = logger.add(lambda message: said.append(message.record["extra"]["failures"]))
    try:
        for count in range(1, 5):
            export.tracing._tracer.start_span("x").end()
            await until(lambda count=count: export._exporter._failures == count)
            now[0] += trace_export.REPEAT_S * 0.6
    finally:
        logger.remove(sink)
    assert said == [1, 3]
    await asyncio.wait_for(export.aclose(), 60)
