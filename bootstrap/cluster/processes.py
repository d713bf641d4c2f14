"""Processes that outlive the command that started them: each is found again by a file with its id.

A file holds the id and when the process began, so that another one with the same id is never taken for it.
Source: proc(5), field 22 of `stat`.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap.dockerd import administrators_path
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

#: Seconds within which a process must end after SIGTERM, before it is killed.
END_LIMIT_S = 60.0

#: Seconds within which a process must have written down its id.
START_LIMIT_S = 30.0

POLL_S = 0.05
LOG_TAIL = 1500

#: Each process writes its own id, so that it is known even if who started it is interrupted.
_RECORD_ITSELF = '''echo "$$ $(cut -d " " -f 22 /proc/$$/stat)" > "$0.new" && mv "$0.new" "$0" && exec "$@"'''


@dataclass(frozen=True, slots=True)
class Recorded:
    """A process that is known by a file, whether it runs or not."""

    file: Path

    def start(self, command: Sequence[str | Path], log: Path, descriptors: Sequence[int] = ()) -> int:
        """Start it as nobody's child, in a session of its own; return its id.

        Args:
            command: Program and arguments.
            log: Where what it prints is appended.
            descriptors: Open ones that it inherits.

        Raises:
            SetupError: It ended at once; quotes its log.
        """
        self.file.unlink(missing_ok=True)
        with log.open("ab") as output:
            subprocess.run(
                ["setsid", "--fork", "/bin/sh", "-c", _RECORD_ITSELF, str(self.file), *map(str, command)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                pass_fds=descriptors,
                cwd="/",
                env={**os.environ, "PATH": administrators_path()},
                check=True,
            )
        until(self.file.exists, f"{command[0]} isn't started", START_LIMIT_S, log)
        process_id = self.process_id
        if process_id is None:
            raise SetupError(f"{_tail(log)}\n{command[0]} ended at once; see {log}.".lstrip())
        return process_id

    def record(self, process_id: int) -> None:
        """Take a process that runs already for this one."""
        self.file.write_text(f"{process_id} {_began(process_id)}")

    @property
    def process_id(self) -> int | None:
        """Its id on the host; None if it doesn't run."""
        try:
            process_id, began = self.file.read_text().split()
            return int(process_id) if _began(int(process_id)) == began else None
        except (OSError, ValueError):
            return None

    def send(self, number: int) -> None:
        """Send it a signal, if it runs."""
        if (process_id := self.process_id) is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process_id, number)

    def end(self, number: int = signal.SIGTERM, limit_s: float = END_LIMIT_S) -> None:
        """Send it a signal and wait until it has ended; kill it after some seconds."""
        self.send(number)
        end = time.monotonic() + limit_s
        while self.process_id is not None:
            if time.monotonic() > end:
                self.send(signal.SIGKILL)
            time.sleep(POLL_S)
        self.file.unlink(missing_ok=True)


def _began(process_id: int) -> str:
    """Return when a process began; raise OSError if there is none, or it has ended and waits for its parent."""
    state, *fields = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()
    if state == "Z":
        raise ProcessLookupError
    return fields[18]


def until(condition: Callable[[], bool], what: str, limit_s: float, log: Path | None = None) -> None:
    """Wait until a condition holds.

    Raises:
        SetupError: It doesn't within so many seconds; quotes the end of a log.
    """
    end = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end:
            raise SetupError(
                f"{_tail(log)}\n{what} after {limit_s:g} s; run `make cluster-down`, and start again.".lstrip()
            )
        time.sleep(POLL_S)


def _tail(log: Path | None) -> str:
    return log.read_text(errors="replace")[-LOG_TAIL:] if log is not None and log.exists() else ""
