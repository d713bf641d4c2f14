"""The set-up finds the engine that is meant, asks it over a real unix socket, and explains when it can't."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import socketserver
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap import dockerd, engine
from bootstrap.steps import SetupError, Steps
from gateway.launcher.selftest.selftest import PODMAN

if TYPE_CHECKING:
    from collections.abc import Iterator


#: The answer of Podman 5.4 to `/version`, as far as it matters.
VERSION = b'{"Platform": {"Name": "linux/amd64"}, "Components": [{"Name": "Podman Engine", "Version": "5.4.2"}]}'


class _Engine(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = {"/_ping": b"OK", "/info": b'{"MemoryLimit": true}', "/broken": b"{", "/version": VERSION}
        body = known.get(self.path, b"")
        self.send_response(200 if self.path in known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a folder with a short name: a unix socket's path can't be longer than 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="fb") as name:
        yield Path(name)


@contextmanager
def serving(path: Path) -> Iterator[None]:
    """Run a server on a unix socket that responds as an engine does."""
    with socketserver.ThreadingUnixStreamServer(str(path), _Engine) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


def test_an_engine_that_answers_is_recognised(folder: Path) -> None:
    """A ping returns, requests get responses, and a wrong response is reported as such."""
    path = folder / "s"
    with serving(path):
        engine.ping(path)
        assert engine.answers(path)
        assert engine.ask(path, "/info") == {"MemoryLimit": True}
        with pytest.raises(engine.EngineSilentError, match="isn't JSON"):
            engine.ask(path, "/broken")
        with pytest.raises(engine.EngineSilentError, match="answers 404"):
            engine.ask(path, "/nothing")


def test_a_missing_engine_may_be_started_but_a_silent_one_not(folder: Path) -> None:
    """Without a socket, or a listener on it, an engine is absent; one that listens in silence isn't."""
    with pytest.raises(engine.EngineSilentError, match="no such socket") as missing:
        engine.ping(folder / "s")
    assert missing.value.absent
    with serving(folder / "s"):
        pass
    with pytest.raises(engine.EngineSilentError, match="nothing listens") as left:
        engine.ping(folder / "s")
    assert left.value.absent
    with socketserver.UnixStreamServer(str(folder / "t"), _Engine):
        with pytest.raises(engine.EngineSilentError, match="no answer within") as silent:
            engine.ping(folder / "t", timeout_s=0.05)
        assert not silent.value.absent


def test_podman_is_refused_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The set-up says in one sentence what the service would say at its start, and builds nothing before."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{folder}/s")
    with serving(folder / "s"), pytest.raises(SetupError) as refused:
        dockerd.ensure(Steps())
    assert str(refused.value) == f"Figbox can't work here: {PODMAN}."
    assert engine.PODMAN == PODMAN


def test_docker_host_wins(tmp_path: Path) -> None:
    """DOCKER_HOST names the engine, whatever the CLI's configuration says."""
    (tmp_path / "config.json").write_text('{"currentContext": "broken"}')
    address = engine.meant({"DOCKER_HOST": "unix:///x/y.sock", "DOCKER_CONFIG": str(tmp_path)})
    assert (str(address.socket), address.named_by) == ("/x/y.sock", "DOCKER_HOST")
    assert address.url == "unix:///x/y.sock"


def test_the_current_context_is_followed(tmp_path: Path) -> None:
    """Without DOCKER_HOST the CLI's current context counts, as Docker Desktop and rootless Docker set it."""
    (tmp_path / "config.json").write_text('{"currentContext": "desktop"}')
    meta = tmp_path / "contexts" / "meta" / hashlib.sha256(b"desktop").hexdigest()
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Endpoints": {"docker": {"Host": "unix:///d.sock"}}}))
    address = engine.meant({"DOCKER_CONFIG": str(tmp_path)})
    assert (str(address.socket), address.named_by) == ("/d.sock", "the Docker context desktop")
    with pytest.raises(SetupError, match="context other can't be read"):
        engine.meant({"DOCKER_CONFIG": str(tmp_path), "DOCKER_CONTEXT": "other"})


def test_without_any_configuration_the_default_is_meant(tmp_path: Path) -> None:
    """Without variables and a configuration, it is the default socket."""
    assert engine.meant({"DOCKER_CONFIG": str(tmp_path)}) == engine.Address(engine.DEFAULT_SOCKET, "")


@pytest.mark.parametrize("url", ["tcp://10.0.0.1:2375", "ssh://host", "unix://", "/var/run/docker.sock"])
def test_only_unix_sockets_are_supported(url: str) -> None:
    """Any other transport is refused, and the error shows the supported form."""
    with pytest.raises(SetupError, match="DOCKER_HOST=unix:///"):
        engine.meant({"DOCKER_HOST": url})


def test_a_stale_process_file_is_told_from_a_living_engine(tmp_path: Path) -> None:
    """The id in the file only counts if it is that program's: ids are used again."""
    daemon = dockerd.Daemon(run_folder=tmp_path)
    ours, gone = tmp_path / "docker.pid", tmp_path / "docker-ssd.pid"
    ours.write_text(f"{os.getpid()}\n")  # runs, but isn't dockerd
    gone.write_text("not a number")
    assert set(dockerd.stale(daemon)) == {ours, gone}

    copy = tmp_path / "bin" / "dockerd"
    copy.parent.mkdir()
    copy.write_bytes(Path("/bin/sleep").read_bytes())
    copy.chmod(0o755)
    with subprocess.Popen([copy, "60"]) as alive:
        ours.write_text(str(alive.pid))
        assert dockerd.stale(daemon) == [gone]
        alive.kill()


def test_each_missing_engine_has_its_remedy(tmp_path: Path) -> None:
    """The sentence has the socket, the reason and what to do."""
    named = engine.Address(tmp_path / "s", "DOCKER_HOST")
    assert "as DOCKER_HOST says: start that engine" in dockerd.remedy(named, "nothing listens on it")
    if sys.platform == "linux":
        default = engine.Address(engine.DEFAULT_SOCKET, "")
        assert "usermod -aG docker" in dockerd.remedy(default, "this user may not open it")
        assert "systemctl start docker" in dockerd.remedy(default, "there is no such socket")
