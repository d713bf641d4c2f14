"""`figbox environments`, `figbox doctor`, and what the command says of itself."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING

import pytest

import figbox as package
from figbox.cli.exits import ExitStatus
from tests.client.service import ENVIRONMENT, Canned, Service, failed, problem, raw_service
from tests.support.documents import ROOT
from tests.support.live import free_port

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
    """The error says which key it was that isn't accepted, not what it is."""
    monkeypatch.setenv("FIGBOX_API_KEY", "another")
    done = figbox("environments")
    assert done.status == 3
    assert f"Error: {service.url} doesn't accept the key (FIGBOX_API_KEY): Unauthorized" in done.stderr
    assert "another" not in done.stderr


def test_doctor_finds_all_well(figbox: Figbox, service: Service) -> None:
    """Reachable, ready, the key, and a real render."""
    done = figbox("doctor")
    assert done.status == 0
    assert done.stdout.splitlines()[:5] == [
        f"note   address: {service.url} (from the environment)",
        "note   key: FIGBOX_API_KEY",
        "ok     the service answers",
        "ok     it is ready",
        "ok     it takes the key; environments: default",
    ]
    assert "ok     it renders: 15 bytes of png in " in done.stdout


def test_doctor_names_the_first_fault(figbox: Figbox, service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each thing that can be wrong has its own line, and exit status 3."""

    def fault() -> str:
        done = figbox("doctor")
        assert done.status == 3
        return done.stdout.splitlines()[-1]

    service.canned.append(failed("memory_limit", "It needed too much"))
    assert fault() == "FAULT  a plain plot can't be rendered: It needed too much"
    service.canned.append(Canned(503, problem(503, "Queue is full")))
    assert fault() == "FAULT  Queue is full"
    service.ready = False
    assert fault() == "FAULT  it is not ready: the pool is being filled"
    service.ready = True
    monkeypatch.setenv("FIGBOX_API_KEY", "another")
    assert fault() == "FAULT  Unauthorized"
    monkeypatch.delenv("FIGBOX_API_KEY")
    assert fault() == "FAULT  there is no key to try: set FIGBOX_API_KEY or name a file with --key-file"
    monkeypatch.setenv("FIGBOX_URL", f"http://127.0.0.1:{free_port()}")
    assert fault().endswith("can't be reached: Connection refused")


def test_doctor_knows_what_is_no_figbox(figbox: Figbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some other web server at the address isn't taken for ours."""
    page = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
    with raw_service(lambda: page) as url:
        monkeypatch.setenv("FIGBOX_URL", url)
        done = figbox("doctor")
    assert done.status == 3
    assert "is this the address of a Figbox?" in done.stdout


def test_doctor_notes_a_key_in_the_clear(figbox: Figbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without TLS, to another machine, the key can be read on the way; on this machine, or with TLS, it can't."""
    clear = "note   key and scripts go there unencrypted: everybody on the way can read them\n"
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
    assert figbox("doctor", "--wait", "30").status == 0


def test_doctor_does_not_wait_for_ever(figbox: Figbox, service: Service) -> None:
    """A service that doesn't come up is told when the time is over."""
    service.ready = False
    done = figbox("doctor", "--wait", "0.1")
    assert done.status == 3
    assert done.stdout.splitlines()[-1] == "FAULT  it is not ready: the pool is being filled"


@pytest.mark.parametrize("arguments", [["--help"], ["render", "-h"], ["environments", "--help"], ["doctor", "-h"]])
def test_help_is_there(figbox: Figbox, arguments: list[str]) -> None:
    """Every command explains itself without a service."""
    done = figbox(*arguments)
    assert done.status == 0
    assert "Usage: figbox" in done.stdout


def test_help_lists_every_exit_status(figbox: Figbox) -> None:
    """What scripts rely on is in the help."""
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
