"""The template for GitLab: its job's scripts, run here with the variables that GitLab gives, and a real engine."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import pytest

from tests.client.check.conftest import git
from tests.documents.pages import ROOT
from tests.recipes.files import GITLAB, load
from tests.support.checkout import copy_checkout
from tests.support.command import run
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

pytestmark = pytest.mark.engine

LIMIT_S = slowed(600)


def job() -> dict[str, Any]:
    """Return the job."""
    return dict(load(GITLAB)[".figbox"])


def filled(variables: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """Return the job's variables with the names in them replaced, as GitLab does before the shell sees them."""
    found = dict(given)
    for name, value in variables.items():
        for other, text in given.items():
            value = value.replace(f"${other}", text)  # noqa: PLW2901 - one after the other
        found[name] = value
    return found


def test_merge_request(tmp_path: Path, variables: dict[str, str]) -> None:
    """A merge request whose branch is named to be run gets a report, with pictures where GitLab looks for them."""
    figbox = copy_checkout(tmp_path / "origin")
    git(figbox, "init", "-q")
    git(figbox, "add", "--all")
    git(figbox, "commit", "-q", "-m", "Figbox")
    git(figbox, "tag", "v1")
    project = tmp_path / "builds" / "plots"
    shutil.copytree(ROOT / "examples" / "ci", project)
    git(project, "init", "-q")
    git(project, "add", "--all")
    git(project, "commit", "-q", "-m", "Begin")
    base = git(project, "rev-parse", "HEAD")
    text = (project / "plots" / "rain.py").read_text("utf-8")
    (project / "plots" / "rain.py").write_text(text.replace('"Rain"', '"Rain in the valley"'))
    given = {
        "CI_PROJECT_DIR": str(project),
        "CI_MERGE_REQUEST_DIFF_BASE_SHA": base,
        "CI_COMMIT_REF_NAME": "x;touch${IFS}pwned;$(touch${IFS}pwned)",
        "CI": "true",
    }
    ours = filled(job()["variables"], given)
    ours |= {"CHECK_REPOSITORY": f"file://{figbox}", "CHECK_REF": "v1", "FIGBOX_HOME": str(tmp_path / "figbox")}
    ours |= {"CHECK_MODE": "base"}
    before, script, after = ("\n".join(job()[name]) for name in ("before_script", "script", "after_script"))
    # The environment of this checkout, so that the clone needn't make its own.
    before = before.replace("\nbash ", f'\nln -s "{ROOT}/.venv" "$FIGBOX_HOME/.venv"\nbash ', 1)
    env = {**{name: value for name, value in variables.items() if name != "FIGBOX_HOME"}, **ours}
    done = run("bash", "-eo", "pipefail", "-c", f"{before}\n{script}", folder=project, env=env, limit_s=LIMIT_S)
    assert done.returncode == 1, done.stdout + done.stderr
    ended = run("bash", "-c", after, folder=project, env=env, limit_s=LIMIT_S)
    assert ended.returncode == 0, ended.stderr
    artifacts = job()["artifacts"]
    suite = ET.parse(project / artifacts["reports"]["junit"]).getroot()  # noqa: S314 - ours
    (case,) = suite.iterfind(".//testcase[failure]")
    assert case.get("name") == "plots/rain"
    mention = str(case.findtext("system-out"))
    picture = mention.removeprefix("[[ATTACHMENT|").removesuffix("]]")
    assert (project / picture).read_bytes().startswith(b"\x89PNG")
    assert any(picture.startswith(path) for path in artifacts["paths"])
    assert (project / ".figbox-ci" / "reports" / "report.html").is_file()
    assert not list(tmp_path.rglob("pwned"))
