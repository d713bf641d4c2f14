"""A unix socket before another one, which a test can cut: what is behind it is gone then, for those who use it."""

from __future__ import annotations

import contextlib
import shutil
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Bytes that are passed on at once.
CHUNK = 64 * 1024


class CutSocket:
    """Passes on connections as they are, half-closed ones too, until it is cut.

    Args:
        path: Where it listens; short, since a socket's path may have 107 bytes.
        target: The path of the socket behind it.
    """

    def __init__(self, path: Path, target: str) -> None:
        self.path = path
        self._target = target
        self._listener: socket.socket | None = None
        self._ends: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    @property
    def url(self) -> str:
        """Its address, as engines have it."""
        return f"unix://{self.path}"

    def mend(self) -> None:
        """Listen, at first or again."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen(64)
        self._listener = listener
        self._spawn(self._accept, listener)

    def cut(self) -> None:
        """Refuse connections, and break those that there are."""
        with self._lock:  # a connection that is being accepted is refused from now on
            listener, self._listener = self._listener, None
            ends = [*self._ends]
        if listener is not None:
            self.path.unlink()
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Cut it, and wait for the end of all that it does."""
        self.cut()
        for thread in self._threads:
            thread.join(10)

    def _spawn(self, work: object, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            try:
                far.connect(self._target)
            except OSError:
                near.close()
                far.close()
                continue
            with self._lock:
                is_cut = self._listener is not listener
                if not is_cut:
                    self._ends |= {near, far}
            if is_cut:
                near.close()
                far.close()
            else:
                self._spawn(self._serve, near, far)

    def _serve(self, near: socket.socket, far: socket.socket) -> None:
        back = threading.Thread(target=_pump, args=(far, near), daemon=True)
        back.start()
        _pump(near, far)
        back.join()
        with self._lock:
            self._ends -= {near, far}
        near.close()
        far.close()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    """Pass on what comes, and the end of it."""
    with contextlib.suppress(OSError):
        while chunk := source.recv(CHUNK):
            sink.sendall(chunk)
    with contextlib.suppress(OSError):
        sink.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def cut_socket(folder: Path, target: str) -> Iterator[CutSocket]:
    """Run one in a folder of its own with a short name, before the socket with this path."""
    between = CutSocket(folder / "s", target)
    between.mend()
    try:
        yield between
    finally:
        between.close()
        shutil.rmtree(folder, ignore_errors=True)
