"""The set-up's command line: steps, their options, and what is left to pytest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bootstrap.commands import _compose, parse
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from pathlib import Path


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
