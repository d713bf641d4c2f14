"""What the tests of the client share."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from figbox.cli import run
from tests.client.service import KEY, Service, running_service

if TYPE_CHECKING:
    from collections.abc import Iterator


#: Scripts of three kinds, as far as the service of these tests looks.
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2])\n"
TWO = "plt.figure()\nplt.figure()\n"
BROKEN = "x = 1\nraise ValueError('no good')\n"


@pytest.fixture
def service() -> Iterator[Service]:
    """Run a fake service."""
    with running_service() as running:
        yield running


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder, without the settings of the person who runs the tests."""
    for name in list(os.environ):
        if name.startswith("FIGBOX_") or name in {"CI", "GITHUB_ACTIONS"}:
            monkeypatch.delenv(name)
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@dataclass(frozen=True)
class Done:
    """What a command did."""

    status: int
    stdout: str
    stderr: str


#: Runs the command with arguments, and with what comes by standard input.
Figbox = Callable[..., Done]


@pytest.fixture
def figbox(service: Service, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Figbox:
    """Return a function that runs the command in the workplace, with the service's address and key set."""
    monkeypatch.setenv("FIGBOX_URL", service.url)
    monkeypatch.setenv("FIGBOX_API_KEY", KEY)

    def run_command(*arguments: str, stdin: str = "") -> Done:
        with CliRunner().isolation(stdin) as (stdout, stderr, _):
            status = run(list(arguments))
            return Done(status, stdout.getvalue().decode(), stderr.getvalue().decode())

    return run_command


def write(path: Path, text: str | bytes) -> Path:
    """Write a file and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def outputs(folder: str = "out") -> dict[str, str]:
    """Return what is below the output folder."""
    root = Path(folder)
    return {str(path.relative_to(root)): path.read_text() for path in sorted(root.rglob("*")) if path.is_file()}
