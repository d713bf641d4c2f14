"""Requests as bytes: malformed, ambiguous, slow and broken ones, against a server that listens as the service does."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes import KEY, until
from tests.support.machine import slowed

if TYPE_CHECKING:
    import io
    from collections.abc import Awaitable, Callable

    from tests.http.conftest import Rig

    Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]

POST = b"POST /render-matplotlib HTTP/1.1\r\nHost: x\r\nX-API-Key: " + KEY.encode() + b"\r\n"
JSON = b"Content-Type: application/json\r\n"
BODY = b'{"code": "x"}'
MARK = "MARK-of-the-request"


async def _exchange(connect: Connect, data: bytes) -> bytes:
    """Send bytes, and return all that comes until the server closes."""
    reader, writer = await connect()
    writer.write(data)
    return await asyncio.wait_for(reader.read(), slowed(5))


def _head(data: bytes) -> tuple[int, dict[str, str], bytes]:
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("ascii").split("\r\n")
    return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:]), body


@pytest.mark.parametrize(
    "request_bytes",
    [
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00 MARK-of-the-request\r\n\r\n", id="TLS hello"),
        pytest.param(b"MARK-of-the-request\r\n\r\n", id="no HTTP"),
        pytest.param(b"GET /MARK-of-the-request HTTP/9.9\r\n\r\n", id="unknown version"),
        pytest.param(b"GET /MARK-of-the-request\x00 HTTP/1.1\r\n\r\n", id="NUL in the path"),
        pytest.param(POST + b"MARK-of-the-request\r\n\r\n", id="header without colon"),
        pytest.param(POST + b"X: MARK-of-the-request\x00\r\n\r\n", id="NUL in a header"),
        pytest.param(POST + b"X: MARK-of-the-request\r\n" * 500 + b"\r\n", id="many headers"),
        pytest.param(POST + b"Content-Length: MARK-of-the-request\r\n\r\n", id="length is no number"),
        pytest.param(POST + b"Content-Length: -1\r\nX: MARK-of-the-request\r\n\r\n", id="negative length"),
    ],
)
async def test_malformed_heads_are_quoted_nowhere(
    connect: Connect, rig: Rig, log: io.StringIO, request_bytes: bytes
) -> None:
    """A request no parser reads is refused by a constant document and closed; neither answer nor log quotes it."""
    answer = await _exchange(connect, request_bytes)
    status, headers, body = _head(answer)
    assert status == 400
    assert tuple(headers[name] for name in ("Content-Type", "X-Content-Type-Options", "Server")) == (
        "application/problem+json",
        "nosniff",
        "figbox",
    )
    document = json.loads(body)
    assert ("Malformed HTTP request", headers["X-Request-ID"]) == (document["error"], document["request_id"])
    (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
    assert ("refused at the edge", document["request_id"]) == (line["event"], line["request_id"])
    for text in (answer.decode(), log.getvalue()):
        assert KEY not in text
        assert MARK not in text
    assert rig.launcher.jobs == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"zz\r\n" + BODY, id="size is no number"),
        pytest.param(b"5\r\nabcdefgh\r\n0\r\n\r\n", id="chunk longer than said"),
        pytest.param(b"-5\r\nabc", id="negative size"),
        pytest.param(b"ffffffffffffffffff\r\nabc", id="size beyond 64 bits"),
        pytest.param(b"5 ; a=b\nabcde\r\n", id="bare LF"),
    ],
)
async def test_broken_chunks_are_the_clients_fault(connect: Connect, rig: Rig, log: io.StringIO, body: bytes) -> None:
    """A chunked body that breaks is 400 and no defect of ours, and the connection is closed."""
    answer = await _exchange(connect, POST + JSON + b"Transfer-Encoding: chunked\r\n\r\n" + body)
    assert _head(answer)[0] in {400, 408}
    assert "internal error" not in log.getvalue()
    assert rig.launcher.jobs == []


async def test_chunks_that_break_later_are_the_clients_fault(connect: Connect, rig: Rig, log: io.StringIO) -> None:
    """A chunked body that breaks while it is being read is the client's fault too, at the latest by the time limit."""
    object.__setattr__(rig.settings, "body_timeout_s", 0.1)
    reader, writer = await connect()
    writer.write(POST + JSON + b"Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n")
    await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), slowed(5))
    writer.write(b"3\r\nabc\r\nzz\r\n")
    assert _head(await asyncio.wait_for(reader.read(), slowed(5)))[0] in {400, 408}
    assert "internal error" not in log.getvalue()
    assert rig.launcher.jobs == []


