"""`python -m tools.unit_exposure`: how exposed systemd takes our services to be, as rows for docs/service.md.

The figure is systemd's own sum over what a unit leaves open, from 0 to 10, and less is better. It differs between
versions, which know other things to close.

Source: systemd-analyze(1), `security --offline=true`.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[1] / "deploy/systemd"

_LEVEL = re.compile(r"Overall exposure level for (\S+): ([0-9.]+) (\w+)")


def exposure(unit: Path) -> tuple[float, str]:
    """Return a unit's figure and systemd's word for it."""
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(unit)]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = _LEVEL.search(printed)
    if match is None:
        raise ValueError(f"systemd-analyze printed no level for {unit.name}")
    return float(match[2]), match[3]


def version() -> int:
    """Return systemd's version."""
    printed = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True, check=True).stdout
    return int(printed.split()[1])


def table() -> str:
    """Return the rows, below a head that has the version."""
    lines = [f"| Unit | Exposure (systemd {version()}) |", "| --- | --- |"]
    for unit in sorted(FOLDER.glob("*.service")):
        figure, word = exposure(unit)
        lines.append(f"| `{unit.name}` | {figure} ({word}) |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table())
