"""A state of a project in git, read object by object.

git itself is only asked for objects: nothing is checked out, so no hook, filter or attribute of the repository has a
say, and its index and work tree stay as they are. Names come from whoever wrote the commit: those that would lead out
of the folder, or into git's own, are left out.

Source: git-ls-tree(1), git-cat-file(1) "BATCH OUTPUT", gitglossary(7) "pathspec"; Git LFS specification, "The Pointer".
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from figbox.check.errors import CheckError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

LIMIT_S = 120

#: Bytes of files that are held in memory at once.
GROUP_BYTES = 64 * 1024 * 1024

#: What a hook's environment has of the repository that it runs in, which need not be the one that we ask.
OF_A_HOOK = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX")

#: Kinds of entries in a tree, by mode.
LINK, SUBMODULE = "120000", "160000"

#: How the file begins that stands for one in Git's Large File Storage.
LFS_POINTER = b"version https://git-lfs.github.com/spec/v1\n"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a state."""

    mode: str
    object_id: str
    size_bytes: int
    name: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """What of a state isn't a plain file here, and why."""

    name: str
    reason: str


class Repository:
    """The git repository that a folder is in."""

    def __init__(self, folder: Path) -> None:
        """Find it; raise CheckError if the folder is in none, or there is no git."""
        self._folder = folder
        #: The folder's path in the repository, with a slash behind it; empty at its top.
        self.prefix = self._said("rev-parse", "--show-prefix")

    def commit(self, reference: str) -> str:
        """Return the commit that a name means; raise CheckError if it means none."""
        if reference.startswith("-"):
            raise CheckError(f"{reference!r} isn't the name of a git state")
        done = self._run("rev-parse", "--verify", "--quiet", "--end-of-options", f"{reference}^{{commit}}")
        if done.returncode:
            raise CheckError(f"git knows no state {reference!r}: fetch it, since a shallow clone has only the last")
        return done.stdout.decode("ascii").strip()

    def origin_of(self, commit: str) -> str | None:
        """Return the last commit that a state and the work tree have in common; None if git can't tell."""
        done = self._run("merge-base", commit, "HEAD")
        return done.stdout.decode("ascii").strip() if not done.returncode else None

    def commit_that_added(self, text: str, name: str) -> str | None:
        """Return the newest commit before the work tree that added a text to a file, or took it away."""
        searched = ("log", "-1", "--format=%H", "--no-textconv", "--no-ext-diff", f"-S{text}", "HEAD", "--")
        done = self._run(*searched, f":(literal){name}")
        return done.stdout.decode("ascii").strip() or None if not done.returncode else None

    def read(self, commit: str, name: str) -> bytes | None:
        """Return a file of a state; None if there is none of that name."""
        done = self._run("cat-file", "blob", f"{commit}:{self.prefix}{name}")
        return done.stdout if not done.returncode else None

    def export(self, commit: str, target: Path, below: Sequence[str], limit_bytes: int) -> list[LeftOut]:
        """Write the files of a state, as they are below the repository's folder, into an empty folder.

        Args:
            commit: The state.
            target: The folder.
            below: Files and folders that are wanted; "." is all.
            limit_bytes: Files with more bytes are as large, and empty: they are too large to be sent anyway.

        Returns:
            What isn't there: links, submodules, files in Git LFS, and names that can't be used.
        """
        left_out: list[LeftOut] = []
        wanted: list[Entry] = []
        for entry in self._entries(commit):
            if not _is_below(entry.name, below):
                continue
            reason = _reason(entry)
            if reason is None:
                wanted.append(entry)
            else:
                left_out.append(LeftOut(entry.name, reason))
        for group in _groups(wanted, limit_bytes):
            contents = dict(zip(group, self._contents(group), strict=True))
            left_out += [entry for entry in map(partial(_write, target), contents.items()) if entry is not None]
        for entry in wanted:
            if entry.size_bytes > limit_bytes:
                left_out += filter(None, [_write(target, (entry, None))])
        return left_out

    def _entries(self, commit: str) -> Iterator[Entry]:
        done = self._run("ls-tree", "-r", "-z", "-l", "--full-tree", commit)
        if done.returncode:
            raise CheckError(f"git can't list {commit}: {_last_line(done.stderr)}")
        prefix = os.fsencode(self.prefix)
        for line in done.stdout.split(b"\0")[:-1]:
            head, _, name = line.partition(b"\t")
            if name.startswith(prefix):
                mode, _, object_id, size = head.decode("ascii").split()
                short = os.fsdecode(name.removeprefix(prefix))
                yield Entry(mode, object_id, int(size) if size.isdigit() else 0, short)

    def _contents(self, entries: Sequence[Entry]) -> Iterator[bytes]:
        """Yield the contents of files, in order."""
        if not entries:
            return
        asked = "".join(f"{entry.object_id}\n" for entry in entries).encode("ascii")
        done = self._run("cat-file", "--batch", given=asked)
        at, answer = 0, done.stdout
        for entry in entries:
            end = answer.find(b"\n", at)
            head = answer[at:end].split()
            if done.returncode or end < 0 or len(head) != 3 or head[1] != b"blob":  # noqa: PLR2004 - id, kind, size
                raise CheckError(f"git can't read {entry.name!r}: {_last_line(done.stderr) or 'it is missing'}")
            at = end + 1 + int(head[2]) + 1
            yield answer[end + 1 : at - 1]

    def _said(self, *arguments: str) -> str:
        done = self._run(*arguments)
        if done.returncode:
            raise CheckError(f"git can't be asked in {self._folder}: {_last_line(done.stderr)}")
        return os.fsdecode(done.stdout).removesuffix("\n")

    def _run(self, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        call = ["git", "--no-pager", "--no-replace-objects", "-C", str(self._folder), *arguments]
        variables = {name: value for name, value in os.environ.items() if name not in OF_A_HOOK}
        variables |= {"GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "LC_ALL": "C"}
        try:
            return subprocess.run(call, input=given, capture_output=True, check=False, timeout=LIMIT_S, env=variables)
        except FileNotFoundError:
            raise CheckError("there is no git here, which --base needs") from None
        except subprocess.TimeoutExpired:
            raise CheckError(f"git {arguments[0]} didn't end within {LIMIT_S} s") from None


def _groups(entries: Sequence[Entry], limit_bytes: int) -> Iterator[list[Entry]]:
    """Yield files that aren't too large, as many together as are held in memory."""
    group: list[Entry] = []
    size = 0
    for entry in entries:
        if entry.size_bytes > limit_bytes:
            continue
        if group and size + entry.size_bytes > GROUP_BYTES:
            yield group
            group, size = [], 0
        group.append(entry)
        size += entry.size_bytes
    if group:
        yield group


def _write(target: Path, found: tuple[Entry, bytes | None]) -> LeftOut | None:
    """Write a file, or one of its size if it has no content; return why not if that isn't done."""
    entry, content = found
    if content is not None and content.startswith(LFS_POINTER):
        return LeftOut(entry.name, "it is in Git LFS")
    try:
        path = target.joinpath(*entry.name.split("/"))
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            if content is None:
                file.truncate(entry.size_bytes)
            else:
                file.write(content)
    except OSError as error:
        return LeftOut(entry.name, f"it can't be written: {error.strerror}")
    return None


def _is_below(name: str, below: Sequence[str]) -> bool:
    return any(path in (".", name) or name.startswith(f"{path}/") for path in below)


def _reason(entry: Entry) -> str | None:
    """Return why an entry isn't written, or None."""
    if entry.mode == LINK:
        return "it is a symbolic link"
    if entry.mode == SUBMODULE:
        return "it is a submodule"
    parts = entry.name.split("/")
    if any(part in ("", ".", "..") or part.casefold() == ".git" or "\\" in part for part in parts):
        return "its name can't be used"
    return None


def _last_line(said: bytes) -> str:
    lines = said.decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
