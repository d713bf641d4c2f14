"""When `--local` counts, what contradicts it, and who may ask for it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap.images.environments import tag_of
from figbox.cli.home.gateway import NOT_PASSED, variables
from figbox.cli.home.setting_up import image_of, runner_image
from figbox.cli.home.state import Place
from gateway.settings import LauncherProcessSettings, Settings
from gateway.startup.variables import OTHERS, PREFIX
from tests.client.conftest import PLOT, Figbox, write
from tests.documents.pages import ROOT
from tests.support.home import require_set_up

if TYPE_CHECKING:
    from tests.client.service import Service

LOCAL = ("render", "a.py", "-o", "out", "--local")


@pytest.fixture(autouse=True)
def script(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be a script, and no engine: a service that is started fails at once."""
    write(workplace / "a.py", PLOT)
    monkeypatch.setenv("XDG_STATE_HOME", str(workplace / "state"))
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere")


@pytest.mark.parametrize("option", [("--url", "http://127.0.0.1:1"), ("--key-file", "a.py")])
def test_flags_that_contradict(figbox: Figbox, option: tuple[str, str]) -> None:
    """A service of the command's own has an address and a key of its own."""
    done = figbox(*LOCAL, *option, "--environment=nowhere")  # so that a mistake of ours sets nothing up
    assert done.status == 2
    assert f"--local and {option[0]} exclude each other" in done.stderr


