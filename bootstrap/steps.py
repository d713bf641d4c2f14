"""What the set-up says, how it fails and how it starts other programs: what the other modules build on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

STARTED_VARIABLE = "FIGBOX_SETUP_STARTED"
"""Environment variable that hands the clock's zero to a set-up process started by another one."""

TAIL_LINES = 12
"""How many of a failed program's last lines are shown: enough for apt's and pip's reasons."""


class SetupError(Exception):
    """An expected fault; its text is one sentence that says what to do. The set-up ends with exit code 1."""


class Steps:
    """Prints one line a step, each with the seconds since the set-up began."""

    def __init__(self, *, started: float | None = None, output: TextIO | None = None) -> None:
        """Begin the clock.

        Args:
            started: Zero of the clock in seconds of `time.monotonic`; None takes the zero of the set-up
                process that started us from the environment, or else now.
            output: Where the lines go; None is standard output as it is when a line is printed.
        """
        inherited = os.environ.get(STARTED_VARIABLE, "")
        self._started = started if started is not None else _seconds(inherited)
        self._output = output

    def say(self, what: str, result: str) -> None:
        """Print one step, e.g. `[  3.2 s] runner image: unchanged`."""
        elapsed_s = time.monotonic() - self._started
        print(f"[{elapsed_s:6.1f} s] {what}: {result}", file=self._output or sys.stdout, flush=True)

    def environment(self) -> dict[str, str]:
        """Give the environment for a further set-up process that shall go on with this clock."""
        return {**os.environ, STARTED_VARIABLE: repr(self._started)}


def _seconds(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return time.monotonic()


def run(
    command: Sequence[str | Path],
    *,
    remedy: str,
    environment: Mapping[str, str] | None = None,
    stdout: int | TextIO = subprocess.PIPE,
    folder: Path | None = None,
) -> str:
    """Run a program to its end and give what it wrote to standard output.

    Args:
        command: Program and arguments; no shell reads them.
        remedy: What the user should do when it fails; becomes the error's sentence.
        environment: The program's whole environment; None is ours.
        stdout: Where its standard output goes instead, e.g. an open file.
        folder: Its working directory; None is ours.

    Raises:
        SetupError: The program is missing or failed; carries the remedy after the last lines it wrote.
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
    except OSError as exc:
        raise SetupError(f"{words[0]} could not be started ({exc.strerror}). {remedy}") from exc
    if done.returncode != 0:
        how = f"exit code {done.returncode}" if done.returncode > 0 else signal.Signals(-done.returncode).name
        tail = "\n".join((done.stderr or done.stdout or "").strip().splitlines()[-TAIL_LINES:])
        raise SetupError(f"{tail}\n{words[0]} failed ({how}). {remedy}".lstrip())
    return done.stdout or ""
