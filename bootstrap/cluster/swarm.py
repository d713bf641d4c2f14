"""Docker's command line, and the Swarm that it makes of a cluster's engines."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bootstrap import packages
from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bootstrap.cluster.node import Node
    from bootstrap.steps import Steps

ROOT = Path(__file__).resolve().parents[2]

#: What a stack is made of; the first is the one that Compose reads.
STACK_FILES = (ROOT / "docker-compose.yml", ROOT / "deploy" / "swarm" / "stack.yml")
STACK = "figbox"

#: The Debian release whose command line is used where the host's can't read these files, and where it is put.
RELEASE = "trixie"
FETCHED = ROOT / ".figbox" / "docker" / "docker"

#: A Swarm with one or two managers stops when one is lost; with three it goes on.
MANAGERS = 3

#: Variables of the user's that are no settings of the stack.
_NOT_SETTINGS = ("FIGBOX_", "API_KEY", "COMPOSE_", "DOCKER_", "PORT")


def command_line(steps: Steps) -> str:
    """Return Docker's command line, version 23 or newer; fetch it where the host has none.

    Raises:
        SetupError: It can't be fetched.
    """
    for program in ("docker", str(FETCHED)):
        if shutil.which(program) and _can_merge_stacks(program):
            return program
    FETCHED.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="unfinished-", dir=FETCHED.parent) as folder:
        packages.unpack(steps, RELEASE, ["docker-cli"], Path(folder))
        shutil.move(Path(folder, "usr/bin/docker"), FETCHED)
    return str(FETCHED)


def _can_merge_stacks(program: str) -> bool:
    """Tell whether it has `docker stack config` and reads files without `version`, as those of Debian 12 don't."""
    files = [f"--compose-file={file}" for file in STACK_FILES]
    environment = {**os.environ, "API_KEY": ""}
    done = subprocess.run([program, "stack", "config", *files], env=environment, capture_output=True, check=False)
    return done.returncode == 0


class Docker:
    """The command line for one engine.

    Args:
        program: Docker's command line.
        url: The engine's address; None for the one that is meant without any.
    """

    def __init__(self, program: str, url: str | None = None) -> None:
        self._words = [program, *([f"--host={url}"] if url else [])]

    def words(self, *arguments: str | Path) -> list[str]:
        """Return the whole command."""
        return [*self._words, *map(str, arguments)]

    def run(self, *arguments: str | Path, environment: Mapping[str, str] | None = None) -> str:
        """Run it; return what it prints.

        Raises:
            SetupError: It failed.
        """
        return run(self.words(*arguments), remedy="See what Docker says.", environment=environment)

    def rows(self, *arguments: str) -> list[dict[str, Any]]:
        """Return what a command lists, as JSON objects."""
        return [json.loads(line) for line in self.run(*arguments, "--format={{json .}}").splitlines()]

    def image_id(self, name: str) -> str | None:
        """Return the id of an image; None if the engine hasn't got it."""
        asked = self.words("image", "inspect", "--format={{.Id}}", name)
        done = subprocess.run(asked, capture_output=True, text=True, check=False)
        return done.stdout.strip() if done.returncode == 0 else None


def copy_image(origin: Docker, targets: Sequence[Docker], name: str) -> str:
    """Copy an image to engines that lack it, as `docker save | docker load` does; return its id.

    Raises:
        SetupError: The origin hasn't got it, or a target can't take it.
    """
    image_id = origin.image_id(name)
    if image_id is None:
        raise SetupError(f"There is no image {name}: run `make images` first.")
    for target in targets:
        if target.image_id(image_id) is not None:
            continue
        with subprocess.Popen(origin.words("save", name), stdout=subprocess.PIPE) as saving:
            load = target.words("load", "--quiet")
            loaded = subprocess.run(load, stdin=saving.stdout, capture_output=True, check=False)
        if saving.returncode or loaded.returncode:
            raise SetupError(f"{name} can't be copied: {loaded.stderr.decode().strip()}")
    return image_id


def join(managers: Sequence[tuple[Node, Docker]], workers: Sequence[tuple[Node, Docker]]) -> None:
    """Make one Swarm of all engines that aren't in it yet."""
    first, docker = managers[0]
    if _state(docker) != "active":
        docker.run("swarm", "init", f"--advertise-addr={first.address}", f"--listen-addr={first.address}")
    for role, members in (("manager", managers[1:]), ("worker", workers)):
        token = docker.run("swarm", "join-token", "--quiet", role).strip()
        for node, other in members:
            if _state(other) != "active":
                addresses = (f"--advertise-addr={node.address}", f"--listen-addr={node.address}")
                other.run("swarm", "join", f"--token={token}", *addresses, f"{first.address}:2377")


def _state(docker: Docker) -> str:
    return docker.run("info", "--format={{.Swarm.LocalNodeState}}").strip()


def secret(docker: Docker, content: bytes) -> str:
    """Make a secret unless it is there; return its name, which its content decides. Secrets never change."""
    name = f"figbox-keys-{hashlib.sha256(content).hexdigest()[:12]}"
    if name not in {row["Name"] for row in docker.rows("secret", "ls")}:
        command = docker.words("secret", "create", name, "-")
        done = subprocess.run(command, input=content, capture_output=True, check=False)
        if done.returncode:
            raise SetupError(f"The secret can't be made: {done.stderr.decode().strip()}")
    return name


def release(docker: Docker) -> int:
    """Return the newest release that is deployed; 0 if none is."""
    names = [row["Name"].partition("-") for row in docker.rows("stack", "ls")]
    return max((int(number) for name, _, number in names if name == STACK and number.isdigit()), default=0)


def deploy(docker: Docker, number: int, settings: Mapping[str, str]) -> None:
    """Deploy a release, or change its settings; it runs on nodes that have been moved to it.

    Args:
        docker: A manager's engine.
        number: The release's.
        settings: Settings and images by their variables' names; nothing of the user's environment is taken for one.
    """
    own = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_SETTINGS)}
    files = [f"--compose-file={file}" for file in STACK_FILES]
    environment = {**own, "API_KEY": "", **settings, "FIGBOX_RELEASE": str(number)}
    name = f"{STACK}-{number}"
    docker.run("stack", "deploy", "--detach=true", "--resolve-image=never", *files, name, environment=environment)


def move(docker: Docker, node: Node, number: int) -> None:
    """Move a node to a release: what it runs of another ends, and its own begins."""
    docker.run("node", "update", f"--label-add=figbox={number}", node.name)


def is_running(docker: Docker, node: Node, number: int) -> bool:
    """Tell whether a node's gateway of a release is ready, as Swarm knows it."""
    filters = ("--filter=desired-state=running", f"--filter=node={node.name}")
    tasks = docker.rows("service", "ps", *filters, f"{STACK}-{number}_gateway")
    return any(task["CurrentState"].startswith("Running") for task in tasks)


def remove(docker: Docker, number: int) -> None:
    """Remove a release that no node runs."""
    docker.run("stack", "rm", f"{STACK}-{number}")
