"""The action and the workflows for GitHub, their steps run here in their order, with a real engine and real git."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from tests.client.check.conftest import git
from tests.client.conftest import write
from tests.documents.pages import CI as DOCUMENT
from tests.documents.pages import ROOT
from tests.recipes import github
from tests.recipes.files import ACTIONS, CI, WORKFLOWS
from tests.recipes.github import Job, Service
from tests.recipes.sample import NAMES
from tests.recipes.test_comment import GitHub, serving
from tests.support.checkout import copy_checkout
from tests.support.command import run
from tests.support.live import IMAGE, engine_client

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine

FIGURES = CI / "github" / "workflows" / "figures.yml"
ACCEPT, COMMENT = (FIGURES.with_name(f"figures-{name}.yml") for name in ("accept", "comment"))

#: Branches, a file and a title as someone may name them who would like them to be run.
BRANCH = "x;touch${IFS}pwned;$(touch${IFS}pwned)`touch${IFS}pwned`'\"<b>&"
START = "start;touch${IFS}pwned;$(touch${IFS}pwned)"
FILE = "plots/$(touch pwned);`touch pwned` \"q\" '<img src=x>' @team.py"
TITLE = "`|$(touch pwned) ${{ github.token }} ::set-output name=x::y <script>alert(1)</script> [x](http://evil.example)"


@dataclass
class Forge:
    """A repository on a forge, and what its jobs leave.

    Attributes:
        origin: The repository.
        service: See `Service`.
        variables: The environment of its machines.
    """

    origin: Path
    service: Service
    variables: dict[str, str]
    jobs: list[Job] = field(default_factory=list)

    def job(self, branch: str, event: dict[str, Any] | None = None, **facts: str) -> Job:
        """Return a job on a new machine, at the last commit of a branch."""
        about = {
            "sha": self.head(branch),
            "ref": f"refs/heads/{branch}",
            "ref_name": branch,
            "ref_type": "branch",
            "repository": "owner/plots",
            "server_url": "https://github.com",
            "actor": "maintainer",
            "event_name": "push",
            "base_ref": "",
            "token": "a-token",
            **facts,
        }
        folder = self.origin.parent / f"job-{len(self.jobs)}"
        event = {"repository": {"default_branch": "main"}, **(event or {})}
        self.jobs.append(Job(self.service, folder, about, event, self.variables, self.origin))
        return self.jobs[-1]

    def head(self, branch: str) -> str:
        """Return the last commit of a branch."""
        return git(self.origin, "rev-parse", f"refs/heads/{branch}")

    def commit(self, branch: str, files: dict[str, str]) -> str:
        """Commit files to a branch, which is made if there is none; return the commit."""
        clone = self.origin.parent / "clone"
        shutil.rmtree(clone, ignore_errors=True)
        git(self.origin.parent, "clone", "-q", str(self.origin), str(clone))
        is_new = not git(self.origin, "branch", "--list", branch)
        git(clone, "checkout", "-q", *(["-b"] if is_new else []), branch)
        for name, text in files.items():
            write(clone / name, text)
        git(clone, "add", "--all")
        git(clone, "commit", "-q", "-m", "Change")
        git(clone, "push", "-q", "origin", f"HEAD:refs/heads/{branch}")
        return self.head(branch)

    def report(self, name: str = "figbox-report") -> dict[str, Any]:
        """Return the report in the artifact of the last job."""
        found: dict[str, Any] = json.loads((self.service.artifacts[name] / "check.json").read_text("utf-8"))
        return found


@pytest.fixture(scope="module")
def image() -> Iterator[str]:
    """Return a name of the runner image that is ours to remove."""
    repository, tag = "figbox-runner-recipes", f"test-{secrets.token_hex(4)}"
    with engine_client() as client:
        client.tag(IMAGE, repository, tag)
        yield f"{repository}:{tag}"
        client.remove_image(f"{repository}:{tag}", noprune=True)


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the clone of Figbox that GitHub makes for the action."""
    return copy_checkout(tmp_path_factory.mktemp("actions") / "figbox")


