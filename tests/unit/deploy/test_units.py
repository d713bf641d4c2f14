"""The unit files fit the code that they start, keep gateway and launcher apart, and are what systemd understands."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bootstrap import debian, service
from bootstrap.commands import TRUE_WORDS
from bootstrap.steps import Steps
from gateway.lifecycle import BACKLOG
from gateway.settings import LauncherProcessSettings, LauncherSettings, Settings
from tests.documents.pages import DOCS
from tests.support.machine import slowed
from tests.support.runtimes import needed
from tools import unit_exposure

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy/systemd"
GATEWAY, LAUNCHER, SINGLE = "figbox-gateway.service", "figbox-launcher.service", "single-process.conf"
EXECUTED = {GATEWAY: "gateway", LAUNCHER: "gateway.launcher"}
KINDS = {GATEWAY: Settings, LAUNCHER: LauncherProcessSettings, SINGLE: Settings}

#: Exposure that no unit may exceed; systemd calls up to 2 OK or SAFE.
MOST_EXPOSED = 1.5

every_unit = pytest.mark.parametrize("unit", [GATEWAY, LAUNCHER])


def lines_of(name: str) -> dict[str, list[str]]:
    """Return the values of each line of a unit file, in order."""
    found: dict[str, list[str]] = {}
    for line in (FOLDER / name).read_text().splitlines():
        if line and not line.startswith(("#", "[")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def one(name: str, key: str) -> str:
    """Return the only value of a line."""
    [value] = lines_of(name)[key]
    return value


def environment_of(name: str) -> dict[str, str]:
    """Return the variables that a unit file sets."""
    return dict(each.split("=", 1) for line in lines_of(name)["Environment"] for each in line.split())


def users() -> dict[str, set[str]]:
    """Return the groups of each user of the sysusers file, its own included."""
    groups: dict[str, set[str]] = {}
    for line in (FOLDER / "figbox.conf").read_text().splitlines():
        kind, name, *rest = line.split() or [""]
        if kind == "u":
            groups[name] = {name}
        elif kind == "m":
            groups[name].add(rest[0])
    return groups


@every_unit
def test_module_and_paths_exist(unit: str) -> None:
    """The program, its module and the path to it are this clone's; the installation knows the unit."""
    python, flag, module = one(unit, "ExecStart").split()
    assert (flag, module) == ("-m", EXECUTED[unit])
    assert python == f"{service.DOCUMENTED}/.venv/bin/python"
    assert environment_of(unit)["PYTHONPATH"] == service.DOCUMENTED
    assert (ROOT / module.replace(".", "/") / "__main__.py").is_file()
    assert unit in service.UNITS


def test_a_gateway_that_was_taken_over_is_not_so_after_its_restart() -> None:
    """What it can write, it doesn't start from: neither modules nor settings."""
    state = Path("/var/lib", one(GATEWAY, "StateDirectory"))
    assert not Path(one(GATEWAY, "WorkingDirectory")).is_relative_to(state)
    assert environment_of(GATEWAY)["FIGBOX_CACHE_FILE"].startswith(f"%S/{state.name}/")
    assert "ReadWritePaths" not in lines_of(GATEWAY)


@pytest.mark.parametrize("name", [GATEWAY, LAUNCHER, SINGLE])
def test_settings_exist(name: str) -> None:
    """Each variable of ours is a setting of that process, and takes the value."""
    known = {str(field.alias): field for field in KINDS[name].model_fields.values()}
    ours = {key: value for key, value in environment_of(name).items() if not key.startswith("PYTHON")}
    assert ours
    assert ours.keys() <= known.keys()


def test_both_ends_of_the_socket_meet() -> None:
    """The gateway asks where the launcher listens, in a folder that only the launcher's user can write."""
    at = environment_of(LAUNCHER)["FIGBOX_LAUNCHER_SOCKET"]
    assert environment_of(GATEWAY)["FIGBOX_LAUNCHER"] == f"unix://{at}"
    assert Path(at).parent == Path("/run", one(LAUNCHER, "RuntimeDirectory"))
    assert one(LAUNCHER, "RuntimeDirectoryMode") == "0750"
    assert environment_of(LAUNCHER)["FIGBOX_LAUNCHER_PEERS"] == one(GATEWAY, "User")


def test_only_the_launcher_has_the_engine() -> None:
    """Of two different users that aren't root, the launcher's alone has the engine's group, and no network."""
    user, other = one(GATEWAY, "User"), one(LAUNCHER, "User")
    assert user != other
    assert "root" not in {user, other}
    assert "docker" not in users()[user] | {one(GATEWAY, "Group")} | set(one(GATEWAY, "SupplementaryGroups").split())
    assert "docker" in users()[other] & set(one(LAUNCHER, "SupplementaryGroups").split())
    assert one(LAUNCHER, "RestrictAddressFamilies") == "AF_UNIX"
    assert one(LAUNCHER, "PrivateNetwork") == "yes"
    assert "-/run/docker.sock" in one(GATEWAY, "InaccessiblePaths").split()


