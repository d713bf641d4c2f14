"""What the tests of findings share: drawing a script in this process and naming what is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tools.findings.drawing import shown
from tools.findings.pairs import PREAMBLE

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def codes() -> Callable[[str], list[str]]:
    """Return a function that draws a script and returns the codes of what is found in all its figures."""
    return lambda script: [finding.code for each in shown(PREAMBLE + script) for finding in each.findings]
