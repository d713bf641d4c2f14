"""gVisor is registered without losing the engine's configuration; a platform is chosen after a program ran under it."""

from __future__ import annotations

import io
import json
import re
import stat
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bootstrap import gvisor, packages
from bootstrap.steps import SetupError, Steps

if TYPE_CHECKING:
    from collections.abc import Sequence

ENTRY = {"path": "/x/runsc", "runtimeArgs": ["--platform=systrap", "--network=none"]}


def program(folder: Path, *lines: str) -> Path:
    """Return a program that stands for runsc."""
    path = folder / "runsc"
    path.write_text("\n".join(["#!/bin/sh", *lines]) + "\n")
    path.chmod(0o755)
    return path


def test_registering_keeps_what_is_configured(tmp_path: Path) -> None:
    """Other settings, runtimes and the file's mode stay; a second time nothing changes."""
    path = tmp_path / "daemon.json"
    path.write_text(json.dumps({"debug": True, "runtimes": {"crun": {"path": "/x/crun"}}}))
    path.chmod(0o600)
    gvisor.merge(path, ENTRY)
    once = path.read_text()
    assert json.loads(once) == {"debug": True, "runtimes": {"crun": {"path": "/x/crun"}, "runsc": ENTRY}}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    gvisor.merge(path, ENTRY)
    assert path.read_text() == once
    assert [found.name for found in tmp_path.iterdir()] == ["daemon.json"]


def test_registering_makes_a_missing_configuration(tmp_path: Path) -> None:
    """An engine without a configuration file gets one, and its folder."""
    path = tmp_path / "docker" / "daemon.json"
    gvisor.merge(path, ENTRY)
    assert json.loads(path.read_text()) == {"runtimes": {"runsc": ENTRY}}


@pytest.mark.parametrize("content", ["{", "[]", '{"runtimes": []}', '"text"', '{"runtimes": null}'])
def test_a_broken_configuration_is_left_as_it_is(tmp_path: Path, content: str) -> None:
    """A file that isn't a configuration is named in the error and not replaced."""
    path = tmp_path / "daemon.json"
    path.write_text(content)
    with pytest.raises(SetupError, match=r"daemon\.json isn't a dockerd configuration"):
        gvisor.merge(path, ENTRY)
    assert path.read_text() == content


def test_a_platform_counts_when_its_program_ran(tmp_path: Path) -> None:
    """Only the right output is a success; anything else is a failure with its reason."""
    assert gvisor.trial(program(tmp_path, f"echo {gvisor.TRIAL_ANSWER}"), "systrap") == ""
    assert "hello" in gvisor.trial(program(tmp_path, "echo hello"), "systrap")
    assert "no kernel" in gvisor.trial(program(tmp_path, "echo no kernel >&2; exit 3"), "systrap")
    assert "exit code 3" in gvisor.trial(program(tmp_path, "exit 3"), "systrap")


def test_a_platform_that_hangs_is_given_up(tmp_path: Path) -> None:
    """It is killed with everything it started, and doesn't count."""
    pid_file = tmp_path / "pid"
    hanging = program(tmp_path, f"sleep 60 & echo $! > {pid_file}", "wait")
    assert gvisor.trial(hanging, "systrap", limit_s=1) == "no answer within 1 s"
    gone = subprocess.run(["ps", "-o", "stat=", "-p", pid_file.read_text().strip()], capture_output=True, check=False)
    assert gone.stdout.strip()[:1] in {b"", b"Z"}  # more letters may follow, such as N under nice


