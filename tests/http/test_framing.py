"""Bytes that a proxy and we could read differently: they have one reading, or are refused and the connection closed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.fakes import KEY, PNG
from tests.http.raw import (
    ALIVE,
    BODY,
    CLOSE,
    HOST,
    JSON,
    KEY_LINE,
    LENGTH,
    POST,
    RENDER,
    check_problem,
    read_rest,
    split_answers,
)

if TYPE_CHECKING:
    import io

    from tests.http.conftest import Connect, Rig

#: What follows an ambiguous request, as an attacker would smuggle it.
SMUGGLED = POST + JSON + LENGTH + b"\r\n" + BODY
CHUNKED = b"Transfer-Encoding: chunked\r\n"
CHUNKS = b"d\r\n" + BODY + b"\r\n0\r\n\r\n"


def _get(target: bytes = b"/healthz", version: bytes = b"HTTP/1.1", method: bytes = b"GET") -> bytes:
    return method + b" " + target + b" " + version + b"\r\n" + HOST


MALFORMED = {
    # Two lengths, or a length that not every parser takes for a number.
    "length and chunked": POST + JSON + LENGTH + CHUNKED + b"\r\n" + BODY,
    "chunked and length": POST + JSON + CHUNKED + LENGTH + b"\r\n" + CHUNKS,
    "chunked and no length": POST + JSON + CHUNKED + b"Content-Length: 0\r\n\r\n" + CHUNKS,
    "length twice": POST + JSON + LENGTH + LENGTH + b"\r\n" + BODY,
    "two lengths": POST + JSON + LENGTH + b"Content-Length: 14\r\n\r\n" + BODY,
    "list of lengths": POST + JSON + b"Content-Length: 13, 13\r\n\r\n" + BODY,
    "signed length": POST + JSON + b"Content-Length: +13\r\n\r\n" + BODY,
    "negative length": POST + JSON + b"Content-Length: -1\r\n\r\n" + BODY,
    "hex length": POST + JSON + b"Content-Length: 0x0d\r\n\r\n" + BODY,
    "length with underscore": POST + JSON + b"Content-Length: 1_3\r\n\r\n" + BODY,
    "length with leading zero": POST + JSON + b"Content-Length: 013\r\n\r\n" + BODY,
    "length with letters": POST + JSON + b"Content-Length: 13a\r\n\r\n" + BODY,
    "length with space": POST + JSON + b"Content-Length: 1 3\r\n\r\n" + BODY,
    "length with control": POST + JSON + b"Content-Length: \x0b13\r\n\r\n" + BODY,
    "length of other digits": POST + JSON + "Content-Length: \uff11\uff13\r\n\r\n".encode() + BODY,
    "empty length": POST + JSON + b"Content-Length: \r\n\r\n" + BODY,
    "length beyond 64 bits": POST + JSON + b"Content-Length: 18446744073709551629\r\n\r\n" + BODY,
    # Codings that aren't just chunked.
    "chunked twice": POST + JSON + CHUNKED + CHUNKED + b"\r\n" + CHUNKS,
    "chunked, chunked": POST + JSON + b"Transfer-Encoding: chunked, chunked\r\n\r\n" + CHUNKS,
    "chunked not last": POST + JSON + b"Transfer-Encoding: chunked, identity\r\n\r\n" + CHUNKS,
    "gzip before chunked": POST + JSON + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + CHUNKS,
    "identity": POST + JSON + b"Transfer-Encoding: identity\r\n" + LENGTH + b"\r\n" + BODY,
    "almost chunked": POST + JSON + b"Transfer-Encoding: xchunked\r\n\r\n" + CHUNKS,
    "quoted chunked": POST + JSON + b'Transfer-Encoding: "chunked"\r\n\r\n' + CHUNKS,
    "control before chunked": POST + JSON + b"Transfer-Encoding: \x0bchunked\r\n\r\n" + CHUNKS,
    "empty coding and length": POST + JSON + b"Transfer-Encoding: \r\n" + LENGTH + b"\r\n" + BODY,
    "chunked in 1.0": POST.replace(b"1.1", b"1.0") + JSON + CHUNKED + b"\r\n" + CHUNKS,
    "space before colon": POST + JSON + b"Transfer-Encoding : chunked\r\n\r\n" + CHUNKS,
    "tab before colon": POST + JSON + b"Content-Length\t: 13\r\n\r\n" + BODY,
    # Lines that end or begin oddly.
    "folded line": POST + JSON + b"X: a\r\n " + LENGTH + b"\r\n" + BODY,
    "folded with tab": POST + JSON + b"X: a\r\n\t" + LENGTH + b"\r\n" + BODY,
    "leading space": POST[:34] + b" X: a\r\n" + POST[34:] + JSON + LENGTH + b"\r\n" + BODY,
    "bare LF after a field": POST + JSON + b"Content-Length: 13\n\r\n" + BODY,
    "bare LF everywhere": (POST + JSON + LENGTH + b"\r\n").replace(b"\r\n", b"\n") + BODY,
    "bare LF at the end": POST + JSON + LENGTH + b"\n" + BODY,
    "bare CR in a value": POST + JSON + b"X: a\rContent-Length: 13\r\n\r\n" + BODY,
    "bare CR in a name": POST + JSON + b"X\r: a\r\n\r\n",
    "two CR": POST + JSON + b"X: a\r\r\n" + LENGTH + b"\r\n" + BODY,
    # Names and values.
    "NUL in a value": POST + b"X: a\x00b\r\n\r\n",
    "NUL in a name": POST + b"a\x00b: x\r\n\r\n",
    "escape in a value": POST + b"X: a\x1b[31m\r\n\r\n",
    "DEL in a value": POST + b"X: a\x7f\r\n\r\n",
    "no name": POST + b": x\r\n\r\n",
    "no colon": POST + b"x\r\n\r\n",
    "8-bit name": POST + b"\xff: x\r\n\r\n",
    "space in a name": POST + b"a b: x\r\n\r\n",
    "many fields": POST + b"X: a\r\n" * 200 + b"\r\n",
    "content type twice": POST + JSON + JSON + LENGTH + b"\r\n" + BODY,
    "no host": b"GET /healthz HTTP/1.1\r\n\r\n",
    "two hosts": _get() + b"Host: y\r\n\r\n",
    "host with space": b"GET /healthz HTTP/1.1\r\nHost: x y\r\n\r\n",
    "host with user": b"GET /healthz HTTP/1.1\r\nHost: a@b\r\n\r\n",
    "host with path": b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n",
    # The request's line.
    "absolute form": _get(b"http://other/healthz") + b"\r\n",
    "broken absolute form": _get(b"http://[::x/healthz") + b"\r\n",
    "asterisk form": _get(b"*", method=b"OPTIONS") + b"\r\n",
    "authority form": _get(b"example.com:443", method=b"CONNECT") + b"\r\n",
    "CONNECT of a path": _get(method=b"CONNECT") + b"\r\n",
    "no slash": _get(b"healthz") + b"\r\n",
    "8-bit path": _get(b"/\xff") + b"\r\n",
    "NUL in the path": _get(b"/\x00") + b"\r\n",
    "tabs between": _get().replace(b" ", b"\t", 2) + b"\r\n",
    "lower-case method": _get(method=b"get") + b"\r\n",
    "unknown method": _get(method=b"BREW") + b"\r\n",
    "lower-case version": _get(version=b"http/1.1") + b"\r\n",
    "HTTP/0.9": b"GET /healthz\r\n\r\n",
    "HTTP/0.9 said": _get(version=b"HTTP/0.9") + b"\r\n",
    "HTTP/1.2": _get(version=b"HTTP/1.2") + b"\r\n",
    "HTTP/2 said": _get(version=b"HTTP/2.0") + b"\r\n",
    "HTTP/2 begun": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "a version of many digits": _get(version=b"HTTP/1.11") + b"\r\n",
    "TLS hello": b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
    "a proxy's preamble": b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n" + ALIVE,
}

CHUNKS_MALFORMED = {
    "no number": b"x\r\n" + BODY,
    "empty": b"\r\n" + BODY,
    "signed": b"+d\r\n" + BODY,
    "negative": b"-d\r\n" + BODY,
    "prefixed": b"0xd\r\n" + BODY,
    "underscore": b"0_d\r\n" + BODY,
    "space after": b"d \r\n" + BODY,
    "space before": b" d\r\n" + BODY,
    "beyond 64 bits": b"1000000000000000d\r\n" + BODY,
    "bare LF after the size": b"d\n" + BODY + b"\r\n0\r\n\r\n",
    "bare LF after the data": b"d\r\n" + BODY + b"\n0\r\n\r\n",
    "bare LF at the end": b"d\r\n" + BODY + b"\r\n0\n\n",
    "data too long": b"d\r\n" + BODY + b"XX0\r\n\r\n",
    "data too short": b"f\r\n" + BODY + b"\r\n0\r\n\r\n",
    "control in an extension": b"d;a=\x00\r\n" + BODY + b"\r\n0\r\n\r\n",
    "line end in a quoted extension": b'd;a="\r\n"\r\n' + BODY + b"\r\n0\r\n\r\n",
    "bare LF in an extension": b"d;a\n" + BODY + b"\r\n0\r\n\r\n",
    "many trailers": b"d\r\n" + BODY + b"\r\n0\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
    "broken trailer": b"d\r\n" + BODY + b"\r\n0\r\nA\r\n\r\n",
}


@pytest.mark.parametrize("behind", [SMUGGLED, b""], ids=["", "alone"])
@pytest.mark.parametrize("request_bytes", MALFORMED.values(), ids=MALFORMED)
async def test_what_can_be_read_in_two_ways_is_refused_and_closed(
    connect: Connect, rig: Rig, log: io.StringIO, request_bytes: bytes, behind: bytes
) -> None:
    """One 400 that quotes nothing; nothing is run, and what was smuggled behind it is never read as a request."""
    reader, writer = await connect()
    writer.write(request_bytes + behind)
    (response,) = split_answers(await read_rest(reader))
    document = check_problem(response, 400, "malformed-request")
    assert document["error"] == document["detail"] == "Malformed HTTP request"
    assert response[1]["Connection"] == "close"
    assert rig.launcher.jobs == []
    (line,) = [json.loads(text) for text in log.getvalue().splitlines()]
    assert (line["event"], line["reason"]) == ("refused at the edge", "malformed-request")
    assert KEY not in log.getvalue()


@pytest.mark.parametrize("chunks", CHUNKS_MALFORMED.values(), ids=CHUNKS_MALFORMED)
async def test_malformed_chunks_are_refused_and_closed(
    connect: Connect, rig: Rig, log: io.StringIO, chunks: bytes
) -> None:
    """A chunked body that can be read in two ways is the client's error: nothing is run, and the connection ends."""
    reader, writer = await connect()
    writer.write(POST + JSON + CHUNKED + b"\r\n" + chunks + SMUGGLED)
    responses = split_answers(await read_rest(reader))
    assert [status for status, *_ in responses] == [400]
    assert rig.launcher.jobs == []
    assert "internal error" not in log.getvalue()


