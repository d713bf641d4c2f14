"""A copy of the sample repository, and what `figbox check` says in it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

from tests.client.check.conftest import git
from tests.client.conftest import write
from tests.support.command import run
from tests.support.machine import slowed

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping
    from pathlib import Path

LIMIT_S = slowed(300)

#: Its figures, by name.
NAMES = ("README.md/trend", "notebooks/spread", "plots/noise", "plots/noise-2", "plots/rain")


@dataclass(frozen=True)
class Told:
    """What a check told, by each of its ways.

    Attributes:
        status: Its exit status.
        stderr: What people see.
        figures: What JSON says of each figure, by name.
        scripts: What JSON says of the scripts that were sent.
        cases: JUnit's word for each figure: failure, error or nothing.
        summary: The summary in Markdown.
    """

    status: int
    stderr: str
    figures: dict[str, dict[str, Any]]
    scripts: list[dict[str, Any]]
    cases: dict[str, str]
    summary: str

    @property
    def verdicts(self) -> dict[str, str]:
        """Return the verdicts on figures that aren't the same."""
        return {name: entry["verdict"] for name, entry in self.figures.items() if entry["verdict"] != "same"}

    @property
    def words(self) -> dict[str, str]:
        """Return what changed in figures, in words, where there are any."""
        return {name: " ".join(entry["words"]) for name, entry in self.figures.items() if entry["words"]}


@dataclass(frozen=True)
class Sample:
    """The repository.

    Attributes:
        folder: Its folder.
        variables: The environment of commands.
        next_options: Options of a check that draws by the next image.
        next_variables: Variables of one.
    """

    folder: Path
    variables: Mapping[str, str]
    next_options: tuple[str, ...] = ()
    next_variables: Mapping[str, str] = field(default_factory=dict)

    def write(self, name: str, text: str) -> Path:
        """Write a file of it."""
        return write(self.folder / name, text)

    def replace(self, name: str, old: str, new: str) -> None:
        """Replace a text in a file, which has it."""
        text = (self.folder / name).read_text("utf-8")
        assert old in text
        self.write(name, text.replace(old, new))

    def git(self, *arguments: str) -> str:
        """Run git in it; return what it prints."""
        return git(self.folder, *arguments)

    def commit(self, message: str) -> str:
        """Commit everything; return the commit."""
        self.git("add", "--all")
        self.git("commit", "-q", "-m", message)
        return self.git("rev-parse", "HEAD")

    def figbox(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the command."""
        env = {**self.variables, **variables}
        return run("figbox", *arguments, folder=self.folder, env=env, limit_s=LIMIT_S)

    def check(self, *arguments: str, upgraded: bool = False) -> Told:
        """Check, with every report; they must agree with one another, and with the exit status."""
        reports = self.folder.parent / "reports"
        reports.mkdir(exist_ok=True)
        for old in reports.iterdir():
            old.unlink()
        files = ("--junit", str(reports / "check.xml"), "--summary", str(reports / "check.md"))
        more = self.next_options if upgraded else ()
        done = self.figbox("check", "--json", *files, *more, *arguments, **(self.next_variables if upgraded else {}))
        assert done.returncode in {0, 1}, done.stderr
        report = json.loads(done.stdout)
        suite = ET.parse(reports / "check.xml").getroot().find("testsuite")  # noqa: S314 - ours
        assert suite is not None
        cases = {
            str(case.get("name")): next((tag for tag in ("failure", "error") if case.find(tag) is not None), "")
            for case in suite
        }
        told = Told(
            done.returncode,
            done.stderr,
            {entry["name"]: entry for entry in report["figures"]},
            report["scripts"],
            cases,
            (reports / "check.md").read_text("utf-8"),
        )
        rows = dict(re.findall(r"^\| ([a-z ]+) \| `([^`]+)`", told.summary, re.MULTILINE))
        assert set(rows) == set(told.verdicts.values())
        assert set(cases) == set(told.figures)
        return told

    def accept(self, *arguments: str) -> str:
        """Accept, commit that, and return what the commit changed in the lock, without context."""
        done = self.figbox("accept", *arguments)
        assert done.returncode == 0, done.stderr
        self.commit("Accept figures")
        return self.git("show", "--format=", "--unified=0", "HEAD", "--", "figbox.lock")


def facts(diff: str) -> set[str]:
    """Return the facts that a diff of the lock touches."""
    return set(re.findall(r"^[+-](\w+) = ", diff, re.MULTILINE))


def tables(diff: str, sign: str) -> list[str]:
    """Return the figures that a diff of the lock adds or removes."""
    return re.findall(rf'^\{sign}\[figure\."([^"]+)"\]', diff, re.MULTILINE)
