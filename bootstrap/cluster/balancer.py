"""HAProxy before a cluster's nodes, with the configuration in `deploy/` and their addresses put in.

It runs in the hub, where the nodes are reached. It listens on the host: its socket is made there and handed over, and a
socket stays in the network in which it was made.
"""

from __future__ import annotations

import signal
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from bootstrap.cluster.configuration import Server, configured
from bootstrap.cluster.processes import Recorded, until
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from bootstrap.cluster.node import Hub, Node

START_LIMIT_S = 30.0

#: Seconds for the workers of a HAProxy that was killed to notice it, and to leave the port.
BIND_LIMIT_S = 5.0
CONTROL_LIMIT_S = 10.0


@dataclass(frozen=True)
class Balancer:
    """A HAProxy.

    Attributes:
        folder: Its files.
        port: On the host's loopback.
        certificate: A PEM file with certificate and private key, for TLS; None for plain HTTP.
        changes: Texts of the configuration, and what is in their places.
    """

    folder: Path
    port: int
    certificate: Path | None = None
    changes: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where clients find it."""
        return f"{'https' if self.certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def control(self) -> Path:
        """The socket of its command line."""
        return self.folder / "control"

    @property
    def metrics(self) -> Path:
        """The socket where its metrics are: the hub has a loopback of its own, which the host can't reach."""
        return self.folder / "metrics"

    @property
    def process(self) -> Recorded:
        """Its main process."""
        return Recorded(self.folder / "haproxy.pid")

    @property
    def log(self) -> Path:
        """What it has printed: one line for each request."""
        return self.folder / "haproxy.log"

    def start(self, hub: Hub, nodes: Sequence[Node]) -> None:
        """Start it, and wait until it answers.

        Raises:
            SetupError: The port is taken, or it doesn't start.
        """
        if self.process.process_id is not None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.control.unlink(missing_ok=True)
        with socket.socket() as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._bind(listener)
            listener.listen(4096)
            configuration = self.folder / "haproxy.cfg"
            configuration.write_text(self._configured(listener.fileno(), nodes))
            command = hub.inside("haproxy", "-W", "-db", "-f", configuration)
            self.process.start(command, self.log, [listener.fileno()])
        until(self._answers, "HAProxy doesn't start", START_LIMIT_S, self.log)

    def _bind(self, listener: socket.socket) -> None:
        end = time.monotonic() + BIND_LIMIT_S
        while True:
            try:
                listener.bind(("127.0.0.1", self.port))
            except OSError as error:
                if time.monotonic() > end:
                    raise SetupError(
                        f"127.0.0.1:{self.port} is in use ({error.strerror}): choose another, such as `PORT=5160`."
                    ) from error
                time.sleep(0.1)
            else:
                return

    def stop(self, number: int = signal.SIGTERM) -> None:
        """End it at once; connections end with it."""
        self.process.end(number)

    def reload(self) -> None:
        """Let it read its configuration again; the old process serves its connections to their end."""
        self.process.send(signal.SIGUSR2)

    def states(self) -> dict[str, str]:
        """Return what it says of each node, such as `UP` or `DOWN (agent)`."""
        head, *rows = [line.lstrip("# ").split(",") for line in self.ask("show stat").splitlines() if line]
        records = (dict(zip(head, row, strict=False)) for row in rows)
        return {
            record["svname"]: record["status"]
            for record in records
            if record["pxname"] == "nodes" and record["type"] == "2"
        }

    def ask(self, command: str) -> str:
        """Return what it answers to a command; OSError if it doesn't run."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(CONTROL_LIMIT_S)
            connection.connect(str(self.control))
            connection.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: connection.recv(65536), b"")).decode()

    def _answers(self) -> bool:
        try:
            return bool(self.states())
        except OSError:
            return False

    def _configured(self, descriptor: int, nodes: Sequence[Node]) -> str:
        tls = f" ssl crt {self.certificate} alpn h2,http/1.1" if self.certificate else ""
        servers = [Server(node.name, f"{node.address}:5150") for node in nodes]
        return configured(f"fd@{descriptor}{tls}", f"unix@{self.metrics} mode 600", self.control, servers, self.changes)
