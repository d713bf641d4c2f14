"""A repository with a release to make: this checkout's files under another version, committed and tagged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

from tests.documents.pages import ROOT
from tests.support.checkout import copy_checkout
from tools.release.source import CHANGELOG, NAMED_IN

if TYPE_CHECKING:
    from pathlib import Path

VERSION = "9.8.7"
TAG = f"v{VERSION}"
CHANGES = "### Added\n\n- Everything."
COMMITTED = "2026-02-03T04:05:06Z"


def make_repository(folder: Path, *, whole: bool) -> Path:
    """Make it in a new folder, with all files or those alone that decide whether it can be released; return it."""
    folder.mkdir()
    if whole:
        copy_checkout(folder)
        (folder / ".venv").unlink()
    for name in (*NAMED_IN, CHANGELOG, "README.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    for name in NAMED_IN:
        text = (folder / name).read_text()
        named = re.compile(r'^((?:__version__|version) = )"[^"]+"', re.MULTILINE)
        (folder / name).write_text(named.sub(rf'\1"{VERSION}"', text))
    changelog = (folder / CHANGELOG).read_text()
    section = f"## [Unreleased]\n\n## [{VERSION}] - 2026-02-03\n\n{CHANGES}\n\n## [0.0.1]"
    (folder / CHANGELOG).write_text(changelog.replace("## [Unreleased]", section, 1))
    git(folder, "init", "--quiet")
    commit(folder)
    git(folder, "tag", TAG)
    return folder


def commit(repository: Path) -> None:
    """Commit all changes."""
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "x")


def git(repository: Path, *words: str) -> str:
    """Run git; return what it prints."""
    who = {f"GIT_{role}_{what}": "x@example.org" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    when = {f"GIT_{role}_DATE": COMMITTED for role in ("AUTHOR", "COMMITTER")}
    environment = {**os.environ, **who, **when, "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(
        ["git", *words], cwd=repository, env=environment, check=True, capture_output=True, text=True
    ).stdout
