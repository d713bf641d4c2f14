"""Docker Compose, version 2, and Docker's command line: the host's, else those of a newer Debian release.

Debian 12 has only version 1, which can't read this `docker-compose.yml`, and a host with an engine may lack the Docker
CLI. Both programs need only the C library, so they are unpacked from their packages into this checkout.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from bootstrap import packages
from bootstrap.steps import Steps

#: Programs that were fetched.
FETCHED = Path(__file__).resolve().parents[2] / ".figbox" / "docker"

RELEASE = "trixie"

#: Packages, and the program in each.
COMPOSE = ("docker-compose", Path("usr/libexec/docker/cli-plugins/docker-compose"))
CLI = ("docker-cli", Path("usr/bin/docker"))

OLDEST_MAJOR = 2


def ensure() -> list[str]:
    """Return the first words of a command that runs Compose, version 2 or newer."""
    own = FETCHED / "docker-compose"
    for command in (["docker", "compose"], ["docker-compose"], [str(own)]):
        if version_of(command):
            return command
    _fetch(*COMPOSE, own)
    assert version_of([str(own)]), f"Docker Compose of Debian {RELEASE} doesn't run here: install version 2 yourself"
    return [str(own)]


def ensure_cli() -> str:
    """Return the name or path of Docker's command line."""
    own = FETCHED / "docker"
    if shutil.which("docker") is not None:
        return "docker"
    if not own.exists():
        _fetch(*CLI, own)
    return str(own)


def version_of(command: list[str]) -> str:
    """Return the version of a Compose command; empty if it doesn't work or is too old."""
    try:
        done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    found = re.match(r"v?((\d+)\.\S+)", done.stdout)
    return found[1] if done.returncode == 0 and found and int(found[2]) >= OLDEST_MAJOR else ""


def _fetch(package: str, program: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=target.parent) as folder:
        packages.unpack(Steps(), RELEASE, [package], Path(folder))
        shutil.move(Path(folder, program), target)
