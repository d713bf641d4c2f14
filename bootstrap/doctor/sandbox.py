"""The sandbox, tried as the service tries it at its start: what an engine says of itself is no proof.

Its containers are of a job's own specification and end within seconds; none is left.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from bootstrap.doctor.findings import Finding, Level

if TYPE_CHECKING:
    from pathlib import Path

#: How a gap is indented in the table of the self-test.
GAP_INDENT = " " * 7

#: Exit statuses of `python -m gateway.launcher.selftest`.
HOLDS, DOES_NOT_HOLD = 0, 1

#: Seconds after which it is given up: it has limits of its own, which a setting can raise.
LIMIT_S = 3600.0

GAP_REMEDY = "Don't serve strangers here: use another engine, kernel or runtime. docs/hosts.md says which hold."
UNTRIED_REMEDY = "The service wouldn't start either: mend what the sentence names. docs/hosts.md says which hosts work."


def judge(python: Path, root: Path) -> Finding:
    """Run the self-test of the checkout at `root` by its virtual environment's Python, and judge what it says."""
    if not python.exists():
        return Finding("sandbox", Level.WARN, "the sandbox wasn't tried, since nothing is installed", "`make install`.")
    command = [str(python), "-m", "gateway.launcher.selftest"]
    try:
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("sandbox", Level.BAD, f"the sandbox can't be tested: {error}", UNTRIED_REMEDY)
    return judge_output(done.returncode, done.stdout, done.stderr)


def judge_output(status: int, stdout: str, stderr: str) -> Finding:
    """Judge how the self-test ended and what it printed."""
    if status == HOLDS:
        return Finding("sandbox", Level.OK, "the sandbox holds, and a job renders in it")
    if status == DOES_NOT_HOLD:
        gaps = "; ".join(line.strip() for line in stdout.splitlines() if line.startswith(GAP_INDENT))
        return Finding("sandbox", Level.BAD, f"the sandbox does not hold: {gaps}", GAP_REMEDY)
    said = " ".join(stderr.split()).removeprefix("figbox: ")
    what = said or f"the sandbox can't be tested: the self-test ended with {status}"
    return Finding("sandbox", Level.BAD, what, UNTRIED_REMEDY)
