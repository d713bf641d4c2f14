"""`docker run` for each request: a new container of the same image, without a pool, without hardening or a network."""

from __future__ import annotations

import asyncio
import shutil
import socket
from typing import TYPE_CHECKING

from benchmarks.contenders.contender import REQUEST_LIMIT_S, Contender, Picture
from benchmarks.contenders.processes import output_of
from gateway.launcher.runner.frames import Demultiplexer, Stream

if TYPE_CHECKING:
    import docker

#: Label of this contender's containers, so that those of an aborted run can be found.
LABEL = "figbox.benchmark"


class DockerRun(Contender):
    """Runs the image's script mode: program on stdin, picture on stdout.

    Args:
        image: Runner image.
        installation: Value of the label.
        client: Makes the same calls where the command `docker` is missing.
    """

    name = "docker run"

    def __init__(self, image: str, installation: str, client: docker.APIClient) -> None:
        self._image = image
        self._installation = installation
        self._client = client
        self._command = shutil.which("docker")

    async def render(self, code: str, client: int = 0) -> Picture:  # noqa: ARG002 - all clients are alike
        """Run a container to its end."""
        if self._command is None:
            return Picture(await asyncio.to_thread(self._render_by_sdk, code))
        label = f"{LABEL}={self._installation}"
        command = (self._command, "run", "-i", "--rm", "--network", "none", "--label", label, self._image)
        return Picture(await output_of(self.name, *command, stdin=code.encode()))

    def _render_by_sdk(self, code: str) -> bytes:
        """Do what the command does, with the SDK."""
        container = self._client.create_container(
            self._image,
            stdin_open=True,
            labels={LABEL: self._installation},
            host_config=self._client.create_host_config(network_mode="none", auto_remove=True),
        )["Id"]
        raw = self._client.attach_socket(container, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
        stream: socket.socket = raw._sock  # noqa: SLF001 - the SDK can't close one direction
        stream.settimeout(REQUEST_LIMIT_S)
        try:
            self._client.start(container)
            stream.sendall(code.encode())
            stream.shutdown(socket.SHUT_WR)
            demultiplexer, output = Demultiplexer(), bytearray()
            while data := stream.recv(65536):
                for name, piece in demultiplexer.feed(data):
                    if name is Stream.STDOUT:
                        output += piece
        finally:
            raw.close()
        return bytes(output)
