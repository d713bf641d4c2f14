"""All pages: each command is run by a test or by CI, and what the pages name exists."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.documents.pages import (
    ARCHITECTURE,
    CONTRIBUTING,
    DOCUMENTS,
    README,
    ROOT,
    anchors,
    command,
    commands,
    commands_to_run,
    section,
)
from tests.support.machine import slowed
from tools.settings_table import FIELDS

if TYPE_CHECKING:
    from pathlib import Path

README_LINES_LIMIT = 200
PICTURE_LIMIT_BYTES = 150 * 1024
PICTURES_LIMIT_BYTES = 600 * 1024

#: Variables of the client and of the compose file, which aren't settings of the gateway.
OTHER_VARIABLES = {
    *("FIGBOX_URL", "FIGBOX_API_KEY", "FIGBOX_KEY_FILE", "FIGBOX_HOME", "FIGBOX_LOCAL"),
    *("FIGBOX_GATEWAY_IMAGE", "FIGBOX_BASE_IMAGE", "FIGBOX_ENGINE_FOLDER", "FIGBOX_ENGINE_TARGET"),
    *("FIGBOX_RELEASE", "FIGBOX_KEYS_SECRET"),
}

#: What runs the commands of the page on monitoring.
MONITORED = ("tests/documents/test_monitoring_page.py", "def run(")

#: What runs the commands of the section on Swarm.
SWARM = ("tests/cluster/test_swarm.py", "def test_the_commands_of_the_page(")

#: What runs each command that `test_code_blocks` doesn't: a file and a text in it, by the command's beginning.
COVERED = {
    "make run": ("tests/engine/test_make_run.py", "def test_newcomer("),
    "make test": ("tests/ci.py", '"make test"'),
    "make release": ("tests/release/test_release.py", "def test_built_twice_"),
    "make images": ("tests/ci.py", '"make images"'),
    "make image ENVIRONMENT=science": ("tests/ci.py", '"make image ENVIRONMENT=science"'),
    "make image ENVIRONMENT=video": ("tests/ci.py", '"make image ENVIRONMENT=video"'),
    "make image ENVIRONMENT=treemaps": ("tests/engine/test_environments.py", "def test_own_environment_"),
    "sudo make install-service": ("tests/hosts/vm/guest.py", '"install-service"'),
    "sudo systemctl enable --now figbox-launcher figbox-gateway": ("tests/hosts/vm/guest.py", '"enable", LAUNCHER'),
    "sudo install -D deploy/systemd/single-process.conf": ("tests/hosts/vm/guest.py", "single-process.conf"),
    "journalctl -u figbox-gateway -p warning -o cat": ("tests/hosts/vm/guest.py", '"journalctl", "-u", GATEWAY, "-p"'),
    "make lock ENVIRONMENT=treemaps": ("tests/engine/test_environments.py", "def test_own_environment_"),
    "printf": ("tests/engine/test_environments.py", "def test_own_environment_"),
    "pip install": ("tests/client/test_package.py", "def test_command_runs_in_a_fresh_environment"),
    "figbox compare": ("tests/client/test_compare_command.py", 'figbox("compare", "old/a.py", "a.py")'),
    "figbox render plots -o figures --figures all --seed 0 --document": (
        "tests/client/test_compare_command.py",
        '"--document").status == 0',
    ),
    "figbox check": ("tests/documents/test_ci_page.py", "def test_walk("),
    "figbox accept": ("tests/documents/test_ci_page.py", "def test_walk("),
    "figbox pytest": ("tests/documents/test_pytest_page.py", "def test_walk("),
    "pytest": ("tests/documents/test_pytest_page.py", "def test_walk("),
    "figbox down": ("tests/documents/test_ci_page.py", "def test_walk("),
    'eval "$(figbox up)"': ("tests/documents/test_ci_page.py", "def test_walk("),
    "mkdir -p .github/workflows": ("tests/documents/test_ci_page.py", "def test_walk("),
    "cp ~/figbox/ci/github/workflows/figures.yml": ("tests/documents/test_ci_page.py", "def test_walk("),
    "git add": ("tests/documents/test_ci_page.py", "def test_walk("),
    "git commit": ("tests/documents/test_ci_page.py", "def test_walk("),
    "echo 'plt.title(\"Sales\")'": ("tests/documents/test_ci_page.py", "def test_walk("),
    "curl --no-progress-meter http://127.0.0.1:5151/metrics": MONITORED,
    "curl --no-progress-meter http://127.0.0.1:8405/metrics": (
        "tests/monitoring/test_balancer.py",
        'command("curl --no-progress-meter http://127.0.0.1:8405")',
    ),
    "curl --no-progress-meter 'http://127.0.0.1:9090/api/v1/query?query=figbox_ready'": MONITORED,
    "curl --no-progress-meter http://127.0.0.1:9090/api/v1/alerts": MONITORED,
    "promtool check config": MONITORED,
    "prometheus": MONITORED,
    "jq -c": MONITORED,
    "jq -s": MONITORED,
    "jq -r": MONITORED,
    "journalctl -u figbox-gateway --since today -o cat": MONITORED,
    ".venv/bin/python -m tools.dashboard": MONITORED,
    ".venv/bin/python -m tools.dashboard.picture": MONITORED,
    ".venv/bin/python -m tests.monitoring.picture": MONITORED,
    ".venv/bin/python -m gateway.status": MONITORED,
    ".venv/bin/python -m benchmarks.parts.tracing": MONITORED,
    "docker compose exec gateway": ("tests/compose/test_deployment.py", 'command("docker compose exec gateway")'),
    "docker run -i": ("tests/documents/test_running.py", 'command("docker run -i")'),
    "docker run -p": ("tests/documents/test_deployment_page.py", 'command("docker run -p")'),
    "docker node update": SWARM,
    "docker service ps": SWARM,
    "docker stack rm": SWARM,
    "head -c 24 /dev/urandom | base64 | tee -a /dev/stderr | docker secret create": SWARM,
    "API_KEY=": SWARM,
    "make cluster N=3": ("tests/cluster/test_swarm.py", '"bootstrap.cluster", "up"'),
    "make cluster-down": ("tests/cluster/test_swarm.py", '"bootstrap.cluster", "down"'),
    "docker compose up": ("tests/documents/test_deployment_page.py", 'command("docker compose up")'),
    "docker compose --env-file green.env up --detach --no-build --wait": (
        "tests/upgrades/test_compose.py",
        '"up", "--detach", "--no-build", "--wait"',
    ),
    "docker compose --env-file blue.env down --volumes": ("tests/upgrades/test_compose.py", '"down", "--volumes"'),
    "docker compose down": ("tests/documents/test_deployment_page.py", 'command("docker compose down")'),
    'echo "API_KEY=$(head': ("tests/documents/test_deployment_page.py", "command('echo \"API_KEY='"),
    ".venv/bin/pre-commit install": ("tests/documents/test_pages.py", 'command(".venv/bin/pre-commit'),
    ".venv/bin/python -m tools.system_calls": ("tests/engine/test_seccomp_calls.py", "def test_command_"),
    ".venv/bin/python -m benchmarks.scaling": ("tests/documents/test_scaling_page.py", "assert main([name]) == 0"),
    "make cluster-test": ("tests/ci.py", '"make", "cluster-test"'),
    ".venv/bin/python -m benchmarks.scaling measure": ("tests/engine/test_scaling.py", 'measure("measure", file)'),
    ".venv/bin/python -m benchmarks.scaling measure-nodes": (
        "tests/engine/test_scaling.py",
        'measure("measure-nodes", file)',
    ),
    ".venv/bin/python -m benchmarks.scaling balancer": ("tests/documents/test_scaling_page.py", '_run("balancer"'),
    ".venv/bin/python -m benchmarks.scaling shared": ("tests/documents/test_scaling_page.py", '_run("shared"'),
    ".venv/bin/python -m benchmarks.scaling pictures": ("tests/engine/test_scaling.py", 'main(["pictures"])'),
    ".venv/bin/python -m gateway": ("tests/support/live.py", 'sys.executable, "-m", module]'),
    ".venv/bin/python -m gateway.description.openapi": (
        "tests/http/test_openapi.py",
        "def test_printed_by_its_module(",
    ),
    ".venv/bin/python -m gateway.keys revoke": ("tests/shared/test_revocations.py", "def test_documented_commands("),
    "head -c 24 /dev/urandom | base64 >": ("tests/shared/test_revocations.py", "def test_documented_commands("),
    ".venv/bin/python -m gateway.keys": ("tests/documents/test_running.py", "def test_keys_come_and_go_"),
    ".venv/bin/python -m gateway.launcher": ("tests/support/split.py", 'MODULE = "gateway.launcher"'),
    ".venv/bin/python -m gateway.launcher.selftest": ("tests/engine/test_selftest.py", '"gateway.launcher.selftest"'),
    ".venv/bin/python -m tests.exploits.hostile_load": (
        "tests/exploits/test_hostile_load.py",
        "def test_the_command_prints_what_the_page_has(",
    ),
    ".venv/bin/python -m tests.soak": ("tests/soak/test_soak.py", 'command(".venv/bin/python -m tests.soak'),
    ".venv/bin/python -m tools.unit_exposure": ("tests/unit/deploy/test_units.py", "unit_exposure.table()"),
    ".venv/bin/python -m tools.options_table": ("tests/documents/test_tables.py", "python -m tools.options_table"),
    ".venv/bin/python -m tools.settings_table": ("tests/documents/test_tables.py", "python -m tools.settings_table"),
}

every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def cover_of(line: str) -> str | None:
    """Return the longest beginning in `COVERED` that a command has, up to a word's end."""
    fitting = [begin for begin in COVERED if line == begin or line.startswith(begin + " ")]
    return max(fitting, key=len, default=None)


