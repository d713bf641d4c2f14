"""What of a specification is seen from outside the container: ways to run one and to say what came of it."""

from __future__ import annotations

import contextlib
import copy
import secrets
import socket
from typing import TYPE_CHECKING, Any

import docker
import requests

from tests.fakes import wait_until
from tests.support.containers import LIMIT_S, attach, attached, read_streams, run, with_program
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.containers import Config

#: Seconds that a container gets to notice that its writer has gone.
AWAY_S = slowed(10)

#: Says that it is there, then every line that comes, until its stdin ends.
ECHO = """
print("ready", flush=True)
for line in sys.stdin:
    print(line.strip(), flush=True)
os._exit(0)
"""

#: Says so when it is asked to end.
LISTEN = """
def end(*_):
    os.write(1, b"asked")
    os._exit(0)
signal.signal(signal.SIGTERM, end)
print("ready", flush=True)
while True:
    signal.pause()
"""

#: Capacity of a new pipe. Source: fcntl(2), F_GETPIPE_SZ is 1032.
PIPE_SIZE = """
import fcntl
answer = fcntl.fcntl(os.pipe()[0], 1032)
"""

#: Takes all pipe pages that its uid may have. Source: pipe(7), /proc/sys/fs/pipe-user-pages-soft; F_SETPIPE_SZ is 1031,
#: and F_GETPIPE_SZ 1032.
_PIPE_HOG = """
import fcntl
kept = []
try:
    while True:
        kept += os.pipe()
        fcntl.fcntl(kept[-1], 1031, 1 << 20)
except OSError:
    while fcntl.fcntl(kept[-1], 1032) >= 65536:  # what is left is too little for a large one
        kept += os.pipe()
    print("ready", flush=True)
sys.stdin.read()
os._exit(0)
"""


def beside_a_neighbour(user: str) -> Callable[[docker.APIClient, Config], object]:
    """Return what runs a probe while another container, under the full specification, uses up a uid's quota."""

    def watch(client: docker.APIClient, config: Config) -> object:
        neighbour = with_program({**copy.deepcopy(config), "User": user}, _PIPE_HOG)
        with attached(client, neighbour) as (container_id, stream):
            client.start(container_id)
            read_until(stream, b"ready")
            return run(client, config).answer

    return watch


def come_back_to_stdin(client: docker.APIClient, config: Config) -> object:
    """Attach, go away, and come back: what is then written arrives, or the container has ended."""
    with attached(client, config) as (container_id, first):
        client.start(container_id)
        read_until(first, b"ready")
        first.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(requests.exceptions.ConnectionError):  # how the SDK reports that the time is over
            client.wait(container_id, timeout=AWAY_S)
            return "ended"
        with contextlib.suppress(OSError, docker.errors.APIError), attach(client, container_id) as second:
            second.sendall(b"more\n")
            if b"more" in read_until(second, b"more"):
                return "more"
        return "neither"


def go_away(client: docker.APIClient, config: Config) -> object:
    """Let go of a container's streams, and see whether it ends."""
    with attached(client, config) as (container_id, stream):
        client.start(container_id)
        read_until(stream, b"ready")
        stream.shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(requests.exceptions.ConnectionError):  # how the SDK reports that the time is over
            client.wait(container_id, timeout=AWAY_S)
            return "ended"
        return "went on"


def look_for_a_health_check(client: docker.APIClient, config: Config) -> object:
    """Run an image that brings a health check of its own, and see whether the engine runs that."""
    tag = f"figbox-test-{secrets.token_hex(6)}"
    with attached(client, config) as (container_id, stream):
        client.commit(
            container_id,
            repository=tag,
            changes=["HEALTHCHECK --interval=1s CMD python3 -c 'print(1)'"],
            conf={},
        )
    try:
        with attached(client, {**config, "Image": tag}) as (container_id, stream):
            client.start(container_id)
            read_until(stream, b"ready")
            health = client.inspect_container(container_id)["State"].get("Health")
            if health is None or health["Status"] == "none":
                return "no check"
            wait_until(lambda: client.inspect_container(container_id)["State"]["Health"]["Log"], "a check", LIMIT_S)
            return "checked"
    finally:
        client.remove_image(tag, force=True)


def stop(client: docker.APIClient, config: Config) -> object:
    """Have the engine stop a container, and see whether the container was asked to end first."""
    with attached(client, config) as (container_id, stream):
        client.start(container_id)
        read_until(stream, b"ready")
        client.stop(container_id, timeout=slowed(30))
        return "asked" if b"asked" in read_streams(stream)[0] else "killed"


def run_unless_it_connects(client: docker.APIClient, config: Config) -> object:
    """Run a probe for interfaces; an engine that fails to connect the container has tried to."""
    try:
        answer = run(client, config).answer
    except docker.errors.APIError as error:
        return "connected" if "network bridge" in str(error.explanation) else str(error.explanation)
    return "connected" if len(answer) > 1 else answer


def read_the_log(client: docker.APIClient, config: Config) -> object:
    """Say what the engine has kept of a container's output."""
    with attached(client, config) as (container_id, stream):
        client.start(container_id)
        read_streams(stream)
        client.wait(container_id, timeout=LIMIT_S)
        try:
            kept = client.logs(container_id)
        except docker.errors.APIError:
            kept = b""
        file = client.inspect_container(container_id)["LogPath"]
        return "said" if b"said" in kept and file else "nothing" if not kept and not file else (kept, file)


def see_how_it_goes_on(client: docker.APIClient, config: Config) -> object:
    """Wait until a container that ends has ended for good, or has been started again."""
    with attached(client, config) as (container_id, _):
        client.start(container_id)

        def outcome() -> str | None:
            record: dict[str, Any] = client.inspect_container(container_id)
            if record["RestartCount"]:
                return "started again"
            return "ended" if record["State"]["Status"] == "exited" else None

        wait_until(outcome, "it has ended or been started again", LIMIT_S)
        return outcome()


def read_until(stream: socket.socket, text: bytes) -> bytes:
    """Read a container's multiplexed streams until a text appears, or to their end."""
    data = bytearray()
    while text not in data and (chunk := stream.recv(4096)):
        data += chunk
    return bytes(data)
