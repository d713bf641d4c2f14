"""What the layers above see of a container engine, whichever client it is reached through."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping

#: Exit statuses above this mean death by signal `status - 128` (the shell's convention, which engines keep).
SIGNAL_BASE = 128

#: Exit status after SIGKILL, which the kernel sends when memory runs out; not every engine gives the reason.
EXIT_SIGKILL = SIGNAL_BASE + 9


@dataclass(frozen=True, slots=True)
class ExitState:
    """How the engine says that a container ended.

    Attributes:
        exit_code: Its exit status, or None while it still runs.
        oom_killed: Whether the kernel killed it for its memory, as far as the engine knows yet.
    """

    exit_code: int | None
    oom_killed: bool

    @property
    def was_killed(self) -> bool:
        """Whether it may have been killed, and not by the kernel for its memory: that proves nothing about it."""
        return self.exit_code in (None, EXIT_SIGKILL) and not self.oom_killed


@dataclass(frozen=True, slots=True)
class FoundContainer:
    """A container of this installation, as a search finds it."""

    container_id: str
    name: str


@dataclass(frozen=True, slots=True)
class FoundImage:
    """An image of this installation, as a search finds it."""

    image_id: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ImageOrder:
    """An image that is to be made of another one and a file.

    Attributes:
        base_id: Digest of the other image.
        name: Repository and tag, which no other image has.
        labels: Labels besides those of the other.
        owner: Value of the label that marks an installation's containers, for the one that making it takes.
        limit_s: Seconds for each of the engine's steps.
    """

    base_id: str
    name: str
    labels: Mapping[str, str]
    owner: str
    limit_s: float


@dataclass(frozen=True, slots=True)
class EngineFacts:
    """What an engine reports of itself, as far as we use it.

    Attributes:
        runtimes: Names of its OCI runtimes.
        missing_limits: Kinds of limits that it can't enforce, by their names in `docker info`.
        cpus: Cores of its host.
        memory_bytes: Memory of its host.
        version: Of the engine.
        cgroup_driver: "cgroupfs" or "systemd".
        cgroup_version: "1" or "2".
        runtime_versions: What it says of its runtimes, as JSON.
        is_podman: Whether it is Podman, behind Docker's API.
    """

    runtimes: frozenset[str]
    missing_limits: tuple[str, ...]
    cpus: int
    memory_bytes: int
    version: str
    cgroup_driver: str
    cgroup_version: str
    runtime_versions: str = ""
    is_podman: bool = False


@dataclass(frozen=True, slots=True)
class Launched:
    """A started container and our end of its attach stream."""

    container_id: str
    stream: socket.socket


class Engine(Protocol):
    """What the layers above need of an engine."""

    async def launch(self, config: dict[str, Any], name: str) -> Launched:
        """Create, attach and start a container; leave nothing behind on failure."""

    async def exit_state(self, container_id: str) -> ExitState:
        """Return how a container ended whose stream has ended."""

    async def saw_oom(self, container_id: str) -> bool:
        """Tell whether the kernel killed a process of an ended container for its memory; waits for late notice."""

    async def lower_memory(self, container_id: str, memory_limit_bytes: int) -> bool:
        """Lower the memory limit of a running container; tell whether that worked."""

    async def kill(self, container_id: str) -> None:
        """Kill a container, unless it has ended or is gone."""

    async def remove(self, container_id: str) -> None:
        """Kill and remove a container, unless it is gone."""

    async def find(self, installation: str) -> list[FoundContainer]:
        """List all containers of an installation, running or not."""
