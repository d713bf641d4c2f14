"""Nodes as machines of their own: each has an engine, a gateway, and a network that can be cut.

A node's network is a namespace that a process holds, with one cable to the host's. The engine needs no network. So a
node can lose its gateway, its engine or its network alone.
"""

from __future__ import annotations

import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from tests.cluster.balancer import Node
from tests.support.live import IMAGE, LiveGateway, end_gateway, engine_client, remove_containers_of, start_gateway
from tests.support.second_engine import SecondEngine, second_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PORT, AGENT_PORT, METRICS_PORT = 5150, 5152, 5151

#: The interface of a node within its network.
CABLE = "node0"

#: Addresses that are meant for tests of networks. Source: RFC 2544, C.2.2.
ADDRESSES = "198.18.{third}.{fourth}"

NEXT_IMAGE = "figbox-runner:next"


class Machine:
    """A node with everything that it needs.

    Args:
        number: From 1.
        third: The third number of its address.
        folder: For logs.
        engine: Its engine, running, with the runner image.
        settings: Of its gateway.
    """

    def __init__(
        self, number: int, third: int, folder: Path, engine: SecondEngine, settings: dict[str, object]
    ) -> None:
        self.name = f"node{number}"
        self.engine = engine
        self._folder = folder
        self._settings = settings
        self._cable = f"fb{secrets.token_hex(3)}{number}"
        self._outside = ADDRESSES.format(third=third, fourth=4 * number + 1)
        self._address = ADDRESSES.format(third=third, fourth=4 * number + 2)
        self._installation = f"test-{secrets.token_hex(6)}"
        self._holder: subprocess.Popen[bytes] | None = None
        self._gateway: LiveGateway | None = None

    @property
    def node(self) -> Node:
        """Where a balancer finds it."""
        return Node(PORT, AGENT_PORT, self._address)

    @property
    def gateway(self) -> LiveGateway:
        """Its running gateway."""
        assert self._gateway is not None
        return self._gateway

    def connect(self) -> None:
        """Give it a network, with a cable to the host's."""
        # `cat` begins once `unshare` has made the namespace, and says so.
        self._holder = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "unshare", "--net", "sh", "-c", "echo; exec cat"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self._holder.stdout is not None
        self._holder.stdout.readline()
        pid = str(self._holder.pid)
        _run("ip", "link", "add", "name", self._cable, "type", "veth", "peer", "name", CABLE, "netns", pid)
        _run("ip", "addr", "add", f"{self._outside}/30", "dev", self._cable)
        _run("ip", "link", "set", self._cable, "up")
        self._inside("ip", "addr", "add", f"{self._address}/30", "dev", CABLE)
        self._inside("ip", "link", "set", CABLE, "up")
        self._inside("ip", "link", "set", "lo", "up")

    def serve(self, image: str = IMAGE) -> None:
        """Start its gateway and wait until it serves."""
        settings = {
            "HOST": self._address,
            "PORT": PORT,
            "FIGBOX_METRICS_HOST": self._address,
            "FIGBOX_METRICS_PORT": METRICS_PORT,
            "FIGBOX_AGENT_HOST": self._address,
            "FIGBOX_AGENT_PORT": AGENT_PORT,
            "FIGBOX_IMAGE": image,
            **self._settings,
        }
        self._gateway = start_gateway(
            self._folder, self.engine.url, self._installation, prefix=self._enter(), **settings
        )

    def drain(self) -> None:
        """End its gateway as an operator or a cluster does."""
        assert self.gateway.terminate() == 0, self.gateway.log_text()[-2000:]
        end_gateway(self.gateway.process)

    def lose(self) -> None:
        """Kill all that it runs."""
        self.gateway.kill()
        self.engine.lose()
        end_gateway(self.gateway.process)

    def begin(self) -> None:
        """Start all that it runs, after `lose`."""
        self.engine.start()
        self.serve()

    def cut(self) -> None:
        """Let nothing in or out any more, without a word to anybody."""
        for chain, way in (("INPUT", "-i"), ("OUTPUT", "-o")):
            self._inside("iptables", "--wait", "-A", chain, way, CABLE, "-j", "DROP")

    def mend(self) -> None:
        """Undo `cut`."""
        self._inside("iptables", "--wait", "-F")

    def make_next_image(self) -> str:
        """Make an image of another id that draws the same; return its id."""
        name = NEXT_IMAGE.partition(":")[0]
        with engine_client(self.engine.url) as client:
            container: Any = client.create_container(IMAGE)
            made: Any = client.commit(container, name, "next", changes='LABEL figbox.test="next"')
            client.remove_container(container)
        return str(made["Id"])

    def end(self) -> None:
        """End its gateway and take its network down."""
        if self._gateway is not None:
            end_gateway(self._gateway.process)
            remove_containers_of(self._installation, self.engine.url)
        if self._holder is not None:
            self._holder.kill()
            self._holder.communicate()

    def _enter(self) -> list[str]:
        assert self._holder is not None
        return ["nsenter", f"--net=/proc/{self._holder.pid}/ns/net"]

    def _inside(self, *command: str) -> None:
        _run(*self._enter(), *command)


@contextmanager
def machines(folder: Path, count: int, **settings: object) -> Iterator[list[Machine]]:
    """Run so many nodes with settings of their gateways; nothing of them stays. Needs root."""
    third = secrets.randbelow(200) + 10
    with ExitStack() as stack, ThreadPoolExecutor(count) as threads:
        engines = [stack.enter_context(second_engine()) for _ in range(count)]
        list(threads.map(SecondEngine.copy_image, engines))
        found = [Machine(number, third, folder, engine, settings) for number, engine in enumerate(engines, 1)]
        for machine in found:
            stack.callback(machine.end)
            machine.connect()
        list(threads.map(Machine.serve, found))
        yield found


def _run(*command: str) -> None:
    subprocess.run(command, check=True)