def test_groups_open_the_launchers_socket() -> None:
    """The group of the socket, which is the launcher's main one, is one of the gateway's."""
    group = one(LAUNCHER, "Group")
    assert group in users()[one(GATEWAY, "User")]
    assert group in one(GATEWAY, "SupplementaryGroups").split()
    assert group in users()[one(LAUNCHER, "User")]


def test_key_is_the_gateways_alone() -> None:
    """The key is handed to the gateway as a credential, from where the installation puts it; the launcher sees none."""
    name, path = one(GATEWAY, "LoadCredential").split(":")
    assert environment_of(GATEWAY)["API_KEY_FILE"] == f"%d/{name}"
    assert f"-{path}" in one(LAUNCHER, "InaccessiblePaths").split()
    assert "API_KEY_FILE" not in environment_of(LAUNCHER)


def test_one_process_is_alone() -> None:
    """With the drop-in, the launcher that the unit wants doesn't start: both would sweep the same containers."""
    assert LAUNCHER in lines_of(GATEWAY)["Wants"]
    assert LAUNCHER in one(SINGLE, "Conflicts").split()
    assert environment_of(SINGLE)["FIGBOX_INSTALLATION"] == environment_of(LAUNCHER)["FIGBOX_INSTALLATION"]


def test_address_outlives_the_gateway() -> None:
    """The socket is the service's by its name, at the gateway's usual address, and passed on unaccepted."""
    assert service.SOCKET.removesuffix(".socket") == GATEWAY.removesuffix(".service")
    settings = Settings.model_fields
    assert one(service.SOCKET, "ListenStream") == f"{settings['host'].default}:{settings['port'].default}"
    assert "Accept" not in lines_of(service.SOCKET)
    assert int(one(service.SOCKET, "Backlog")) == BACKLOG


def test_the_gateway_ends_first_and_begins_last() -> None:
    """Both are restarted by systemd in this order, so that no job of the gateway finds its launcher gone."""
    assert LAUNCHER in one(GATEWAY, "After").split()


@every_unit
def test_service_has_time_to_end(unit: str) -> None:
    """Only the main process is signalled, and it has longer than running jobs get."""
    assert one(unit, "KillMode") == "mixed"
    assert float(one(unit, "TimeoutStopSec")) > float(LauncherSettings.model_fields["grace_s"].default) + 20


@every_unit
def test_manager_is_told_and_restarts(unit: str) -> None:
    """Readiness and watchdog are what the process tells; it is started again after a failure, but not for ever."""
    assert one(unit, "Type") == "notify"
    assert int(one(unit, "WatchdogSec")) > 0
    assert one(unit, "Restart") == "on-failure"
    assert int(one(unit, "StartLimitBurst")) * int(one(unit, "RestartSec")) < int(one(unit, "StartLimitIntervalSec"))


@pytest.fixture(scope="module")
def _systemd() -> None:
    """Have systemd-analyze: in CI, Debian's package is installed, which changes nothing about process 1."""
    in_ci = os.environ.get("CI", "").lower() in TRUE_WORDS
    if shutil.which("systemd-analyze") is None and in_ci and debian.is_root_debian():
        debian.apt_install(Steps(output=sys.stderr), ["systemd"], why="it checks our unit files")
    if shutil.which("systemd-analyze") is None:
        needed("systemd-analyze isn't here")


@pytest.mark.variant
@pytest.mark.parametrize("single", [False, True], ids=["two processes", "one process"])
def test_systemd_understands_the_units(_systemd: None, tmp_path: Path, single: bool) -> None:  # noqa: FBT001, PT019
    """systemd-analyze has nothing to say about the units, which name this clone as the installation has them do."""
    for unit in (GATEWAY, LAUNCHER):
        text = (FOLDER / unit).read_text().replace(service.DOCUMENTED, str(ROOT))
        (tmp_path / unit).write_text(text.replace(f"{ROOT}/.venv/bin/python", sys.executable))
    shutil.copy(FOLDER / service.SOCKET, tmp_path)
    if single:
        (tmp_path / f"{GATEWAY}.d").mkdir()
        shutil.copy(FOLDER / SINGLE, tmp_path / f"{GATEWAY}.d")
    done = subprocess.run(
        [
            "systemd-analyze",
            "verify",
            "--man=no",
            *(str(tmp_path / unit) for unit in (LAUNCHER, GATEWAY, service.SOCKET)),
        ],
        capture_output=True,
        text=True,
        timeout=slowed(60),
        check=False,
    )
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "figbox" in line]
    assert (done.returncode, ours) == (0, [])


@pytest.mark.variant
def test_exposure_is_what_the_page_says(_systemd: None) -> None:  # noqa: PT019
    """No unit is more exposed than a small figure; of the documented version of systemd, docs/service.md has each."""
    for unit in (GATEWAY, LAUNCHER):
        assert unit_exposure.exposure(FOLDER / unit)[0] <= MOST_EXPOSED
    page = (DOCS / "service.md").read_text()
    [documented] = re.findall(r"Exposure \(systemd (\d+)\)", page)
    if int(documented) == unit_exposure.version():
        assert unit_exposure.table() in page
