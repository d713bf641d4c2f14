"""A gateway and a launcher as two processes, with a socket between them and the engine behind the launcher alone."""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.live import (
    WARM_START,
    LiveGateway,
    LiveProcess,
    begin,
    end_gateway,
    engine_url,
    remove_containers_of,
    start_gateway,
)

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

MODULE = "gateway.launcher"

#: The address of an engine that isn't there, given to a gateway in split mode to show that it calls no engine.
NO_ENGINE = "unix:///nowhere/docker.sock"


@dataclass
class LiveLauncher(LiveProcess):
    """A running launcher, and how to start another one in its place, which adds to its log."""

    socket: Path
    environment: dict[str, str]

    def start_again(self) -> None:
        """Start it anew, as a service manager would."""
        end_gateway(self.process)
        self.process = begin(MODULE, self.environment, self.log)
        read_announcement(self.process, self.log)


@dataclass
class LiveSplit:
    """Both processes."""

    gateway: LiveGateway
    launcher: LiveLauncher


@contextmanager
def live_launcher(tmp_path: Path, *, docker_host: str | None = None, **environment: object) -> Iterator[LiveLauncher]:
    """Run a launcher with the given settings; whatever happens, nothing of it stays.

    Args:
        tmp_path: For its log.
        docker_host: Its engine; None is the one under test.
        environment: Settings by their variables' names.
    """
    docker_host = docker_host or engine_url()
    installation = str(environment.pop("FIGBOX_INSTALLATION", f"test-{secrets.token_hex(6)}"))
    # A short name: a socket's path may have 107 bytes.
    with tempfile.TemporaryDirectory(prefix="fb-", dir="/tmp") as folder:
        settings = {
            "FIGBOX_LAUNCHER_SOCKET": Path(folder, "launcher.sock"),
            "FIGBOX_INSTALLATION": installation,
            "FIGBOX_WARM_START": WARM_START,
            "DOCKER_HOST": docker_host,
            **environment,
        }
        variables = {name: value for name, value in os.environ.items() if name != "API_KEY"}
        variables |= {name: str(value) for name, value in settings.items()}
        log = tmp_path / f"launcher-{secrets.token_hex(4)}.log"
        process = begin(MODULE, variables, log)
        launcher = LiveLauncher(process, installation, docker_host, log, Path(folder, "launcher.sock"), variables)
        try:
            read_announcement(launcher.process, log)
            yield launcher
        finally:
            end_gateway(launcher.process)
            remove_containers_of(installation, docker_host)


@contextmanager
def live_split(tmp_path: Path, *, docker_host: str | None = None, **environment: object) -> Iterator[LiveSplit]:
    """Run a launcher and a gateway of it; arguments as those of `live_gateway`."""
    with live_launcher(tmp_path, docker_host=docker_host, **environment) as launcher:
        gateway = start_split_gateway(tmp_path, launcher, **environment)
        try:
            yield LiveSplit(gateway, launcher)
        finally:
            end_gateway(gateway.process)


def start_split_gateway(tmp_path: Path, launcher: LiveLauncher, **environment: object) -> LiveGateway:
    """Start a gateway of a launcher, without an engine; the caller ends it."""
    own = {**environment, "FIGBOX_LAUNCHER": f"unix://{launcher.socket}", "DOCKER_HOST": NO_ENGINE}
    own.pop("FIGBOX_INSTALLATION", None)
    gateway = start_gateway(tmp_path, launcher.docker_host, launcher.installation, **own)
    assert gateway.docker_host == launcher.docker_host  # where its containers are looked for
    return gateway


def read_announcement(process: subprocess.Popen[str], log: Path) -> None:
    """Wait until a launcher serves."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("The launcher serves "), f"the launcher did not start:\n{log.read_text()}"
