"""docs/pytest.md, followed on a real service and a real engine."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from bootstrap.suite.__main__ import parse
from figbox.cli.home.suite import suite
from tests.client.check.conftest import git
from tests.documents.pages import PYTEST, ROOT, blocks, commands, first_cells, section
from tests.fakes import KEY

if TYPE_CHECKING:
    from tests.documents.conftest import Reader

#: Exit statuses other than 0, by the number of the command on the page, counted from 0.
STATUSES = {0: 1, 5: 1}

#: A suite for pytest-mpl.
SUITE = """
import matplotlib.pyplot as plt
import pytest


@pytest.mark.mpl_image_compare
def test_line():
    fig, ax = plt.subplots(figsize=(2, 1))
    ax.plot([1, 3, 2])
    return fig
"""


@pytest.mark.engine
def test_walk(reader: Reader) -> None:
    """Tests of scripts from nothing to an accepted change, then a suite for pytest-mpl."""
    code, _ = blocks(PYTEST, "python")
    reader.write("tests/test_figures.py", code)
    reader.write("mpl/test_mpl.py", SUITE)
    reader.write("pytest.ini", "[pytest]\ntestpaths = tests\n")
    git(reader.folder, "init", "-q")
    # What an installed client's entry point does; other plugins of this environment have settings of their own.
    program = reader.folder.parent / "bin" / "pytest"
    program.write_text(
        f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m pytest -p pytest_figbox.plugin '
        '--strict-markers -W error "$@"\n'
    )
    program.chmod(0o755)
    said = []
    for number, line in enumerate(commands(PYTEST)):
        variables = {"FIGBOX_API_KEY": KEY, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        done = reader.run(line, STATUSES.get(number, 0), **variables)
        said.append(done.stdout + done.stderr)
    (shown,) = blocks(PYTEST, "text")
    assert [line for line in shown.splitlines() if line not in said[0]] == []
    assert "5 failed" in said[0]
    assert "accepted tests/test_figures.py/test_kinds_bar_" in said[1]
    assert "5 passed" in said[3]
    assert "changed          plots/sales (changed: code)" in said[5]
    results = json.loads((reader.folder / "results" / "results.json").read_text())
    assert {result["status"] for result in results.values()} == {"passed"}


def test_options_of_the_page() -> None:
    """The table has every option of the command, and the home's program takes each of them."""
    listed = first_cells(section(PYTEST, "A suite for pytest-mpl: `figbox pytest`"))
    flags = [parameter.opts[0] for parameter in suite.params if parameter.param_type_name == "option"]
    assert [name for name in listed if name.startswith("--")] == flags
    given = ["--folder=.", "--project=.", "--mount=a", "--with=b", "--env=C", "--network", "--memory=64", "--", "--mpl"]
    options, rest = parse(given)
    assert (options.packages, options.memory, rest) == (["b"], 64, ["--mpl"])
