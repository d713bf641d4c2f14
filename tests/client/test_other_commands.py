"""`figbox environments`, `figbox doctor`, help and version."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

import figbox as package
from figbox.cli.connection import START
from figbox.cli.exits import ExitStatus
from tests.client.service import ENVIRONMENT, Canned, Service, failed, problem, raw_service
from tests.documents.pages import ROOT
from tests.support.live import free_port
from tests.support.machine import slowed

if TYPE_CHECKING:
    from pathlib import Path

    from tests.client.conftest import Figbox


def test_environments_for_people(figbox: Figbox) -> None:
    """Names, versions, limits and packages, on standard output."""
    done = figbox("environments")
    assert done.status == 0
    assert done.stdout == (
        "default\n"
        "  image     sha256:0123\n"
        "  versions  python 3.13.5, matplotlib 3.11.2\n"
        "  limits    wall_limit 30 s, memory_limit 1024 MiB, pids_limit 64\n"
        "  packages  numpy 2.4.6, pandas 3.1.1\n"
    )


def test_environments_for_programs(figbox: Figbox) -> None:
    """The same as JSON, in the words of the contract."""
    assert json.loads(figbox("environments", "--json").stdout) == {"environments": [ENVIRONMENT]}


def test_environments_with_a_wrong_key(figbox: Figbox, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the key's source, not the key."""
    monkeypatch.setenv("FIGBOX_API_KEY", "another")
    done = figbox("environments")
    assert done.status == 3
    assert f"Error: {service.url} doesn't accept the key (FIGBOX_API_KEY): Unauthorized" in done.stderr
    assert "another" not in done.stderr


def test_doctor_reports_success(figbox: Figbox, service: Service) -> None:
    """It checks that the service is reachable and ready, the key, and a real render."""
    done = figbox("doctor")
    assert done.status == 0
    assert done.stdout.splitlines()[:5] == [
        f"note   address: {service.url} (from the environment)",
        "note   key: FIGBOX_API_KEY",
        "ok     the service can be reached",
        "ok     it is ready",
        "ok     it accepts the key; environments: default",
    ]
    assert "ok     it renders: 15 bytes of png in " in done.stdout


def test_doctor_names_the_first_error(figbox: Figbox, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each possible error has its own line, and exit status 3."""

    def error() -> str:
        done = figbox("doctor")
        assert done.status == 3
        return done.stdout.splitlines()[-1]

    service.canned.append(failed("memory_limit", "It needed too much"))
    assert error() == "ERROR  a simple plot can't be rendered: It needed too much"
    service.canned.append(Canned(503, problem(503, "Queue is full")))
    assert error() == "ERROR  Queue is full"
    service.ready = False
    assert error() == "ERROR  it is not ready: the pool is being filled"
    service.ready = True
    monkeypatch.setenv("FIGBOX_API_KEY", "another")
    assert error() == "ERROR  Unauthorized"
    monkeypatch.delenv("FIGBOX_API_KEY")
    assert error() == "ERROR  the key is missing: set FIGBOX_API_KEY, or name a file with it by --key-file"
    monkeypatch.setenv("FIGBOX_URL", f"http://127.0.0.1:{free_port()}")
    assert error() == f"note   {START}"
    assert "can't be reached: Connection refused\n" in figbox("doctor").stdout


def test_nothing_says_where_a_service_is(figbox: Figbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is set under a name that isn't quite right is told, and how to start a service; not for one elsewhere."""
    keyless = "the key is missing: set FIGBOX_API_KEY, or name a file with it by --key-file"
    file, address = (
        f"{wrong} is set, but {right} is what figbox reads"
        for wrong, right in (("FIGBOX_KEYFILE", "FIGBOX_KEY_FILE"), ("FIGBOX_ULR", "FIGBOX_URL"))
    )
    monkeypatch.delenv("FIGBOX_API_KEY")
    monkeypatch.setenv("FIGBOX_KEYFILE", "key")
    monkeypatch.setenv("FIGBOX_ULR", "http://figbox.invalid")
    monkeypatch.setenv("FIGBOX_MEMORY_LIMIT_MIB", "512")
    monkeypatch.setenv("FIGBOX_URL", "http://figbox.invalid")
    assert figbox("environments").stderr.endswith(f"Error: {keyless}; {file}\n")
    monkeypatch.setenv("FIGBOX_URL", "http://[")
    assert figbox("environments").stderr.endswith(f"Error: {keyless}; {file}\n")
    monkeypatch.delenv("FIGBOX_URL")
    assert figbox("environments").stderr.endswith(f"Error: {keyless}; {file}; {address}; {START}\n")


def test_a_service_that_is_gone(figbox: Figbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """An address of this machine that nothing listens on is told with what to do."""
    monkeypatch.setenv("FIGBOX_URL", f"http://127.0.0.1:{free_port()}")
    done = figbox("environments")
    assert (done.status, f"can't be reached: Connection refused; {START}\n" in done.stderr) == (3, True), done.stderr


def test_doctor_recognises_other_servers(figbox: Figbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another web server isn't mistaken for a Figbox."""
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
    with raw_service(lambda: page) as url:
        monkeypatch.setenv("FIGBOX_URL", url)
        done = figbox("doctor")
    assert done.status == 3
    assert "is this the address of a Figbox?" in done.stdout


def test_doctor_notes_a_key_in_the_clear(figbox: Figbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """A note warns if the key is sent to another machine without TLS."""
    clear = "note   key and scripts are sent unencrypted, readable by anyone on the network path\n"
    for url, noted in (("http://figbox.invalid", True), ("https://figbox.invalid", False)):
        monkeypatch.setenv("FIGBOX_URL", url)
        done = figbox("doctor")
        assert done.status == 3
        assert (clear in done.stdout) is noted
    monkeypatch.delenv("FIGBOX_URL")
    assert clear not in figbox("doctor").stdout


def test_doctor_waits_for_a_service_that_is_starting(figbox: Figbox, service: Service) -> None:
    """In CI the service is started a moment before."""
    service.ready = False
    threading.Timer(0.3, lambda: setattr(service, "ready", True)).start()
    assert figbox("doctor", "--wait", str(slowed(30))).status == 0


def test_doctor_does_not_wait_for_ever(figbox: Figbox, service: Service) -> None:
    """It reports a service that isn't ready in time."""
    service.ready = False
    done = figbox("doctor", "--wait", "0.1")
    assert done.status == 3
    assert done.stdout.splitlines()[-1] == "ERROR  it is not ready: the pool is being filled"


@pytest.mark.parametrize("arguments", [["--help"], ["render", "-h"], ["environments", "--help"], ["doctor", "-h"]])
def test_help_is_there(figbox: Figbox, arguments: list[str]) -> None:
    """Every command has help, also without a service."""
    done = figbox(*arguments)
    assert done.status == 0
    assert "Usage: figbox" in done.stdout


def test_help_lists_every_exit_status(figbox: Figbox) -> None:
    """The help lists the numbers that scripts rely on."""
    printed = figbox("--help").stdout
    for status in ExitStatus:
        assert f"\n    {status.value:<4} " in printed


def test_version_is_the_projects(figbox: Figbox) -> None:
    """One version, in the package, in the project's file and on the command line."""
    assert figbox("--version").stdout == f"figbox, version {package.__version__}\n"
    assert f'\nversion = "{package.__version__}"\n' in (ROOT / "pyproject.toml").read_text()


def test_unknown_command_is_a_usage_error(figbox: Figbox, workplace: Path) -> None:
    """Exit status 2, as for any wrong argument."""
    assert figbox("draw").status == 2
