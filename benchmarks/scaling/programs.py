"""The programs whose costs stand for what people send: the examples, and the figures of the benchmark."""

from __future__ import annotations

from functools import cache

from benchmarks.figures import figures
from gateway.settings import ROOT


@cache
def programs() -> dict[str, str]:
    """Return the code of every program, by name."""
    found = {path.stem: path.read_text("utf-8") for path in sorted((ROOT / "examples").glob("*.py"))}
    for name, figure in figures().items():
        many = len(figure.programs) > 1
        found |= {f"{name}-{turn}" if many else name: code for turn, code in enumerate(figure.programs)}
    return found