@pytest.mark.parametrize("key", [KEY.encode(), b"wrong"])
@pytest.mark.parametrize("expect", [b"miracles", b"100-continue"])
@pytest.mark.parametrize("target", [b"/render-matplotlib", b"/healthz", b"/nothing"])
async def test_expectations_break_and_betray_nothing(
    connect: Connect, log: io.StringIO, target: bytes, expect: bytes, key: bytes
) -> None:
    """Wherever it is sent, an expectation changes nothing, isn't quoted, and lets no stranger be asked for a body."""
    head = POST.replace(b"/render-matplotlib", target).replace(KEY.encode(), key)
    answer = await _exchange(connect, head + b"Expect: " + expect + b"\r\nConnection: close\r\n\r\n")
    if not (key == KEY.encode() and target == b"/render-matplotlib"):
        assert b"100 Continue" not in answer
    status, headers, body = _head(answer.removeprefix(b"HTTP/1.1 100 Continue\r\n\r\n"))
    assert 400 <= status < 500
    assert (headers["Server"], len(headers["X-Request-ID"])) == ("figbox", 32)
    assert headers["Content-Type"] == "application/problem+json"
    assert b"miracles" not in body
    assert '"ERROR"' not in log.getvalue()


async def test_expected_continue_is_answered(connect: Connect) -> None:
    """Curl asks before it sends a long body, and is told to go on."""
    reader, writer = await connect()
    writer.write(POST + JSON + b"Expect: 100-continue\r\nContent-Length: 13\r\nConnection: close\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), slowed(5)) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    assert _head(await asyncio.wait_for(reader.read(), slowed(5)))[0] == 200


async def test_stranger_is_not_told_to_go_on(connect: Connect) -> None:
    """Who has no key is refused before being asked for the body."""
    head = POST.replace(KEY.encode(), b"wrong") + JSON
    answer = await _exchange(connect, head + b"Expect: 100-continue\r\nContent-Length: 13\r\nConnection: close\r\n\r\n")
    assert _head(answer)[0] == 401


async def test_slow_body_is_cut(connect: Connect, rig: Rig) -> None:
    """A body that doesn't arrive in time is 408."""
    object.__setattr__(rig.settings, "body_timeout_s", 0.05)
    reader, writer = await connect()
    writer.write(POST + JSON + b"Content-Length: 13\r\nConnection: close\r\n\r\n{")
    assert await asyncio.wait_for(reader.readline(), slowed(5)) == b"HTTP/1.1 408 Request Timeout\r\n"
    assert rig.launcher.jobs == []


async def test_body_cut_by_its_client_runs_nothing(connect: Connect, rig: Rig, log: io.StringIO) -> None:
    """A client that goes in the middle of its body leaves nothing behind, and no defect in the log."""
    _, writer = await connect()
    writer.write(POST + JSON + b"Content-Length: 13\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    _, other = await connect()
    other.write(POST + JSON + b"Content-Length: 13\r\n\r\n" + BODY)
    await until(lambda: rig.launcher.jobs)
    assert len(rig.launcher.jobs) == 1
    assert "internal error" not in log.getvalue()


async def test_client_that_hangs_up_cancels_its_job(connect: Connect, rig: Rig) -> None:
    """On the service's own protocol too, a closed connection ends the job."""
    rig.launcher.result = None
    _, writer = await connect()
    writer.write(POST + JSON + b"Content-Length: 13\r\n\r\n" + BODY)
    await until(lambda: rig.launcher.running)
    writer.close()
    await until(lambda: rig.launcher.cancelled == 1 and not rig.admission.running_count)
