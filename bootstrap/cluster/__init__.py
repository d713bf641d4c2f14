"""Several nodes on one machine, for a try and for tests: `make cluster`, `make cluster-down`.

Each node has namespaces of its own for network, processes, mounts and host name, with its own `/run`: inside, an engine
finds what it would find on a host of its own. Ending the first process of a node ends all others in it, as when the
power fails. The nodes' cables end at a bridge in one more namespace, the hub, where the balancer runs; nothing of the
host's network changes. All files are in one folder, from which everything else is found again.

Needs root, Linux, and nothing beyond Python's standard library.
"""

from bootstrap.cluster.balancer import Balancer
from bootstrap.cluster.cluster import Cluster
from bootstrap.cluster.node import Node
from bootstrap.cluster.shape import Shape

__all__ = ["Balancer", "Cluster", "Node", "Shape"]