def test_flag_before_the_variable(figbox: Figbox, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flag with an address wins over the variable; two variables are refused; the variable can say no."""
    monkeypatch.setenv("FIGBOX_LOCAL", "1")
    assert figbox("render", "a.py", "-o", "out", "--url", service.url).status == 0
    done = figbox("render", "a.py", "-o", "out")
    assert (done.status, "both FIGBOX_LOCAL and FIGBOX_URL are set" in done.stderr) == (2, True)
    monkeypatch.setenv("FIGBOX_LOCAL", "0")
    assert figbox("render", "a.py", "-o", "out").status == 0
    monkeypatch.setenv("FIGBOX_LOCAL", "perhaps")
    assert figbox("render", "a.py", "-o", "out").status == 2


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("local = true", "use --local or FIGBOX_LOCAL"),
        ('home = "."', "use --home or FIGBOX_HOME"),
        ("port = 5", "unknown"),
    ],
)
def test_project_starts_nothing(figbox: Figbox, workplace: Path, setting: str, reason: str) -> None:
    """A project may be a stranger's, and can't have a service started, or say from where."""
    write(workplace / "pyproject.toml", f"[tool.figbox]\n{setting}\n")
    done = figbox("render", "a.py", "-o", "out")
    assert done.status == 2
    assert reason in done.stderr


def test_address_of_a_project_is_not_asked(figbox: Figbox, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project's address doesn't count with `--local`, and formats of a project don't reach `figbox up`."""
    monkeypatch.delenv("FIGBOX_URL")
    write(workplace / "pyproject.toml", '[tool.figbox]\nurl = "http://127.0.0.1:1"\nformat = ["png", "svg"]\n')
    assert "is not a clone of Figbox" in figbox(*LOCAL, "--home", str(workplace)).stderr
    assert "is not a clone of Figbox" in figbox("up", "--home", str(workplace)).stderr


@pytest.mark.parametrize("line", [LOCAL, ("up",), ("doctor", "--local")])
def test_without_an_engine(figbox: Figbox, line: tuple[str, ...], workplace: Path) -> None:
    """One sentence says what is missing, and nothing of a service is left."""
    require_set_up()
    done = figbox(*line)
    assert done.status == 3
    assert done.stdout == ""
    assert done.stderr.count("No container engine responds at /nowhere (there is no such socket)") == 1
    left = [path.name for path in workplace.glob("state/figbox/*/*/*")]
    assert left in ([], ["lock"])


@pytest.mark.parametrize("name", ["nowhere", "all", "../default", "-h", 'a"]', "Science"])
def test_environment_that_the_clone_has_not(figbox: Figbox, name: str) -> None:
    """It is refused before anything is built: the name may come from a project."""
    done = figbox(*LOCAL, f"--environment={name}")
    assert done.status == 2
    assert "it has: science, video" in done.stderr


def test_file_of_environments_comes_first(figbox: Figbox, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who names a file of environments says what is offered, under any name; nothing else is built."""
    require_set_up()
    path = write(workplace / "environments.toml", '[environments.mine]\nimage = "mine:1"\n')
    monkeypatch.setenv("FIGBOX_ENVIRONMENTS_FILE", str(path))
    done = figbox(*LOCAL, "--environment", "mine")
    assert (done.status, "No container engine responds" in done.stderr) == (3, True)
    assert variables(ROOT, Place(workplace, "mine"), 0, [])["FIGBOX_ENVIRONMENTS_FILE"] == str(path)
    assert "exclude each other" in figbox("up", "-e", "science").stderr


def test_down_where_nothing_runs(figbox: Figbox, workplace: Path) -> None:
    """Nothing to end is fine, also where the clone is gone."""
    for arguments in ((), ("--home", str(workplace / "gone"))):
        done = figbox("down", *arguments)
        assert (done.status, done.stdout) == (0, "")
        assert "no service of" in done.stderr


@pytest.mark.parametrize("image", ["figbox-runner:latest", "host:5000/figbox:7"])
def test_images_are_named_as_the_set_up_does(monkeypatch: pytest.MonkeyPatch, image: str) -> None:
    """The client doesn't import the set-up, so it repeats how images of environments are named."""
    monkeypatch.setenv("FIGBOX_IMAGE", image)
    assert image_of("science") == tag_of(runner_image(), "science")


def test_nothing_of_another_gateway(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway's address, keys and marks in the environment are for another; limits of jobs are for this one, too."""
    names = {str(field.alias) for each in (Settings, LauncherProcessSettings) for field in each.model_fields.values()}
    known = names | OTHERS | {"NOTIFY_SOCKET", "WATCHDOG_PID", "WATCHDOG_USEC"}
    assert known >= NOT_PASSED
    for name in NOT_PASSED:
        monkeypatch.setenv(name, "another's")
    monkeypatch.setenv("host", "another's")  # settings are read in any case
    monkeypatch.setenv("FIGBOX_CPUS", "2")
    found = variables(ROOT, Place(workplace, "mine"), 7, ["science"])
    assert "another's" not in found.values()
    assert (found["FIGBOX_CPUS"], found["PORT"], found["FIGBOX_INSTALLATION"]) == ("2", "7", "mine")
    plain = {name for name in names if not name.startswith(PREFIX)}
    listeners = {name for name in names if name.endswith(("HOST", "PORT", "SOCKET"))}
    assert (plain | listeners) - {"DOCKER_HOST"} <= NOT_PASSED
    written = Path(found["FIGBOX_ENVIRONMENTS_FILE"]).read_text()
    assert written == '[environments."science"]\nimage = "figbox-runner-science:latest"\n'


def test_set_up_runs_in_the_clone(figbox: Figbox, workplace: Path) -> None:
    """A clone's own program sets it up; what it says on the way is shown, and why it failed last."""
    clone = workplace / "clone"
    for name in ("gateway/__main__.py", "runner-image/Dockerfile"):
        write(clone / name, "")
    write(
        clone / "bootstrap" / "__main__.py",
        "import os, sys\n"
        "print('[0.0 s] a step: unchanged')\nprint('[  1.0 s] another: at work \\x1b[31m', flush=True)\n"
        "sys.exit(f'first\\nhome is {os.getcwd()} {sys.argv[1:]}')\n",
    )
    done = figbox(*LOCAL, "--home", str(clone))
    assert done.status == 3
    assert "a step" not in done.stderr
    assert "another: at work" in done.stderr
    assert "\x1b" not in done.stderr
    assert f"home is {clone.resolve()} ['--no-start', 'venv', 'engine', 'image']" in done.stderr.splitlines()[-1]
