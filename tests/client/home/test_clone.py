"""The home is what the user names, or where the package came from; a project can't choose it."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from figbox.cli.home import clone, find_home
from tests.client.conftest import write
from tests.documents.pages import ROOT


class Installed:
    """What is known of an installed package."""

    def __init__(self, direct_url: object) -> None:
        self.text = direct_url if isinstance(direct_url, str) else json.dumps(direct_url)

    def read_text(self, name: str) -> str:
        """Return the record of where it came from."""
        assert name == "direct_url.json"
        return self.text


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the package be in a folder that is no clone, from nobody knows where; return the folder."""
    monkeypatch.setattr(clone, "PACKAGE_FOLDER", tmp_path)
    install(monkeypatch, "")
    return tmp_path


def install(monkeypatch: pytest.MonkeyPatch, direct_url: object) -> None:
    """Let pip have recorded where the package came from."""
    monkeypatch.setattr(clone, "distribution", lambda _: Installed(direct_url))


def make_clone(folder: Path) -> Path:
    """Make what looks like a clone; return it."""
    for name in ("bootstrap/__main__.py", "gateway/__main__.py", "runner-image/Dockerfile"):
        write(folder / name, "")
    return folder


def test_clone_that_the_package_runs_in() -> None:
    """In a clone, and after an editable installation, the package is in the home."""
    assert find_home(None) == ROOT.resolve()


def test_clone_that_the_package_was_installed_from(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The installer records the folder, as a URL with all but plain characters escaped."""
    home = make_clone(elsewhere / "my clone é")
    install(monkeypatch, {"url": home.as_uri(), "dir_info": {}})
    assert find_home(None) == home.resolve()


def test_named_clone_comes_first(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is named wins, also if it is relative to the working directory."""
    home = make_clone(elsewhere / "named")
    monkeypatch.chdir(elsewhere)
    assert find_home(Path("named")) == home.resolve()


@pytest.mark.parametrize(
    "direct_url",
    [
        "",
        "not JSON",
        "[]",
        "null",
        {"url": "https://example.org/figbox.git", "vcs_info": {"vcs": "git", "commit_id": "0"}},
        {"url": "https://example.org/figbox", "dir_info": {}},
        {"dir_info": {}},
        {"url": 5, "dir_info": {}},
        {"url": "http://[", "dir_info": {}},
    ],
)
def test_no_clone_is_known(elsewhere: Path, monkeypatch: pytest.MonkeyPatch, direct_url: object) -> None:
    """A package from an index, a repository or nobody knows where has no home, and the error says what to do."""
    install(monkeypatch, direct_url)
    with pytest.raises(click.UsageError, match=r"wasn't installed from a clone .*: name a clone by --home or FIGBOX_H"):
        find_home(None)


def test_clone_that_is_gone(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clone that was removed after the installation is named in the error."""
    install(monkeypatch, {"url": (elsewhere / "gone").as_uri(), "dir_info": {}})
    with pytest.raises(click.UsageError, match="gone, from which figbox was installed, is no longer a clone"):
        find_home(None)


def test_named_folder_that_is_no_clone(tmp_path: Path) -> None:
    """The error says what is missing in it."""
    home = make_clone(tmp_path)
    (home / "gateway" / "__main__.py").unlink()
    with pytest.raises(click.UsageError, match=r"is not a clone of Figbox: gateway/__main__\.py is missing"):
        find_home(home)


def test_project_cannot_be_the_home(elsewhere: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger's repository that looks like a clone isn't taken because one works in it."""
    project = make_clone(elsewhere / "project")
    (project / "pyproject.toml").write_text("[tool.figbox]\n")
    monkeypatch.chdir(project)
    with pytest.raises(click.UsageError, match="name a clone"):
        find_home(None)
