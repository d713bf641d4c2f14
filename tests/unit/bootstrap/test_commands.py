"""The set-up's command line: steps, their options, and what is left to pytest."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import NoReturn

import pytest

from bootstrap import commands, debian, dockerd, engine
from bootstrap.commands import ROOT, STEPS, _compose, main, parse
from bootstrap.steps import SetupError, Steps
from bootstrap.virtualenv import VirtualEnvironment


@pytest.mark.parametrize(
    ("line", "steps", "for_pytest"),
    [
        ("--dev venv", ["venv"], []),
        ("test", ["test"], []),
        ("test -k name --dev", ["test"], ["-k", "name", "--dev"]),
        ("venv test-all tests/unit -m core", ["venv", "test-all"], ["tests/unit", "-m", "core"]),
    ],
)
def test_what_follows_a_step_with_tests_is_pytests(line: str, steps: list[str], for_pytest: list[str]) -> None:
    """The arguments before such a step are the set-up's, and all after it are pytest's."""
    options, rest = parse(line.split())
    assert (options.steps, rest) == (steps, for_pytest)


@pytest.mark.parametrize("name", ["test", "test-all"])
def test_environment_may_be_called_like_a_step(name: str) -> None:
    """The value of an option is not a step."""
    options, rest = parse(["--environment", name, "venv", "image"])
    assert (options.environment, options.steps, rest) == (name, ["venv", "image"], [])


@pytest.mark.parametrize("line", ["", "--unknown venv", "nonsense", "venv nonsense"])
def test_what_is_unknown_ends_with_the_usage(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A word that is neither a step nor an option is reported before anything is done."""
    with pytest.raises(SystemExit, match="2"):
        parse(line.split())
    assert "usage: bootstrap" in capsys.readouterr().err


def test_compose_of_version_1_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The containers' file is for version 2; without it the step ends before anything is set up."""
    old = tmp_path / "docker-compose"
    monkeypatch.setenv("PATH", str(tmp_path))
    for says, found in (("", False), ("exit 1", False), ("echo 1.29.2", False), ("echo v2.26.1", True)):
        if says:
            old.write_text(f"#!/bin/sh\n{says}\n")
            old.chmod(0o755)
        if found:
            assert _compose() == ("docker-compose",)
        else:
            with pytest.raises(SetupError, match="Docker Compose, version 2 or newer"):
                _compose()


TRY_LOCK = """\
#!{python}
import fcntl
with open({lock!r}, "w") as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise SystemExit(7)
"""


@pytest.mark.parametrize("step", ["image", "gateway-image", "platform-images"])
def test_two_set_ups_of_a_checkout_build_no_image_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Who leaves a step to the environment's Python, as `make` does, keeps others away until it has ended."""
    environment, cache = VirtualEnvironment(tmp_path / "venv", tmp_path), tmp_path / "cache"
    monkeypatch.setattr(commands, "VENV", environment)
    monkeypatch.setattr(commands, "CACHE", cache)
    environment.python.parent.mkdir(parents=True)
    environment.python.write_text(TRY_LOCK.format(python=sys.executable, lock=str(cache / "lock")))
    environment.python.chmod(0o755)
    with pytest.raises(SystemExit, match="7"):
        STEPS[step](commands._Setup(*parse([step])))


class Started(Exception):
    """An engine would have been installed."""


def install(*_: object, **__: object) -> NoReturn:
    """Stand for the installation of an engine."""
    raise Started


def test_engine_is_started_only_where_that_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `--no-start` a host without an engine stays as it is, even where the set-up could install one."""
    monkeypatch.setattr(engine, "DEFAULT_SOCKET", Path("/nowhere"))
    monkeypatch.setattr(engine, "meant", lambda: engine.Address(Path("/nowhere"), ""))
    monkeypatch.setattr(debian, "is_root_debian", lambda: True)
    monkeypatch.setattr(debian, "apt_install", install)
    monkeypatch.setattr(dockerd.shutil, "which", lambda *_, **__: None)
    with pytest.raises(Started):
        dockerd.ensure(Steps())
    with pytest.raises(SetupError, match="No container engine responds at /nowhere"):
        dockerd.ensure(Steps(), may_start=False)


def test_sweep_needs_an_installation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a name no container is removed: they would be those of any gateway."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the tests' own handler stays
    monkeypatch.delenv("FIGBOX_INSTALLATION", raising=False)
    assert main(["sweep"]) == 1
    assert "FIGBOX_INSTALLATION isn't set" in capsys.readouterr().err


def test_what_cannot_be_written_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A step that may not write where it must says who may."""

    def refused(_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied", "/opt/figbox/.figbox/lock")

    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(signal, "signal", lambda *_: None)  # the tests' own handler stays
    monkeypatch.setitem(STEPS, "venv", refused)
    assert main(["venv"]) == 1
    assert capsys.readouterr().err.strip().startswith("/opt/figbox/.figbox/lock can't be written to: run this as")
