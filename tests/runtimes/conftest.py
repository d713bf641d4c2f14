"""Engines of the tests' own with the runtimes that Figbox is said to work on, and a gateway on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.support import runtimes
from tests.support.live import LiveGateway, live_gateway
from tests.support.machine import slowed
from tests.support.second_engine import EngineSetup, SecondEngine, second_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Small limits, so that each is reached soon; places for all attempts of a test at once.
SETTINGS = {
    "FIGBOX_POOL_SIZE": 0,
    "FIGBOX_RUNNING_LIMIT": 4,
    "FIGBOX_WALL_LIMIT_S": slowed(4),
    "FIGBOX_MEMORY_LIMIT_MIB": 256,
    "FIGBOX_TMPFS_LIMIT_MIB": 8,
    "FIGBOX_TMPFS_INODES": 256,
    "FIGBOX_OUTPUT_LIMIT_MIB": 1,
}

#: Settings of the gateway by the title of the documents' column; the last has an engine of its own.
RUNTIMES = {"runc": "runc", "crun": "crun", "gVisor": "runsc", "runc, ids remapped": "runc"}


@dataclass(frozen=True)
class Subject:
    """A gateway on one runtime.

    Attributes:
        title: Of the runtime's column in the documents.
        gateway: The gateway on it.
    """

    title: str
    gateway: LiveGateway


@pytest.fixture(scope="package")
def engine_with_runtimes() -> Iterator[SecondEngine]:
    """Return an engine with the image that knows runc, crun and gVisor, without the cgroup mount that crun refuses."""
    runtimes.need_root()
    known = {"crun": runtimes.crun(), "runsc": runtimes.runsc()}
    with second_engine(EngineSetup({"runtimes": known}, unified_cgroup=False), with_image=True) as engine:
        yield engine


@pytest.fixture(scope="package")
def remapping_engine() -> Iterator[SecondEngine]:
    """Return an engine with the image whose containers have user namespaces."""
    runtimes.need_root()
    with second_engine(EngineSetup(remapped=True), with_image=True) as engine:
        yield engine


@pytest.fixture(scope="package", params=list(RUNTIMES))
def subject(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Subject]:
    """Return a gateway on each runtime in turn; by starting it has proved the sandbox."""
    title: str = request.param
    remapped = title.endswith("remapped")
    engine = request.getfixturevalue("remapping_engine" if remapped else "engine_with_runtimes")
    settings = {**SETTINGS, "FIGBOX_RUNTIME": RUNTIMES[title]}
    with live_gateway(tmp_path_factory.mktemp("gateway"), docker_host=engine.url, **settings) as gateway:
        yield Subject(title, gateway)
