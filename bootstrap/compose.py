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
from typing import TYPE_CHECKING

from bootstrap import packages
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from bootstrap.steps import Steps

RELEASE = "trixie"

#: Packages, and the program in each.
COMPOSE = ("docker-compose", Path("usr/libexec/docker/cli-plugins/docker-compose"))
CLI = ("docker-cli", Path("usr/bin/docker"))

OLDEST_MAJOR = 2


def ensure(steps: Steps, cache: Path) -> list[str]:
    """Return the first words of a command that runs Compose, version 2 or newer.

    Args:
        steps: Where to report.
        cache: Folder for a program that is fetched.

    Raises:
        SetupError: The host doesn't have it, and it can't be fetched.
    """
    own = cache / "docker" / "docker-compose"
    for command in (["docker", "compose"], ["docker-compose"], [str(own)]):
        version = version_of(command)
        if version:
            steps.say("compose", f"version {version} ({' '.join(command)})")
            return command
    _fetch(steps, *COMPOSE, own)
    if not version_of([str(own)]):
        raise SetupError(f"Docker Compose of Debian {RELEASE} doesn't run here: install version 2 yourself.")
    steps.say("compose", f"version {version_of([str(own)])} ({own})")
    return [str(own)]


def ensure_cli(steps: Steps, cache: Path) -> str:
    """Return the name or path of Docker's command line; see `ensure` for arguments and errors."""
    own = cache / "docker" / "docker"
    if shutil.which("docker") is not None:
        return "docker"
    if not own.exists():
        _fetch(steps, *CLI, own)
    return str(own)


def version_of(command: list[str]) -> str:
    """Return the version of a Compose command; empty if it doesn't work or is too old."""
    try:
        done = subprocess.run([*command, "version", "--short"], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    found = re.match(r"v?((\d+)\.\S+)", done.stdout)
    return found[1] if done.returncode == 0 and found and int(found[2]) >= OLDEST_MAJOR else ""


def _fetch(steps: Steps, package: str, program: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=target.parent) as folder:
        packages.unpack(steps, RELEASE, [package], Path(folder))
        shutil.move(Path(folder, program), target)
