"""pre-commit, make, tox and nox: what `ci/` and the manifest have for them does what it should."""

from __future__ import annotations

import configparser
import os
import runpy
import shutil
import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from tests.client.check.conftest import git
from tests.documents.pages import ROOT
from tests.recipes.files import CI
from tests.recipes.sample import Sample
from tests.support.checkout import copy_checkout
from tests.support.command import run
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SNIPPETS = CI / "snippets"

#: What each of the three runs.
COMMAND = ["figbox", "check", "--local"]

LIMIT_S = slowed(600)


@pytest.fixture
def accepted(tmp_path: Path, variables: dict[str, str], service: Mapping[str, str]) -> Sample:
    """Return the sample repository with all figures accepted."""
    folder = tmp_path / "sample"
    shutil.copytree(ROOT / "examples" / "ci", folder)
    made = Sample(folder, {**variables, **service})
    made.git("init", "-q")
    made.commit("Begin")
    assert made.check().status == 1
    made.accept()
    return made


@pytest.mark.engine
def test_pre_commit(accepted: Sample, tmp_path: Path) -> None:
    """The hook, installed by pre-commit from a clone, lets an unchanged commit pass and says what another changes."""
    clone = copy_checkout(tmp_path / "figbox")
    git(clone, "init", "-q")
    git(clone, "add", "--all")
    git(clone, "commit", "-q", "-m", "Figbox")
    revision = git(clone, "rev-parse", "HEAD")
    config = f"repos:\n- repo: file://{clone}\n  rev: {revision}\n  hooks:\n  - id: figbox-check\n"
    accepted.write(".pre-commit-config.yaml", config)
    accepted.commit("Check figures before each commit")
    # No service, no clone named: the hook has its own.
    left_out = {"FIGBOX_URL", "FIGBOX_API_KEY", "FIGBOX_HOME", "PYTHONPATH"}
    env = {name: value for name, value in accepted.variables.items() if name not in left_out}
    env |= {"PRE_COMMIT_HOME": str(tmp_path / "pre-commit"), "GIT_CONFIG_GLOBAL": os.devnull}
    call = (sys.executable, "-m", "pre_commit", "run", "--all-files", "--verbose", "--color=never")
    done = run(*call, folder=accepted.folder, env=env, limit_s=LIMIT_S)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing to draw: code, data and options are those of figbox.lock" in done.stdout
    accepted.replace("plots/rain.py", '"Rain"', '"Rain in the valley"')
    done = run(*call, folder=accepted.folder, env=env, limit_s=LIMIT_S)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "changed          plots/rain (changed: code)" in done.stdout, done.stdout
    assert "'Rain in the valley'" in done.stdout


@pytest.mark.engine
def test_make(accepted: Sample) -> None:
    """Its targets check and accept, with a service of their own."""
    shutil.copy(SNIPPETS / "Makefile", accepted.folder)
    accepted.replace("plots/rain.py", '"Rain"', '"Rain in the valley"')
    env = {**accepted.variables, "MAKEFLAGS": ""}
    done = run("make", "figures", folder=accepted.folder, env=env, limit_s=LIMIT_S)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout.splitlines()[0] == " ".join(COMMAND)
    assert "changed          plots/rain (changed: code)" in done.stderr
    done = run("make", "accept-figures", folder=accepted.folder, env=env, limit_s=LIMIT_S)
    assert (done.returncode, done.stderr) == (0, "accepted plots/rain\n")


def test_tox() -> None:
    """Its environment installs the clone with what a check may need, and runs the same command."""
    parsed = configparser.ConfigParser()
    parsed.read(SNIPPETS / "tox.ini")
    section = parsed["testenv:figures"]
    assert section["commands"].replace("{posargs}", "").split() == COMMAND
    assert section["deps"] == "{env:FIGBOX_HOME}[ci]"
    assert {"FIGBOX_*", "DOCKER_HOST"} == set(section["pass_env"].replace(",", "").split())


def test_nox(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its session does the same; nox isn't there, so a stand-in notes what the session asks of it."""
    asked: list[tuple[str, ...]] = []

    class Session:
        posargs = ("--all",)

        def install(self, *arguments: str) -> None:
            asked.append(("install", *arguments))

        def run(self, *arguments: str) -> None:
            asked.append(arguments)

    stand_in = ModuleType("nox")
    stand_in.session, stand_in.Session = (lambda function: function), Session  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nox", stand_in)
    monkeypatch.setenv("FIGBOX_HOME", "/clone")
    runpy.run_path(str(SNIPPETS / "noxfile.py"))["figures"](Session())
    assert asked == [("install", "/clone[ci]"), (*COMMAND, "--all")]
