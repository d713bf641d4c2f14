"""Processes by their id, told from later ones that got the same id.

Source: proc(5), `/proc/PID/stat`: the state is field 3, and field 22 the start in ticks since the machine was booted;
random(4), `boot_id`.
"""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import signal

#: Fields of `/proc/PID/stat` behind the name: the state, and the start.
STATE, STARTED = 0, 19

#: States of a process that has ended: a zombie, whose parent hasn't asked for its exit status, and a dead one.
ENDED = frozenset("ZXx")

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Identity:
    """A process.

    Attributes:
        pid: Its id, which a later process may have, too.
        started: When it started, in ticks since the machine was booted.
        boot: Which boot of the machine that was.
    """

    pid: int
    started: int
    boot: str

    @property
    def runs(self) -> bool:
        """Whether it hasn't ended."""
        return identity_of(self.pid) == self

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it hasn't ended.

        Raises:
            PermissionError: It is another user's.
        """
        if self.runs:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def ends_within(self, limit_s: float) -> bool:
        """Wait for its end, for so many seconds at most; tell whether it has ended."""
        end = time.monotonic() + limit_s
        while self.runs:
            if time.monotonic() > end:
                return False
            time.sleep(POLL_S)
        return True


def identity_of(pid: int) -> Identity | None:
    """Return which process has an id; None if none has, or it has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes().decode(errors="replace")
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()  # a program's name can have spaces and brackets
    if fields[STATE] in ENDED:
        return None
    return Identity(pid, int(fields[STARTED]), boot)