@pytest.fixture
def forge(tmp_path: Path, variables: dict[str, str], clone: Path, image: str) -> Forge:
    """Return a forge with the sample repository."""
    work = tmp_path / "work"
    shutil.copytree(ROOT / "examples" / "ci", work)
    git(work, "init", "-q")
    git(work, "add", "--all")
    git(work, "commit", "-q", "-m", "Begin")
    origin = tmp_path / "origin.git"
    git(tmp_path, "clone", "-q", "--bare", str(work), str(origin))
    git(origin, "config", "uploadpack.allowAnySHA1InWant", "true")
    del variables["FIGBOX_HOME"]
    return Forge(origin, Service(tmp_path / "kept", clone), {**variables, "FIGBOX_IMAGE": image})


def test_actions_of_others_are_known() -> None:
    """Everything that the files use is done here, or is ours."""
    used = {name for path in (*ACTIONS, *WORKFLOWS) for name in github.used(path)}
    assert {name for name in used if not name.startswith(github.OWN)} == set(github.others())


def test_reviewed_change(forge: Forge, image: str, tmp_path: Path) -> None:
    """A branch's figures are accepted by a commit, main passes, a pull request fails with a report and a comment."""
    forge.commit(START, {"plots/wind.py": "plt.plot([3, 1, 2])\n"})

    # What was looked at is accepted, on its branch alone, and by a commit that the branch still has.
    for at, branch, names in (("ab" * 20, START, ""), (forge.head("main"), "main", "")):
        refused = forge.job(branch, {"inputs": {}})
        refused.workflow(ACCEPT, {"commit": at, "names": names, "prune": False})
        assert not (refused.workspace / "figbox.toml").exists()
    before = forge.head(START)
    job = forge.job(START)
    assert job.workflow(ACCEPT, {"commit": before[:12], "names": "", "prune": False}), job.shown
    assert git(forge.origin, "rev-parse", f"refs/heads/{START}^") == before
    assert set(git(forge.origin, "show", "--format=", "--name-only", f"refs/heads/{START}").split()) == {
        "figbox.lock",
        *(f"figures/{name}.png" for name in (*NAMES, "plots/wind")),
    }
    assert "accepted by maintainer" in git(forge.origin, "show", "--format=%B", "--no-patch", f"refs/heads/{START}")
    git(forge.origin, "update-ref", "refs/heads/main", forge.head(START))

    # With the images from the cache, as they were kept.
    with engine_client() as client:
        drawing = client.inspect_image(image)["Id"]
        client.remove_image(image, noprune=True)
        job = forge.job("main")
        assert job.workflow(FIGURES), job.shown
        assert client.inspect_image(image)["Id"] == drawing
    assert "building" not in job.shown
    (kept,) = forge.service.caches.values()
    (written,) = re.findall(r"it has ([0-9]+) MB", DOCUMENT.read_text("utf-8"))
    assert (kept / "images.tar").stat().st_size == pytest.approx(int(written) * 1e6, rel=0.1)
    assert forge.report()["summary"]["same"] == 6
    assert "6 same" in job.summary.read_text("utf-8")

    # A pull request, whose names would like to be run.
    changed = {"plots/wind.py": f"plt.plot([3, 1, 2])\nplt.title({TITLE!r}, parse_math=False)\n"}
    forge.commit(BRANCH, {**changed, FILE: f"raise ValueError({TITLE!r})\n"})
    about = {"event_name": "pull_request", "base_ref": "main", "head_ref": BRANCH}
    job = forge.job(BRANCH, **about, ref="refs/pull/5/merge", ref_name="5/merge")
    assert not job.workflow(FIGURES)
    assert {entry["name"]: entry["verdict"] for entry in forge.report()["figures"] if entry["verdict"] != "same"} == {
        "plots/wind": "changed",
        FILE: "failed",
    }
    assert {path.name for path in forge.service.artifacts["figbox-report"].iterdir()} == {
        *("check.json", "check.xml", "report.html", "status"),
    }
    assert "| failed | `plots/$(touch pwned);" in job.summary.read_text("utf-8")

    # The comment on it, from a workflow that may write.
    fork = {"id": 77, "full_name": "visitor/plots", "owner": {"login": "visitor"}}
    head = {"label": f"visitor:{BRANCH}", "sha": forge.head(BRANCH), "repo": fork}
    hub = GitHub(pulls=[{"number": 5, "head": head}])
    with serving(hub):
        event = {
            "id": 9,
            "event": "pull_request",
            "head_sha": head["sha"],
            "head_branch": BRANCH,
            "head_repository": fork,
            "html_url": "https://github.com/owner/plots/actions/runs/9",
        }
        job = forge.job("main", {"workflow_run": event}, api_url=hub.url)
        assert job.workflow(COMMENT), job.shown
    (comment,) = hub.comments
    assert "1 failed, 1 changed, 5 same" in comment["body"]
    assert not list(tmp_path.rglob("pwned"))
    assert not any(re.search(r"^::set-output", job.shown, re.MULTILINE) for job in forge.jobs)


