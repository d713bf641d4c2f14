"""The launcher's socket is for owner and group, and no other file is touched."""

from __future__ import annotations

import os
import socket
import stat
from typing import TYPE_CHECKING

import pytest

from gateway.launcher.remote.listener import listening, peer_of
from gateway.model.errors import StartError

if TYPE_CHECKING:
    from pathlib import Path


def test_the_socket_is_for_owner_and_group(folder: Path) -> None:
    """It is made with its mode, whatever the process's umask is, and is removed when the block ends."""
    before = os.umask(0)
    try:
        with listening(folder / "l.sock"):
            state = (folder / "l.sock").lstat()
            assert stat.S_ISSOCK(state.st_mode)
            assert stat.S_IMODE(state.st_mode) == 0o660
            assert os.umask(0) == 0
        assert list(folder.iterdir()) == []
    finally:
        os.umask(before)


def test_a_missing_directory_is_made_for_us_alone(folder: Path) -> None:
    """A missing directory is made, and only its owner may enter it."""
    with listening(folder / "new" / "l.sock"):
        assert stat.S_IMODE((folder / "new").stat().st_mode) == 0o700


def test_a_socket_left_behind_is_replaced(folder: Path) -> None:
    """A socket that a killed launcher left is replaced."""
    path = folder / "l.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with listening(path) as listener, socket.socket(socket.AF_UNIX) as peer:
        peer.connect(str(path))
        listener.setblocking(True)
        taken, _ = listener.accept()
        with taken:
            assert peer_of(taken) == os.geteuid()


def test_a_living_launcher_is_not_replaced(folder: Path) -> None:
    """A second launcher for the same socket doesn't start, and doesn't disturb the first."""
    path = folder / "l.sock"
    with listening(path), pytest.raises(StartError, match="another launcher"), listening(path):
        pass
    with listening(path):
        assert path.exists()


@pytest.mark.parametrize("kind", ["file", "folder", "link", "link to nothing"])
def test_nothing_else_is_touched(folder: Path, kind: str) -> None:
    """A file at the socket's path that isn't a socket stays as it is, and links are not followed."""
    path, elsewhere = folder / "door" / "l.sock", folder / "elsewhere"
    path.parent.mkdir(mode=0o700)
    if kind == "file":
        path.write_text("precious")
    elif kind == "folder":
        path.mkdir()
    else:
        if kind == "link":
            elsewhere.write_text("precious")
        path.symlink_to(elsewhere)
    with pytest.raises(StartError, match="is not a socket"), listening(path):
        pass
    assert elsewhere.exists() == (kind == "link")
    assert path.is_symlink() or path.exists()


def test_a_directory_that_others_can_write_is_no_door(folder: Path) -> None:
    """If others could replace the socket, the launcher doesn't start."""
    for mode in (0o770, 0o777, 0o1777):
        folder.chmod(mode)
        with pytest.raises(StartError, match="others could"), listening(folder / "l.sock"):
            pass
    folder.chmod(0o700)
    (folder / "link").symlink_to(folder)
    with pytest.raises(StartError, match="can't be made"), listening(folder / "link" / "l.sock"):
        pass
    with pytest.raises(StartError, match="can't be made"), listening(folder / "no" / "such" / "l.sock"):
        pass


def test_a_socket_of_another_owner_is_left(folder: Path) -> None:
    """At the end only our own socket is removed, not one that has replaced it."""
    path = folder / "l.sock"
    with listening(path):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(path))
    assert path.exists()