TAKEN = {
    "a body by its length": RENDER,
    "a body in chunks": POST + JSON + CHUNKED + CLOSE + b"\r\n" + CHUNKS,
    "chunked in capitals": POST + JSON + b"transfer-encoding: CHUNKED\r\n" + CLOSE + b"\r\n" + CHUNKS,
    "small chunks": POST + JSON + CHUNKED + CLOSE + b"\r\n" + b"".join(b"1\r\n%c\r\n" % c for c in BODY) + b"0\r\n\r\n",
    "a short extension": POST + JSON + CHUNKED + CLOSE + b"\r\n" + CHUNKS.replace(b"d\r", b'd;a=b;c="d"\r', 1),
    "spaces around a value": POST + JSON + b"Content-Length: \t 13 \t\r\n" + CLOSE + b"\r\n" + BODY,
    "an 8-bit value": POST + JSON + b"X: \xff\xfe\r\n" + LENGTH + CLOSE + b"\r\n" + BODY,
    "HTTP/1.0": RENDER.replace(b"1.1", b"1.0").replace(CLOSE, b""),
    "HTTP/1.0 without host": RENDER.replace(b"1.1", b"1.0").replace(HOST, b""),
    "line ends before": b"\r\n\r\n" + RENDER,
    "host and port": RENDER.replace(HOST, b"Host: [::1]:5150\r\n"),
}


