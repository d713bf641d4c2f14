"""What all contenders have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: What a user writes at the end of a plot. Not `plt.savefig`, which draws twice: every contender saves in the best way.
SAVE = "{figure}.savefig({target!r}, dpi=200, bbox_inches='tight')\n"

#: Seconds one request may take before the benchmark gives up.
REQUEST_LIMIT_S = 120.0


class RenderFailed(Exception):
    """A contender gave no picture: the benchmark can't go on."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and where its time went in milliseconds as far as the contender tells."""

    png: bytes = field(repr=False)
    stages_ms: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what is no picture: a fast failure would look like a fast renderer."""
        if not self.png.startswith(PNG_SIGNATURE):
            raise RenderFailed(f"no PNG: {self.png[:200]!r}")


class Contender(Protocol):
    """One way of making pictures.

    Attributes:
        name: As the tables name it.
    """

    name: str

    async def render(self, code: str, client: int = 0) -> Picture:
        """Draw a program's current figure, 200 dpi, tight.

        Args:
            code: The program.
            client: Which of the clients asks, counted from 0.
        """

    async def settle(self) -> None:
        """Wait until the contender is as it was before the last request: a pool is full again."""
