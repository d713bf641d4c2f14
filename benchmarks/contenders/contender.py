"""What all contenders have in common."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"

#: What a user writes at the end of a plot, but without `plt.savefig`, which draws twice.
SAVE = "{figure}.savefig({target!r}, dpi=200, bbox_inches='tight')\n"

#: Seconds one request may take before the benchmark gives up.
REQUEST_LIMIT_S = 120.0


class RenderFailed(Exception):
    """A contender didn't return a picture, so the benchmark can't go on."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture, and the milliseconds of its stages, if the contender reports them."""

    png: bytes = field(repr=False)
    stages_ms: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse what isn't a picture, so that a fast failure isn't mistaken for a fast renderer."""
        if not self.png.startswith(PNG_SIGNATURE):
            raise RenderFailed(f"not a PNG: {self.png[:200]!r}")


class Contender:
    """One way of making pictures; `name` is that in the tables."""

    name: str

    async def render(self, code: str, client: int = 0) -> Picture:
        """Draw a program's current figure, 200 dpi, tight, for a client that has a number from 0."""
        raise NotImplementedError

    async def settle(self) -> None:
        """Wait until the contender is at rest again, as most are once they have responded."""
