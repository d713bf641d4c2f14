"""A project of many scripts, made of those in examples/: each with other random numbers, and a line of its own."""

from __future__ import annotations

import itertools
import re
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.settings import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EXAMPLES = ROOT / "examples"

#: How every example ends: what people see at their desk, and a service doesn't need.
SHOWS = "plt.show()\n"

_SEED = re.compile(r"default_rng\((\d+)\)")


@dataclass(frozen=True, slots=True)
class Project:
    """A project in git.

    Attributes:
        folder: Its folder; the scripts are below `plots`.
        saving: The same scripts, each of which saves its figure as PNG beside it, as it must without a service.
        names: The scripts' paths below `plots`.
    """

    folder: Path
    saving: Path
    names: tuple[str, ...]

    def change(self, number: int) -> None:
        """Give the first script another label, with a number that it hasn't had, and commit that."""
        path = self.folder / "plots" / self.names[0]
        path.write_text(path.read_text("utf-8") + f"plt.gcf().text(0, 0, 'revision {number}')\n", "utf-8")
        self.git("commit", "-q", "-a", "-m", "change")

    def git(self, *arguments: str) -> None:
        """Run git in it."""
        identity = ("-c", "user.name=benchmark", "-c", "user.email=benchmark@localhost")
        subprocess.run(["git", *identity, "-C", str(self.folder), *arguments], check=True, capture_output=True)


def make_project(folder: Path, count: int) -> Project:
    """Write a project of so many scripts into a new folder, and commit it."""
    examples = sorted(EXAMPLES.glob("*.py"))
    names = []
    for number, example in zip(range(count), itertools.cycle(examples), strict=False):
        name = f"site-{number // len(examples):02}/{example.stem}.py"
        text = _varied(example.read_text("utf-8"), number)
        _write(folder / "project" / "plots" / name, text)
        _write(folder / "saving" / name, text.replace(SHOWS, f"plt.savefig({str(example.stem)!r} + '.png')\n"))
        names.append(name)
    project = Project(folder / "project", folder / "saving", tuple(names))
    project.git("init", "-q")
    project.git("add", "--all")
    project.git("commit", "-q", "-m", "scripts")
    return project


def _varied(text: str, number: int) -> str:
    """Return a script with other random numbers, and a label that no other has."""
    seeded = _SEED.sub(lambda match: f"default_rng({int(match[1]) + number})", text)
    label = f'plt.gcf().text(0.99, 0.01, "site {number}", ha="right", fontsize=7)\n'
    if SHOWS not in seeded:
        raise ValueError("an example doesn't end in plt.show()")
    return seeded.replace(SHOWS, label + SHOWS)


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
