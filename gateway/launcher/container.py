"""A runner container as the modules above the engine see it, and the interface of what makes them."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.launcher.runner.conversation import Conversation


@dataclass(eq=False, slots=True)
class Container:
    """A runner container with its open conversation."""

    container_id: str
    name: str
    conversation: Conversation
    made_at: float = field(default_factory=time.monotonic)
    was_idle: bool = False


class Maker(Protocol):
    """Makes containers that wait for a job."""

    async def make(self, memory_limit_bytes: int | None = None) -> Container:
        """Return a ready container; leave nothing behind on failure.

        Args:
            memory_limit_bytes: Its memory, if less than usual.

        Raises:
            EngineError: It can't be made.
        """

    @property
    def lowers_memory(self) -> bool:
        """Whether the memory limit of a ready container can be lowered."""

    async def lower_memory(self, container: Container, memory_limit_bytes: int) -> bool:
        """Lower the memory limit of a ready container, and tell whether that worked.

        Raises:
            EngineError: It is not known whether it worked.
        """

    async def remove(self, container: Container) -> None:
        """Kill and remove a container, unless it is gone already."""

    def owns(self, name: str) -> bool:
        """Tell whether a container of that name is in use here, and so not a stray."""

    def forget(self, container: Container) -> None:
        """Forget a container that is removed, or left to the sweep."""
