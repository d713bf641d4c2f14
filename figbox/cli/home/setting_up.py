"""The set-up of the home, by the home's own program: virtual environment, engine, images."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from typing import TYPE_CHECKING

import click

from figbox.cli.exits import ServiceProblem
from figbox.cli.terminal import one_line, printable, quoted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

IMAGE = "figbox-runner:latest"
IMAGE_VARIABLE = "FIGBOX_IMAGE"
ENVIRONMENTS_VARIABLE = "FIGBOX_ENVIRONMENTS_FILE"

#: Names of environments. Some come from a project's file, and all become arguments.
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")

#: How many of the lines before the last are shown of a set-up that fails.
TAIL_LINES = 12

#: A line of the set-up that says that there was nothing to do.
NOTHING_DONE = re.compile(r"\[ *[0-9.]+ s\] [^:]+: (unchanged|responds at )")


def set_up(home: Path, environments: Sequence[str], *, start_engine: bool) -> None:
    """Do what is missing, and report it on standard error.

    Args:
        home: The clone.
        environments: Whose images are built besides the runner image.
        start_engine: Whether an engine may be installed and started where none responds.

    Raises:
        click.UsageError: The clone has no such environment.
        ServiceProblem: Something is missing and can't be made; the text says what.
    """
    folder = home / "runner-image" / "environments"
    for name in environments:
        if not NAME.fullmatch(name) or not (folder / f"{name}.txt").is_file():
            known = ", ".join(sorted(path.stem for path in folder.glob("*.txt"))) or "none"
            raise click.UsageError(one_line(f"{home} has no environment {name!r}; it has: {known}"))
    options = [] if start_engine else ["--no-start"]
    for named in [[], *(["--environment", name] for name in environments)]:
        command = [python(home), "-m", "bootstrap", *options, *named, "venv", "engine", "image"]
        _run([str(word) for word in command], home)


def sweep(home: Path, installation: str) -> None:
    """Remove the containers of an installation whose gateway was killed; raise ServiceProblem if they can't be."""
    _run([str(python(home)), "-m", "bootstrap", "sweep"], home, FIGBOX_INSTALLATION=installation)


def python(home: Path) -> str | Path:
    """Return the Python for the set-up: that of the home's virtual environment, else this one.

    Another Python would make the virtual environment anew, below a gateway that may run in it.
    """
    own = own_python(home)
    return own if own.exists() else sys.executable


def own_python(home: Path) -> Path:
    """Return the Python of the home's virtual environment, which runs the gateway."""
    return home / ".venv" / "bin" / "python"


def image_of(environment: str) -> str:
    """Return the image of an environment, as the set-up names it: the runner image's name with its own in it."""
    repository, _, tag = runner_image().rpartition(":")
    return f"{repository}-{environment}:{tag}"


def runner_image() -> str:
    """Return the runner image; raise click.UsageError if its name has no tag."""
    name = os.environ.get(IMAGE_VARIABLE) or IMAGE
    if "/" in name.rpartition(":")[2] or ":" not in name:
        raise click.UsageError(f"{IMAGE_VARIABLE} must be NAME:TAG here")
    return name


def program_variables(home: Path) -> dict[str, str]:
    """Return the environment for programs of the home, none of whose settings come from its `.env`."""
    return {
        **os.environ,
        "PYTHONPATH": str(home),
        IMAGE_VARIABLE: runner_image(),
        # The set-up takes an empty variable for none, and reads `.env` then.
        ENVIRONMENTS_VARIABLE: os.environ.get(ENVIRONMENTS_VARIABLE) or os.devnull,
    }


def _run(command: Sequence[str], home: Path, **variables: str) -> None:
    """Run a program of the home; pass on what it does, and raise ServiceProblem with its last words if it fails."""
    environment = {**program_variables(home), **variables}
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as complaints:
        try:
            with subprocess.Popen(
                command,
                cwd=home,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=complaints,
                text=True,
                errors="replace",
            ) as process:
                for line in process.stdout or ():
                    if not NOTHING_DONE.match(line) and line.strip():
                        click.echo(printable(line.rstrip()), err=True)
        except OSError as error:
            raise ServiceProblem(f"{command[0]} can't be started: {error.strerror}") from error
        if process.returncode == 0:
            return
        complaints.seek(0)
        *before, last = [line for line in complaints.read().splitlines() if line.strip()] or [""]
    if before:
        click.echo(quoted("\n".join(before[-TAIL_LINES:])), err=True)
    raise ServiceProblem(f"{home} can't be set up: {one_line(last) or f'exit status {process.returncode}'}")
