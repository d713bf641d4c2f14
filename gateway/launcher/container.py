"""A runner container as the layers above the engine see it, and what whoever makes them has to offer."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.launcher.fork.template import ForkedRunner
    from gateway.launcher.runner.conversation import Conversation


@dataclass(eq=False, slots=True)
class Container:
    """A runner container with its open conversation; `forked` where its runner is not its process 1."""

    container_id: str
    name: str
    conversation: Conversation
    forked: ForkedRunner | None = None
    made_at: float = field(default_factory=time.monotonic)
    was_idle: bool = False


class Maker(Protocol):
    """A way to bring a container to where it waits for its job."""

    async def make(self, memory_limit_bytes: int | None = None) -> Container:
        """Return a ready container; leave nothing behind on failure.

        Args:
            memory_limit_bytes: Its memory, where that is less than usual.

        Raises:
            EngineError: It can't be made now.
        """

    @property
    def lowers_memory(self) -> bool:
        """Whether the memory limit of a ready container can be brought down."""

    async def lower_memory(self, container: Container, memory_limit_bytes: int) -> bool:
        """Bring the memory limit of a ready container down, and tell whether that was done.

        Raises:
            EngineError: Nobody knows.
        """

    async def remove(self, container: Container) -> None:
        """Kill and remove a container; one that is gone is fine."""

    def owns(self, name: str) -> bool:
        """Tell whether a container of that name is known to this gateway, so no stray."""

    def forget(self, container: Container) -> None:
        """Stop knowing a container: it is removed, or left to the sweep."""
