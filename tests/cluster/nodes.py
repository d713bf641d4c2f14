"""Live gateways as nodes behind a balancer."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from typing import TYPE_CHECKING

from gateway.keys.keys_file import table_head
from tests.cluster.balancer import Node
from tests.support.live import LiveGateway, free_port, live_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def free_node() -> Node:
    """Return ports that nothing uses."""
    return Node(free_port(), free_port())


@contextmanager
def running_node(folder: Path, node: Node, **environment: object) -> Iterator[LiveGateway]:
    """Run a gateway as a node, with two places and one warm container."""
    settings = {"FIGBOX_RUNNING_LIMIT": 2, "FIGBOX_POOL_SIZE": 1, **environment}
    with live_gateway(folder, PORT=node.port, FIGBOX_AGENT_PORT=node.agent_port, **settings) as gateway:
        yield gateway


def keys_file(folder: Path, **keys: str) -> Path:
    """Write a file of keys, by their names; return its path."""
    file = folder / "keys.toml"
    digests = {name: hashlib.sha256(key.encode()).hexdigest() for name, key in keys.items()}
    file.write_text("".join(f'{table_head(name)}\nsha256 = "{digest}"\n' for name, digest in digests.items()))
    file.chmod(0o600)
    return file
