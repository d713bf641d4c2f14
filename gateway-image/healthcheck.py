"""The health check of a container: does its gateway or launcher respond? Run by entrypoint.py.

With the word `ready`, a gateway must be ready to draw, for deployments that go on to the next host only then.
"""

from __future__ import annotations

import os
import socket
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

LIMIT_S = 4.0

#: The first byte that a launcher sends to a client that asks nothing. Repeated from the gateway's package (a test
#: compares them): importing it takes 130 ms, every 10 s.
STATE = b"S"


def main(arguments: Sequence[str] = ()) -> int:
    """Ask the one that the settings say is here; return an exit status."""
    path = os.environ.get("FIGBOX_LAUNCHER_SOCKET")
    page = "readyz" if "ready" in arguments else "healthz"
    try:
        return (
            0 if (launcher_responds(path) if path else gateway_says(page, int(os.environ.get("PORT") or 5150))) else 1
        )
    except (OSError, HTTPException):
        return 1


def gateway_says(page: str, port: int) -> bool:
    """Ask for a page on the loopback, or on the unix socket if the gateway listens there."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    path = os.environ.get("FIGBOX_HTTP_SOCKET")
    try:
        if path:
            connection.sock = socket.socket(socket.AF_UNIX)
            connection.sock.settimeout(LIMIT_S)
            connection.sock.connect(path.removeprefix("unix://"))
        connection.request("GET", f"{os.environ.get('FIGBOX_PATH_PREFIX', '').rstrip('/')}/{page}")
        return connection.getresponse().status == HTTPStatus.OK
    finally:
        connection.close()


def launcher_responds(path: str) -> bool:
    """Let the launcher send its state."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(LIMIT_S)
        connection.connect(path)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1) == STATE
