"""Connections: how long a head may take, what they may bring and leave unread, and what strangers can do."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from aiohttp import http_parser

from gateway.app import metrics_app
from gateway.keys.keyring import HEADER
from gateway.model.errors import StartError
from gateway.model.results import ERROR_TEXT_LIMIT, Outcome, Result, printable
from gateway.observability.metrics import Metrics
from gateway.server import protocol as protocol_module
from gateway.server.ambiguity import check_parser
from gateway.server.connections import (
    FAREWELLS_LIMIT,
    HEAD_LIMIT_BYTES,
    OTHER_DESCRIPTORS,
    Edge,
    EdgeLimits,
    check_descriptors,
)
from gateway.settings import ROOT
from tests.fakes import KEY, picture_result, until
from tests.http.conftest import limit_edge, listening, refusals
from tests.http.raw import (
    ALIVE,
    BODY,
    CLOSE,
    HOST,
    JSON,
    KEY_LINE,
    LENGTH,
    LIMIT_S,
    POST,
    RENDER,
    check_problem,
    read_rest,
    read_status,
    split_answers,
)
from tests.support.machine import slowed

if TYPE_CHECKING:
    import io
    from collections.abc import AsyncIterator

    from tests.http.conftest import Connect, Rig


# Heads


@pytest.mark.parametrize("sent", [POST * 1000, POST[:20]], ids=["trickling", "stopping"])
@pytest.mark.parametrize("before", [b"", ALIVE], ids=["first", "second"])
async def test_trickling_head_is_408(connect: Connect, rig: Rig, before: bytes, sent: bytes) -> None:
    """A head that trickles in, or stops, gets 408 and the connection ends, for the first request and for later ones."""
    limit_edge(rig, head_s=0.1)
    reader, writer = await connect()
    if before:
        writer.write(before)
        assert await read_status(reader) == 200

    async def trickle() -> None:
        for byte in sent:
            writer.write(bytes([byte]))
            await asyncio.sleep(0.005)

    slow = asyncio.create_task(trickle())
    try:
        (response,) = split_answers(await read_rest(reader))
    finally:
        slow.cancel()
    check_problem(response, 408, "head-timeout")
    assert response[1]["Connection"] == "close"
    await asyncio.gather(slow, return_exceptions=True)
    await until(lambda: not rig.edge.connection_count)
    assert refusals(rig, "head-timeout") == 1


async def test_time_of_one_head_is_not_that_of_the_next(connect: Connect, rig: Rig) -> None:
    """The time limit of a head ends with it: neither its job nor an idle pause counts towards it."""
    reader, writer = await connect()
    for _ in range(3):
        writer.write(ALIVE[:10])
        await until(lambda: [bool(connection._head_end) for connection in rig.edge._connections] == [True])
        writer.write(ALIVE[10:])
        assert await read_status(reader) == 200
        (connection,) = rig.edge._connections
        assert (connection._head_end, connection._head_bytes) == (None, 0)
    rig.launcher.result = None
    writer.write(RENDER)
    await until(lambda: rig.launcher.running)
    assert connection._head_end is None


async def test_head_that_begins_late_has_its_time(connect: Connect, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """The time limit of an idle connection ends with the first byte of a head."""
    monkeypatch.setitem(protocol_module.PROTOCOL_OPTIONS, "keepalive_timeout", 0.5)
    reader, writer = await connect()
    writer.write(RENDER[:10])
    await until(lambda: rig.edge.connection_count)
    await asyncio.sleep(0.6)
    writer.write(RENDER[10:])
    assert [status for status, *_ in split_answers(await read_rest(reader))] == [200]


async def test_silent_connection_is_closed_silently(connect: Connect, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without a request is closed without a response; line ends alone are not a request."""
    monkeypatch.setitem(protocol_module.PROTOCOL_OPTIONS, "keepalive_timeout", 0.05)
    for nothing in (b"", b"\r\n\r\n"):
        reader, writer = await connect()
        writer.write(nothing)
        assert await read_rest(reader) == b""


