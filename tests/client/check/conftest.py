"""A sample project in git, and a service that draws: its pictures are real, and depend on what a figure is made of."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.check.pictures import png
from tests.client.conftest import PLOT, Done, Figbox, write
from tests.client.service import ENVIRONMENT, Canned, Service, draw, figure, rendered
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

IMAGE = ENVIRONMENT["image"]

#: What the sample project has.
FILES = {
    "figbox.toml": '[check]\ninclude = ["plots", "README.md"]\n',
    "plots/bars.py": PLOT + "plt.bar([1], [2])\n",
    "plots/rain.py": PLOT + "plt.plot(open('rain.csv').read())\n",
    "plots/rain.csv": "1,2\n",
    "plots/two.py": "plt.figure()\nplt.figure()\n",
    "README.md": "# Sample\n\n```python figure=trend\nplt.plot([3, 4])\n```\n\n```sh\nls\n```\n",
}

#: Its figures.
NAMES = ("README.md/trend", "plots/bars", "plots/rain", "plots/two", "plots/two-2")


@dataclass
class Renderer:
    """What draws the service's pictures.

    Attributes:
        images: Digest of the image of each environment.
        look: What an image draws otherwise than the others.
        metadata: Text in each picture that nobody sees.
        nudges: What to add to the first sample of a code's picture.
    """

    images: dict[str, str] = field(default_factory=lambda: {"default": IMAGE})
    look: dict[str, str] = field(default_factory=dict)
    metadata: str = ""
    nudges: dict[str, int] = field(default_factory=dict)

    def draw(self, document: dict[str, Any]) -> Canned:
        """Return the response to a render."""
        canned = draw(document)
        if canned.document is None or canned.status != 200:
            return canned
        image = self.images[document.get("environment", "default")]
        figures = [
            figure(found["number"], "png", data=self._picture(document, found["number"], image))
            for found in canned.document["figures"]
        ]
        return rendered(figures, manifest={"image": image})

    def _picture(self, document: dict[str, Any], number: int, image: str) -> bytes:
        code = [line for line in document["code"].splitlines() if not line.startswith("#")]
        seen = [code, document.get("files"), document.get("dpi"), number, self.look.get(image)]
        colour = bytearray(hashlib.sha256(json.dumps(seen).encode()).digest()[:3])
        nudge = next((value for text, value in self.nudges.items() if text in document["code"]), 0)
        colour[0] = (colour[0] & 0x7F) + nudge
        return png(4, 3, bytes(colour), self.metadata)


@dataclass(frozen=True)
class Project:
    """The sample project."""

    folder: Path
    figbox: Figbox
    service: Service
    renderer: Renderer

    def write(self, name: str, text: str | bytes) -> Path:
        """Write a file of it."""
        return write(self.folder / name, text)

    def check(self, *arguments: str) -> Done:
        """Run `figbox check`, without words, for which it draws again."""
        return self.figbox("check", "--no-words", *arguments)

    def accept(self, *arguments: str) -> Done:
        """Run `figbox accept`, which must work."""
        done = self.figbox("accept", *arguments)
        assert done.status == 0, done.stderr
        return done

    def verdicts(self, *arguments: str) -> dict[str, str]:
        """Return what `figbox check` says of each figure."""
        return {entry["name"]: entry["verdict"] for entry in self.report(*arguments)["figures"]}

    def others(self, *arguments: str) -> dict[str, str]:
        """Return what it says of each figure that isn't the same."""
        return {name: verdict for name, verdict in self.verdicts(*arguments).items() if verdict != "same"}

    def report(self, *arguments: str) -> dict[str, Any]:
        """Return the report of `figbox check`, which must agree with its exit status."""
        done = self.check("--json", *arguments)
        assert done.stdout, done.stderr
        report: dict[str, Any] = json.loads(done.stdout)
        same = all(entry["verdict"] == "same" for entry in report["figures"])
        assert done.status == (0 if same else 1), done.stderr
        return report

    def drawn(self) -> int:
        """Return how many renders the service was asked for."""
        return len(self.service.renders)

    def git(self, *arguments: str) -> str:
        """Run git in it."""
        return git(self.folder, *arguments)

    def commit(self, message: str = "change") -> str:
        """Commit everything; return the commit."""
        self.git("add", "--all")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")


def git(folder: Path, *arguments: str, given: str = "", variables: Mapping[str, str] | None = None) -> str:
    """Run git in a folder, without the settings of the person who runs the tests; return what it prints."""
    identity = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {
        **os.environ,
        **identity,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_SYSTEM": os.devnull,
        **(variables or {}),
    }
    call = ["git", "-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", "-C", str(folder), *arguments]
    done = subprocess.run(call, env=env, input=given, capture_output=True, text=True, check=False, timeout=slowed(60))
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture
def renderer(service: Service) -> Renderer:
    """Let the service draw."""
    found = Renderer()
    service.respond = found.draw
    return found


@pytest.fixture
def project(workplace: Path, figbox: Figbox, service: Service, renderer: Renderer) -> Project:
    """Return the sample project, in the working directory, with one commit."""
    made = Project(workplace, figbox, service, renderer)
    git(workplace, "init", "-q")
    for name, text in FILES.items():
        made.write(name, text)
    made.commit("first")
    return made


@pytest.fixture
def accepted(project: Project) -> Project:
    """Return the sample project with all figures accepted, in a second commit."""
    assert project.check().status == 1
    project.accept()
    project.commit("accept")
    return project


def use_images(service: Service, renderer: Renderer, **images: str) -> None:
    """Give the service environments with these images."""
    renderer.images = images
    service.environments = [{**ENVIRONMENT, "name": name, "image": image} for name, image in images.items()]