@every_document
def test_every_command_is_run_by_something(document: Path) -> None:
    """A command that people are told to type is run by a test or by CI."""
    for line in sorted(set(commands(document)) - set(commands_to_run(document))):
        begin = cover_of(line)
        assert begin is not None, f"nothing runs: {line}"
        file, text = COVERED[begin]
        assert text in (ROOT / file).read_text("utf-8"), f"{file} no longer runs: {line}"


def test_no_cover_is_left_over() -> None:
    """Every entry of `COVERED` still belongs to a command."""
    assert {cover_of(line) for document in DOCUMENTS for line in commands(document)} - {None} == set(COVERED)


@every_document
def test_every_make_target_exists(document: Path) -> None:
    """Documents name only targets that the Makefile has."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^)make ([a-z-]+)", document.read_text("utf-8"), re.MULTILINE)) <= targets


@every_document
def test_every_link_leads_somewhere(document: Path) -> None:
    """Links within the repository lead to files that exist, and to headings in them."""
    for target in re.findall(r"\]\(([^)]+)\)", document.read_text("utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


@every_document
def test_every_setting_named_exists(document: Path) -> None:
    """Documents name only settings that exist."""
    named = set(re.findall(r"\bFIGBOX_[A-Z_]+\b", document.read_text("utf-8")))
    assert named <= {field.alias for field in FIELDS.values()} | OTHER_VARIABLES


@pytest.mark.parametrize("document", [ARCHITECTURE, CONTRIBUTING], ids=lambda path: path.name)
def test_every_path_named_exists(document: Path) -> None:
    """The pages for developers name files and folders that exist, except for examples called NAME."""
    folders = "|".join(path.name for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))
    named = re.findall(rf"`((?:{folders})/[\w./-]*)`", document.read_text("utf-8"))
    assert len(named) > 10
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


def test_every_module_of_the_runner_has_its_row() -> None:
    """The table of the runner in the page on the architecture names every module of it, and no other."""
    cells = re.findall(r"^\| (`.*?) \|", section(ARCHITECTURE, "The runner"), re.MULTILINE)
    named = re.findall(r"`([\w.]+)`", " ".join(cells))
    folder = ROOT / "runner-image" / "runner"
    modules = (path.relative_to(folder).with_suffix("") for path in folder.rglob("*.py") if path.stem != "__init__")
    assert sorted(named) == sorted(".".join(path.parts) for path in modules)


def test_the_readme_is_short_and_shows_small_pictures() -> None:
    """A newcomer's page: few lines, all the pictures, and these don't weigh a clone down."""
    text = README.read_text("utf-8")
    pictures = sorted((ROOT / "docs" / "pictures").glob("*.png"))
    sizes = [path.stat().st_size for path in pictures]
    assert len(text.splitlines()) <= README_LINES_LIMIT
    assert max(sizes) < PICTURE_LIMIT_BYTES
    assert sum(sizes) < PICTURES_LIMIT_BYTES
    assert all(f"](docs/pictures/{path.name})" in text for path in pictures)


def test_make_help_lists_every_target() -> None:
    """`make help` has a line for each target that people may run."""
    call = ["make", "--no-print-directory", "help"]
    printed = subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True, timeout=slowed(60)).stdout
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert phony is not None
    assert re.findall(r"^  make ([a-z-]+) +\S", printed, re.MULTILINE) == phony[1].split()


def test_hooks_run_what_make_check_runs() -> None:
    """A commit that passes the hooks passes `make check`."""
    recipe = re.search(r"^check:.*\n((?:\t.+\n)+)", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert recipe is not None
    checks = re.findall(r"^\t\$\(VENV\)/(.+)$", recipe[1], re.MULTILINE)
    (repository,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))["repos"]
    entries = [hook["entry"] for hook in repository["hooks"]]
    assert [entry.removeprefix(".venv/bin/") for entry in entries if entry.startswith(".venv/")] == checks


@pytest.mark.parametrize(
    ("subject", "accepted"),
    [("docs: say why", True), ("Docs: say why", False), ("say why", False), ("docs: " + "say why " * 10, False)],
)
def test_hooks_look_at_the_subject(tmp_path: Path, subject: str, accepted: bool) -> None:  # noqa: FBT001
    """Once the hooks are installed as CONTRIBUTING.md says, a commit's subject has the documented form."""
    shutil.copy(ROOT / ".pre-commit-config.yaml", tmp_path)
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    others = "ruff-check,ruff-format,mypy,import-linter"
    identity = {f"GIT_{role}_{what}": "a@b.c" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {**os.environ, **identity, "SKIP": others, "PRE_COMMIT_HOME": str(tmp_path / "cache")}
    install = f"git init -q . && {command('.venv/bin/pre-commit')} && git add .pre-commit-config.yaml"
    script = f'{install} && git commit -m "$1"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", subject],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=slowed(60),
    )
    assert (done.returncode == 0) == accepted, done.stdout + done.stderr
