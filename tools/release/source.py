"""What a release is made from: a commit that is tagged, with nothing beside it, and the changelog's section of it."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap.steps import SetupError, run

if TYPE_CHECKING:
    from pathlib import Path

#: Files that name the version, and how; all must name the same.
NAMED_IN = {
    "pyproject.toml": r'^version = "([^"]+)"$',
    "gateway/__init__.py": r'^__version__ = "([^"]+)"$',
    "figbox/__init__.py": r'^__version__ = "([^"]+)"$',
}

#: Versions that are released: MAJOR.MINOR.PATCH. Source: semver.org, 2.
VERSION = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)")

CHANGELOG = "CHANGELOG.md"
UNRELEASED = "Unreleased"
GIT_REMEDY = "See what git says."


@dataclass(frozen=True, slots=True)
class Source:
    """What a release is made from.

    Attributes:
        version: Without the tag's `v`.
        commit: Its name, as 40 hex digits.
        time: When it was committed, in seconds since 1970: the time of everything that is made.
        changes: The changelog's section, in Markdown.
    """

    version: str
    commit: str
    time: int
    changes: str


def of_release(root: Path, *, is_try: bool = False) -> Source:
    """Return what the release of a repository's present commit is made from.

    Args:
        root: The repository.
        is_try: Make do without a tag, and with the section of what isn't released.

    Raises:
        SetupError: There are changes that aren't committed, the commit has no tag of its version, the files name
            several versions, or the changelog doesn't have this one; the text says what to do.
    """
    changed = _git(root, "status", "--porcelain")
    if changed:
        raise SetupError(f"This tree isn't clean: commit, or remove\n{changed}")
    version = version_of(root)
    commit = _git(root, "rev-parse", "HEAD")
    tags = _git(root, "tag", "--points-at", "HEAD").split()
    if f"v{version}" not in tags and not is_try:
        found = ", ".join(tags) or "no tag"
        raise SetupError(
            f"The version is {version}, and this commit has {found}: check out v{version}, or try without (ARGS=--try)."
        )
    changes = changes_of(root, version)
    if changes is None and is_try:
        changes = changes_of(root, UNRELEASED)
    if not changes:
        raise SetupError(f"{CHANGELOG} says nothing in a section [{version}]: write it, and set the tag after that.")
    return Source(version, commit, int(_git(root, "show", "--no-patch", "--format=%ct", "HEAD")), changes)


def version_of(root: Path) -> str:
    """Return the version that all files name.

    Raises:
        SetupError: They don't agree, or it isn't one to release.
    """
    found = {}
    for name, pattern in NAMED_IN.items():
        match = re.search(pattern, (root / name).read_text("utf-8"), re.MULTILINE)
        found[name] = match[1] if match else "none"
    versions = set(found.values())
    if len(versions) != 1 or VERSION.fullmatch(version := versions.pop()) is None:
        told = ", ".join(f"{name} {version}" for name, version in found.items())
        raise SetupError(f"These files must name the same version, as 1.2.3: {told}.")
    return version


def changes_of(root: Path, version: str) -> str | None:
    """Return the section of a version in the changelog, with its heading; None if there is none, or nothing in it."""
    text = (root / CHANGELOG).read_text("utf-8")
    heading = re.search(rf"^## \[{re.escape(version)}\].*$", text, re.MULTILINE)
    if heading is None:
        return None
    body = re.split(r"^## |^\[[^\]]+\]: ", text[heading.end() :], maxsplit=1, flags=re.MULTILINE)[0].strip()
    return f"{heading[0]}\n\n{body}\n" if body else None


def check_out(root: Path, source: Source, folder: Path) -> None:
    """Make a fresh checkout of a release's commit, with modes and line ends that don't depend on this user's.

    Raises:
        SetupError: git failed.
    """
    run(["git", "clone", "--quiet", "--no-checkout", root, folder], remedy=GIT_REMEDY)
    as_it_is = ["-c", "core.autocrlf=false"]
    run(["git", *as_it_is, "checkout", "--quiet", "--detach", source.commit], remedy=GIT_REMEDY, folder=folder)
    tracked = subprocess.run(["git", "ls-files", "-sz"], cwd=folder, capture_output=True, text=True, check=True).stdout
    for line in filter(None, tracked.split("\0")):
        mode, name = line[:6], line.partition("\t")[2]
        if mode in {"100644", "100755"}:
            (folder / name).chmod(0o755 if mode == "100755" else 0o644)


def _git(root: Path, *words: str) -> str:
    return run(["git", *words], remedy=GIT_REMEDY, folder=root).strip()
