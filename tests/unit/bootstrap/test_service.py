"""The services are installed for this clone, with a key that stays, where they could start."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import pytest

from bootstrap import service
from bootstrap.steps import SetupError, Steps

ROOT = Path(__file__).resolve().parents[3]
UNITS = ROOT / "deploy/systemd"


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the root of a host with systemd, whose programs only note that they were called."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("systemctl", "systemd-sysusers"):
        (programs / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {tmp_path}/called\n')
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(service, "HIDDEN", ())  # where the tests' own clone may be
    monkeypatch.setattr(service, "OTHERS_MAY_ENTER", 0o111)
    host = tmp_path / "host"
    (host / service.BOOTED).mkdir(parents=True)
    return host


def install(host: Path) -> str:
    """Install the services; return what is printed."""
    output = io.StringIO()
    service.install(Steps(output=output), ROOT, host)
    return output.getvalue()


def test_units_name_this_clone(host: Path) -> None:
    """Units, users and settings are there, nothing of the documented folder is left, and systemd reads them."""
    printed = install(host)
    for name in service.UNITS:
        text = (host / "etc/systemd/system" / name).read_text()
        assert f"ExecStart={ROOT}/.venv/bin/python -m gateway" in text
        assert service.DOCUMENTED not in text or str(ROOT).startswith(service.DOCUMENTED)
    assert (host / "etc/systemd/system" / service.SOCKET).read_text() == (UNITS / service.SOCKET).read_text()
    called = (host.parent / "called").read_text().splitlines()
    assert called == [f"systemd-sysusers {host}/etc/sysusers.d/figbox.conf", "systemctl daemon-reload"]
    assert f"systemctl enable --now {' '.join(service.UNITS)}" in printed


def test_key_is_private_and_stays(host: Path) -> None:
    """The key is random, only root's, and the same after an update; changed settings stay, changed units don't."""
    install(host)
    key, settings = host / "etc/figbox/api-key", host / "etc/figbox/gateway.env"
    before = key.read_text()
    assert len(before.strip()) >= 43
    assert stat.S_IMODE(key.stat().st_mode) == stat.S_IMODE(settings.stat().st_mode) == 0o600
    settings.write_text("PORT=8080\n")
    unit = host / "etc/systemd/system" / service.UNITS[0]
    unit.write_text("")
    install(host)
    assert key.read_text() == before
    assert settings.read_text() == "PORT=8080\n"
    assert unit.read_text()


def test_only_root_installs(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Others are told so, and nothing is written."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SetupError, match="sudo make install-service"):
        install(host)
    assert not (host / "etc").exists()


def test_another_process_one_is_refused(host: Path) -> None:
    """Where systemd doesn't manage services, nothing is written."""
    (host / service.BOOTED).rmdir()
    with pytest.raises(SetupError, match="systemd isn't"):
        install(host)
    assert not (host / "etc").exists()


@pytest.mark.parametrize("place", ["/home/me/figbox", "/root/figbox", "/tmp/figbox", "/var/tmp/x/figbox"])
def test_clone_that_services_do_not_see_is_refused(place: str) -> None:
    """Folders that the units hide can't have the clone."""
    with pytest.raises(SetupError, match="Services don't see"):
        service.check_place(Path(place))


def test_clone_that_others_may_not_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder above the clone that only its owner may enter is named, with what to run."""
    monkeypatch.setattr(service, "HIDDEN", ())
    private = tmp_path / "private"
    (private / "figbox").mkdir(parents=True)
    private.chmod(0o700)
    with pytest.raises(SetupError, match=f"chmod o\\+x {private}`|chmod o\\+x "):
        service.check_place(private / "figbox")