@pytest.mark.parametrize("request_bytes", TAKEN.values(), ids=TAKEN)
async def test_what_can_be_read_in_one_way_is_served(connect: Connect, rig: Rig, request_bytes: bytes) -> None:
    """Valid requests are served in spite of the strictness."""
    reader, writer = await connect()
    writer.write(request_bytes)
    ((status, _, body),) = split_answers(await read_rest(reader))
    assert (status, body, [job.code for job in rig.launcher.jobs]) == (200, PNG, ["x"])


async def test_trailers_change_nothing(connect: Connect, rig: Rig) -> None:
    """A field after a chunked body is not a field of the request: it neither provides a key nor removes one."""
    chunks = CHUNKS.removesuffix(b"\r\n")
    for head, trailer, status in ((POST, b"X-API-Key: wrong\r\n", 200), (POST.replace(KEY_LINE, b""), KEY_LINE, 401)):
        reader, writer = await connect()
        writer.write(head + JSON + CHUNKED + CLOSE + b"\r\n" + chunks + trailer + b"\r\n")
        assert [response[0] for response in split_answers(await read_rest(reader))] == [status]
    assert len(rig.launcher.jobs) == 1


async def test_requests_in_a_row_are_answered_in_order(connect: Connect) -> None:
    """Pipelined requests get their responses one by one, in order."""
    reader, writer = await connect()
    writer.write(ALIVE + b"GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n" + ALIVE + RENDER)
    assert [status for status, *_ in split_answers(await read_rest(reader))] == [200, 404, 200, 200]