def test_the_trial_program_prints_what_is_expected() -> None:
    """Without a sandbox it prints what it must print under a platform."""
    done = subprocess.run([sys.executable, "-I", "-S", "-c", gvisor.TRIAL], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == gvisor.TRIAL_ANSWER


@pytest.mark.parametrize(
    ("working", "chosen"),
    [({"systrap", "ptrace"}, "systrap"), ({"ptrace"}, "ptrace"), ({"systrap"}, "systrap"), (set(), None)],
)
def test_the_first_platform_that_works_is_chosen(
    monkeypatch: pytest.MonkeyPatch, working: set[str], chosen: str | None
) -> None:
    """Both are tried and reported; kvm isn't tried."""
    tried: list[str] = []

    def trial(runsc: Path, name: str) -> str:
        tried.append(name)
        return "" if name in working else "doesn't work here"

    monkeypatch.setattr(gvisor, "trial", trial)
    output = io.StringIO()
    if chosen is None:
        with pytest.raises(SetupError, match="neither with systrap nor with ptrace"):
            gvisor.choose(Steps(output=output), Path("runsc"))
    else:
        assert gvisor.choose(Steps(output=output), Path("runsc")) == [f"--platform={chosen}"]
    assert tried == ["systrap", "ptrace"]
    assert len(re.findall(r"\(\d+\.\d\d s\)", output.getvalue())) == 2


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of Debian packages that are installed from now on."""
    names: list[str] = []
    monkeypatch.setattr(gvisor.debian, "apt_install", lambda steps, wanted, why: names.extend(wanted))
    monkeypatch.setattr(gvisor.shutil, "which", lambda name, path: "/usr/bin/runsc")
    return names


def test_an_older_release_is_given_the_newer_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: list[str]
) -> None:
    """On Debian 12 the program is Debian 13's; if that can't be fetched, Debian 12's package is installed."""
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"VERSION_CODENAME": "bookworm"})

    def unpack(steps: Steps, release: str, names: Sequence[str], target: Path) -> None:
        assert (release, names) == ("trixie", ["runsc"])
        (target / "usr/bin").mkdir(parents=True)
        program(target / "usr/bin", "echo runsc version 7.0")

    monkeypatch.setattr(packages, "unpack", unpack)
    target = tmp_path / "bin" / "runsc"
    output = io.StringIO()
    assert gvisor.install(Steps(output=output), target) == target
    assert stat.S_IMODE(target.stat().st_mode) == 0o755
    assert ("(7.0)" in output.getvalue(), installed) == (True, [])

    def fail(*_: object) -> None:
        raise SetupError("apt says\nthe mirror is silent")

    monkeypatch.setattr(packages, "unpack", fail)
    assert gvisor.install(Steps(output=output), target) == Path("/usr/bin/runsc")
    assert ("the mirror is silent" in output.getvalue(), installed) == (True, ["runsc"])


def test_a_newer_release_is_given_its_own_program(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: list[str]
) -> None:
    """From Debian 13 on the package is installed, so that the host's updates include it."""
    monkeypatch.setattr("platform.freedesktop_os_release", lambda: {"VERSION_CODENAME": "forky"})
    assert gvisor.install(Steps(output=io.StringIO()), tmp_path / "runsc") == Path("/usr/bin/runsc")
    assert installed == ["runsc"]


def test_the_owner_of_another_engine_is_told_in_one_sentence() -> None:
    """The sentence has the line for daemon.json and how to make the engine read it."""
    sentence = gvisor.instructions(Path("/x/docker.sock"), ENTRY)
    assert json.dumps({"runtimes": {"runsc": ENTRY}}) in sentence
    assert "SIGHUP" in sentence
    assert "\n" not in sentence


def test_the_configuration_of_a_running_daemon_is_found(tmp_path: Path) -> None:
    """It is the file on its command line, in either form, or the default."""
    for words, expected in (
        (["--config-file", "/x/d.json"], Path("/x/d.json")),
        (["--config-file=/y/d.json"], Path("/y/d.json")),
        (["--debug"], gvisor.DEFAULT_CONFIGURATION),
    ):
        command = [sys.executable, "-c", "print(); input()", *words]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()  # only then does the kernel show its whole command line
            found = gvisor.configuration_of(process.pid)
            process.communicate(b"\n")
        assert found == expected
