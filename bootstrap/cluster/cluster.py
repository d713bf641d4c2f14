"""A whole cluster: nodes, the Swarm on them, the balancer before them."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import secrets
import shutil
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from bootstrap import debian
from bootstrap.cluster import groups, swarm
from bootstrap.cluster.balancer import Balancer
from bootstrap.cluster.node import HUB_ADDRESS, Hub, Node
from bootstrap.cluster.processes import Recorded, until
from bootstrap.cluster.swarm import Docker
from bootstrap.dockerd import administrators_path
from bootstrap.dotenv import KEY_BYTES
from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from bootstrap.cluster.shape import Shape
    from bootstrap.steps import Steps

FOLDER = Path("/var/lib/figbox-cluster")

#: Programs, and the Debian package of each.
PROGRAMS = {
    "dockerd": "docker.io",
    "haproxy": "haproxy",
    "ip": "iproute2",
    "iptables": "iptables",
    "nsenter": "util-linux",
    "openssl": "openssl",
}
REDIS = {"redis-server": "redis-server"}
REDIS_PORT = 6379

#: Seconds until all nodes are ready: each tests its sandbox first, with a fraction of a core.
READY_LIMIT_S = 600.0


class Cluster:
    """A cluster, whether it is up or not.

    Args:
        shape: What it is to be.
        folder: Where all of it lives; short, because a socket's path may have 107 bytes.
        steps: Where to report.
    """

    def __init__(self, shape: Shape, steps: Steps, folder: Path = FOLDER) -> None:
        self.shape = shape
        self.folder = folder
        self._steps = steps
        self.hub = Hub(folder / "hub")
        self.nodes = [Node(number, folder / f"node{number}", folder.name) for number in range(1, shape.nodes + 1)]
        certificate = folder / "tls.pem" if shape.tls else None
        self.balancer = Balancer(folder / "balancer", shape.port, certificate, shape.changes)

    @functools.cached_property
    def _cli(self) -> str:
        return swarm.command_line(self._steps)

    @property
    def redis_url(self) -> str:
        """Where nodes find the Redis."""
        return f"redis://{HUB_ADDRESS}:{REDIS_PORT}/0"

    @property
    def redis(self) -> Recorded:
        """The process of the Redis."""
        return Recorded(self.folder / "redis.pid")

    @property
    def key_file(self) -> Path:
        """The file with the key that all nodes accept."""
        return self.folder / "api-key"

    def docker(self, node: Node | None = None) -> Docker:
        """Return the command line for a node's engine; without one, for the first manager's that responds."""
        return Docker(self._cli, (node or self._manager()).url)

    def _manager(self) -> Node:
        return next((node for node in self.nodes[: swarm.MANAGERS] if node.engine_pid is not None), self.nodes[0])

    def up(self) -> None:
        """Bring all of it up, whatever is up already, and wait until every node is ready.

        Raises:
            SetupError: Something is missing or failed; says what to do.
        """
        self._require()
        self.folder.mkdir(mode=0o711, parents=True, exist_ok=True)
        self._refuse_another_shape()
        self.hub.boot()
        for node in self.nodes:
            self.boot(node)
        if self.shape.redis:
            self.start_redis()
        dockers = [(node, self.docker(node)) for node in self.nodes]
        managers = swarm.MANAGERS if len(self.nodes) >= swarm.MANAGERS else 1
        swarm.join(dockers[:managers], dockers[managers:])
        self._steps.say("swarm", f"{len(self.nodes)} nodes, {managers} of them managers")
        self.deploy(self.load(self.shape.gateway_image), self.load(self.shape.runner_image))
        self.start_balancer()
        self.until_ready()

    def boot(self, node: Node) -> None:
        """Give a node its namespaces and start its engine, unless it runs."""
        if node.engine_pid is None:
            self._steps.say(node.name, f"starting an engine with {self.shape.cpus_of_node:g} cores at {node.address}")
        node.groups.create(self.shape.cpus_of_node)
        node.boot(self.hub)
        node.start_engine()

    def load(self, image: str) -> str:
        """Copy an image of the machine's own engine to all nodes; return its id."""
        self._steps.say("images", f"copying {image} to the nodes that lack it")
        return swarm.copy_image(Docker(self._cli), [self.docker(node) for node in self.nodes], image)

    def deploy(self, gateway_image: str, runner_image: str, key: bytes | None = None) -> None:
        """Deploy the first release, or change the present one a node at a time: its settings, its key.

        Args:
            gateway_image: Id of the image of gateway and launcher.
            runner_image: Id of the image of jobs.
            key: A key to replace the present one.
        """
        if key is not None or not self.key_file.exists():
            _write_private(self.key_file, key or secrets.token_urlsafe(KEY_BYTES).encode())
        docker = self.docker()
        release = swarm.release(docker) or 1
        self._steps.say("stack", f"deploying release {release}")
        swarm.deploy(docker, release, self._settings(gateway_image, runner_image))
        for node in self.nodes:
            swarm.move(docker, node, release)

    def update(self, gateway_image: str, runner_image: str) -> None:
        """Move node after node to a new release, and wait for each to be ready before the next.

        Args:
            gateway_image: Id of the image of gateway and launcher.
            runner_image: Id of the image of jobs.

        Raises:
            SetupError: A node didn't become ready. It and the nodes after it aren't moved back.
        """
        docker = self.docker()
        old = swarm.release(docker)
        new = old + 1
        swarm.deploy(docker, new, self._settings(gateway_image, runner_image))
        for node in self.nodes:
            self._steps.say(node.name, f"moving to release {new}")
            swarm.move(docker, node, new)
            ready = functools.partial(swarm.is_running, docker, node, new)
            until(ready, f"{node.name} isn't ready with release {new}", READY_LIMIT_S)
            until(functools.partial(self.is_up, node), f"the balancer doesn't see {node.name}", READY_LIMIT_S)
        swarm.remove(docker, old)

    def _settings(self, gateway_image: str, runner_image: str) -> dict[str, str]:
        return {
            # A job can't have more of the processor than the node: version 1 of control groups refuses it.
            "FIGBOX_CPUS": f"{min(1.0, self.shape.cpus_of_node):g}",
            **(self._shared() if self.shape.redis else {}),
            **self.shape.settings,
            "FIGBOX_GATEWAY_IMAGE": gateway_image,
            "FIGBOX_IMAGE": runner_image,
            "FIGBOX_KEYS_SECRET": swarm.secret(self.docker(), self.key_file.read_bytes()),
        }

    def _shared(self) -> dict[str, str]:
        """Return the settings by which nodes share allowances, revocations and kept renders."""
        file = self.folder / "shared-secret"
        if not file.exists():
            _write_private(file, secrets.token_urlsafe(KEY_BYTES).encode())
        return {
            "FIGBOX_SHARED_URL": self.redis_url,
            "FIGBOX_SHARED_SECRET": file.read_text(),
            "FIGBOX_NODES": str(len(self.nodes)),
        }

    def start_balancer(self) -> None:
        """Start the balancer unless it runs."""
        if self.balancer.certificate is not None and not self.balancer.certificate.exists():
            self._make_certificate(self.balancer.certificate)
        self.balancer.start(self.hub, self.nodes)

    def restart_balancer(self) -> None:
        """End the balancer as a crash would, and start it again."""
        self.balancer.stop(signal.SIGKILL)
        self.start_balancer()

    def start_redis(self) -> None:
        """Start the Redis unless it runs; it keeps nothing on disk."""
        if self.redis.process_id is not None:
            return
        options = ("--bind", HUB_ADDRESS, "--port", str(REDIS_PORT), "--protected-mode", "no")
        nothing_kept = ("--save", "", "--appendonly", "no", "--dir", self.folder)
        log = self.folder / "redis.log"
        self.redis.start(self.hub.inside("redis-server", *options, *nothing_kept), log)

    def until_ready(self, limit_s: float = READY_LIMIT_S) -> None:
        """Wait until the balancer finds every node ready.

        Raises:
            SetupError: One isn't within so many seconds.
        """
        self._steps.say("nodes", "waiting until each has tested its sandbox and is ready")
        until(lambda: set(self.states().values()) == {"UP"}, "not all nodes are ready", limit_s)

    def states(self) -> dict[str, str]:
        """Return what the balancer says of each node; nothing if it doesn't run."""
        try:
            return self.balancer.states()
        except OSError:
            return {}

    def is_up(self, node: Node) -> bool:
        """Tell whether the balancer finds a node ready."""
        return self.states().get(node.name) == "UP"

    def cut(self, node: Node) -> None:
        """Pull a node's cable."""
        node.cut(self.hub)

    def restore(self, node: Node) -> None:
        """Put a node's cable back."""
        node.restore(self.hub)

    def down(self) -> None:
        """End and remove all of it, whatever is there; nothing stays.

        Raises:
            SetupError: This isn't root, or something can't be removed.
        """
        _require_root()
        if not self.folder.is_dir():
            self._steps.say("cluster", "nothing to remove")
            return
        for process in (self.balancer.process, self.redis):
            process.end(signal.SIGKILL)
        for folder in self.folder.glob("node*"):
            Node(int(folder.name.removeprefix("node")), folder, self.folder.name).power_off()
        self.hub.end()
        groups.remove(self.folder.name)
        shutil.rmtree(self.folder)
        self._steps.say("cluster", "removed")

    def _require(self) -> None:
        _require_root()
        wanted = {**PROGRAMS, **(REDIS if self.shape.redis else {})}
        path = administrators_path()
        missing = {package for program, package in wanted.items() if not shutil.which(program, path=path)}
        if missing and not debian.is_root_debian():
            raise SetupError(f"Install {', '.join(sorted(missing))}, and start again.")
        if missing:
            debian.apt_install(self._steps, missing, why="a cluster is made of them")

    def _refuse_another_shape(self) -> None:
        file = self.folder / "shape.json"
        shape = self.shape
        mine = {"nodes": shape.nodes, "cpus": shape.cpus_of_node, "port": shape.port, "tls": shape.tls}
        with contextlib.suppress(FileNotFoundError):
            if json.loads(file.read_text()) != mine:
                raise SetupError("Another cluster is up: run `make cluster-down` first.")
        file.write_text(json.dumps(mine))

    def _make_certificate(self, file: Path) -> None:
        key, certificate = file.with_suffix(".key"), file.with_suffix(".crt")
        words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        words += ["-days", "30", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        run([*words, "-keyout", key, "-out", certificate], remedy="See what openssl says.")
        _write_private(file, certificate.read_bytes() + key.read_bytes())


def _require_root() -> None:
    if os.geteuid() != 0 or not sys.platform.startswith("linux"):
        raise SetupError("A cluster is root's, on Linux: run this with `sudo`.")


def _write_private(file: Path, content: bytes) -> None:
    """Write a file that only root reads."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as output:
        output.write(content)
