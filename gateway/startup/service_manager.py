"""What the service tells the manager that started it: that it is ready, how it is, that it lives, that it ends.

The protocol is one datagram for each message, which systemd and others understand; without `NOTIFY_SOCKET` nothing is
sent. Forty lines don't deserve a dependency whose C library must match the host's. A manager whose queue is full is
waited for only with the two messages that come once; others are dropped, and told again at the next look. One that is
gone is no reason to end: its deadlines do the rest.

The watchdog is fed by the event loop, and only while a check says that the process does its work. An engine that is
away isn't a reason to stop: a restart wouldn't bring it back.

Source: sd_notify(3), "Standalone Implementations"; sd_watchdog_enabled(3); unix(7) for abstract addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

#: Longest status, in characters.
STATUS_LIMIT = 200

#: Seconds that a message that comes once waits for room in the manager's queue.
SEND_LIMIT_S = 2.0

#: The status before the service accepts requests.
STARTING = "starting"

#: Seconds between looks at the status where there is no watchdog, and the most with one.
LOOK_S = 2.0

#: How many times the watchdog is fed within its time.
FEEDINGS = 3


class ServiceManager:
    """The manager that this process's environment names; or none, and then everything here does nothing.

    Args:
        environment: The process's.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        #: An address that begins with `@` is abstract: the kernel wants a zero there.
        self._address = "\0" + name[1:] if name.startswith("@") else name if name.startswith("/") else ""
        self.watchdog_s = _watchdog_s(environment) if self._address else None
        self._told = ""

    def ready(self) -> None:
        """Tell that the service accepts requests."""
        self._send("READY=1", wait_s=SEND_LIMIT_S)

    def stopping(self) -> None:
        """Tell that the service ends."""
        self._send("STOPPING=1", wait_s=SEND_LIMIT_S)

    def status(self, text: str) -> None:
        """Tell how the service is, in one line for `systemctl status`, if that changed."""
        line = " ".join(text.split())[:STATUS_LIMIT]
        if line != self._told and self._send(f"STATUS={line}"):
            self._told = line

    async def follow(self, status: Callable[[], str], works: Callable[[], bool]) -> None:
        """Tell the status whenever it changes, and feed the watchdog while `works` says so; for ever."""
        if not self._address:
            return
        pause_s = min(LOOK_S, self.watchdog_s / FEEDINGS) if self.watchdog_s is not None else LOOK_S
        while True:
            self.status(status())
            if self.watchdog_s is not None and works():
                self._send("WATCHDOG=1")
            await asyncio.sleep(pause_s)

    def _send(self, message: str, *, wait_s: float = 0.0) -> bool:
        """Send a message; tell whether it was taken within so many seconds, for which the event loop stands still."""
        if not self._address:
            return False
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.settimeout(wait_s)
            sender.sendto(message.encode(), self._address)
            return True
        return False


def described(not_ready: str | None, running: int) -> str:
    """Return the status of a service that isn't ready for a reason, or runs so many jobs."""
    return f"ready, jobs running: {running}" if not_ready is None else f"not ready: {not_ready}"


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return the watchdog's time in seconds; None if there is none for this process."""
    time, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if process and process != str(os.getpid()):
        return None
    return int(time) / 1e6 if time.isascii() and time.isdigit() and int(time) else None