@pytest.mark.parametrize(
    "head",
    [
        pytest.param(POST + b"X: " + b"MARK" * 3000 + b"\r\n\r\n", id="long value"),
        pytest.param(POST + b"MARK" * 3000 + b": x\r\n\r\n", id="long name"),
        pytest.param(b"GET /" + b"MARK" * 3000 + b" HTTP/1.1\r\n\r\n", id="long target"),
        pytest.param(b"MARK" * 300_000, id="no end"),
        pytest.param(POST + (b"X: " + b"MARK" * 1000 + b"\r\n") * 100, id="many lines"),
        pytest.param(b"\r\n" * HEAD_LIMIT_BYTES, id="line ends"),
    ],
)
async def test_heads_are_bounded(connect: Connect, rig: Rig, log: io.StringIO, head: bytes) -> None:
    """A head with too long a line, or too long as a whole, is refused before it is complete, and quoted nowhere."""
    reader, writer = await connect()
    for start in range(0, len(head), 4000):
        writer.write(head[start : start + 4000])
        await asyncio.sleep(0)
    ((status, fields, body),) = split_answers(await read_rest(reader))
    assert (status, fields["Content-Type"]) in {
        (431, "application/problem+json"),
        (400, "application/problem+json"),  # the parser found it malformed before it found it too long
    }
    assert b"MARK" not in body
    assert "MARK" not in log.getvalue()
    assert KEY not in log.getvalue()
    assert rig.launcher.jobs == []


async def test_long_head_is_431(connect: Connect) -> None:
    """The status is the same whether a line is too long, or all of them together."""
    for head in (POST + b"X: " + b"x" * 9000 + b"\r\n\r\n", (POST + (b"X: " + b"x" * 8000 + b"\r\n") * 5)):
        reader, writer = await connect()
        writer.write(head)
        (response,) = split_answers(await read_rest(reader))
        check_problem(response, 431, "head-too-large")


# Bodies


@pytest.mark.parametrize("chunk", [None, 64])
async def test_largest_body_is_within_the_bounds_of_framing(connect: Connect, rig: Rig, chunk: int | None) -> None:
    """A body as long as it may be, in one piece or in small chunks, stays within the limit on framing."""
    limit = max(rig.settings.files_limit_bytes, rig.settings.body_limit_bytes)
    body = json.dumps({"code": "x", "files": {"a": "x" * (limit - 100)}}).encode()
    reader, writer = await connect()
    head = POST.replace(b"/render-matplotlib", b"/v1/render") + JSON + CLOSE
    if chunk is None:
        writer.write(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    else:
        pieces = (body[start : start + chunk] for start in range(0, len(body), chunk))
        framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        writer.write(head + b"Transfer-Encoding: chunked\r\n\r\n" + framed + b"0\r\n\r\n")
    await read_rest(reader)
    assert refusals(rig, "framing-too-large") == 0
    assert len(rig.launcher.jobs) == 1


async def test_framing_is_bounded_too(connect: Connect, rig: Rig) -> None:
    """An endless chunk extension ends the connection: bytes that aren't body count as well."""
    reader, writer = await connect()
    writer.write(POST + JSON + b"Transfer-Encoding: chunked\r\n\r\nd;a=")
    sent = 0
    try:
        while sent < 10 * rig.edge.limits.request_bytes and not reader.at_eof():
            writer.write(b"x" * 4096)
            sent += 4096
            await asyncio.wait_for(writer.drain(), LIMIT_S)
            await asyncio.sleep(0)
        await asyncio.wait_for(reader.read(), LIMIT_S)
    except ConnectionError:
        pass
    await until(lambda: not rig.edge.connection_count)
    assert refusals(rig, "framing-too-large") == 1
    assert rig.launcher.jobs == []


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (POST.replace(KEY_LINE, b"") + JSON + b"Content-Length: 1000000000000\r\n", 401),
        (POST.replace(KEY_LINE, KEY_LINE + KEY_LINE) + JSON + b"Content-Length: 10\r\n", 401),
        (POST.replace(KEY_LINE, b"") + JSON + b"Transfer-Encoding: chunked\r\n", 401),
        (POST.replace(KEY_LINE, b"") + JSON + b"Content-Encoding: gzip\r\nContent-Length: 10\r\n", 401),
        (POST.replace(KEY_LINE, b"X-API-Key: \xff\xfe\r\n") + JSON + b"Content-Length: 10\r\n", 401),
        (POST + JSON + b"Content-Length: 1000000000000\r\n", 413),
        (POST + JSON + b"Content-Encoding: gzip\r\nContent-Length: 10\r\n", 415),
        (POST + JSON + b"Content-Encoding: identity, br\r\nContent-Length: 10\r\n", 415),
        (POST + b"Content-Type: text/html\r\nContent-Length: 10\r\n", 400),
    ],
)
async def test_heads_are_judged_before_any_body_byte(connect: Connect, head: bytes, status: int) -> None:
    """What the head decides gets its response before a byte of the body has come, and without a 100 Continue."""
    for expect in (b"", b"Expect: 100-continue\r\n"):
        reader, writer = await connect()
        writer.write(head + expect + b"\r\n")
        line = await asyncio.wait_for(reader.readline(), LIMIT_S)
        assert line.startswith(b"HTTP/1.1 %d " % status)


