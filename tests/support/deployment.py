"""The compose deployment, brought up as a user does, under a name of its own; nothing of it stays."""

from __future__ import annotations

import json
import os
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.fakes import KEY
from tests.support import compose
from tests.support.command import run
from tests.support.live import IMAGE, LiveGateway, engine_url, free_port, remove_containers_of
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

GATEWAY_IMAGE = os.environ.get("FIGBOX_GATEWAY_IMAGE", "figbox-gateway:latest")
LIMIT_S = slowed(240)


@dataclass
class Deployment:
    """A compose project.

    Attributes:
        project: Its name, which is its installation's too.
        command: The beginning of a command that is Compose.
        environment: What it is run with.
    """

    project: str
    command: list[str]
    environment: dict[str, str]

    def run(self, *words: str, check: bool = True) -> str:
        """Run Compose; return what it prints."""
        done = run(*self.command, *words, env=self.environment, limit_s=LIMIT_S)
        assert not check or done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    def inspect(self, service: str) -> dict[str, Any]:
        """Return the engine's account of a service's container."""
        record: dict[str, Any] = json.loads(docker("inspect", self.container(service)))[0]
        return record

    def container(self, service: str) -> str:
        """Return the id of a service's container."""
        return self.run("ps", "--all", "--quiet", service).strip()

    def log_text(self) -> str:
        """Return what both services have logged."""
        # Even without colours Compose begins its lines with a code for terminals.
        return self.run("logs", "--no-color", "--no-log-prefix").replace("\x1b[2K", "")

    def url(self) -> str:
        """Return the address at which it is published."""
        return f"http://127.0.0.1:{self.environment['PORT']}"


class DeployedGateway(LiveGateway):
    """The gateway of a deployment, for tests that only know an address."""

    def __init__(self, deployment: Deployment, nowhere: Path) -> None:
        [network] = deployment.inspect("gateway")["NetworkSettings"]["Networks"].values()
        super().__init__(
            process=None,  # type: ignore[arg-type]  # it is the engine's
            url=deployment.url(),
            installation=deployment.project,
            docker_host=engine_url(),
            log=nowhere,
            metrics_url=f"http://{network['IPAddress']}:5151/metrics",
        )
        self.deployment = deployment

    def log_text(self) -> str:
        """Return what it has logged so far."""
        return self.deployment.log_text()


def compose_environment(**environment: object) -> dict[str, str]:
    """Return what Compose is run with: a project and a port of its own, and given settings."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(("FIGBOX_", "COMPOSE_", "API_"))}
    return {
        **own,
        "API_KEY": KEY,
        "PORT": str(free_port()),
        "COMPOSE_PROJECT_NAME": f"figbox-test-{secrets.token_hex(4)}",
        "FIGBOX_IMAGE": IMAGE,
        "FIGBOX_GATEWAY_IMAGE": GATEWAY_IMAGE,
        "DOCKER_HOST": engine_url(),
        "FIGBOX_ENGINE_FOLDER": str(Path(engine_url().removeprefix("unix://")).parent),
        "FIGBOX_REQUESTS_PER_MINUTE": "100000",
        **{name: str(value) for name, value in environment.items()},
    }


@contextmanager
def deployment(tmp_path: Path, **environment: object) -> Iterator[Deployment]:
    """Bring the deployment up with given settings, as `.env` would have them, and wait until it is healthy.

    Args:
        tmp_path: For what Compose keeps.
        environment: Settings by their variables' names.
    """
    own = compose_environment(**environment)
    project = own["COMPOSE_PROJECT_NAME"]
    running = Deployment(project, compose.ensure(), own)
    try:
        running.run("up", "--detach", "--no-build", "--wait", "--wait-timeout", str(slowed(120)), "gateway", "launcher")
        yield running
    finally:
        running.run("down", "--volumes", "--timeout", str(slowed(60)), check=False)
        remove_containers_of(project, engine_url())


def docker(*words: str) -> str:
    """Run the Docker CLI; return what it prints."""
    done = run(compose.ensure_cli(), *words, env=cli_environment(), limit_s=LIMIT_S)
    assert done.returncode == 0, done.stderr
    return done.stdout


def cli_environment() -> dict[str, str]:
    """Return an environment in which the Docker CLI asks the engine under test, and the compose file can be read."""
    return {**os.environ, "DOCKER_HOST": engine_url(), "API_KEY": KEY}
