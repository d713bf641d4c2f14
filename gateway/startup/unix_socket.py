"""Listen on a unix socket: only its owner and its group may connect, and it goes with its process.

Who may enter its folder and who may write there is the operator's business: a stranger who could put another socket in
its place would get what a proxy sends. Nothing but a socket that nobody serves is ever removed.

Source: unix(7): permissions of sockets; a killed process leaves its own behind, and connecting to that is refused.
"""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from typing import TYPE_CHECKING

from gateway.model.errors import StartError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Set before the socket exists, so that others can't connect for a moment.
MODE = 0o660


@contextlib.contextmanager
def listening(path: Path, backlog: int, setting: str, *, at: Path | None = None) -> Iterator[socket.socket]:
    """Listen on a socket at this path until the block ends.

    Args:
        path: Absolute; in a folder that exists.
        backlog: Connections that the kernel queues.
        setting: Names the path in errors.
        at: Another path to the same place, such as by a descriptor of its folder, which is used instead.

    Raises:
        StartError: It can't be made; the text says what to do.
    """
    at = at or path
    _remove_stale(at, path, setting)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        before = os.umask(0o777 & ~MODE)
        try:
            listener.bind(str(at))  # which doesn't follow links
            listener.listen(backlog)
        except OSError as error:
            raise StartError(f"can't listen on {path} ({setting}): {error.strerror}") from error
        finally:
            os.umask(before)
        identity = _identity(at)
        try:
            yield listener
        finally:
            with contextlib.suppress(OSError):
                if _identity(at) == identity:  # not that of a successor
                    at.unlink()


def _remove_stale(at: Path, path: Path, setting: str) -> None:
    """Remove a socket that a killed process left behind, and nothing else."""
    try:
        state = at.lstat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise StartError(f"can't listen on {path} ({setting}): {error.strerror}") from error
    if not stat.S_ISSOCK(state.st_mode):
        raise StartError(f"{path} exists and is not a socket: remove it, or set {setting}")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as knock:
        try:
            knock.connect(str(at))
        except ConnectionRefusedError:
            with contextlib.suppress(FileNotFoundError):
                at.unlink()
            return
        except FileNotFoundError:
            return
        except OSError as error:
            raise StartError(f"{path} is in use, or not ours ({error.strerror}): set {setting}") from error
    raise StartError(f"{path} is taken: stop what listens there, or set {setting}")


def _identity(path: Path) -> tuple[int, int]:
    state = path.lstat()
    return state.st_dev, state.st_ino
