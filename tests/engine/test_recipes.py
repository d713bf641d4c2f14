"""Every recipe of docs/recipes.md runs, on a live gateway or with one that it starts itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from PIL import Image

from tests.client.conftest import write
from tests.client.service import wait_until
from tests.fakes import KEY
from tests.support.checkout import copy_checkout
from tests.support.command import command_folder, environment, run_shell
from tests.support.documents import DOCUMENTED_URL, RECIPES, blocks
from tests.support.live import LiveGateway, engine_url, free_port, live_gateway, remove_containers_of

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.engine

FILES = {
    ".env": f"API_KEY={KEY}\n",
    "plot.py": "import matplotlib.pyplot as plt\nplt.figure()\nplt.figure()\nplt.plot([1, 3, 2])\n",
    "rain.py": "import pandas as pd\npd.read_csv('rain.csv').plot(x='day', y='mm')\n",
    "rain.csv": "day,mm\n1,7\n2,3\n",
    "plots/a.py": "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\n",
}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    """The gateway of everybody who only asks one."""
    with live_gateway(tmp_path_factory.mktemp("gateway")) as running:
        yield running


@pytest.fixture
def workplace(tmp_path: Path) -> Path:
    """A folder with what the recipes speak of."""
    for name, text in FILES.items():
        write(tmp_path / "work" / name, text)
    return tmp_path / "work"


@pytest.fixture
def variables(tmp_path: Path, service: LiveGateway) -> dict[str, str]:
    """The environment of somebody with the client and a gateway."""
    return environment(command_folder(tmp_path / "bin"), FIGBOX_URL=service.url, FIGBOX_API_KEY=KEY)


def recipes(language: str, service: LiveGateway) -> list[str]:
    """Return the recipes in a language, asking the live gateway."""
    return [block.replace(DOCUMENTED_URL, service.url) for block in blocks(RECIPES, language)]


def test_curl_and_figbox_recipes_work(workplace: Path, variables: dict[str, str], service: LiveGateway) -> None:
    """Every line for the shell, one after the other, the key taken from `.env` first."""
    bare = {name: value for name, value in variables.items() if name != "FIGBOX_API_KEY"}
    done = run_shell("\n".join(recipes("sh", service)), workplace, bare)
    assert done.returncode == 0, done.stdout + done.stderr
    with Image.open(workplace / "plot.png") as picture:
        assert picture.format == "PNG"
    assert "<svg" in (workplace / "rain.svg").read_text()
    answer = json.loads((workplace / "answer.json").read_text())
    assert [picture["format"] for picture in answer["figures"][0]["pictures"]] == ["png", "pdf"]
    assert "Line2D" in answer["stdout"]["text"]
    with zipfile.ZipFile(workplace / "figures.zip") as archive:
        names = {"figure-1.png", "figure-1.svg", "figure-2.png", "figure-2.svg", "manifest.json"}
        assert names <= set(archive.namelist())
    assert (workplace / "figures" / "a.svg").exists()


def test_curl_says_so_when_there_is_no_picture(
    workplace: Path, variables: dict[str, str], service: LiveGateway
) -> None:
    """As the page says: exit status 22, and the reason in the file."""
    write(workplace / "plot.py", "raise ValueError('no')\n")
    line = next(block for block in recipes("sh", service) if "@plot.py -o plot.png" in block)
    assert run_shell(line, workplace, variables).returncode == 22
    assert json.loads((workplace / "plot.png").read_text())["outcome"] == "program_error"


@pytest.mark.parametrize("position", range(2))
def test_python_recipes_work(workplace: Path, variables: dict[str, str], service: LiveGateway, position: int) -> None:
    """Both Python programs run as they stand."""
    program = write(workplace / "client.py", recipes("python", service)[position])
    done = run_shell(f"{sys.executable} {program}", workplace, variables)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("sha256:") if position == 0 else "<svg" in (workplace / "plot.svg").read_text()


def test_standard_library_recipe_tells_a_failure(
    workplace: Path, variables: dict[str, str], service: LiveGateway
) -> None:
    """What the code did wrong is what the program ends with."""
    source = recipes("python", service)[1].replace("plt.plot([1, 3, 2])", "1 / 0")
    done = run_shell(f"{sys.executable} {write(workplace / 'client.py', source)}", workplace, variables)
    assert done.returncode == 1
    assert done.stderr.startswith("422 program_error Traceback")


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node on this host")
def test_javascript_recipe_works(workplace: Path, variables: dict[str, str], service: LiveGateway) -> None:
    """The module runs as it stands and writes the picture; a failing script ends it with the reason."""
    (source,) = recipes("javascript", service)
    done = run_shell(f"node {write(workplace / 'client.mjs', source)}", workplace, variables)
    assert done.returncode == 0, done.stderr
    with Image.open(workplace / "figure-1.png") as picture:
        assert picture.format == "PNG"
    broken = write(workplace / "broken.mjs", source.replace("import pandas as pd", "1 / 0"))
    done = run_shell(f"node {broken}", workplace, variables)
    assert done.returncode != 0
    assert "422 program_error" in done.stderr


class Host:
    """A machine of a CI service: runs a job's steps with what the service provides."""

    def __init__(self, workplace: Path, commands: Path) -> None:
        """Take the workplace with the project in it, and the folder of installed commands."""
        self.workplace = workplace
        self.installation = f"test-recipe-{os.getpid()}"
        port = free_port()
        self.github_env = write(workplace.parent / "github_env", "")
        self.variables = environment(
            commands,
            CI="true",
            PORT=str(port),
            FIGBOX_URL=f"http://127.0.0.1:{port}",
            FIGBOX_METRICS_PORT=str(free_port()),
            FIGBOX_INSTALLATION=self.installation,
            GITHUB_ENV=str(self.github_env),
            PYTHON=sys.executable,
        )
        self.variables.pop("FIGBOX_API_KEY", None)
        # The client is installed already; that its installation works is shown by tests of its own.
        write(commands / "pip", "#!/bin/sh\ntest \"$*\" = 'install ./.figbox-service'\n").chmod(0o755)

    def run(self, script: str, shell: str) -> None:
        """Run a step; it must succeed. What it leaves in the background goes on."""
        with (self.workplace.parent / "log").open("w+") as log:
            process = subprocess.Popen(
                [shell, "-e", "-c", script],
                cwd=self.workplace,
                env=self.variables | self._exported(),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
            status = process.wait(300)
            log.seek(0)
            service_log = self.workplace / "figbox.log"
            assert status == 0, log.read() + (service_log.read_text() if service_log.exists() else "")

    def _exported(self) -> dict[str, str]:
        lines = self.github_env.read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def end(self) -> None:
        """Do what a CI service does at a job's end: end what it left running."""
        for process in self._left():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGTERM)
        wait_until(lambda: not self._left(), 60)
        remove_containers_of(self.installation, engine_url())

    def _left(self) -> list[int]:
        """Return the processes that know the installation's name, but for the dead that nobody has waited for."""
        folders = [entry for entry in os.scandir("/proc") if entry.name.isdigit()]
        return [int(folder.name) for folder in folders if self._is_ours(folder.path)]

    def _is_ours(self, folder: str) -> bool:
        try:
            variables = Path(folder, "environ").read_bytes().split(b"\0")
        except OSError:
            return False
        return f"FIGBOX_INSTALLATION={self.installation}".encode() in variables


