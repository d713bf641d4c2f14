"""A container engine that isn't one: HTTP on a unix socket, for tests of what the real one does seldom or never."""

from __future__ import annotations

import contextlib
import json
import socketserver
import threading
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What it says to the SDK, which asks first of all.
VERSION = {"ApiVersion": "1.41"}


class FakeEngineServer(socketserver.ThreadingUnixStreamServer):
    """Serves on a socket until the block of `serving` ends."""

    daemon_threads = True

    @contextlib.contextmanager
    def serving(self) -> Iterator[None]:
        """Serve in a thread."""
        with self:
            thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            try:
                yield
            finally:
                self.release()
                self.shutdown()
                thread.join()

    def release(self) -> None:
        """Let go of requests that are held."""


class FakeEngineHandler(BaseHTTPRequestHandler):
    """Responds with documents, in silence."""

    def respond(self, status: int, document: object) -> None:
        """Write a response; None is an empty one."""
        body = b"" if document is None or status == 204 else json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        with contextlib.suppress(BrokenPipeError):  # who asked has ended
            self.end_headers()
            self.wfile.write(body)

    def address_string(self) -> str:
        """Return nothing: a peer on a unix socket has no address."""
        return ""

    def log_message(self, *_: object) -> None:
        """Keep quiet."""
