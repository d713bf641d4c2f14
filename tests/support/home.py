"""A user who starts services from this checkout, or a copy of it: with state of their own, of which nothing stays."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.documents.pages import ROOT
from tests.fakes import wait_until
from tests.support.command import command_folder, environment, run_shell
from tests.support.live import WARM_START, containers_of, engine_url, remove_containers_of
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class User:
    """A user of the command.

    Attributes:
        folder: The working directory.
        state: Where the state of services is kept.
        variables: The environment of commands.
    """

    folder: Path
    state: Path
    variables: dict[str, str]

    def __call__(self, line: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a shell's line with `figbox` in it, whatever its exit status."""
        return run_shell(line, self.folder, self.variables | variables)

    def begin(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start the command; its process is the command's own."""
        program = Path(self.variables["PATH"].split(":")[0], "figbox")
        errors = (self.folder / "stderr").open("wb")
        with errors:
            return subprocess.Popen([program, *arguments], cwd=self.folder, env=self.variables, stderr=errors)

    @property
    def services(self) -> Path:
        """The one folder of this user's services of a home, which must exist."""
        (found,) = (self.state / "figbox").iterdir()
        return found

    @property
    def installation(self) -> str:
        """How the names of this user's installations begin; empty if there was none."""
        found = list(self.state.glob("figbox/*/identifier"))
        return f"figbox-{found[0].read_text()}-" if found else ""

    def containers(self, place: str = "up") -> list[str]:
        """Return the names of the containers of a place's service."""
        return containers_of(f"{self.installation}{place}", self.variables["DOCKER_HOST"])

    def process_id(self) -> int:
        """Return the process id of the service of `figbox up`."""
        return int(json.loads((self.services / "up" / "service.json").read_text())["process"]["pid"])

    def gateways(self) -> list[int]:
        """Return the process ids of all gateways that were started with this user's state."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().split(b"\0")
                inside = str(self.state).encode() in (process / "environ").read_bytes()
                if inside and b"gateway" in words:
                    found.append(int(process.name))
        return found


@contextmanager
def user(folder: Path, docker_host: str | None = None, **variables: str) -> Iterator[User]:
    """Return a user; at the end their services are ended, and their containers removed."""
    require_set_up()
    docker_host = docker_host or engine_url()
    (folder / "work").mkdir()
    plain = {
        name: value
        for name, value in environment(command_folder(folder / "bin")).items()
        if name not in {"FIGBOX_API_KEY", "FIGBOX_HOME", "FIGBOX_LOCAL", "CI", "GITHUB_ACTIONS"}
    }
    # Ended here, should a test fail: pytest's folder may have a long name, and stays.
    with tempfile.TemporaryDirectory(prefix="figbox-state-") as state:
        own = {"XDG_STATE_HOME": state, "FIGBOX_WARM_START": WARM_START, "DOCKER_HOST": docker_host, **variables}
        found = User(folder / "work", Path(state), plain | own)
        try:
            yield found
        finally:
            end_all(found)
            if found.installation:
                remove_containers_of(found.installation, docker_host)


def end_all(found: User) -> None:
    """End the gateways that a test has left."""
    for process in found.gateways():
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGTERM)
    until(lambda: not found.gateways(), "gateways end")


def until(condition: Callable[[], object], what: str) -> None:
    """Wait until something holds, as long as a service may take to be set up."""
    wait_until(condition, what, slowed(90))


def require_set_up() -> None:
    """Skip where this checkout's virtual environment isn't one that the set-up made: it would be made anew."""
    stamp = ROOT / ".venv" / "figbox-stamp.json"
    made = json.loads(stamp.read_text())["folder"] if stamp.exists() else None
    if made != str((ROOT / ".venv").resolve()):
        pytest.skip("this checkout's virtual environment wasn't made by the set-up")
