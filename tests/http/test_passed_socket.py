"""A gateway on a passed socket serves to the end what it has accepted, and leaves the rest to its successor."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from bootstrap import debian
from bootstrap.commands import TRUE_WORDS
from bootstrap.steps import Steps
from tests.fakes import KEY, PNG, wait_until
from tests.support.live import ROOT, free_port
from tests.support.machine import slowed
from tests.support.no_engine import ROLE, running
from tests.support.runtimes import needed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ENVIRONMENT = {"API_KEY": KEY}
BODY = json.dumps({"code": "0"}).encode()
HEAD = (
    f"POST /render-matplotlib HTTP/1.1\r\nHost: x\r\nX-API-Key: {KEY}\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return a socket as a service manager makes it."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as made:
        yield made


def connected(listener: socket.socket) -> socket.socket:
    """Return a connection to whoever accepts it."""
    return socket.create_connection(listener.getsockname(), timeout=slowed(60))


def picture(connection: socket.socket) -> str:
    """Read a response, which has the picture; return its head in lower case."""
    received = b""
    while PNG not in received:
        piece = connection.recv(65536)
        assert piece, received
        received += piece
    head = received.partition(b"\r\n\r\n")[0].decode().lower()
    assert head.startswith("http/1.1 200 ")
    return head


def test_what_was_accepted_is_served_and_the_rest_is_left(tmp_path: Path, listener: socket.socket) -> None:
    """A request half sent, a connection without one, and an idle one; and a connection that comes after the signal."""
    with connected(listener) as begun, connected(listener) as silent, connected(listener) as idle:
        with running(tmp_path, ENVIRONMENT, apart=False, listener=listener) as old:
            begun.sendall(HEAD + BODY[:3])
            idle.sendall(HEAD + BODY)
            assert "connection: close" not in picture(idle)  # the others were accepted before it
            old.gateway.send_signal(signal.SIGTERM)
            wait_until(lambda: "shutting down" in (tmp_path / "log").read_text(), "it ends", slowed(60))
            late = connected(listener)
            late.sendall(HEAD + BODY)
            for connection, rest in ((silent, HEAD + BODY), (begun, BODY[3:])):
                connection.sendall(rest)
                assert "connection: close" in picture(connection)
                assert connection.recv(1) == b""
            assert old.gateway.wait(slowed(60)) == 0
        assert idle.recv(1) == b""
    with late, running(tmp_path, ENVIRONMENT, apart=False, listener=listener):
        assert "connection: close" not in picture(late)


def test_client_that_goes_on_is_served_on_the_connection_that_it_keeps(tmp_path: Path, listener: socket.socket) -> None:
    """One whose last response came just before the end can't know of it: its next request is served, and its last."""
    with running(tmp_path, ENVIRONMENT, apart=False, listener=listener) as old, connected(listener) as kept:
        kept.sendall(HEAD + BODY)
        assert "connection: close" not in picture(kept)
        old.gateway.send_signal(signal.SIGTERM)
        wait_until(lambda: "shutting down" in (tmp_path / "log").read_text(), "it ends", slowed(60))
        time.sleep(0.3)
        kept.sendall(HEAD + BODY)
        assert "connection: close" in picture(kept)
        assert kept.recv(1) == b""
        assert old.gateway.wait(slowed(60)) == 0


def test_the_kernel_keeps_as_many_connections_as_the_page_says(tmp_path: Path, listener: socket.socket) -> None:
    """Also after a gateway has served, which hands the socket on with the queue that it gave it."""
    with running(tmp_path, ENVIRONMENT, apart=False, listener=listener):
        pass
    # Source: Linux net/ipv4/tcp.c, `tcp_get_info`: of a socket that listens, tcpi_sacked is the length of its queue.
    assert struct.unpack_from("I", listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104), 28)[0] == 256


@pytest.mark.parametrize(
    "sent", [b"GET /healthz HT", b"POST /v1/render HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"]
)
def test_strangers_cannot_hold_up_the_end(tmp_path: Path, listener: socket.socket, sent: bytes) -> None:
    """Whatever comes without a key is waited for a moment only, and not until its time or the grace period is over."""
    environment = {**ENVIRONMENT, "FIGBOX_GRACE_S": "600", "FIGBOX_HEAD_TIMEOUT_S": "60"}
    with (
        connected(listener) as stranger,
        running(tmp_path, environment, apart=False, listener=listener) as gateway,
    ):
        stranger.sendall(sent)
        with connected(listener) as other:
            other.sendall(HEAD + BODY)
            picture(other)
        gateway.gateway.send_signal(signal.SIGTERM)
        assert gateway.gateway.wait(slowed(30)) == 0
        assert "grace period is over" not in (tmp_path / "log").read_text()


def test_what_holds_back_its_request_is_cut_off_in_the_end(tmp_path: Path, listener: socket.socket) -> None:
    """The grace period bounds how long a request may take, and a second signal ends it at once."""
    with (
        connected(listener) as begun,
        running(tmp_path, {**ENVIRONMENT, "FIGBOX_GRACE_S": "600"}, apart=False, listener=listener) as gateway,
    ):
        begun.sendall(HEAD + BODY[:3])
        with connected(listener) as other:
            other.sendall(HEAD + BODY)
            picture(other)
        gateway.gateway.send_signal(signal.SIGTERM)
        wait_until(lambda: "shutting down" in (tmp_path / "log").read_text(), "it ends", slowed(60))
        assert not select.select([begun], [], [], 0)[0]
        gateway.gateway.send_signal(signal.SIGTERM)
        assert gateway.gateway.wait(slowed(60)) == 0


def test_systemds_own_activator_starts_it(tmp_path: Path) -> None:
    """`systemd-socket-activate` listens, and the first connection starts the gateway, which answers it."""
    in_ci = os.environ.get("CI", "").lower() in TRUE_WORDS
    if shutil.which("systemd-socket-activate") is None and in_ci and debian.is_root_debian():
        debian.apt_install(Steps(output=sys.stderr), ["systemd"], why="its activator passes a socket")
    if shutil.which("systemd-socket-activate") is None:
        needed("systemd-socket-activate isn't here")
    address = ("127.0.0.1", free_port())
    own = {**ENVIRONMENT, ROLE: "gateway", "FIGBOX_METRICS_PORT": "0", "PYTHONPATH": str(ROOT)}
    command = ["systemd-socket-activate", f"--listen={address[0]}:{address[1]}", *(f"--setenv={name}" for name in own)]
    log = tmp_path / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*command, sys.executable, "-m", "tests.support.no_engine"],
            cwd=tmp_path,
            env={**os.environ, **own},
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: "Listening on" in log.read_text(), "it listens", slowed(60))
        with socket.create_connection(address, timeout=slowed(60)) as connection:
            connection.sendall(HEAD + BODY)
            picture(connection)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(slowed(60))
    assert process.returncode == 0, log.read_text()
