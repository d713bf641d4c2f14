"""A unix socket to listen on: for owner and group only, never in the place of another one, and gone at the end."""

from __future__ import annotations

import socket
import stat
from typing import TYPE_CHECKING

import pytest

from gateway.model.errors import StartError
from gateway.startup.unix_socket import listening

if TYPE_CHECKING:
    from pathlib import Path

SETTING = "FIGBOX_HTTP_SOCKET"


def _reaches(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        try:
            connection.connect(str(path))
        except OSError:
            return False
        return True


def test_owner_and_group_may_connect(folder: Path) -> None:
    """The mode is 660 from the beginning; at the end the socket is gone."""
    path = folder / "s"
    with listening(path, 8, SETTING):
        assert stat.S_IMODE(path.stat().st_mode) == 0o660
        assert _reaches(path)
    assert not path.exists()


def test_socket_of_a_killed_gateway_is_replaced(folder: Path) -> None:
    """One that nobody serves doesn't stop a start."""
    path = folder / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    assert path.is_socket()
    with listening(path, 8, SETTING):
        assert _reaches(path)


def test_socket_of_another_is_left(folder: Path) -> None:
    """One that somebody serves stops the start, and goes on serving."""
    path = folder / "s"
    with listening(path, 8, SETTING):
        with pytest.raises(StartError, match=f"is taken.*{SETTING}"), listening(path, 8, SETTING):
            pass
        assert _reaches(path)


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_nothing_but_a_socket_is_removed(folder: Path, kind: str) -> None:
    """Whatever else is there stays, and the start is refused; a link isn't followed."""
    path, target = folder / "s", folder / "target"
    target.write_text("x")
    {"file": path.touch, "folder": path.mkdir, "link": lambda: path.symlink_to(target)}[kind]()
    with pytest.raises(StartError, match="is not a socket"), listening(path, 8, SETTING):
        pass
    assert path.is_symlink() or path.exists()
    assert target.read_text() == "x"


def test_successor_keeps_its_socket(folder: Path) -> None:
    """A gateway that ends removes its own socket only."""
    path = folder / "s"
    with listening(path, 8, SETTING):
        path.unlink()
        with socket.socket(socket.AF_UNIX) as successor:
            successor.bind(str(path))
    assert path.is_socket()


def test_missing_folder_is_named(folder: Path) -> None:
    """A path that can't be is refused with the setting."""
    with pytest.raises(StartError, match=f"{SETTING}.*No such file"), listening(folder / "no" / "s", 8, SETTING):
        pass
