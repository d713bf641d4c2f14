"""Whether the gateway or the launcher beside it answers; for a container's health check (see entrypoint.py)."""

from __future__ import annotations

import os
import socket
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException

LIMIT_S = 4.0

#: What a launcher says first to whoever asks nothing (`gateway.launcher.remote.messages.STATE`).
STATE = b"S"


def main() -> int:
    """Ask whichever it is, by its settings; return an exit status."""
    path = os.environ.get("FIGBOX_LAUNCHER_SOCKET")
    try:
        return 0 if (launcher_lives(path) if path else gateway_lives(int(os.environ.get("PORT") or 5150))) else 1
    except (OSError, HTTPException):
        return 1


def gateway_lives(port: int) -> bool:
    """Ask `GET /healthz` on the loopback."""
    connection = HTTPConnection("127.0.0.1", port, timeout=LIMIT_S)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == HTTPStatus.OK
    finally:
        connection.close()


def launcher_lives(path: str) -> bool:
    """Let the launcher tell its state."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(LIMIT_S)
        connection.connect(path)
        connection.shutdown(socket.SHUT_WR)
        return connection.recv(1) == STATE
