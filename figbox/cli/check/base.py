"""The git state that a check compares with."""

from __future__ import annotations

import glob
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from figbox.check.revision import Repository
from figbox.cli.batch.data import DATA_LIMIT_MIB, MiB
from figbox.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from figbox.check.config import Config

#: Files of a state that couldn't be had, of which so many are named.
NAMED = 5

#: Characters of a commit's name that are shown.
SHORT = 10


def export_base(config: Config, reference: str, paths: Sequence[str], target: Path, say: Callable[[str], None]) -> str:
    """Write the files of a git state into a folder; return the commit.

    It is the last commit that the state and the work tree have in common, so that what others did to the state since
    then isn't taken for a change of ours.

    Args:
        config: The project.
        reference: The git state.
        paths: What is checked.
        target: An empty folder.
        say: Takes lines for people.

    Raises:
        CheckError: There is no such state, or no git.
    """
    repository = Repository(config.root)
    named = repository.commit(reference)
    commit = repository.origin_of(named)
    if commit is None:
        say(f"compared with {reference} itself ({named[:SHORT]}): git can't tell where the work tree left it")
        commit = named
    elif commit != named:
        say(f"compared with {commit[:SHORT]}, where the work tree left {reference}")
    else:
        say(f"compared with {reference} ({commit[:SHORT]})")
    below = [folder_of(config.root, text) for text in (*paths, *config.data)]
    left_out = repository.export(commit, target, below, DATA_LIMIT_MIB * MiB)
    for entry in left_out[:NAMED]:
        say(f"    not there as in {commit[:SHORT]}: {one_line(entry.name)}: {entry.reason}")
    if len(left_out) > NAMED:
        say(f"    and {len(left_out) - NAMED} more")
    return commit


def folder_of(root: Path, text: str) -> str:
    """Return the folder that has all that a path or pattern names, and the data beside it."""
    if (root / text).is_dir():
        return text
    parts = []
    for part in PurePosixPath(text).parts[:-1]:
        if glob.has_magic(part):
            break
        parts.append(part)
    return str(PurePosixPath(*parts))
