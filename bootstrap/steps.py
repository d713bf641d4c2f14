"""How the set-up reports its steps, fails, and runs other programs."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: Environment variable with the clock's zero, for a set-up process that another one starts.
STARTED_VARIABLE = "FIGBOX_SETUP_STARTED"

#: How many of a failed program's last lines are shown: enough for apt's and pip's reasons.
TAIL_LINES = 12

VERSION_LIMIT_S = 10.0

#: Python's arguments to install wheels, every file checked against its hash.
PIP_INSTALL = (
    *("-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"),
    *("--require-hashes", "--only-binary=:all:"),
)


class SetupError(Exception):
    """An expected failure; its text says in one sentence what to do. The set-up ends with exit code 1."""


class Steps:
    """Prints a line for each step, with the seconds since the set-up began."""

    def __init__(self, *, output: TextIO | None = None) -> None:
        """Go on with the clock of the set-up process that started this one, or start one; print to standard output."""
        self._started = float(os.environ.get(STARTED_VARIABLE) or time.monotonic())
        self._output = output

    def say(self, what: str, result: str) -> None:
        """Print one step, e.g. `[  3.2 s] runner image: unchanged`."""
        elapsed_s = time.monotonic() - self._started
        print(f"[{elapsed_s:6.1f} s] {what}: {result}", file=self._output or sys.stdout, flush=True)

    def environment(self) -> dict[str, str]:
        """Return the environment for another set-up process that continues with this clock."""
        return {**os.environ, STARTED_VARIABLE: repr(self._started)}


def run(
    command: Sequence[str | Path],
    *,
    remedy: str,
    environment: Mapping[str, str] | None = None,
    stdout: int | TextIO = subprocess.PIPE,
    folder: Path | None = None,
) -> str:
    """Run a program to its end; return what it wrote to standard output.

    Args:
        command: Program and arguments, without a shell.
        remedy: What the user should do when it fails; a sentence for the error.
        environment: The program's whole environment; None for ours.
        stdout: Where its standard output goes instead, e.g. an open file.
        folder: Its working directory; None for ours.

    Raises:
        SetupError: The program is missing or failed; quotes the last lines it wrote, and the remedy.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env=environment,
            cwd=folder,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise SetupError(f"{words[0]} couldn't be started ({error.strerror}). {remedy}") from error
    if done.returncode != 0:
        how = f"exit code {done.returncode}" if done.returncode > 0 else signal.Signals(-done.returncode).name
        tail = "\n".join((done.stderr or done.stdout or "").strip().splitlines()[-TAIL_LINES:])
        raise SetupError(f"{tail}\n{words[0]} failed ({how}). {remedy}".lstrip())
    return done.stdout or ""


def version(program: str) -> str:
    """Return the version that a container runtime reports, or an empty string."""
    try:
        done = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=VERSION_LIMIT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    match = re.search(r"version:? +v?(?:release-)?(\S+)", done.stdout)
    return match[1] if match else ""
