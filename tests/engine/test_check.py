"""`figbox check` against a live gateway: the same code gives the same picture, and what changed is told."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from figbox.check.pictures import look_at
from tests.client.check.conftest import git
from tests.client.check.watching import watching
from tests.client.conftest import write
from tests.fakes import KEY
from tests.support.command import command_folder, environment, run_shell

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from tests.support.live import LiveGateway

    Shell = Callable[[str], subprocess.CompletedProcess[str]]

pytestmark = [pytest.mark.engine, pytest.mark.core]

#: A project whose scripts use random numbers, data, several figures, and a page.
FILES = {
    "figbox.toml": '[check]\ninclude = ["plots", "README.md"]\n[check.options]\ndpi = 60\n',
    "plots/noise.py": "import random\nplt.plot(np.random.default_rng().normal(size=9))\nplt.xlabel(random.random())\n",
    "plots/rain.py": "import pandas as pd\npd.read_csv('rain.csv').plot(x='day')\n",
    "plots/rain.csv": "day,mm\n1,7\n2,3\n",
    "plots/two.py": "plt.figure()\nplt.plot([1, 2])\nplt.figure()\nplt.plot([2, 1])\n",
    "README.md": "```python figure=trend\nplt.plot([1, 3, 2])\n```\n",
}
NAMES = ["README.md/trend", "plots/noise", "plots/rain", "plots/two", "plots/two-2"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the project, in git."""
    made = tmp_path / "project"
    for name, text in FILES.items():
        write(made / name, text)
    git(made, "init", "-q")
    commit(made)
    return made


@pytest.fixture
def shell(folder: Path, tmp_path: Path, gateway: LiveGateway) -> Shell:
    """Run a line in the project, whatever its exit status."""
    variables = environment(command_folder(tmp_path / "bin"), FIGBOX_URL=gateway.url, FIGBOX_API_KEY=KEY)
    return lambda line: run_shell(line, folder, variables)


def commit(folder: Path) -> None:
    """Commit everything."""
    git(folder, "add", "--all")
    git(folder, "commit", "-q", "-m", "change")


def report(shell: Shell, arguments: str = "") -> dict[str, Any]:
    """Return what a check reports."""
    done = shell(f"figbox check --json {arguments}")
    assert done.returncode in {0, 1}, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def others(shell: Shell, arguments: str = "") -> dict[str, str]:
    """Return the verdicts on figures that aren't the same."""
    figures = report(shell, arguments)["figures"]
    return {entry["name"]: entry["verdict"] for entry in figures if entry["verdict"] != "same"}


def test_life_of_a_project(shell: Shell, folder: Path) -> None:
    """New, accepted, drawn again to the same pictures, changed by code and by data, failing, missing."""
    assert others(shell) == dict.fromkeys(NAMES, "new")
    assert shell("figbox accept").returncode == 0
    commit(folder)
    assert others(shell, "--all --no-cache") == {}
    write(folder / "plots" / "rain.csv", "day,mm\n1,7\n2,4\n")
    write(folder / "plots" / "noise.py", FILES["plots/noise.py"] + "plt.title('Noise')\n")
    write(folder / "plots" / "two.py", "plt.plot([1], [1, 2])\n")
    write(folder / "README.md", "")
    found = report(shell, "--no-words")
    assert {entry["name"]: entry["verdict"] for entry in found["figures"]} == {
        "README.md/trend": "missing",
        "plots/noise": "changed",
        "plots/rain": "changed",
        "plots/two.py": "failed",
    }
    assert len(found["scripts"]) == 3
    assert shell("figbox accept && figbox accept --prune").returncode == 0
    assert others(shell) == {"plots/two.py": "failed"}


def test_states_of_git(shell: Shell, folder: Path) -> None:
    """Without anything accepted, a branch is compared with where it began; a comment changes no picture."""
    git(folder, "checkout", "-q", "-b", "branch")
    write(folder / "plots" / "noise.py", "# a comment\n" + FILES["plots/noise.py"])
    write(folder / "plots" / "two.py", FILES["plots/two.py"] + "plt.title('Second')\n")
    commit(folder)
    git(folder, "checkout", "-q", "main")
    write(folder / "plots" / "rain.csv", "day,mm\n1,7\n2,4\n")
    commit(folder)
    git(folder, "checkout", "-q", "branch")
    assert others(shell, "--base main") == {"plots/two-2": "changed"}
    git(folder, "-c", "user.name=a", "-c", "user.email=b", "rebase", "-q", "main")
    assert others(shell, "--base main") == {"plots/two-2": "changed"}


def test_code_cannot_claim_to_look_the_same(shell: Shell, folder: Path) -> None:
    """A digest in a response is a claim of the sandbox, where code can replace what computes it: ours is of bytes."""
    shell("figbox check")
    shell("figbox accept")
    write(
        folder / "plots" / "rain.py",
        "import hashlib, pandas as pd\npd.read_csv('rain.csv').plot(x='day', title='Other')\n"
        "class Claim:\n    def __init__(self, *_): pass\n    def update(self, _): pass\n"
        f"    def hexdigest(self): return '{'ab' * 32}'\n"
        "hashlib.sha256 = Claim\n",
    )
    assert others(shell, "--no-words").get("plots/rain") in {"changed", "failed"}


def test_watched_project(shell: Shell, folder: Path, gateway: LiveGateway) -> None:
    """Each save of a script or its data is drawn and said in words; what is accepted meanwhile is the same."""
    shell("figbox check")
    assert shell("figbox accept").returncode == 0
    commit(folder)
    with watching(folder, gateway.url) as begun:
        begun.until("5 same")
        begun.until("watching")
        begun.save("plots/two.py", FILES["plots/two.py"] + "plt.title('Second')\n")
        assert "A title was added: 'Second'." in begun.until("1 changed, 4 same")
        begun.save("plots/rain.csv", "day,mm\n1,7\n2,4\n")
        said = begun.until("2 changed, 3 same")
        assert "plots/rain (changed: data)" in said
        assert "Second" not in said
        assert shell("figbox accept").returncode == 0
        begun.until("5 same")
        assert begun.end() == 130
    assert others(shell) == {}


def test_notebook_that_is_text(shell: Shell, folder: Path) -> None:
    """Each cell draws figures of its own, and a failure is at the line of the file that people wrote."""
    cells = "---\ntitle: Rain\n---\n\n```{python}\nplt.plot([1, 2])\n```\n\n"
    cells += "Prose.\n\n```{python}\nplt.plot([2, 1])\n```\n"
    write(folder / "docs" / "rain.qmd", cells)
    figures = {entry["name"]: entry for entry in report(shell, "docs/rain.qmd")["figures"]}
    assert list(figures) == ["docs/rain", "docs/rain-2"]
    pictures = [folder / ".figbox-check" / "after" / f"{name}.png" for name in figures]
    assert len({look_at(picture.read_bytes()).digest for picture in pictures}) == 2
    write(folder / "docs" / "rain.qmd", cells.replace("[2, 1]", "[2, 1], [1]"))
    done = shell("figbox check docs/rain.qmd")
    assert "docs/rain.qmd:12: program_error: ValueError" in done.stderr
