"""Containers of our own programs, made from a create body as the launcher makes one, for tests that change the body."""

from __future__ import annotations

import contextlib
import copy
import json
import random
import struct
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import docker

from gateway.launcher.engine.specification import UID_FIRST, UID_LAST, Sandbox
from gateway.model.jobs import Limits, MiB
from tests.support.machine import slowed

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    Config = dict[str, Any]

#: Seconds one container may take.
LIMIT_S = slowed(60.0)

#: Words of an entry point that are the supervisor's: its name and its limits.
SUPERVISOR_WORDS = 3

#: Small, so that whatever reaches a limit does so quickly.
SMALL_LIMITS = Limits(
    wall_limit_s=10,
    memory_limit_bytes=96 * MiB,
    tmpfs_limit_bytes=8 * MiB,
    tmpfs_inodes=64,
    pids_limit=32,
)

#: What programs find at hand: `fails(call, ...)` and `syscall(number, ...)` give the name of an error, or "ok".
HARNESS = """
import ctypes, errno, json, os, resource, signal, sys

def fails(call, *arguments, **options):
    try:
        call(*arguments, **options)
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return "ok"

libc = ctypes.CDLL(None, use_errno=True)

def syscall(number, *arguments):
    if libc.syscall(ctypes.c_long(number), *[ctypes.c_long(a) for a in arguments]) == -1:
        return errno.errorcode[ctypes.get_errno()]
    return "ok"

def read(path):
    with open(path) as file:
        return file.read()
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """A container that has ended.

    Attributes:
        stdout: What it wrote there.
        stderr: What it wrote there.
        exit_code: Its exit status.
    """

    stdout: bytes
    stderr: bytes
    exit_code: int

    @property
    def answer(self) -> Any:
        """What the program found: the JSON it printed, or how it ended without any."""
        if self.stdout:
            return json.loads(self.stdout)
        return f"exit {self.exit_code}" if self.exit_code != 1 else self.stderr.decode(errors="replace")[-500:]


def make_sandbox(client: docker.APIClient, image: str, installation: str, runtime: str | None = None) -> Sandbox:
    """Return the full specification with small limits."""
    image_id = client.inspect_image(image)["Id"]
    return Sandbox(image_id, SMALL_LIMITS, runtime, installation, "test", idle_limit_s=LIMIT_S)


def program_config(sandbox: Sandbox, program: str) -> Config:
    """Return the full create body of a container that runs a program of ours instead of the runner."""
    return with_program(sandbox.container_config(pick_uid(), ()), program)


def with_program(config: Config, program: str) -> Config:
    """Return a copy of a create body with another program, which assigns what it found to `answer`.

    The supervisor starts it as it would start the runner.
    """
    changed = copy.deepcopy(config)
    changed["Entrypoint"][SUPERVISOR_WORDS:] = ["python3", "-c", f"{HARNESS}\n{program}\nprint(json.dumps(answer))"]
    changed["Cmd"] = []
    return changed


def unsupervised(config: Config) -> None:
    """Let the program of a create body be process 1 itself, under the engine's filter alone."""
    del config["Entrypoint"][:SUPERVISOR_WORDS]


def pick_uid() -> int:
    """Return a uid of the range of guests."""
    return random.randint(UID_FIRST, UID_LAST)  # noqa: S311 - spreads, protects nothing


def run(client: docker.APIClient, config: Config) -> Ended:
    """Run a container to its end, and remove it."""
    with attached(client, config) as (container_id, stream):
        client.start(container_id)
        stdout, stderr = read_streams(stream, multiplexed=not config["Tty"])
        return Ended(stdout, stderr, int(client.wait(container_id, timeout=LIMIT_S)["StatusCode"]))


@contextlib.contextmanager
def attached(client: docker.APIClient, config: Config) -> Iterator[tuple[str, socket.socket]]:
    """Create a container, attached and not started; it is removed at the end, whatever happens."""
    uid = str(config["User"]).partition(":")[0]
    # As the pool names them: the engine gives a name once, so no other live container has this uid.
    name = f"figbox-{uid}" if int(uid) in range(UID_FIRST, UID_LAST + 1) else None
    container_id = client.create_container_from_config(config, name=name)["Id"]
    try:
        with attach(client, container_id) as stream:
            yield container_id, stream
    finally:
        with contextlib.suppress(docker.errors.NotFound):
            client.remove_container(container_id, force=True, v=True)


@contextlib.contextmanager
def attach(client: docker.APIClient, container_id: str) -> Iterator[socket.socket]:
    """Open a container's streams; closing ends its stdin, if it is made so."""
    raw = client.attach_socket(container_id, {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1})
    stream = raw._sock  # the SDK hides the socket
    stream.settimeout(LIMIT_S)
    try:
        yield stream
    finally:
        raw._response.close()
        raw.close()
        stream.close()


def read_streams(stream: socket.socket, *, multiplexed: bool = True) -> tuple[bytes, bytes]:
    """Read a container's streams to their end, and separate them; a terminal's are one."""
    data = bytearray()
    while chunk := stream.recv(1 << 16):
        data += chunk
    if not multiplexed:
        return bytes(data), b""
    parts = {1: bytearray(), 2: bytearray()}
    while len(data) >= 8:
        number, length = struct.unpack(">BxxxI", data[:8])
        parts[number] += data[8 : 8 + length]
        del data[: 8 + length]
    return bytes(parts[1]), bytes(parts[2])


def smaller(sandbox: Sandbox, **limits: Any) -> Sandbox:
    """Return a specification with other limits."""
    return replace(sandbox, limits=replace(sandbox.limits, **limits))
