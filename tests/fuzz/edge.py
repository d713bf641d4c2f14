"""The fuzzer as a client: bytes over a socket into a connection of the real protocol with the real handlers.

Only the renderer is a fake. Whatever comes, the responses are whole documents of ours with our fields, nothing of the
request is quoted in a response or a log line, nothing runs without a key, and no bug shows up on the way.
"""

from __future__ import annotations

import asyncio
import io
import json
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web
from loguru import logger

from gateway.observability.logs import configure_logging
from gateway.server.doorman import protocol_factory
from gateway.settings import Settings
from tests.fakes import KEY, PNG, settle
from tests.http.conftest import make_rig
from tests.http.raw import JSON, POST, split_answers
from tests.http.test_framing import CHUNKED, CHUNKS_MALFORMED, MALFORMED, TAKEN
from tests.http.v1 import FACTS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Statuses that a response may have.
STATUSES = {200, 304, 400, 401, 404, 405, 406, 408, 413, 415, 431}

#: Those whose responses have no body, or whose document is a picture or a description.
WITHOUT_PROBLEM = {200, 304}

#: Turns of the loop that a connection gets before its client hangs up, and afterwards.
TURNS = 30

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

#: The first piece of a request ends where the fuzzer puts these bytes; the rest is sent a moment later.
PAUSE = b"<pause>"

_V1 = POST.replace(b"/render-matplotlib", b"/v1/render?%b")
_FORM = b'--b\r\nContent-Disposition: form-data; name="code"\r\n\r\nx\r\n--b--\r\n'

EDGE_SEEDS = (
    *TAKEN.values(),
    *MALFORMED.values(),
    *(POST + JSON + CHUNKED + b"\r\n" + chunks for chunks in CHUNKS_MALFORMED.values()),
    next(iter(TAKEN.values())).replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n" + PAUSE),
    _V1 % b"" + JSON + b"Accept: application/json\r\nContent-Length: 13\r\n\r\n" + b'{"code": "x"}',
    _V1 % b"dpi=80&rc.lines.linewidth=2" + b"Content-Type: text/x-python\r\nContent-Length: 1\r\n\r\nx",
    _V1 % b"" + b"Content-Type: multipart/form-data; boundary=b\r\nContent-Length: %d\r\n\r\n" % len(_FORM) + _FORM,
    b"GET /v1/environments HTTP/1.1\r\nHost: x\r\nX-API-Key: " + KEY.encode() + b"\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz" + PAUSE + b" HTTP/1.1\r\nHost: x\r\nUpgrade: h2c\r\n\r\n",
)


class _Gateway:
    """A gateway that serves one connection after another."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.log = io.StringIO()
        self.errors: list[Mapping[str, object]] = []
        self.rig = make_rig(lambda **values: Settings(**{"_env_file": None, "api_key": KEY, **values}))
        self.rig.launcher.environments = {"default": FACTS}
        self.launcher = self.rig.launcher
        self.edge = self.rig.edge
        self.loop.set_exception_handler(lambda _, context: self.errors.append(context))
        configure_logging(debug=False, stream=self.log)
        self.loop.run_until_complete(self._start())

    async def _start(self) -> None:
        runner = web.AppRunner(self.rig.app(), handler_cancellation=True)
        await runner.setup()
        assert runner.server is not None
        self.factory = protocol_factory(self.edge, runner.server)

    async def serve(self, pieces: list[bytes]) -> bytes:
        """Return all that a connection sends in response to bytes that come in these pieces and then end."""
        ours, theirs = socket.socketpair()
        try:
            for end in (ours, theirs):
                end.setblocking(False)
            await self.loop.connect_accepted_socket(self.factory, theirs)
            received = bytearray()
            for piece in pieces:
                with suppress(ConnectionError):  # the first piece may have ended it
                    ours.sendall(piece)
                await settle(TURNS)
                received += _available(ours)
            with suppress(OSError):
                ours.shutdown(socket.SHUT_WR)
            await settle(TURNS)
            return bytes(received + _available(ours))
        finally:
            ours.close()


_gateways: list[_Gateway] = []


def _available(stream: socket.socket) -> bytes:
    received = bytearray()
    try:
        while piece := stream.recv(65536):
            received += piece
    except (BlockingIOError, ConnectionError):
        pass
    return bytes(received)


def fuzz_edge(data: bytes) -> None:
    """Send bytes as a client; check every response and log line."""
    if not _gateways:
        _gateways.append(_Gateway())
    gateway = _gateways[0]
    gateway.launcher.jobs.clear()
    gateway.errors.clear()
    gateway.log.seek(0)
    gateway.log.truncate()
    responses = split_answers(
        gateway.loop.run_until_complete(gateway.serve(data.split(PAUSE, 1))).replace(CONTINUE, b"")
    )
    for status, fields, body in responses:
        assert status in STATUSES, status
        assert fields["Server"] == "figbox"
        assert fields["X-Content-Type-Options"] == "nosniff"
        assert len(fields["X-Request-ID"]) == 32
        assert set("".join(fields.values())) <= set(map(chr, range(32, 127)))
        if status not in WITHOUT_PROBLEM:
            assert fields["Content-Type"] == "application/problem+json"
            document = json.loads(body)
            assert document["status"] == status
            assert document["request_id"] == fields["X-Request-ID"]
            assert KEY not in body.decode("ascii")
    assert sum(body == PNG for _, _, body in responses) <= len(gateway.launcher.jobs)
    assert not gateway.launcher.jobs or KEY.encode() in data.replace(PAUSE, b"", 1), "something ran without a key"
    lines = gateway.log.getvalue()
    assert KEY not in lines
    for line in lines.splitlines():
        assert json.loads(line)["level"] == "INFO", line
    assert not gateway.errors, gateway.errors
    assert gateway.edge.connection_count == 0
    assert gateway.rig.admission.running_count == gateway.rig.admission.waiting_count == 0


def close() -> None:
    """Release what the fuzzer's gateway holds; the caller restores logging."""
    while _gateways:
        gateway = _gateways.pop()
        gateway.loop.close()
        logger.remove()
