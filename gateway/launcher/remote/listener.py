"""The launcher's socket: made so that no other program can take its place, and removed at the end.

Its directory protects it: it must belong to us or to root and not be writable by others, so that a program that may
connect can't replace the socket. It is opened once, without following a link, and everything happens below that
descriptor. A lock on it tells a living launcher from a socket left behind: the kernel drops the lock with the process,
however that ends.

Source: flock(2); `/proc/self/fd` in proc(5).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.launcher.remote.messages import UCRED
from gateway.model.errors import StartError
from gateway.startup import unix_socket

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Connections that the kernel queues until we accept them.
BACKLOG = 1024


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Listen on a socket at this path until the block ends.

    Args:
        path: Absolute; its directory is made, for us alone, if only that is missing.

    Raises:
        StartError: It can't be made; the text says what to do.
    """
    try:
        folder = _open_folder(path.parent)
    except OSError as error:
        raise StartError(f"the launcher's socket can't be made in {path.parent}: {error.strerror}") from error
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, folder)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise StartError(f"another launcher serves {path}: stop it, or set FIGBOX_LAUNCHER_SOCKET") from error
        # Through the directory that was checked, wherever the path leads by now.
        at = Path(f"/proc/self/fd/{folder}", path.name)
        listener = stack.enter_context(unix_socket.listening(path, BACKLOG, "FIGBOX_LAUNCHER_SOCKET", at=at))
        listener.setblocking(False)
        yield listener


def peer_of(connection: socket.socket) -> int:
    """Return the uid that opened the other end of a connection, as the kernel recorded it."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    _, uid, _ = UCRED.unpack(credentials)
    return int(uid)


def _open_folder(path: Path) -> int:
    """Return a descriptor of the directory, which the caller closes.

    Raises:
        StartError: The directory is writable by others.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    state = os.fstat(folder)
    if state.st_uid not in (0, os.geteuid()) or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        os.close(folder)
        raise StartError(
            f"the launcher's socket can't be made in {path}: others could replace it. Give it a directory "
            "of its own, owned by the launcher's user and not writable by others"
        )
    return folder