# Responses


async def test_client_that_takes_no_answer_is_cut(connect: Connect, rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that isn't read in time ends the connection, so that no client can keep pictures in our memory."""
    monkeypatch.setattr(protocol_module, "RESPONSE_LIMIT_S", 0.1)
    rig.launcher.result = picture_result(bytes(30_000_000))
    reader, writer = await connect()
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(RENDER)
    await until(lambda: refusals(rig, "response-timeout") == 1)
    await until(lambda: not rig.edge.connection_count)


async def test_client_that_the_kernel_cuts_is_counted_alike(connect: Connect, rig: Rig) -> None:
    """The kernel's timeout is the same as ours; whichever comes first, the client is counted once."""
    rig.launcher.result = picture_result(bytes(30_000_000))
    reader, writer = await connect()
    reader._transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(RENDER)
    await until(lambda: [bool(connection._response_end) for connection in rig.edge._connections] == [True])
    (connection,) = rig.edge._connections
    connection.transport._force_close(TimeoutError("the kernel's"))
    await until(lambda: not rig.edge.connection_count)
    assert refusals(rig, "response-timeout") == 1


async def test_client_that_takes_its_answer_is_not_cut(connect: Connect, rig: Rig) -> None:
    """The time limit of a response begins when its client is slow and ends when it has been read."""
    rig.launcher.result = picture_result(bytes(30_000_000))
    reader, writer = await connect()
    for _ in range(2):
        reader._transport.pause_reading()  # type: ignore[attr-defined]
        writer.write(RENDER.replace(CLOSE, b""))
        await until(lambda: [bool(connection._response_end) for connection in rig.edge._connections] == [True])
        reader._transport.resume_reading()  # type: ignore[attr-defined]
        assert await read_status(reader) == 200
        (connection,) = rig.edge._connections
        assert connection._response_end is None


@pytest.mark.parametrize("outcome", [Outcome.PROGRAM_ERROR, Outcome.INVALID_OUTPUT])
async def test_guests_words_are_bounded_printable_and_in_no_field(
    connect: Connect, rig: Rig, log: io.StringIO, outcome: Outcome
) -> None:
    """Whatever a guest says, header fields and log lines are ours, and its words in the body are short and harmless."""
    words = 'MARK\r\nX-Forged: yes\r\n\r\n{"event": "forged"}\n\x1b[2J\u2028\x00\ud800\U000e0001'
    rig.launcher.result = Result(outcome, error=words * 10_000)
    reader, writer = await connect()
    writer.write(RENDER)
    (response,) = split_answers(await read_rest(reader))
    document = check_problem(response, 500, outcome.value.replace("_", "-"))
    assert "Forged" not in str(response[1])
    assert "MARK" not in str(response[1])
    assert "MARK" in document["error"]
    assert len(document["error"]) <= ERROR_TEXT_LIMIT
    assert document["error"] == printable(document["error"])
    assert response[2].isascii()
    assert "MARK" not in log.getvalue()
    assert [json.loads(line)["event"] for line in log.getvalue().splitlines()] == ["job finished"]


# Logs


async def test_strangers_fill_no_log(connect: Connect, rig: Rig, log: io.StringIO) -> None:
    """Every malformed request is counted; each is logged in one line, at a bounded rate, and can't forge another."""
    for _ in range(100):
        reader, writer = await connect()
        writer.write(b'GET / HTTP/1.1\r\nX: \x1b[2J\n{"event": "forged"}\r\n\r\n')
        await read_rest(reader)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert 1 < len(lines) < 60
    assert {line["event"] for line in lines} == {"refused at the edge"}
    assert all(text.isprintable() for text in log.getvalue().splitlines())
    assert refusals(rig, "malformed-request") == 100


async def test_wrong_keys_are_counted_and_not_logged(connect: Connect, rig: Rig, log: io.StringIO) -> None:
    """Guessed keys are counted in the metrics; the guesses themselves are recorded nowhere."""
    for _ in range(5):
        reader, writer = await connect()
        writer.write(RENDER.replace(KEY.encode(), b"a-guess-of-a-stranger"))
        assert [status for status, *_ in split_answers(await read_rest(reader))] == [401]
    assert refusals(rig, "unauthorized") == 5
    assert log.getvalue() == ""


# The other listener


@pytest.fixture
async def connect_metrics() -> AsyncIterator[Connect]:
    """Return what opens raw connections to the listener of metrics, as the service makes it."""
    metrics = Metrics()
    async with listening(metrics_app(metrics), Edge(EdgeLimits(), metrics)) as open_one:
        yield open_one


async def test_metrics_are_behind_the_same_edge(connect_metrics: Connect) -> None:
    """The operator's listener reveals no more of itself than the public one, and accepts no more."""
    for request, status, slug in (
        (b"GET /metrics HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 200, ""),
        (b"GET / HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 404, "not-found"),
        (b"POST /metrics HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n", 405, "method-not-allowed"),
        (b"MARK\x00\r\n\r\n", 400, "malformed-request"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"MARK" * 3000, 431, "head-too-large"),
    ):
        reader, writer = await connect_metrics()
        writer.write(request)
        data = await read_rest(reader)
        (response,) = split_answers(data)
        assert response[1]["Server"] == "figbox"
        if slug:
            check_problem(response, status, slug)
        assert response[0] == status
        for word in (b"Python", b"python_info", b"aiohttp", b"MARK"):
            assert word not in data


@pytest.mark.parametrize("target", [b"/", b"/healthz", b"/readyz", b"/nothing", b"/render-matplotlib"])
async def test_no_answer_names_what_we_run_on(connect: Connect, target: bytes) -> None:
    """Neither a header field nor a body has the version of anything."""
    reader, writer = await connect()
    writer.write(b"GET " + target + b" HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    data = (await read_rest(reader)).lower()
    for word in (b"python", b"aiohttp", b"llhttp", b"docker", b"0.1.0"):
        assert word not in data


# The start


def test_other_parser_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without llhttp the service doesn't start: the fallback reads malformed requests differently."""
    check_parser()
    monkeypatch.setattr(http_parser, "HttpRequestParser", http_parser.HttpRequestParserPy)
    with pytest.raises(StartError, match="AIOHTTP_NO_EXTENSIONS"):
        check_parser()


def test_switched_off_extensions_stop_the_service() -> None:
    """With the variable that makes aiohttp fall back the service reports it instead of starting."""
    environment = {**os.environ, "AIOHTTP_NO_EXTENSIONS": "1", "API_KEY": KEY, "PORT": "0", "FIGBOX_METRICS_PORT": "0"}
    command = [sys.executable, "-m", "gateway"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=slowed(60), check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "pure Python" in done.stderr
    assert KEY not in done.stderr


def test_descriptors_are_provided_or_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """For more connections the soft limit on descriptors is raised, or the start is refused with the setting's name."""
    limits = [256, 4096]
    monkeypatch.setattr(resource, "getrlimit", lambda _: tuple(limits))
    monkeypatch.setattr(resource, "setrlimit", lambda _, new: limits.__setitem__(slice(None), new))
    check_descriptors(1000)
    assert limits == [1000 + OTHER_DESCRIPTORS + FAREWELLS_LIMIT, 4096]
    check_descriptors(10)
    assert limits[1] == 4096
    with pytest.raises(StartError, match="FIGBOX_CONNECTIONS_LIMIT"):
        check_descriptors(4000)


def test_header_has_one_name() -> None:
    """The tests that send bytes use the header that the code reads."""
    assert KEY_LINE.split(b":")[0].decode() == HEADER
    assert len(BODY) == int(LENGTH.split(b":")[1])


async def test_defect_beyond_all_middlewares_is_a_bare_500(
    connect: Connect, rig: Rig, log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exception that no middleware catches gives a document and a closed connection; only the log says more."""

    def broken(*_: object) -> dict[str, str]:
        raise ZeroDivisionError("a secret of ours")

    monkeypatch.setattr(type(rig.service), "headers", broken)
    reader, writer = await connect()
    writer.write(RENDER)
    (response,) = split_answers(await read_rest(reader))
    document = check_problem(response, 500, "internal-error")
    assert "secret" not in str(response)
    # The render's own answer met the defect first, within its handler; then the description of that did.
    *_, line = [json.loads(text) for text in log.getvalue().splitlines() if "internal error" in text]
    assert line["request_id"] == document["request_id"]
    assert "ZeroDivisionError" in str(line["trace"])
    assert KEY not in log.getvalue()