@contextmanager
def host(workplace: Path, commands: Path) -> Iterator[Host]:
    """Give a host with a clone of Figbox where the recipes expect it, and clean up after it."""
    copy_checkout(workplace / ".figbox-service")
    machine = Host(workplace, commands)
    try:
        yield machine
    finally:
        machine.end()


def assert_kept(workplace: Path, patterns: list[str]) -> None:
    """Check that everything that a job keeps is there, and that its report says all is well."""
    for pattern in patterns:
        assert list(workplace.glob(pattern)), pattern
    report: dict[str, Any] = json.loads((workplace / "report.json").read_text())
    assert report["summary"]["rendered"] == report["summary"]["scripts"] == 1
    assert {path.name for path in (workplace / "figures").iterdir()} == {"a.png", "a.svg"}


def test_github_workflow_renders_a_folder(workplace: Path, tmp_path: Path) -> None:
    """Its steps, in the shell and with the files that GitHub provides, start the service and leave the artifacts."""
    (workflow,) = [yaml.safe_load(block) for block in blocks(RECIPES, "yaml") if "runs-on:" in block]
    assert set(workflow) == {"name", True, "permissions", "jobs"}  # YAML takes `on` for a truth value
    (job,) = workflow["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    assert all(("uses" in step) != ("run" in step) for step in job["steps"])
    with host(workplace, command_folder(tmp_path / "bin")) as machine:
        for step in job["steps"]:
            if "run" in step:
                machine.run(step["run"], "bash")
    keep = job["steps"][-1]
    assert keep["if"] == "always()"
    assert_kept(workplace, keep["with"]["path"].split())


def test_gitlab_job_renders_a_folder(workplace: Path, tmp_path: Path) -> None:
    """Its script, in one shell as GitLab runs it, starts the service and leaves the artifacts."""
    (pipeline,) = [yaml.safe_load(block) for block in blocks(RECIPES, "yaml") if "before_script:" in block]
    (job,) = pipeline.values()
    assert set(job) == {"image", "tags", "variables", "before_script", "script", "artifacts"}
    clone, install = job["before_script"]
    assert clone.startswith("git clone ")
    with host(workplace, command_folder(tmp_path / "bin")) as machine:
        machine.run("\n".join([install, *job["script"]]), "bash")
    assert job["artifacts"]["when"] == "always"
    assert_kept(workplace, job["artifacts"]["paths"])
