"""The listening socket that a service manager has made and passes on: it stays while one gateway follows another.

Connections that come while none runs wait in the kernel, and two gateways may hold the same socket, of which the older
one drains. systemd and others pass descriptors from 3 on, and say in `LISTEN_PID` whom they are for. Thirty lines don't
deserve a dependency whose C library must match the host's.

Source: sd_listen_fds(3), whose rules these are; socket(7), `SO_ACCEPTCONN`.
"""

from __future__ import annotations

import os
import socket
from typing import TYPE_CHECKING

from gateway.model.errors import StartError

if TYPE_CHECKING:
    from collections.abc import MutableMapping

#: The first descriptor that is passed. Source: sd-daemon.h, `SD_LISTEN_FDS_START`.
FIRST = 3

#: All variables of the protocol.
VARIABLES = ("LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES")


def take(environment: MutableMapping[str, str] = os.environ) -> socket.socket | None:
    """Return the socket that was passed to this process, or None if there is none.

    The variables are removed, and the descriptor isn't inherited, so that no child takes the socket for its own.

    Args:
        environment: The process's.

    Raises:
        StartError: What was passed isn't one stream socket that listens.
    """
    process, count, _ = (environment.pop(name, "") for name in VARIABLES)
    if process != str(os.getpid()):
        return None
    if count != "1":
        raise StartError(f"LISTEN_FDS is {ascii(count)[:20]}: pass one socket, with one ListenStream=")
    try:
        os.set_inheritable(FIRST, False)
        passed = socket.socket(fileno=FIRST)
    except OSError as error:
        raise StartError(f"the passed descriptor {FIRST} is no socket: {error.strerror}") from error
    if passed.type != socket.SOCK_STREAM or not passed.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        passed.close()
        raise StartError("the passed socket doesn't listen: use ListenStream=, and Accept=no")
    passed.setblocking(False)
    return passed
