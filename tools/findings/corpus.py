"""The scripts over which findings are judged: those of a gallery, and what the repository has of its own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from tools.findings.drawing import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

GALLERY = ROOT / "tests" / "unit" / "findings" / "gallery"

#: A cell begins with its name, as in `tests/plain_runs/corpus`.
CELL = re.compile(r"^# %% (.+)\n", re.MULTILINE)

#: Folders of scripts that each draw a figure.
SCRIPTS = ("examples", "examples-science", "benchmarks/figures", "benchmarks/figures/mix")


class Script(NamedTuple):
    """A script of the corpus."""

    name: str
    code: str


def gallery() -> Iterator[Script]:
    """Yield the scripts of the gallery."""
    yield from _cells(sorted(GALLERY.glob("*.py")))


def corpus() -> Iterator[Script]:
    """Yield all scripts."""
    yield from gallery()
    for folder in SCRIPTS:
        for path in sorted((ROOT / folder).glob("*.py")):
            if path.stem != "__init__":
                yield Script(f"{folder}/{path.stem}", path.read_text("utf-8"))
    yield from plain_runs()


def plain_runs() -> Iterator[Script]:
    """Yield programs that tests compare with a plain run; most of them are as short as can be."""
    yield from _cells(sorted((ROOT / "tests/plain_runs/corpus/drawing").glob("*.py")))


def _cells(paths: list[Path]) -> Iterator[Script]:
    for path in paths:
        parts = CELL.split(path.read_text("utf-8"))[1:]
        for name, code in zip(parts[::2], parts[1::2], strict=True):
            yield Script(f"{path.stem}: {name}", code)
