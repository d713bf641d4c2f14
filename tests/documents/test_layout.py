"""The layout that CONTRIBUTING.md promises: folders that one takes in at a glance, and names that say where one is."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.documents.pages import ROOT

PRODUCT = (
    "gateway",
    "gateway-image",
    "runner-image",
    "suite-image",
    "figbox",
    "pytest_figbox",
    "bootstrap",
    "benchmarks",
    "tools",
)

#: Modules of one folder at most, its `__init__` aside.
MODULES_LIMIT = 12


@pytest.mark.parametrize("part", PRODUCT)
def test_no_folder_holds_more_than_a_dozen_modules(part: str) -> None:
    """A folder that grows beyond what one takes in is cut."""
    counts = Counter(path.parent for path in (ROOT / part).rglob("*.py") if path.stem != "__init__")
    assert counts
    assert {str(folder): count for folder, count in counts.items() if count > MODULES_LIMIT} == {}


def test_no_two_modules_of_the_gateway_share_a_name() -> None:
    """A module is named without its package in logs and talk, and is still the only one."""
    names = Counter(path.stem for path in (ROOT / "gateway").rglob("*.py") if not path.stem.startswith("__"))
    assert [name for name, count in names.items() if count > 1] == []
