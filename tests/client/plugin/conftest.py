"""A project whose tests check figures, and the runs of pytest on it, each in a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.client.check.conftest import project, renderer  # noqa: F401 - fixtures
from tests.client.conftest import write
from tests.documents.pages import ROOT
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.check.conftest import Project

#: Tests of each kind: code, a path, a script that the marker names, and the fixture.
TESTS = """
from pathlib import Path
import pytest


@pytest.mark.figbox
def test_code():
    return '''
    import matplotlib.pyplot as plt
    plt.plot([1, 2])
    '''


@pytest.mark.figbox
def test_path():
    return Path("plots/bars.py")


@pytest.mark.figbox("plots/two.py")
def test_named():
    pass


@pytest.mark.parametrize("last", ["a/b", "c"])
def test_fixture(figbox_check, last):
    figbox_check(f"plt.plot({last!r})", dpi=50)
    figbox_check("plt.bar(1, 2)", name=f"bars {last}")
"""

#: Its figures.
FIGURES = [
    "plots/bars",
    "plots/two",
    "plots/two-2",
    "tests/test_plots.py/bars_a_b",
    "tests/test_plots.py/bars_c",
    "tests/test_plots.py/test_code",
    "tests/test_plots.py/test_fixture_a_b_",
    "tests/test_plots.py/test_fixture_c_",
]


@dataclass(frozen=True)
class Ran:
    """What a run of pytest did.

    Attributes:
        passed: Tests that passed.
        failed: Tests that failed, or had an error.
    """

    status: int
    text: str
    passed: int
    failed: int


@dataclass(frozen=True)
class Tested:
    """A project with tests of figures."""

    project: Project

    @property
    def folder(self) -> Path:
        """Its folder."""
        return self.project.folder

    def run(self, *arguments: str, plugin: bool = True, **variables: str) -> Ran:
        """Run pytest in it."""
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", *arguments]
        command[3:3] = ["-p", "pytest_figbox.plugin"] if plugin else []
        ours = {"PYTHONPATH": str(ROOT), "COLUMNS": "200", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
        environment = {**os.environ, **ours, **variables}
        if environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]:
            command[3:3] = ["-p", "xdist.plugin"]
        else:
            command[3:3] = ["-p", "no:asyncio", "-p", "no:aiohttp"]
        done = subprocess.run(
            command, cwd=self.folder, env=environment, capture_output=True, text=True, timeout=slowed(120), check=False
        )
        last = done.stdout.strip().rpartition("\n")[2]
        passed, failed = (
            sum(int(number) for number in re.findall(rf"(\d+) (?:{word})", last)) for word in ("passed", "failed|error")
        )
        return Ran(done.returncode, done.stdout + done.stderr, passed, failed)

    def write(self, text: str, name: str = "tests/test_plots.py") -> None:
        """Write tests."""
        write(self.folder / name, text)

    def lock(self) -> str:
        """Return the lock; empty if there is none."""
        path = self.folder / "figbox.lock"
        return path.read_text() if path.exists() else ""

    def figures(self) -> list[str]:
        """Return the names of the accepted figures."""
        return re.findall(r'^\[figure\."(.*)"\]$', self.lock(), re.MULTILINE)


@pytest.fixture
def tested(project: Project) -> Tested:  # noqa: F811 - the fixture
    """Return the project with its tests, of which nothing is accepted."""
    found = Tested(project)
    found.write(TESTS)
    return found
