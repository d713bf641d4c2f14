"""Two projects of Compose on one host behind HAProxy: the new one serves while the old one drains and goes."""

from __future__ import annotations

import asyncio
import json
import secrets
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.cluster.balancer import Node, balancer
from tests.documents.pages import OPERATIONS, blocks
from tests.fakes import KEY
from tests.support import compose
from tests.support.command import run
from tests.support.deployment import GATEWAY_IMAGE, docker
from tests.support.live import IMAGE, containers_of, engine_url, free_port, remove_containers_of
from tests.support.machine import slowed
from tests.upgrades.load import LONG, load, session

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

LONG_S = 20

#: What the page's file doesn't need, and a test does.
FOR_TESTS = {
    "FIGBOX_ENGINE_FOLDER": engine_url().removeprefix("unix://").rpartition("/")[0],
    "FIGBOX_RUNNING_LIMIT": "2",
    "FIGBOX_POOL_SIZE": "1",
    "FIGBOX_GRACE_S": "60",
    "FIGBOX_WALL_LIMIT_S": "120",
    "FIGBOX_START_LIMIT_S": "300",
    "FIGBOX_ENGINE_TIMEOUT_S": "120",
    "FIGBOX_REQUESTS_PER_MINUTE": "100000",
}


@dataclass
class Side:
    """One of the two projects: its file of settings, its name, and its ports."""

    file: Path
    project: str
    node: Node

    def run(self, *words: str, check: bool = True) -> None:
        """Run Compose as the page has it."""
        environment = {"PATH": "/usr/bin:/bin:/usr/local/bin", "HOME": "/nowhere", "DOCKER_HOST": engine_url()}
        done = run(*compose.ensure(), "--env-file", self.file, *words, env=environment, limit_s=slowed(240))
        assert not check or done.returncode == 0, done.stderr

    def containers(self) -> str:
        """Return its containers, and those of its jobs."""
        label = f"label=com.docker.compose.project={self.project}"
        own = docker("ps", "--all", "--quiet", "--filter", label)
        return own + " ".join(containers_of(self.project, engine_url()))


@contextmanager
def side(tmp_path: Path) -> Iterator[Side]:
    """Write the settings of a side as the page has them, but for names and ports; nothing of it stays."""
    node, project = Node(free_port(), free_port()), f"figbox-test-{secrets.token_hex(4)}"
    [documented] = blocks(OPERATIONS, "ini")
    settings = dict(line.split("=", 1) for line in documented.splitlines())
    assert settings["COMPOSE_PROJECT_NAME"] == "figbox-blue"
    own = {"COMPOSE_PROJECT_NAME": project, "PORT": str(node.port), "AGENT_PORT": str(node.agent_port), "API_KEY": KEY}
    ids = {"FIGBOX_IMAGE": id_of(IMAGE), "FIGBOX_GATEWAY_IMAGE": id_of(GATEWAY_IMAGE)}
    assert settings.keys() == {*own, *ids, "COMPOSE_FILE"}
    file = tmp_path / f"{project}.env"
    file.write_text("".join(f"{name}={value}\n" for name, value in (settings | own | ids | FOR_TESTS).items()))
    made = Side(file, project, node)
    try:
        yield made
    finally:
        made.run("down", "--volumes", "--timeout", "20", check=False)
        remove_containers_of(project, engine_url())


def id_of(image: str) -> str:
    """Return the id by which the page says that images should be named."""
    return str(json.loads(docker("image", "inspect", image))[0]["Id"])


async def test_a_new_project_serves_while_the_old_one_drains(tmp_path: Path) -> None:
    """`up` for the one, `down` for the other: no request is lost, the long job ends, nothing of the old one stays."""
    async with AsyncExitStack() as stack:
        old, new = (stack.enter_context(side(tmp_path)) for _ in range(2))
        haproxy = stack.enter_context(balancer(tmp_path, [old.node, new.node]))
        await asyncio.to_thread(old.run, "up", "--detach", "--no-build", "--wait")
        await haproxy.until("node1", "UP")
        published = json.loads(docker("inspect", docker("ps", "-q", "--filter", f"publish={old.node.port}").strip()))
        assert published[0]["HostConfig"]["PortBindings"] == {
            "5150/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(old.node.port)}],
            "5152/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(old.node.agent_port)}],
        }
        found = await stack.enter_async_context(load(haproxy.url))
        await asyncio.to_thread(new.run, "up", "--detach", "--no-build", "--wait")
        await haproxy.until("node2", "UP")
        # More than one place has jobs of both sides; whichever runs a long one must end it.
        kept = await stack.enter_async_context(session())
        long = [asyncio.create_task(found.send(LONG.format(LONG_S), kept)) for _ in range(2)]
        await found.more(2)
        end = asyncio.create_task(asyncio.to_thread(old.run, "down", "--volumes"))
        await found.more(4)
        await end
        await asyncio.gather(*long)
        assert old.containers() == ""
        assert (await haproxy.state("node1"))["status"].startswith("DOWN")
        await found.more(4)
        assert int((await haproxy.state("node2"))["hrsp_2xx"]) > 4
        await found.end()
        assert new.containers() != ""