def test_without_accepted_figures(forge: Forge) -> None:
    """Compared with the target branch, figures may change, failing code may not, and outputs count both."""
    forge.commit("title", {"plots/rain.py": "plt.plot([1])\n"})
    for name in ("plots/rain.py", None):
        if name is None:
            forge.commit("title", {"plots/noise.py": "raise ValueError\n"})
        job = forge.job("title", event_name="pull_request", base_ref="main")
        checkout = {"fetch-depth": "0", "persist-credentials": "False"}
        assert github._OTHERS["actions/checkout"](job, checkout)[0]
        inputs = {"mode": "base", "fail-on": "failures", "report": "", "cache": "false"}
        good, outputs = job.action(forge.service.figbox / "ci" / "github" / "action.yml", inputs)
        assert good == (name is not None), job.shown
        counts = {key: outputs[key] for key in ("status", "changed", "failed", "new", "missing", "not-run")}
        wanted = {"status": "0", "changed": "1", "failed": "0", "new": "0", "missing": "0", "not-run": "0"}
        assert counts == (wanted if good else {**wanted, "status": "1", "failed": "1"})
    assert forge.service.artifacts == forge.service.caches == {}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"CHECK_MODE": "x y"}, "mode must be accepted or base, not 'x y'"),
        ({"CHECK_FAIL_ON": "$(id)"}, "fail-on must be changes, failures or nothing, not '$(id)'"),
        ({"CHECK_MODE": "base"}, "mode 'base' needs the input 'base' outside of pull requests"),
    ],
)
def test_wrong_inputs(tmp_path: Path, given: dict[str, str], said: str) -> None:
    """They are told in a sentence, and nothing is started or written."""
    output = tmp_path / "output"
    inputs = {"CHECK_MODE": "accepted", "CHECK_BASE": "", "CHECK_FAIL_ON": "changes", **given}
    places = {"CHECK_FOLDER": str(tmp_path / "folder"), "FIGBOX_HOME": str(ROOT), "PYTHON": sys.executable}
    files = {"GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_BASE_REF": ""}
    done = run("bash", CI / "github" / "check.sh", folder=tmp_path, env={**os.environ, **inputs, **places, **files})
    assert (done.returncode, done.stderr) == (2, f"{said}\n")
    assert not output.exists()


@pytest.mark.parametrize("name", ["../x", "-x", "a;b", "X"])
def test_name_that_no_environment_has(name: str) -> None:
    """It is refused before it is a part of an image's name."""
    env = {**os.environ, "FIGBOX_HOME": str(ROOT), "CHECK_ENVIRONMENTS": name}
    done = run("bash", CI / "steps" / "image.sh", "save", "x", env=env)
    assert (done.returncode, done.stderr) == (2, f"'{name}' can't be an environment\n")
