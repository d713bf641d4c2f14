"""The image's first program gives up root, and its health check recognises a service that is down."""

from __future__ import annotations

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import entrypoint
import healthcheck
import pytest

from gateway.launcher.remote.messages import STATE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """Return the calls that would have changed this process."""
    done: list[tuple[Any, ...]] = []
    for name in ("setgroups", "setresgid", "setresuid"):
        monkeypatch.setattr(os, name, lambda *values, name=name: done.append((name, *values)))
    monkeypatch.setattr(os, "execv", lambda program, words: done.append(tuple(words[1:])))
    for name in ("DOCKER_HOST", "FIGBOX_LAUNCHER", "FIGBOX_LAUNCHER_SOCKET"):
        monkeypatch.delenv(name, raising=False)
    return done


def begin(monkeypatch: pytest.MonkeyPatch, uid: int, *words: str) -> int | None:
    """Begin as a container would; return the exit status, or None if another program was executed."""
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    monkeypatch.setattr("sys.argv", ["entrypoint", *words])
    return entrypoint.main()


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return an engine's socket that its group may open."""
    path = tmp_path / "d.sock"
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("d.sock")
        path.chmod(0o660)
        monkeypatch.setenv("DOCKER_HOST", f"unix://{path}")
        yield path


@pytest.mark.parametrize("role", ["gateway", "launcher"])
def test_root_becomes_the_roles_user(
    calls: list[tuple[Any, ...]], engine: Path, monkeypatch: pytest.MonkeyPatch, role: str
) -> None:
    """Root takes the group of the engine's socket, and then all three ids of the role, for good."""
    module, uid = {"gateway": ("gateway", 10001), "launcher": ("gateway.launcher", 10002)}[role]
    begin(monkeypatch, 0, role)
    assert calls == [
        ("setgroups", [engine.stat().st_gid]),
        ("setresgid", 10001, 10001, 10001),
        ("setresuid", uid, uid, uid),
        ("-m", module),
    ]


def test_a_gateway_with_a_launcher_takes_no_group(
    calls: list[tuple[Any, ...]], engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If another process has the engine, the gateway gets no right to it."""
    monkeypatch.setenv("FIGBOX_LAUNCHER", "unix:///run/figbox/launcher.sock")
    begin(monkeypatch, 0)
    assert calls[0] == ("setgroups", [])
    assert calls[-1] == ("-m", "gateway")


def test_a_socket_for_its_owner_alone_gives_no_group(
    calls: list[tuple[Any, ...]], engine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A group that can't open the socket isn't taken."""
    engine.chmod(0o600)
    begin(monkeypatch, 0, "launcher")
    assert calls[0] == ("setgroups", [])


def test_a_user_of_the_containers_own_stays(calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch) -> None:
    """A user other than root isn't changed."""
    begin(monkeypatch, 1234, "launcher", "--word")
    assert calls == [("-m", "gateway.launcher", "--word")]


def test_root_that_stays_is_no_start(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without the needed capabilities nothing is started, and the error says what to do."""

    def refuse(_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setgroups", refuse)
    assert begin(monkeypatch, 0) == 1
    assert calls == []
    assert "SETUID" in capsys.readouterr().err


def test_other_roles_are_refused(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only the two roles are accepted."""
    assert begin(monkeypatch, 0, "sh") == 1
    assert calls == []
    assert "no role 'sh'" in capsys.readouterr().err


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Serve on `PORT`; return the status of its responses, which a test can change."""
    status = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = {"/healthz": status[0], "/readyz": status[-1]}
            self.send_response(known.get(self.path, 404))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        monkeypatch.setenv("PORT", str(server.server_port))
        yield status
        server.shutdown()
        thread.join()


def test_health_of_a_gateway(
    calls: list[tuple[Any, ...]], answering: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a response with 200 is healthy; the check gives up root before its request, too."""
    assert begin(monkeypatch, 0, "health") == 0
    assert ("setresuid", 10001, 10001, 10001) in calls
    answering[0] = 503
    assert healthcheck.main() == 1
    monkeypatch.setenv("PORT", "1")
    assert healthcheck.main() == 1


def test_health_of_a_gateway_that_must_be_ready(
    calls: list[tuple[Any, ...]], answering: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the word `ready`, one that is alive but not ready isn't healthy yet."""
    del calls
    answering.append(503)
    assert begin(monkeypatch, 0, "health") == 0
    assert begin(monkeypatch, 0, "health", "ready") == 1
    answering[-1] = 200
    assert begin(monkeypatch, 0, "health", "ready") == 0


def test_health_where_the_gateway_listens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check asks below the prefix, and on the unix socket if there is one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FIGBOX_LAUNCHER_SOCKET", raising=False)
    monkeypatch.setenv("FIGBOX_HTTP_SOCKET", "unix://http.sock")
    monkeypatch.setenv("FIGBOX_PATH_PREFIX", "/figbox/")
    assert healthcheck.main() == 1
    asked: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("http.sock")
        listener.listen()

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                asked.append(connection.recv(4096))
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        assert healthcheck.main() == 0
        thread.join()
    assert asked[0].startswith(b"GET /figbox/healthz HTTP/1.1\r\n")


def test_health_of_a_launcher(calls: list[tuple[Any, ...]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A launcher that sends its state is healthy; one that closes the connection, or is missing, is not."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("FIGBOX_LAUNCHER_SOCKET", "l.sock")
    assert healthcheck.STATE == STATE
    assert begin(monkeypatch, 0, "health") == 1
    assert ("setresuid", 10002, 10002, 10002) in calls
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("l.sock")
        listener.listen()

        def answer(words: bytes) -> None:
            connection, _ = listener.accept()
            with connection:
                assert connection.recv(1) == b""
                connection.sendall(words)

        for words, status in ((STATE, 0), (b"F", 1), (b"", 1)):
            thread = threading.Thread(target=answer, args=(words,))
            thread.start()
            assert healthcheck.main() == status
            thread.join()
