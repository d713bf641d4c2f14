"""Figures with one finding each, and the same figures mended: what docs/findings.md shows and the tests compare."""

from __future__ import annotations

import re
from typing import NamedTuple

from tools.findings.drawing import ROOT

FOLDER = ROOT / "docs" / "findings"
PAIRS = FOLDER / "pairs.py"

#: What each of the scripts begins with: a picture 320 pixels wide.
PREAMBLE = """\
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import MaxNLocator

plt.rcParams["figure.figsize"] = 3.2, 2.2
"""

_CELL = re.compile(r"^# %% ([a-z0-9-]+): (bad|good)\n", re.MULTILINE)


class Pair(NamedTuple):
    """A figure with a finding, and the mended one."""

    code: str
    bad: str
    good: str


def pairs() -> list[Pair]:
    """Return all pairs in the order of the page."""
    _, *parts = _CELL.split(PAIRS.read_text("utf-8"))
    cells = list(zip(parts[::3], parts[1::3], parts[2::3], strict=True))
    found = []
    for (code, _, bad), (_, _, good) in zip(cells[::2], cells[1::2], strict=True):
        found.append(Pair(code, PREAMBLE + bad, PREAMBLE + good))
    return found
