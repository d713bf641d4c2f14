"""Tests on one engine never run at once."""

from __future__ import annotations

import re

import pytest

from tests.support import lanes
from tests.support.documents import ROOT

MARK = re.compile(r"pytest\.mark\.engine\b")
TESTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py"))


@pytest.mark.parametrize("file", TESTS)
def test_what_needs_an_engine_is_in_one_lane(file: str) -> None:
    """A file with tests on an engine is in their lane, wherever it lies."""
    lane = lanes.lane_of(f"{file}::test")
    if MARK.search((ROOT / file).read_text("utf-8")) and file != "tests/unit/test_lanes.py":
        assert lane == "on engines"
    elif not file.startswith(("tests/chaos/", "tests/exploits/")):
        assert lane == file