async def test_rest_of_a_refused_body_is_no_request(connect: Connect, rig: Rig) -> None:
    """A refused client's body that looks like a request is not read as one."""
    reader, writer = await connect()
    head = POST.replace(KEY_LINE, b"") + JSON + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED)
    writer.write(head + SMUGGLED + ALIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
    assert [status for status, *_ in split_answers(await read_rest(reader))] == [401, 200]
    assert rig.launcher.jobs == []


@pytest.mark.parametrize("upgrade", [b"websocket", b"h2c", b"TLS/1.0"])
async def test_upgrades_are_not_followed(connect: Connect, rig: Rig, upgrade: bytes) -> None:
    """A request for another protocol gets a response in this one, and what follows it is not read."""
    reader, writer = await connect()
    fields = b"Connection: Upgrade\r\nUpgrade: " + upgrade + b"\r\nSec-WebSocket-Key: eHh4eHh4eHh4eHh4eHh4eA==\r\n"
    writer.write(ALIVE.removesuffix(b"\r\n") + fields + b"\r\n" + RENDER)
    assert [status for status, *_ in split_answers(await read_rest(reader))] == [200]
    assert rig.launcher.jobs == []


@pytest.mark.parametrize("method", [b"TRACE", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"PROPFIND", b"HEAD"])
async def test_other_methods_are_405_and_echo_nothing(connect: Connect, method: bytes) -> None:
    """Every other method, TRACE included, gets a problem document that shows nothing of the request."""
    for path in (b"/healthz", b"/render-matplotlib") if method != b"HEAD" else (b"/render-matplotlib",):
        reader, writer = await connect()
        writer.write(method + b" " + path + b" HTTP/1.1\r\n" + HOST + KEY_LINE + b"X-Mark: MARK\r\n" + CLOSE + b"\r\n")
        data = await read_rest(reader)
        assert data.startswith(b"HTTP/1.1 405 Method Not Allowed\r\n")
        assert b"\r\nAllow: " in data
        assert b"MARK" not in data
        assert KEY.encode() not in data


@pytest.mark.parametrize(
    "path",
    [b"/%zz", b"/%00%ff", b"/../../etc/passwd", b"//evil/healthz", b"/healthz%2f", b"/healthz/../render-matplotlib"],
)
async def test_odd_paths_are_404_and_echo_nothing(connect: Connect, path: bytes) -> None:
    """A path is one of ours to the byte, or it is 404."""
    reader, writer = await connect()
    writer.write(b"GET " + path + b" HTTP/1.1\r\n" + HOST + CLOSE + b"\r\n")
    (response,) = split_answers(await read_rest(reader))
    assert path.decode() not in json.dumps(check_problem(response, 404, "not-found"))
