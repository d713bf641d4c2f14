"""What the service tells the manager that started it: that it is ready, how it is, that it lives, that it ends.

The protocol is one datagram for each message, which systemd and others understand; without `NOTIFY_SOCKET` nothing is
sent. Forty lines don't deserve a dependency whose C library must match the host's. A message that can't be sent is
dropped: the manager's deadlines do the rest, and a lost status is no reason to end.

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
        self._send("READY=1")

    def stopping(self) -> None:
        """Tell that the service ends."""
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """Tell how the service is, in one line for `systemctl status`, if that changed."""
        line = " ".join(text.split())[:STATUS_LIMIT]
        if line != self._told:
            self._told = line
            self._send(f"STATUS={line}")

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

    def _send(self, message: str) -> None:
        if not self._address:
            return
        with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.setblocking(False)  # a manager that doesn't read mustn't stop the event loop
            sender.sendto(message.encode(), self._address)


def described(not_ready: str | None, running: int) -> str:
    """Return the status of a service that isn't ready for a reason, or runs so many jobs."""
    return f"ready, jobs running: {running}" if not_ready is None else f"not ready: {not_ready}"


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """Return the watchdog's time in seconds; None if there is none for this process."""
    time, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if process and process != str(os.getpid()):
        return None
    return int(time) / 1e6 if time.isascii() and time.isdigit() and int(time) else None
