"""The launcher's socket: made so that nobody can get between, and taken away again.

The directory is the door: it must belong to us (or to root) and be writable by nobody else, so that whoever may
connect can't put something else in the socket's place. It is opened once, without following a link, and everything
happens below that descriptor. A lock on it tells a launcher that lives from a socket that one left behind: the lock
goes with its process, however it ends.

Source: unix(7) for permissions on sockets, flock(2), umask(2); `/proc/self/fd` in proc(5).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import socket
import stat
from typing import TYPE_CHECKING

from gateway.launcher.remote.messages import UCRED
from gateway.model.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Connections the kernel holds for us until we take them.
BACKLOG = 1024

#: Owner and group may connect, nobody else; set before the socket exists, so there is no moment in which others could.
MODE = 0o660


@contextlib.contextmanager
def listening(path: Path) -> Iterator[socket.socket]:
    """Listen on a socket of ours at this path, until the block ends.

    Args:
        path: Absolute; its directory is made if only that is missing, for us alone.

    Raises:
        StartError: It can't be had; the text says what to do.
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
        listener = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        listener.setblocking(False)
        identity = _bind(listener, folder, path)
        stack.callback(_remove, folder, path.name, identity)
        yield listener


def peer_of(connection: socket.socket) -> int:
    """Return the uid that opened the other end of a connection, as the kernel kept it at that moment."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, UCRED.size)
    _, uid, _ = UCRED.unpack(credentials)
    return int(uid)


def _open_folder(path: Path) -> int:
    """Return a descriptor of the directory, which is ours to keep.

    Raises:
        StartError: It isn't one that can be a door.
    """
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    state = os.fstat(folder)
    if state.st_uid not in (0, os.geteuid()) or state.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        os.close(folder)
        raise StartError(
            f"the launcher's socket can't be made in {path}: others could put something in its place. Give it a "
            "directory of its own, owned by the launcher's user and writable by nobody else"
        )
    return folder


def _bind(listener: socket.socket, folder: int, path: Path) -> tuple[int, int]:
    """Bind and listen; return what tells our socket from another one of that name."""
    _remove_stale(folder, path)
    before = os.umask(0o777 & ~MODE)
    try:
        # By way of the directory that was checked, whatever the path leads to by now. Bind follows no link.
        listener.bind(f"/proc/self/fd/{folder}/{path.name}")
        listener.listen(BACKLOG)
    except OSError as error:
        raise StartError(f"can't listen on {path}: {error.strerror}") from error
    finally:
        os.umask(before)
    return _identity(os.stat(path.name, dir_fd=folder, follow_symlinks=False))


def _remove_stale(folder: int, path: Path) -> None:
    """Remove the socket that a launcher left behind which did not end by itself; nothing else is touched."""
    try:
        state = os.stat(path.name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(state.st_mode):
        raise StartError(f"{path} exists and is no socket: remove it, or set FIGBOX_LAUNCHER_SOCKET")
    os.unlink(path.name, dir_fd=folder)


def _remove(folder: int, name: str, identity: tuple[int, int]) -> None:
    with contextlib.suppress(OSError):
        if _identity(os.stat(name, dir_fd=folder, follow_symlinks=False)) == identity:
            os.unlink(name, dir_fd=folder)


def _identity(state: os.stat_result) -> tuple[int, int]:
    return state.st_dev, state.st_ino
