"""`python -m tests.support.passing MODULE`: become a module that is passed standard input, as systemd passes a socket.

systemd-socket-activate passes its own socket once; this one can be passed to several, as `Sockets=` does.
"""

from __future__ import annotations

import os
import sys

from gateway.startup.passed_socket import FIRST


def main(module: str) -> None:
    """Do that."""
    if sys.stdin.fileno() != FIRST:
        os.dup2(sys.stdin.fileno(), FIRST, inheritable=True)
    nowhere = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nowhere, sys.stdin.fileno())
    passed = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "1", "LISTEN_FDNAMES": "figbox-gateway.socket"}
    os.execve(sys.executable, [sys.executable, "-m", module], {**os.environ, **passed})  # noqa: S606 - without a shell


if __name__ == "__main__":
    main(sys.argv[1])
