"""The commands of docs/deployment.md do what it says, in a folder that only has what a clone has."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import shlex
import shutil
import subprocess
import time
from typing import TYPE_CHECKING

import aiohttp
import pytest

from tests.documents.pages import DEPLOYMENT, ROOT, blocks, command
from tests.fakes import KEY
from tests.support import compose
from tests.support.deployment import GATEWAY_IMAGE, docker
from tests.support.live import IMAGE, LiveGateway, containers_of, engine_url, free_port, remove_containers_of
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine

PLOT = "plt.plot([1, 2])"


def shell(line: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a documented command; return what it prints."""
    words = shlex.join(compose.ensure())
    done = subprocess.run(
        ["sh", "-c", line.replace("docker compose", words)],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=slowed(240),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with the compose file, under a name that no other project has."""
    folder = tmp_path / f"figbox-test-{secrets.token_hex(4)}"
    folder.mkdir()
    shutil.copy(ROOT / "docker-compose.yml", folder)
    return folder


async def picture_of(url: str, key: str, tmp_path: Path, deadline_s: float = slowed(60)) -> int:
    """Return the status of a render, once the gateway is up."""
    gateway = LiveGateway(None, "", engine_url(), tmp_path / "no", url, "")  # type: ignore[arg-type]
    end = time.monotonic() + deadline_s
    while True:
        try:
            response = await gateway.render(PLOT, key=key)
        except aiohttp.ClientConnectionError:  # also where the engine's proxy listens before the gateway does
            assert time.monotonic() < end, "no gateway listens"
        else:
            if response.status != 503 or time.monotonic() > end:
                return response.status
        await asyncio.sleep(0.3)


async def test_two_containers_come_and_go(folder: Path, tmp_path: Path) -> None:
    """A key in `.env`, `up`, a picture, `down`; afterwards nothing is left."""
    port, project = free_port(), folder.name
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("FIGBOX_", "COMPOSE_", "API_"))}
    environment = {
        **keep,
        "PORT": str(port),
        "FIGBOX_IMAGE": IMAGE,
        "FIGBOX_GATEWAY_IMAGE": GATEWAY_IMAGE,
        "FIGBOX_INSTALLATION": project,
        "DOCKER_HOST": engine_url(),
    }
    shell(command('echo "API_KEY='), folder, environment)
    [line] = (folder / ".env").read_text().splitlines()
    try:
        await asyncio.to_thread(shell, command("docker compose up"), folder, environment)
        assert await picture_of(f"http://127.0.0.1:{port}", line.removeprefix("API_KEY="), tmp_path) == 200
        assert containers_of(project, engine_url())
    finally:
        await asyncio.to_thread(shell, command("docker compose down"), folder, environment)
        left = containers_of(project, engine_url())
        remove_containers_of(project, engine_url())
        docker("volume", "rm", f"{project}_launcher-socket")
    assert left == []
    assert docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}") == ""


def test_loopback_override_is_what_it_says(folder: Path) -> None:
    """With the page's override the port is published on the loopback, and nowhere else."""
    [override] = blocks(DEPLOYMENT, "yaml")
    (folder / "docker-compose.override.yml").write_text(override)
    printed = shell("docker compose config --format json", folder, {**os.environ, "API_KEY": KEY})
    [port] = json.loads(printed)["services"]["gateway"]["ports"]
    assert (port["host_ip"], port["published"], port["target"]) == ("127.0.0.1", "5150", 5150)


async def test_one_container_serves(tmp_path: Path) -> None:
    """The page's `docker run` line serves, as long as it runs."""
    name, port = f"figbox-test-{secrets.token_hex(4)}", free_port()
    env_file = tmp_path / ".env"
    env_file.write_text(f"API_KEY={KEY}\n")
    line = command("docker run -p").replace(" .env ", f" {env_file} ").replace(" figbox-gateway", f" {GATEWAY_IMAGE}")
    line = line.replace("5150:5150", f"{port}:5150").replace("-v /var/run/docker.sock:", f"-v {engine_url()[7:]}:")
    words = shlex.split(line)
    network = f"{name}-net"  # the engine's own bridge may be gone where engines without one were started
    docker("network", "create", network)
    try:
        extra = ["--detach", "--name", name, "--network", network, "--env", f"FIGBOX_IMAGE={IMAGE}"]
        extra += ["--env", f"FIGBOX_INSTALLATION={name}"]
        await asyncio.to_thread(docker, *words[1:2], *extra, *words[2:])
        assert await picture_of(f"http://127.0.0.1:{port}", KEY, tmp_path) == 200
        await asyncio.to_thread(docker, "stop", "--time", "60", name)
        assert containers_of(name, engine_url()) == []
    finally:
        docker("rm", "--force", name)
        docker("network", "rm", network)
        remove_containers_of(name, engine_url())
