"""Gateway and launcher tell the manager that started them when they are ready, how they are, and that they end."""

from __future__ import annotations

import socket
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes import KEY
from tests.support.machine import slowed
from tests.support.no_engine import running

if TYPE_CHECKING:
    from collections.abc import Iterator

LAST = b"the test has ended"


class Manager:
    """A service manager, which reads all the time.

    Attributes:
        heard: What it has been told, in order.
    """

    def __init__(self, address: str, listener: socket.socket) -> None:
        self.address = address
        self.heard: list[str] = []
        self.news = threading.Condition()
        self._listener = listener
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        while (message := self._listener.recv(4096)) != LAST:
            with self.news:
                self.heard.append(message.decode())
                self.news.notify_all()

    def wait_for(self, message: str, times: int) -> None:
        """Wait until it has been told something so many times."""
        with self.news:
            assert self.news.wait_for(lambda: self.heard.count(message) >= times, slowed(60)), self.heard

    def close(self) -> None:
        """Read to the end."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(LAST, self.address)
        self._thread.join()


@pytest.fixture
def manager() -> Iterator[Manager]:
    """Return a manager."""
    with tempfile.TemporaryDirectory(prefix="fb") as name, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        address = str(Path(name, "notify"))
        listener.bind(address)
        manager = Manager(address, listener)
        try:
            yield manager
        finally:
            manager.close()


@pytest.mark.parametrize("processes", [1, 2])
def test_manager_hears_of_a_life(manager: Manager, tmp_path: Path, processes: int) -> None:
    """Each process starts, is ready, feeds its watchdog, and says that it ends, once and in this order."""
    environment = {"API_KEY": KEY, "NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "3000000"}
    with running(tmp_path, environment, apart=processes > 1):
        manager.wait_for("READY=1", processes)
        manager.wait_for("STATUS=ready, jobs running: 0", processes)
        manager.wait_for("WATCHDOG=1", 2 * processes)
        assert "STOPPING=1" not in manager.heard
    manager.wait_for("STOPPING=1", processes)
    counts = Counter(manager.heard)
    assert (counts["STATUS=starting"], counts["READY=1"], counts["STOPPING=1"]) == (processes, processes, processes)
    assert manager.heard.index("STATUS=starting") < manager.heard.index("READY=1") < manager.heard.index("STOPPING=1")
