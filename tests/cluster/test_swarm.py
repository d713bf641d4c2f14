"""`make cluster` on this machine: what Swarm makes of the stack, changes without a lost request, and what stays."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bootstrap.cluster import Cluster, Node, Shape
from bootstrap.cluster.swarm import STACK_FILES, Docker, is_running, release
from bootstrap.steps import Steps
from gateway.keys.keys_file import table_head
from tests.documents.pages import DEPLOYMENT, blocks, section
from tests.support import compose, runtimes
from tests.support.command import run
from tests.support.deployment import GATEWAY_IMAGE, cli_environment
from tests.support.live import IMAGE, ROOT, engine_client, free_port
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [pytest.mark.engine, pytest.mark.compose]

PLOT = "plt.plot([1, 2])"
SETTINGS = {"FIGBOX_WARM_START": "import", "FIGBOX_RUNNING_LIMIT": "2", "FIGBOX_POOL_SIZE": "1"}

#: Clients that never pause.
CLIENTS = 2


@pytest.fixture(scope="module")
def brought_up() -> Iterator[tuple[Cluster, str]]:
    """Return a cluster of two nodes and what the command printed; it was interrupted once, and started again."""
    runtimes.need_root()
    folder = Path(f"/var/lib/figbox-test-{secrets.token_hex(3)}")
    port = free_port()
    cluster = Cluster(Shape(nodes=2, port=port, settings=SETTINGS), Steps(output=sys.stderr), folder)
    command = [sys.executable, "-m", "bootstrap.cluster", "up", "--nodes=2", f"--port={port}", f"--folder={folder}"]
    environment = {**cli_environment(), **SETTINGS, "FIGBOX_GATEWAY_IMAGE": GATEWAY_IMAGE, "FIGBOX_IMAGE": IMAGE}
    try:
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as first:
            assert first.stdout is not None
            for line in first.stdout:
                if "node2" in line:
                    first.send_signal(signal.SIGINT)
            assert first.wait(slowed(60)) == 128 + signal.SIGINT
        done = run(*command, folder=ROOT, env=environment, limit_s=slowed(600))
        assert done.returncode == 0, done.stdout + done.stderr
        yield cluster, done.stdout
    finally:
        cluster.down()


@pytest.fixture
def cluster(brought_up: tuple[Cluster, str]) -> Cluster:
    """Return the cluster."""
    return brought_up[0]


def inspect(cluster: Cluster, node: Node, service: str) -> dict[str, Any]:
    """Return the engine's account of a service's container on a node."""
    docker = cluster.docker(node)
    [container] = docker.run("ps", "--quiet", f"--filter=name=_{service}").split()
    record: dict[str, Any] = json.loads(docker.run("inspect", container))[0]
    return record


def status_of(cluster: Cluster, node: Node, service: str) -> dict[str, str]:
    """Return what the kernel says of the first process of a service's container."""
    docker = cluster.docker(node)
    text = docker.run(
        "exec", inspect(cluster, node, service)["Id"], "python3", "-c", "print(open('/proc/1/status').read())"
    )
    return dict(re.findall(r"(\w+):\t(.*)", text))


async def render(cluster: Cluster, key: str) -> int:
    """Draw through the balancer; return the response's status."""
    async with (
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(slowed(120))) as session,
        session.post(
            f"{cluster.balancer.url}/v1/render?format=png",
            data=PLOT,
            headers={"X-API-Key": key, "Content-Type": "text/x-python"},
        ) as response,
    ):
        body = await response.read()
        assert response.status != 200 or body.startswith(b"\x89PNG")
        return response.status


@contextmanager
def clients(cluster: Cluster) -> Iterator[Counter[int]]:
    """Let clients draw all the time; yield the statuses that they get."""
    statuses: Counter[int] = Counter()
    stop = threading.Event()
    key = cluster.key_file.read_text()

    async def draw_on() -> None:
        while not stop.is_set():
            statuses[await render(cluster, key)] += 1

    async def all_of_them() -> None:
        await asyncio.gather(*(draw_on() for _ in range(CLIENTS)))

    failures: list[BaseException] = []

    def work() -> None:
        try:
            asyncio.run(all_of_them())
        except BaseException as error:  # noqa: BLE001 - for the test's own thread
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield statuses
    finally:
        stop.set()
        thread.join()
    assert not failures, failures


