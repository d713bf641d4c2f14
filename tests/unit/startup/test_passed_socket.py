"""A socket is taken from the manager only if it is meant for this process, and is one to serve on."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from gateway.model.errors import StartError
from gateway.startup import passed_socket
from tests.support.live import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Takes what is passed, and says what it is, what is left of the variables, and whether a child has it.
PROGRAM = """
import os, subprocess, sys
from gateway.startup import passed_socket
taken = passed_socket.take()
left = sorted(name for name in os.environ if name.startswith("LISTEN_"))
child = subprocess.run(["test", "-e", "/proc/self/fd/3"], close_fds=False)
print(taken and taken.getsockname()[1], taken and taken.gettimeout(), left, child.returncode)
"""


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Return a socket that listens."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def taken(passed: socket.socket | None, pid: str = "$$", count: str = "1") -> subprocess.CompletedProcess[str]:
    """Run the program with a socket passed as systemd does it."""
    shell = f'LISTEN_PID={pid} LISTEN_FDS={count} LISTEN_FDNAMES=x exec "$@" {"3<&0" if passed else ""}'
    command = ["sh", "-c", shell, "sh", sys.executable, "-c", PROGRAM]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, stdin=passed, env=environment, capture_output=True, text=True, check=False)


def test_a_passed_socket_is_taken_once(listener: socket.socket) -> None:
    """No child can take it again: the variables are gone, and so is the descriptor."""
    done = taken(listener)
    assert done.stdout.split(maxsplit=3) == [str(listener.getsockname()[1]), "0.0", "[]", "1\n"], done.stderr


@pytest.mark.parametrize("pid", ["1", "", "x"])
def test_what_others_are_passed_is_left_alone(listener: socket.socket, pid: str) -> None:
    """Variables that an ancestor has left behind mean nothing, and go."""
    assert taken(listener, pid).stdout.startswith("None None [] ")


@pytest.mark.parametrize("count", ["0", "2", "", "x"])
def test_only_one_is_taken(count: str) -> None:
    """With several, nobody could say which is meant."""
    environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": count}
    with pytest.raises(StartError, match="pass one socket"):
        passed_socket.take(environment)


@pytest.mark.parametrize("kind", ["nothing", "datagrams", "a stream"])
def test_what_does_not_listen_is_refused(kind: str) -> None:
    """A descriptor that is closed, a socket of another kind, and a connection."""
    one, other = socket.socketpair(type=socket.SOCK_DGRAM if kind == "datagrams" else socket.SOCK_STREAM)
    with one, other:
        done = taken(None if kind == "nothing" else one)
    assert done.returncode == 1
    assert "StartError: the passed " in done.stderr
