"""Docker's command line and Compose, version 2: the host's, else programs out of a newer Debian release's packages.

Debian 12 has version 1 only, which knows nothing of the specification that `docker-compose.yml` is written to. The
package's program needs the C library alone, and no Docker CLI; it is unpacked into this checkout and not installed. The
same goes for the Docker CLI, without which an engine can be, too.
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
COMPOSE = ("docker-compose", Path("usr/libexec/docker/cli-plugins/docker-compose"))
CLI = ("docker-cli", Path("usr/bin/docker"))
"""Packages, and the program in each."""

OLDEST_MAJOR = 2


def ensure(steps: Steps, cache: Path) -> list[str]:
    """Give the beginning of a command that is Compose, version 2 or newer.

    Args:
        steps: Where to say it.
        cache: Folder for the program, where it has to be fetched.

    Raises:
        SetupError: The host has none, and none can be fetched.
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
    """Give the program that is Docker's command line; arguments and faults as of `ensure`."""
    own = cache / "docker" / "docker"
    if shutil.which("docker") is not None:
        return "docker"
    if not own.exists():
        _fetch(steps, *CLI, own)
    return str(own)


def version_of(command: list[str]) -> str:
    """Give the version of a Compose command; empty if it is none, or too old."""
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
