"""What bytes in a pair of sockets cost is charged to the container that holds them."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

import pytest

from gateway.model.jobs import MiB
from tests.support.containers import make_sandbox, program_config, run, smaller
from tests.support.live import IMAGE, tidy_client

if TYPE_CHECKING:
    from collections.abc import Iterator

    import docker

    from gateway.launcher.engine.specification import Sandbox

pytestmark = pytest.mark.engine

INSTALLATION = f"test-{secrets.token_hex(6)}"

#: Fills some pairs in both directions, and holds what is in them.
FILL = """
import socket
held, inside = [], 0
for _ in range({pairs}):
    held.append(socket.socketpair())
    for end in held[-1]:
        end.setblocking(False)
        try:
            while True:
                inside += end.send(bytes(32768))
        except BlockingIOError:
            pass
answer = inside
"""


@pytest.fixture(scope="module")
def client() -> Iterator[docker.APIClient]:
    """Return a client of the engine; containers that a failure left are removed."""
    with tidy_client(INSTALLATION) as client:
        yield client


@pytest.fixture(scope="module")
def sandbox(client: docker.APIClient) -> Sandbox:
    """Return the full specification with 32 MiB, half of which Python leaves."""
    small = make_sandbox(client, IMAGE, INSTALLATION, os.environ.get("FIGBOX_RUNTIME"))
    return smaller(small, memory_limit_bytes=32 * MiB)


def test_few_bytes_are_held(client: docker.APIClient, sandbox: Sandbox) -> None:
    """A few full pairs are within the limit, and hold what the kernel's own size of buffers says."""
    held = run(client, program_config(sandbox, FILL.format(pairs=4))).answer
    assert 4 * 2 * 100_000 < held < 4 * 2 * 300_000


def test_many_bytes_are_the_containers_own(client: docker.APIClient, sandbox: Sandbox) -> None:
    """As many full pairs as there can be end the container at its memory limit, so none of that is the host's."""
    config = program_config(sandbox, FILL.format(pairs=120))
    assert run(client, config).answer == "exit 137"
    config["HostConfig"] |= {"Memory": 256 * MiB, "MemorySwap": 256 * MiB}
    assert 20 * MiB < run(client, config).answer < 128 * MiB
