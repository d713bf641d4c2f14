"""The recipes for CI in docs/recipes.md run as they stand, each with a service that it starts itself."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.client.conftest import write
from tests.documents.conftest import PLOT
from tests.documents.pages import RECIPES, blocks
from tests.fakes import wait_until
from tests.support.checkout import copy_checkout
from tests.support.command import command_folder, environment
from tests.support.live import containers_of, engine_url, free_port, remove_containers_of
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.engine


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one script, and a clone of Figbox where the recipes expect it."""
    folder = write(tmp_path / "work" / "plots" / "a.py", PLOT).parents[1]
    copy_checkout(folder / ".figbox-service")
    return folder


def recipe(part: str) -> dict[Any, Any]:
    """Return the recipe that has a text, as CI reads it."""
    (found,) = [yaml.safe_load(block) for block in blocks(RECIPES, "yaml") if part in block]
    return dict(found)


def run(script: str, project: Path) -> None:
    """Run a job's script with the variables of a CI service, and end what it left running, as a CI service does."""
    installation = f"test-recipe-{os.getpid()}"
    port, commands = free_port(), command_folder(project.parent / "bin")
    # The client is installed already; tests of its own show that its installation works.
    write(commands / "pip", "#!/bin/sh\ntest \"$*\" = 'install ./.figbox-service'\n").chmod(0o755)
    variables = environment(
        commands,
        CI="true",
        PORT=str(port),
        FIGBOX_URL=f"http://127.0.0.1:{port}",
        FIGBOX_METRICS_PORT=str(free_port()),
        FIGBOX_INSTALLATION=installation,
        GITHUB_ENV=str(write(project.parent / "github_env", "")),
        PYTHON=sys.executable,
    )
    variables.pop("FIGBOX_API_KEY", None)
    log = project.parent / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["bash", "-e", "-c", script],
            cwd=project,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        status = process.wait(slowed(300))
        service_log = project / "figbox.log"
        assert status == 0, log.read_text() + (service_log.read_text() if service_log.exists() else "")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            wait_until(lambda: not containers_of(installation, engine_url()), "its containers are gone", slowed(60))
        finally:
            remove_containers_of(installation, engine_url())


def assert_kept(project: Path, patterns: list[str]) -> None:
    """Check that everything that a job keeps is there, and that its report says all is well."""
    for pattern in patterns:
        assert list(project.glob(pattern)), pattern
    summary = json.loads((project / "report.json").read_text())["summary"]
    assert summary["rendered"] == summary["scripts"] == 1
    assert {path.name for path in (project / "figures").iterdir()} == {"a.png", "a.svg"}


def test_github_workflow(project: Path) -> None:
    """Its steps, each in a shell of its own, start the service and leave the artifacts."""
    workflow = recipe("runs-on:")
    assert set(workflow) == {"name", True, "permissions", "jobs"}  # YAML reads `on` as a boolean
    (job,) = workflow["jobs"].values()
    assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    scripts = [step["run"] for step in job["steps"] if "run" in step]
    run("\n".join(f'set -a; . "$GITHUB_ENV"; set +a; bash -e -c {shlex.quote(text)}' for text in scripts), project)
    keep = job["steps"][-1]
    assert keep["if"] == "always()"
    assert_kept(project, keep["with"]["path"].split())


def test_gitlab_job(project: Path) -> None:
    """Its script, in one shell, starts the service and leaves the artifacts."""
    (job,) = recipe("before_script:").values()
    assert set(job) == {"image", "tags", "variables", "before_script", "script", "artifacts"}
    clone, install = job["before_script"]
    assert clone.startswith("git clone ")
    run("\n".join([install, *job["script"]]), project)
    assert job["artifacts"]["when"] == "always"
    assert_kept(project, job["artifacts"]["paths"])
