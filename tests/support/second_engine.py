"""An engine of the tests' own, to be stopped, hung and killed; the engine of the machine stays as it is."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import docker

if TYPE_CHECKING:
    from collections.abc import Iterator

START_LIMIT_S = 60


class SecondEngine:
    """A dockerd with its own data root, socket and pid file.

    Args:
        folder: Where all of it lives; short, because a socket's path may have 107 bytes.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.socket = folder / "docker.sock"
        self.url = f"unix://{self.socket}"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers."""
        # A killed dockerd takes its containerd along, but leaves the pid files of both, which would stop the next.
        (self._folder / "docker.pid").unlink(missing_ok=True)
        (self._folder / "exec" / "containerd" / "containerd.pid").unlink(missing_ok=True)
        with (self._folder / "dockerd.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    # In a network namespace of its own: a dockerd without a bridge removes the `docker0` it finds.
                    "unshare",
                    "--net",
                    "dockerd",
                    f"--host={self.url}",
                    f"--data-root={self._folder / 'data'}",
                    f"--exec-root={self._folder / 'exec'}",
                    f"--pidfile={self._folder / 'docker.pid'}",
                    "--bridge=none",
                    "--iptables=false",
                    "--ip6tables=false",
                ],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        end = time.monotonic() + START_LIMIT_S
        while not self.answers():
            assert self._process.poll() is None, self._log_tail()
            assert time.monotonic() < end, self._log_tail()
            time.sleep(0.1)

    def answers(self) -> bool:
        """Tell whether it answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(5)
            try:
                connection.connect(str(self.socket))
                connection.sendall(b"GET /_ping HTTP/1.0\r\n\r\n")
                return b" 200 " in connection.recv(64)
            except OSError:
                return False

    def stop(self) -> None:
        """End it in an orderly way; its containers end with it."""
        self._end(signal.SIGTERM)

    def crash(self) -> None:
        """Kill it; its containers go on without it."""
        self._end(signal.SIGKILL)

    def hang(self) -> None:
        """Stop it from answering, its connections kept."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def wake(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def client(self) -> docker.APIClient:
        """Return a client; the caller closes it."""
        return docker.APIClient(base_url=self.url, version="auto")

    def counts(self) -> dict[str, int]:
        """Return the numbers of its containers and volumes."""
        client = self.client()
        try:
            rows: Any = client.containers(all=True)
            return {"containers": len(rows), "volumes": len(client.volumes()["Volumes"] or [])}
        finally:
            client.close()

    def copy_image(self, source: str, image: str) -> None:
        """Load an image from another engine, without a file in between."""
        origin, own = docker.APIClient(base_url=source, version="auto"), self.client()
        try:
            for event in own.load_image(origin.get_image(image)):
                assert "error" not in event, event
        finally:
            origin.close()
            own.close()

    def destroy(self) -> None:
        """End it and whatever it started, and remove its files."""
        with contextlib.suppress(Exception):
            self.wake()
        if self._process is not None and self._process.poll() is None:
            self.stop()
        for pid in self._own_processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        mounts = Path("/proc/self/mounts").read_text().splitlines()
        for mount in reversed([line.split()[1] for line in mounts if str(self._folder) in line]):
            subprocess.run(["umount", "--lazy", mount], check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _end(self, number: int) -> None:
        assert self._process is not None
        self._process.send_signal(number)
        self._process.wait(START_LIMIT_S)

    def _own_processes(self) -> Iterator[int]:
        """Yield the ids of processes that name our folder in their arguments: containerd and its shims."""
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                with contextlib.suppress(OSError):
                    if str(self._folder).encode() in (entry / "cmdline").read_bytes():
                        yield int(entry.name)

    def _log_tail(self) -> str:
        return (self._folder / "dockerd.log").read_text()[-2000:]


@contextlib.contextmanager
def second_engine() -> Iterator[SecondEngine]:
    """Run a second engine; nothing of it stays."""
    engine = SecondEngine(Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp")))
    try:
        engine.start()
        yield engine
    finally:
        engine.destroy()
