"""What a person sees of a check of two hundred scripts, on a terminal and in the log of a CI service."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.client.conftest import PLOT
from tests.client.service import KEY
from tests.client.test_render_terminal import printed_until_the_end
from tests.support.live import ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from tests.client.check.conftest import Project

COUNT = 200


def on_a_terminal(project: Project, **variables: str) -> str:
    """Return what a check writes to a terminal, whose bar is a part of a line each time that it is drawn."""
    for number in range(COUNT):
        project.write(f"many/{number:03}.py", f"{PLOT}plt.title({number})\n")
    ours, theirs = pty.openpty()
    own = {"PYTHONPATH": str(ROOT), "FIGBOX_URL": project.service.url, "FIGBOX_API_KEY": KEY, "TERM": "xterm"}
    inherited = {name: value for name, value in os.environ.items() if name not in {"GITHUB_ACTIONS", "NO_COLOR", "CI"}}
    line = [sys.executable, "-m", "figbox", "check", "many", "--no-words"]
    with subprocess.Popen(
        line, cwd=project.folder, env={**inherited, **own, **variables}, stderr=theirs, stdin=theirs
    ) as process:
        os.close(theirs)
        printed = printed_until_the_end(ours).decode()
        assert process.wait(slowed(60)) == 1
    return printed


def test_bar_and_then_a_line_for_each(project: Project) -> None:
    """The bar counts the scripts and is gone at the end; each new figure has one line, and the numbers come last."""
    printed = on_a_terminal(project)
    counts = [int(count) for count in re.findall(rf"(\d+)/{COUNT}", printed)]
    assert counts == sorted(counts)
    assert len(set(counts)) > 2
    assert len(set(re.findall(r"new +many/(\d+)", printed))) == printed.count("many/") == COUNT
    assert printed.splitlines()[-1].startswith(f"{COUNT} new in ")


def test_plain_lines_in_ci(project: Project) -> None:
    """Where `CI` is set there is no bar, even on a terminal: one line for each figure, what to do, and the numbers."""
    lines = on_a_terminal(project, CI="true").splitlines()
    assert len([line for line in lines if line.startswith("new              many/")]) == COUNT
    assert len(lines) == COUNT + 3
    assert lines[-2] == "look at .figbox-check/after/, and take what is meant by `figbox accept`"
    assert lines[-1].startswith(f"{COUNT} new in ")
