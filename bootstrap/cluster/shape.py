"""What a cluster is to be."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Share of this machine's cores that all nodes get together, unless one says otherwise.
SHARE = 0.9


@dataclass(frozen=True)
class Shape:
    """What a cluster is to be.

    Attributes:
        nodes: How many.
        cpus: Cores of each; None for an equal share of nine tenths of this machine's.
        port: The balancer's, on the host's loopback.
        tls: Whether the balancer speaks TLS, with a certificate that nobody has signed.
        redis: Whether a Redis is in the hub; `Cluster.redis_url` says where nodes find it.
        settings: The gateways' and launchers', by their variables' names.
        changes: Texts of the balancer's configuration, and what is in their places.
        gateway_image: The image of gateway and launcher, in the engine that is meant without a name.
        runner_image: The image of jobs.
    """

    nodes: int = 3
    cpus: float | None = None
    port: int = 5150
    tls: bool = False
    redis: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    changes: Mapping[str, str] = field(default_factory=dict)
    gateway_image: str = "figbox-gateway:latest"
    runner_image: str = "figbox-runner:latest"

    @property
    def cpus_of_node(self) -> float:
        """Cores of each node."""
        return self.cpus or round(SHARE * (os.cpu_count() or 1) / self.nodes, 2)
