"""A release is made only from a clean tree at its tag, whose files and changelog have that version."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.steps import SetupError
from tests.release.repository import CHANGES, VERSION, commit, git, make_repository
from tools.release import source

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Return a repository at a release's tag."""
    return make_repository(tmp_path / "repository", whole=False)


def test_a_tag_is_released(repository: Path) -> None:
    """With the version, the commit, its time, and the changelog's section alone."""
    found = source.of_release(repository)
    assert found.commit == git(repository, "rev-parse", "HEAD").strip()
    assert (found.version, found.time) == (VERSION, 1770091506)
    assert found.changes == f"## [{VERSION}] - 2026-02-03\n\n{CHANGES}\n"


@pytest.mark.parametrize("name", ["README.md", "new.txt"])
def test_a_tree_with_changes_is_refused(repository: Path, name: str) -> None:
    """Whether a file is changed or new: what is released is what is committed."""
    with (repository / name).open("a") as file:
        file.write("x")
    with pytest.raises(SetupError, match=f"isn't clean(?s:.)*{name}"):
        source.of_release(repository)


def test_a_commit_without_its_tag_is_refused(repository: Path) -> None:
    """One that has no tag, or that of another version; a try does without."""
    git(repository, "tag", "--delete", f"v{VERSION}")
    with pytest.raises(SetupError, match="this commit has no tag"):
        source.of_release(repository)
    git(repository, "tag", "v1.2.3")
    with pytest.raises(SetupError, match=r"The version is 9\.8\.7, and this commit has v1\.2\.3"):
        source.of_release(repository)
    assert source.of_release(repository, is_try=True).version == VERSION


@pytest.mark.parametrize("name", source.NAMED_IN)
@pytest.mark.parametrize("version", ["9.8.6", "9.8.7rc1", ""])
def test_files_that_disagree_are_refused(repository: Path, name: str, version: str) -> None:
    """Every file that names the version must have it."""
    file = repository / name
    file.write_text(file.read_text().replace(f'"{VERSION}"', f'"{version}"', 1))
    commit(repository)
    with pytest.raises(SetupError, match="must name the same version"):
        source.of_release(repository, is_try=True)


@pytest.mark.parametrize("section", ["", f"## [{VERSION}]\n\n## [0.0.1]", "## [9.8.70]\n\nx"])
def test_a_changelog_without_the_version_is_refused(repository: Path, section: str) -> None:
    """No section, an empty one, or one of a similar name; a try takes what isn't released."""
    changelog = repository / source.CHANGELOG
    changelog.write_text(f"# Changelog\n\n## [Unreleased]\n\n- News.\n\n{section}\n")
    commit(repository)
    git(repository, "tag", "--force", f"v{VERSION}")
    with pytest.raises(SetupError, match=r"nothing in a section \[9\.8\.7\]"):
        source.of_release(repository)
    assert source.of_release(repository, is_try=True).changes == "## [Unreleased]\n\n- News.\n"


def test_a_checkout_has_the_modes_of_git(repository: Path, tmp_path: Path) -> None:
    """Whatever the umask was when it was made."""
    found = source.of_release(repository)
    source.check_out(repository, found, tmp_path / "fresh")
    assert (tmp_path / "fresh" / "README.md").stat().st_mode & 0o777 == 0o644
    assert git(tmp_path / "fresh", "rev-parse", "HEAD").strip() == found.commit


def test_line_ends_are_those_of_the_commit(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this user has git make of them."""
    (tmp_path / "gitconfig").write_text("[core]\n\tautocrlf = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "gitconfig"))
    source.check_out(repository, source.of_release(repository), tmp_path / "fresh")
    assert (tmp_path / "fresh" / "README.md").read_bytes() == (repository / "README.md").read_bytes()
