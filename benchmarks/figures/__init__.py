"""The programs that every contender draws: a light one, a heavy one, one with pandas and SciPy, and a mix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Figure:
    """Programs that are drawn in turn, and their name in the tables."""

    name: str
    programs: tuple[str, ...]

    def program(self, turn: int) -> str:
        """Return the program of a turn."""
        return self.programs[turn % len(self.programs)]


@cache
def figures() -> dict[str, Figure]:
    """Return all figures by name."""
    mix = sorted(path for path in (FOLDER / "mix").glob("*.py") if path.name != "__init__.py")
    return {
        "light": Figure("light", ((FOLDER / "light.py").read_text("utf-8"),)),
        "heavy": Figure("heavy", ((FOLDER / "heavy.py").read_text("utf-8"),)),
        "science": Figure("science", ((FOLDER / "science.py").read_text("utf-8"),)),
        "mix": Figure("mix", tuple(path.read_text("utf-8") for path in mix)),
    }