def answered(cluster: Cluster) -> set[str]:
    """Return the nodes that have answered a request, by the balancer's log."""
    return set(re.findall(r" nodes/(node\d) [-\d/]+ 200 ", cluster.balancer.log.read_text()))


def test_the_printed_line_draws(brought_up: tuple[Cluster, str], tmp_path: Path) -> None:
    """What the command prints at the end works as it is, in a shell."""
    printed = brought_up[1]
    line = printed[printed.index("curl ") : printed.index("-o sine.svg")] + "-o sine.svg"
    done = run("sh", "-c", line, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "<svg" in (tmp_path / "sine.svg").read_text()


async def test_every_node_draws(cluster: Cluster) -> None:
    """Requests at once go to both nodes."""
    key = cluster.key_file.read_text()
    assert set(await asyncio.gather(*(render(cluster, key) for _ in range(4)))) == {200}
    assert answered(cluster) == {"node1", "node2"}


async def test_the_key_is_the_secret(cluster: Cluster) -> None:
    """The key is in no service, process or variable that an engine shows; any other is refused."""
    key = cluster.key_file.read_text()
    assert await render(cluster, f"other-{key}") == 401
    docker = cluster.docker()
    assert key not in docker.run("service", "inspect", "figbox-1_gateway", "figbox-1_launcher")
    record = inspect(cluster, cluster.nodes[0], "gateway")
    assert key not in json.dumps(record)
    assert "API_KEY_FILE=/run/secrets/figbox-keys" in record["Config"]["Env"]
    mode = docker.run("exec", record["Id"], "python3", "-c", "import os; print(os.stat('/run/secrets/figbox-keys'))")
    assert "st_mode=33024, " in mode  # 0400
    assert "st_uid=10001, " in mode


@pytest.mark.parametrize("service", ["gateway", "launcher"])
def test_what_swarm_keeps(cluster: Cluster, service: str) -> None:
    """Both containers are as confined as with Compose, as far as docs/deployment.md says so."""
    record = inspect(cluster, cluster.nodes[1], service)
    host = record["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["CapAdd"] == {"gateway": None, "launcher": ["CAP_SETGID", "CAP_SETUID"]}[service]
    assert host["ReadonlyRootfs"]
    assert (host["Memory"], host["PidsLimit"]) == (1 << 30, 128)
    grace = "{{.Spec.TaskTemplate.ContainerSpec.StopGracePeriod}}"
    assert cluster.docker().run("service", "inspect", f"--format={grace}", f"figbox-1_{service}").strip() == "1m30s"
    assert record["Image"] == record["Config"]["Image"].partition("@")[0]
    status = status_of(cluster, cluster.nodes[1], service)
    assert {int(uid) for uid in status["Uid"].split()} == {10001 if service == "gateway" else 10002}
    assert int(status["CapEff"], 16) == int(status["CapPrm"], 16) == 0
    assert status["Seccomp"] == "2"
    # Not by the stack, which can't say it, but by the node's engine.
    assert status["NoNewPrivs"] == "1"


def test_a_launcher_reaches_nothing(cluster: Cluster) -> None:
    """Its only network is one of launchers, from which no node is reached."""
    node = cluster.nodes[0]
    record = inspect(cluster, node, "launcher")
    assert list(record["NetworkSettings"]["Networks"]) == ["figbox-1_launchers"]
    reach = f"import socket; socket.create_connection(('{cluster.nodes[1].address}', 5150), 3)"
    done = subprocess.run(
        cluster.docker(node).words("exec", record["Id"], "python3", "-c", reach),
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Network is unreachable" in done.stderr


def test_ports_of_a_node(cluster: Cluster) -> None:
    """A node has the port of requests and that of the agent; its metrics are in the stack's network only."""
    for port, is_open in ((5150, True), (5152, True), (5151, False)):
        program = f"import socket; socket.create_connection(('{cluster.nodes[0].address}', {port}), 5)"
        done = subprocess.run(cluster.hub.inside(sys.executable, "-c", program), capture_output=True, check=False)
        assert (done.returncode == 0) == is_open, port
    node = cluster.nodes[0]
    program = "import urllib.request; print(urllib.request.urlopen('http://tasks.gateway:5151/metrics').status)"
    assert (
        cluster.docker(node).run("exec", inspect(cluster, node, "gateway")["Id"], "python3", "-c", program) == "200\n"
    )


def test_each_setting_of_the_compose_file_is_in_the_stack() -> None:
    """The stack has what docker-compose.yml has; its own file only adds to it or replaces few things."""

    def environment(*files: Path) -> dict[str, set[str]]:
        words = [f"--compose-file={file}" for file in files]
        text = run(compose.ensure_cli(), "stack", "config", *words, env=cli_environment()).stdout
        services = re.split(r"^  (?=\w+:$)", text[text.index("services:") :], flags=re.MULTILINE)
        return {part.partition(":")[0]: set(re.findall(r"^      ([A-Z_]+): ", part, re.MULTILINE)) for part in services}

    base, stack = environment(STACK_FILES[0]), environment(*STACK_FILES)
    for service in ("gateway", "launcher"):
        assert base[service] == stack[service]
        assert len(base[service]) > 10
    own = STACK_FILES[1].read_text()
    assert set(re.findall(r"^      ([A-Z_]+): ", own, re.MULTILINE)) == {
        "API_KEY",
        "API_KEY_FILE",
        "FIGBOX_AGENT_PORT",
        "FIGBOX_INSTALLATION",
    }


@pytest.fixture
def new_image() -> Iterator[str]:
    """Return the id of another image of the gateway, which differs by a label."""
    with engine_client() as client:
        made = client.create_container(GATEWAY_IMAGE)["Id"]
        image: str = client.commit(made, changes=f"LABEL figbox.test={secrets.token_hex(4)}")["Id"]
        client.remove_container(made)
        yield image
        client.remove_image(image)


def test_an_update_loses_no_request(cluster: Cluster, new_image: str) -> None:
    """While node after node moves to a new image, clients get a picture each time; afterwards all have the new one."""
    runner = Docker(compose.ensure_cli()).image_id(IMAGE)
    assert runner is not None
    with clients(cluster) as statuses:
        cluster.update(cluster.load(new_image), runner)
        before = statuses.total()
        end = time.monotonic() + slowed(60)
        while statuses.total() < before + 4:
            assert time.monotonic() < end
            time.sleep(0.1)
    assert set(statuses) == {200}
    for node in cluster.nodes:
        for service in ("gateway", "launcher"):
            assert inspect(cluster, node, service)["Image"] == new_image
    assert [row["Name"] for row in cluster.docker().rows("stack", "ls")] == ["figbox-2"]


async def until_updated(docker: Docker, service: str) -> None:
    """Wait until Swarm has updated all tasks of a service."""
    end = time.monotonic() + slowed(300)
    while (
        docker.run("service", "inspect", "--format={{with .UpdateStatus}}{{.State}}{{end}}", service).strip()
        != "completed"
    ):
        assert time.monotonic() < end, docker.run("service", "ps", service)
        await asyncio.sleep(1)


async def test_a_file_of_keys_replaces_the_key(cluster: Cluster) -> None:
    """Another secret and one more setting; nodes change one after the other, and then all refuse the old key."""
    old, new = cluster.key_file.read_text(), secrets.token_urlsafe(32)
    service = f"figbox-{release(cluster.docker())}_gateway"
    image = inspect(cluster, cluster.nodes[0], "gateway")["Image"]
    runner = str(Docker(compose.ensure_cli()).image_id(IMAGE))
    keys = "/run/secrets/figbox-keys"
    settings = {**SETTINGS, "API_KEY_FILE": "", "FIGBOX_API_KEYS_FILE": keys}
    changed = Cluster(replace(cluster.shape, settings=settings), Steps(output=sys.stderr), cluster.folder)
    text = f'{table_head("one")}\nsha256 = "{hashlib.sha256(new.encode()).hexdigest()}"\n'
    await asyncio.to_thread(changed.deploy, image, runner, text.encode())
    await until_updated(cluster.docker(), service)
    assert {await render(cluster, old) for _ in range(4)} == {401}
    assert {await render(cluster, new) for _ in range(4)} == {200}
    key = secrets.token_urlsafe(32)
    await asyncio.to_thread(cluster.deploy, image, runner, key.encode())
    await until_updated(cluster.docker(), service)
    assert {await render(cluster, new) for _ in range(4)} == {401}
    assert {await render(cluster, key) for _ in range(4)} == {200}


async def test_an_engine_and_a_cable_come_back(cluster: Cluster) -> None:
    """A node whose engine or cable is lost is taken out of the balancer, and comes back by itself afterwards."""
    node, key = cluster.nodes[1], cluster.key_file.read_text()

    async def until_up(*, is_up: bool) -> None:
        end = time.monotonic() + slowed(300)
        while cluster.is_up(node) is not is_up:
            assert time.monotonic() < end, cluster.states()
            await asyncio.sleep(0.2)

    cluster.cut(node)
    await until_up(is_up=False)
    assert await render(cluster, key) == 200
    cluster.restore(node)
    await until_up(is_up=True)
    pid = node.engine_pid
    node.kill_engine()
    await until_up(is_up=False)
    assert await render(cluster, key) == 200
    await asyncio.to_thread(node.start_engine)
    await until_up(is_up=True)
    assert node.engine_pid not in {None, pid}
    await asyncio.to_thread(cluster.restart_balancer)
    await until_up(is_up=True)
    cluster.balancer.reload()
    assert {await render(cluster, key) for _ in range(4)} == {200}


async def test_the_commands_of_the_page(cluster: Cluster) -> None:
    """Those of docs/deployment.md deploy, change the keys, move a node to another release, and remove the old one."""
    node = cluster.nodes[0]
    docker = cluster.docker()
    environment = {
        **cli_environment(),
        **SETTINGS,
        "DOCKER_HOST": node.url,
        "FIGBOX_GATEWAY_IMAGE": inspect(cluster, node, "gateway")["Image"],
        "FIGBOX_IMAGE": str(Docker(compose.ensure_cli()).image_id(IMAGE)),
        "FIGBOX_CPUS": f"{cluster.shape.cpus_of_node:g}",
    }
    text = section(DEPLOYMENT, "Swarm")
    first, keys, update, end = [block for block in blocks(DEPLOYMENT, "sh") if block in text and "docker" in block]

    def do(block: str) -> str:
        done = run("sh", "-e", "-c", block, folder=ROOT, env=environment, limit_s=slowed(120))
        assert done.returncode == 0, done.stderr
        return done.stdout

    async def until(condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + slowed(300)
        while not condition():
            assert time.monotonic() < limit, docker.run("node", "ps", node.name)
            await asyncio.sleep(1)

    do(first)
    await until(lambda: is_running(docker, node, 1))
    program = "print(open('/run/secrets/figbox-keys').read().strip())"
    container = docker.run("ps", "--quiet", "--filter=name=figbox-1_gateway").strip()
    key = cluster.docker(node).run("exec", container, "python3", "-c", program).strip()
    assert 200 in {await render(cluster, key) for _ in range(6)}
    do(keys)
    state = "{{.UpdateStatus.State}}"
    await until(
        lambda: docker.run("service", "inspect", f"--format={state}", "figbox-1_gateway").strip() == "completed"
    )
    assert '"figbox-keys-2"' in docker.run("service", "inspect", "figbox-1_gateway")
    do(update)
    await until(lambda: "Running" in do(update.splitlines()[-1]) and is_running(docker, node, 2))
    do(end)
    assert [row["Name"] for row in docker.rows("stack", "ls")] == ["figbox-2"]


def test_nothing_stays(cluster: Cluster) -> None:
    """The command removes files, groups, namespaces, processes and mounts; a second time it has nothing to do."""
    name = cluster.folder.name
    spaces = {Path(str(node.network_namespace)).readlink() for node in cluster.nodes}
    assert len(spaces) == len(cluster.nodes)
    command = [sys.executable, "-m", "bootstrap.cluster", "down", f"--folder={cluster.folder}"]
    for _ in range(2):
        done = run(*command, folder=ROOT, limit_s=slowed(300))
        assert done.returncode == 0, done.stderr
    assert not cluster.folder.exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"*/{name}")) + list(Path("/sys/fs/cgroup").glob(name))
    assert name not in Path("/proc/mounts").read_text()
    left = [entry.name for entry in Path("/proc").iterdir() if entry.name.isdigit() and belongs(entry, name, spaces)]
    assert left == []


def belongs(process: Path, name: str, spaces: set[Path]) -> bool:
    """Tell whether a process has a name in its command line, or is in one of these network namespaces."""
    with suppress(FileNotFoundError, ProcessLookupError, PermissionError):
        if name in (process / "cmdline").read_text():
            return True
        return (process / "ns/net").readlink() in spaces
    return False
