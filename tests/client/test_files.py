"""Whose files count as a project's."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from figbox.check.config import find_config
from figbox.cli.settings import find_project
from figbox.files import is_anybodys

if TYPE_CHECKING:
    from pathlib import Path

NOBODY = 65534

as_root = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="makes files of another user")


@pytest.fixture
def shared(tmp_path: Path) -> Path:
    """Return a folder like `/tmp`, with another user's settings in it."""
    folder = tmp_path / "shared"
    folder.mkdir()
    (folder / "pyproject.toml").write_text('[tool.figbox]\nurl = "http://elsewhere.example"\n')
    (folder / "figbox.toml").write_text('[check]\ninclude = ["plots"]\n')
    (folder / "figbox.lock").write_text("version = 1\n")
    folder.chmod(0o1777)
    return folder


@as_root
@pytest.mark.machine_bound
def test_another_users_file_in_a_shared_folder_is_no_project(shared: Path) -> None:
    """Neither address, which the key would go to, nor configuration, nor lock counts for a folder below it."""
    mine = shared / "mine"
    mine.mkdir()
    for path in (*shared.glob("*.toml"), shared / "figbox.lock"):
        os.chown(path, NOBODY, NOBODY)
    assert find_project(mine) is None
    assert find_config(mine).root == mine
    link = shared / "link.toml"
    link.symlink_to(shared / "mine")
    os.lchown(link, NOBODY, NOBODY)
    assert is_anybodys(link)


def test_my_own_file_in_a_shared_folder_counts(shared: Path) -> None:
    """CI services check out into folders that anybody can write; the files in them are the job's user's, or root's."""
    project = find_project(shared)
    assert project is not None
    assert project.path == shared / "pyproject.toml"
    assert find_config(shared).root == shared
    (shared / "figbox.toml").unlink()
    (shared / "mine").mkdir()
    assert find_config(shared / "mine").root == shared


@as_root
@pytest.mark.machine_bound
def test_another_users_file_in_their_own_folder_counts(shared: Path) -> None:
    """Who goes into another's project means it."""
    shared.chmod(0o755)
    for path in (shared, *shared.glob("*.toml")):
        os.chown(path, NOBODY, NOBODY)
    assert find_project(shared) is not None
    assert find_config(shared).include == ("plots",)
