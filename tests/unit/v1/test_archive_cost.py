"""Whatever a job's files are called, packing them costs time in proportion to their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from gateway.launcher.runner.reply import FILE_LIMIT, PATH_LIMIT
from gateway.v1.response.archive import archive_names
from tests.support.cost import costs_no_more, cpu_s, shown

if TYPE_CHECKING:
    from collections.abc import Callable

#: Files that are tried, many more than there can be; and what a MiB of names may take. Those of one job have 16 KiB.
FILES = 32 * FILE_LIMIT
S_PER_MIB = 8.0

#: Bytes of so many names that are as long as they can be.
_SIZE = FILES * PATH_LIMIT

SHAPES: dict[str, Callable[[int], str]] = {
    "names that differ": lambda number: f"a{number}",
    "one name": lambda _: "a",
    "names that end in numbers": lambda number: f"a-{number}" if number % 2 else "a",
    "names that clean to one": lambda number: f"{chr(0x4E00 + number)}?",
    "names that fold to one": lambda number: "".join("aA"[number >> bit & 1] for bit in range(13)),
    "long names": lambda number: f"{number:0{PATH_LIMIT}}",
    "long names of marks": lambda number: f"{number}" + "\u0301\u0323" * 120,
    "long names that grow when they are cleaned": lambda number: f"{number}" + "\ufdfa" * 60,
    "folders that differ": lambda number: f"a{number}/b",
    "deep folders": lambda number: f"{number}/" + "a/" * 120 + "b",
    "deep folders of one name": lambda _: "a/" * 127 + "b",
    "folders of folders that are files": lambda number: "/".join("a" * (number % 120 + 1)),
    "dots": lambda number: "./" * 120 + f"{number}",
}


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", shown(SHAPES, ["names that clean to one", "deep folders"]))
def test_names_cost_in_proportion(shape: str) -> None:
    """Twice as many names cost at most 2.5 times as much each time, and no more than their bound."""
    make = SHAPES[shape]

    def cost(size: int) -> float:
        names = [make(number) for number in range(FILES * size // _SIZE)]
        return cpu_s(lambda: archive_names(names))

    costs_no_more(cost, _SIZE, S_PER_MIB)
