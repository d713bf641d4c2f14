"""The client is installed in a job whose working directory is a stranger's project, nothing of which may be run."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import write
from tests.documents.pages import ROOT
from tests.recipes.files import CI
from tests.support.command import run

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

SCRIPT = CI / "steps" / "install.sh"

#: What a project's file says if it is run.
RUN = "of the project"
HOSTILE = f"import sys\nsys.stderr.write('{RUN}\\n')\n"

#: Files that Python would take for its own modules, if it looked in the working directory or its environment's folder.
NAMES = ("venv.py", "ensurepip.py", "pip/__init__.py", "pip/__main__.py", "sitecustomize.py", "json.py", "argparse.py")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with files by the names of Python's modules."""
    for name in NAMES:
        write(tmp_path / "project" / name, HOSTILE)
    return tmp_path / "project"


def install(project: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the script in a project, with a clone that needs nothing of an index, and so can't be built."""
    home = project.parent / "home"
    for name in ("client", "ci", "dev"):
        write(home / "requirements" / f"{name}.txt", "")
    variables = {"PYTHON": sys.executable, "FIGBOX_HOME": str(home), "CHECK_FOLDER": str(folder), "PIP_NO_INDEX": "1"}
    return run("bash", str(SCRIPT), folder=project, env={**os.environ, **variables}, limit_s=300)


def test_nothing_is_fetched_without_a_hash() -> None:
    """Every package is held to a hash, and so is what builds the client's wheel."""
    calls = [line for line in SCRIPT.read_text("utf-8").splitlines() if line.startswith('"${pip[@]}"')]
    assert calls
    assert all("--require-hashes" in line or "--no-deps --no-build-isolation" in line for line in calls)
    assert re.search(
        r"^setuptools==\S+ \\\n +--hash=", (ROOT / "requirements" / "dev.txt").read_text("utf-8"), re.MULTILINE
    )


def test_nothing_of_the_project_is_run(project: Path, tmp_path: Path) -> None:
    """Modules of the project are in nobody's way; pip's own refuses a clone that is none."""
    done = install(project, tmp_path / "folder")
    assert RUN not in done.stderr
    assert "Neither 'setup.py' nor 'pyproject.toml' found" in done.stderr
    assert (tmp_path / "folder" / "venv" / "bin" / "pip").is_file()


def test_an_environment_that_the_project_brings(project: Path) -> None:
    """A virtual environment where ours is to be, as in a GitLab job's folder, is removed, and so are reports."""
    folder = project / ".figbox-ci"
    packages = f"venv/lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    write(folder / packages / "sitecustomize.py", HOSTILE)
    write(folder / packages / "x.pth", f"import sys; sys.stderr.write('{RUN}\\n')\n")
    (folder / "reports").symlink_to(project.parent)
    done = install(project, folder)
    assert RUN not in done.stderr
    assert not (folder / "reports").exists()
    assert not (folder / packages / "x.pth").exists()


def test_a_folder_that_leads_elsewhere(project: Path, tmp_path: Path) -> None:
    """A link in place of the folder is refused."""
    (tmp_path / "elsewhere").mkdir()
    (project / ".figbox-ci").symlink_to(tmp_path / "elsewhere")
    done = install(project, project / ".figbox-ci")
    assert done.returncode == 2
    assert "is a symbolic link" in done.stderr
    assert not any((tmp_path / "elsewhere").iterdir())
