"""Malformed, ambiguous, slow and broken requests, sent as bytes to a server that listens as the service does."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes import KEY, until
from tests.http.raw import BODY, CLOSE, JSON, LENGTH, LIMIT_S, POST, check_problem, read_rest, split_answers

if TYPE_CHECKING:
    import io

    from tests.http.conftest import Connect, Rig

EXPECT = b"Expect: 100-continue\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
MARK = "MARK-of-the-request"


async def _exchange(connect: Connect, data: bytes) -> bytes:
    """Send bytes, and return all that comes until the server closes."""
    reader, writer = await connect()
    writer.write(data)
    return await read_rest(reader)


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
        pytest.param(POST + b"Content-Length: MARK-of-the-request\r\n\r\n", id="length is not a number"),
        pytest.param(POST + b"Content-Length: -1\r\nX: MARK-of-the-request\r\n\r\n", id="negative length"),
    ],
)
async def test_malformed_heads_are_quoted_nowhere(
    connect: Connect, rig: Rig, log: io.StringIO, request_bytes: bytes
) -> None:
    """A request that can't be parsed gets a constant document and is closed; neither response nor log quotes it."""
    received = await _exchange(connect, request_bytes)
    (response,) = split_answers(received)
    document = check_problem(response, 400, "malformed-request")
    assert document["error"] == "Malformed HTTP request"
    (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
    assert (line["event"], line["request_id"]) == ("refused at the edge", document["request_id"])
    for text in (received.decode(), log.getvalue()):
        assert KEY not in text
        assert MARK not in text
    assert rig.launcher.jobs == []


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"zz\r\n" + BODY, id="size is not a number"),
        pytest.param(b"5\r\nabcdefgh\r\n0\r\n\r\n", id="chunk longer than said"),
        pytest.param(b"-5\r\nabc", id="negative size"),
        pytest.param(b"ffffffffffffffffff\r\nabc", id="size beyond 64 bits"),
        pytest.param(b"5 ; a=b\nabcde\r\n", id="bare LF"),
        pytest.param(b"3\r\nabc\r\nzz\r\n", id="later"),
    ],
)
@pytest.mark.parametrize("expect", [b"", EXPECT])
async def test_broken_chunks_are_the_clients_error(
    connect: Connect, rig: Rig, log: io.StringIO, expect: bytes, body: bytes
) -> None:
    """A chunked body that breaks, also while it is read, is 400 (or 408 at the latest), and not an internal error."""
    object.__setattr__(rig.settings, "body_timeout_s", 0.1)
    reader, writer = await connect()
    writer.write(POST + JSON + expect + CHUNKED + b"\r\n")
    if expect:
        await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S)
    writer.write(body)
    assert split_answers(await read_rest(reader))[0][0] in {400, 408}
    assert "internal error" not in log.getvalue()
    assert rig.launcher.jobs == []


@pytest.mark.parametrize("key", [KEY.encode(), b"wrong"])
@pytest.mark.parametrize("expect", [b"miracles", b"100-continue"])
@pytest.mark.parametrize("target", [b"/render-matplotlib", b"/healthz", b"/nothing"])
async def test_expectations_break_and_reveal_nothing(
    connect: Connect, log: io.StringIO, target: bytes, expect: bytes, key: bytes
) -> None:
    """Wherever it is sent, an expectation changes nothing, isn't quoted, and never asks a stranger for a body."""
    head = POST.replace(b"/render-matplotlib", target).replace(KEY.encode(), key)
    *continued, response = split_answers(
        await _exchange(connect, head + b"Expect: " + expect + b"\r\n" + CLOSE + b"\r\n")
    )
    if not (key == KEY.encode() and target == b"/render-matplotlib"):
        assert continued == []
    status, headers, body = response
    assert 400 <= status < 500
    assert (headers["Server"], len(headers["X-Request-ID"])) == ("figbox", 32)
    assert headers["Content-Type"] == "application/problem+json"
    assert b"miracles" not in body
    assert '"ERROR"' not in log.getvalue()


async def test_expected_continue_is_sent(connect: Connect) -> None:
    """A client that expects `100 Continue`, as curl does for a long body, gets it; without the key it is refused."""
    head = POST + JSON + EXPECT + LENGTH + CLOSE + b"\r\n"
    reader, writer = await connect()
    writer.write(head)
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), LIMIT_S) == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(BODY)
    assert split_answers(await read_rest(reader))[0][0] == 200
    assert split_answers(await _exchange(connect, head.replace(KEY.encode(), b"wrong")))[0][0] == 401


async def test_slow_body_is_cut(connect: Connect, rig: Rig) -> None:
    """A body that doesn't arrive in time is 408."""
    object.__setattr__(rig.settings, "body_timeout_s", 0.05)
    (response,) = split_answers(await _exchange(connect, POST + JSON + LENGTH + CLOSE + b"\r\n{"))
    check_problem(response, 408, "body-timeout")
    assert rig.launcher.jobs == []


async def test_body_cut_by_its_client_runs_nothing(connect: Connect, rig: Rig, log: io.StringIO) -> None:
    """A client that disconnects in the middle of its body leaves nothing behind, and no internal error in the log."""
    _, writer = await connect()
    writer.write(POST + JSON + LENGTH + b"\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    _, other = await connect()
    other.write(POST + JSON + LENGTH + b"\r\n" + BODY)
    await until(lambda: rig.launcher.jobs)
    assert len(rig.launcher.jobs) == 1
    assert "internal error" not in log.getvalue()


async def test_client_that_hangs_up_cancels_its_job(connect: Connect, rig: Rig) -> None:
    """With the service's own protocol, too, a closed connection ends the job."""
    rig.launcher.result = None
    _, writer = await connect()
    writer.write(POST + JSON + LENGTH + b"\r\n" + BODY)
    await until(lambda: rig.launcher.running)
    writer.close()
    await until(lambda: rig.launcher.cancelled == 1 and not rig.admission.running_count)
