"""Engines of other Debian releases, each set up as a user does it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.hosts.trees import command_line, tree
from tests.support import runtimes
from tests.support.command import run
from tests.support.machine import slowed
from tests.support.second_engine import EngineSetup, SecondEngine, second_engine

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator

#: For the longest of what is run on an engine, which is the set-up.
LIMIT_S = slowed(900)


@dataclass(frozen=True)
class Kind:
    """An engine that hosts have.

    Attributes:
        release: The Debian release whose packages it is made of.
        major: The first number of its version; a release in the making may have gone on.
        configuration: Its daemon.json.
        environment: Variables that it is given.
    """

    release: str
    major: int
    configuration: dict[str, Any]
    environment: dict[str, str] = field(default_factory=dict)


CLASSIC_STORE: dict[str, Any] = {"storage-driver": "overlay2", "features": {"containerd-snapshotter": False}}
CONTAINERDS_STORE: dict[str, Any] = {"features": {"containerd-snapshotter": True}}

#: The oldest version of its API that Docker 29 speaks.
MINIMUM_API = "1.44"


@dataclass(frozen=True)
class Host:
    """A host with such an engine.

    Attributes:
        kind: What is special about it.
        engine: The engine.
        variables: By which users' commands find the Docker CLI of the same release.
    """

    kind: Kind
    engine: SecondEngine
    variables: dict[str, str]

    def run(self, *command: str, beside: bool = False) -> subprocess.CompletedProcess[str]:
        """Run a command that finds the engine as users' commands do; beside it, so that what it publishes is reached.

        In it nothing may be left out, and it knows nothing of the tests that it is run by.
        """
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("FIGBOX_", "PYTEST_"))}
        words = self.engine.inside(*command) if beside else command
        return run(
            *words, env={**ours, **self.variables, "CI": "true", "DOCKER_HOST": self.engine.url}, limit_s=LIMIT_S
        )

    def python(self, *words: str, beside: bool = False) -> subprocess.CompletedProcess[str]:
        """Run Python so."""
        return self.run(sys.executable, *words, beside=beside)


@pytest.fixture(scope="class")
def host(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """Return a host with the engine of a class of tests; the engine is empty at first."""
    runtimes.need_root()
    kind: Kind = request.cls.kind
    root = tree(kind.release)
    setup = EngineSetup(kind.configuration, environment=kind.environment, root=root, bridge=True)
    with second_engine(setup) as engine:
        yield Host(kind, engine, command_line(root, tmp_path_factory.mktemp("docker")))


@dataclass(frozen=True)
class Told:
    """What commands said while a host was set up.

    Attributes:
        doctor_before: The doctor, on the empty engine.
        set_up: The set-up.
    """

    doctor_before: subprocess.CompletedProcess[str]
    set_up: subprocess.CompletedProcess[str]


@pytest.fixture(scope="class")
def told(host: Host) -> Told:
    """Set a host up, and return what was said."""
    told = Told(host.python("-m", "bootstrap", "--json", "doctor"), make_image(host))
    assert told.set_up.returncode == 0, told.set_up.stdout + told.set_up.stderr
    return told


def make_image(host: Host, *others: str) -> subprocess.CompletedProcess[str]:
    """Set a host up as `make image` does, but for the virtual environment, in which the tests are."""
    return host.python("-m", "bootstrap", "engine", "image", *others)
