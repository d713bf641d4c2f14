"""Podman, behind Docker's API, is refused at once and everywhere in the same words; and the reasons are still true."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest

from bootstrap import engine
from gateway.launcher.engine.specification import Sandbox
from gateway.model.jobs import Limits
from tests.fakes import KEY, wait_until
from tests.hosts.trees import tree
from tests.support import runtimes
from tests.support.command import run
from tests.support.live import free_port
from tests.support.machine import slowed
from tests.support.second_engine import EngineSetup

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def podman() -> Iterator[dict[str, str]]:
    """Return an environment whose commands find Podman, as root, as their engine."""
    runtimes.need_root()
    root = tree("trixie", "podman")
    with tempfile.TemporaryDirectory(prefix="fb-") as name:
        folder = Path(name)
        prepare = " && ".join(shlex.join(command) for command in EngineSetup(root=root).mounts(folder))
        prefix = ["setpriv", "--pdeathsig=TERM", "unshare", "--net", "--mount", "--propagation=private"]
        service = ["podman", f"--root={folder}/data", f"--runroot={folder}/run", "system", "service", "--time=0"]
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [*prefix, "sh", "-c", f'{prepare} && exec "$@"', "sh", *service, f"unix://{folder}/s"],
                stdout=log,
                stderr=log,
                env={**os.environ, "TMPDIR": name},
            )
        try:
            wait_until(lambda: engine.answers(folder / "s") or process.poll() is not None, "Podman answers")
            assert process.poll() is None, (folder / "log").read_text()
            ours = {name: value for name, value in os.environ.items() if not name.startswith("FIGBOX_")}
            yield {**ours, "DOCKER_HOST": f"unix://{folder}/s", "API_KEY": KEY}
        finally:
            process.terminate()
            process.wait(slowed(30))


def test_set_up_refuses_it(podman: dict[str, str]) -> None:
    """Before anything is built there."""
    done = run(sys.executable, "-m", "bootstrap", "engine", env=podman)
    assert (done.returncode, done.stderr.strip()) == (1, f"Figbox can't work here: {engine.PODMAN}.")


def test_start_is_refused(podman: dict[str, str]) -> None:
    """The service says why and ends; it doesn't answer 503 for ever."""
    own = {**podman, "PORT": str(free_port()), "FIGBOX_METRICS_PORT": "0"}
    done = run(sys.executable, "-m", "gateway", env=own, limit_s=slowed(60))
    assert (done.returncode, done.stderr.splitlines()[-1]) == (1, f"figbox: {engine.PODMAN}")


def test_doctor_says_the_same(podman: dict[str, str]) -> None:
    """It is bad, in the same words; and runtimes that are only listed aren't taken for there."""
    done = run(sys.executable, "-m", "bootstrap", "--json", "doctor", env=podman, limit_s=slowed(60))
    assert done.returncode == 2
    findings = {finding["name"]: finding for finding in json.loads(done.stdout)["findings"]}
    assert (findings["engine.product"]["level"], findings["engine.product"]["what"]) == ("bad", engine.PODMAN)


def test_it_still_takes_no_job(podman: dict[str, str]) -> None:
    """It refuses a job's container; once it doesn't, this test says that Podman may be worth another look."""
    client = docker.APIClient(podman["DOCKER_HOST"], version="auto")
    try:
        empty = b"\0" * 10240  # a tarball of nothing
        image = json.loads(client.import_image_from_data(empty, repository="empty"))["status"]
        sandbox = Sandbox(image, Limits(), None, "here", "now", 60)
        with pytest.raises(docker.errors.APIError, match=r"seccomp profile|nr_inodes"):
            client.create_container_from_config(sandbox.job_config(20_000))
    finally:
        client.close()
