"""What a newcomer does: `make run` in a fresh clone, the printed command, and the end."""

from __future__ import annotations

import io
import os
import signal
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from tests.support.checkout import copy_checkout
from tests.support.command import run
from tests.support.live import containers_of, engine_url, free_port, remove_containers_of
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.engine


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a copy of what git tracks, beside the virtual environment that is here already."""
    return copy_checkout(tmp_path / "clone")


@pytest.fixture
def running(clone: Path) -> Iterator[tuple[subprocess.Popen[str], list[str], str]]:
    """Return a `make run` that serves, the command it printed, and its installation's name."""
    installation = f"test-make-{os.getpid()}"
    environment = {name: value for name, value in os.environ.items() if name != "API_KEY"}
    environment |= {
        "PORT": str(free_port()),
        "FIGBOX_METRICS_PORT": str(free_port()),
        "FIGBOX_INSTALLATION": installation,
    }
    process = subprocess.Popen(
        # The very Python that is running: another one would begin by making the shared environment anew.
        ["make", "run", f"PYTHON={sys.executable}"],
        cwd=clone,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    said: list[str] = []
    try:
        for line in process.stdout:
            said.append(line)
            if line.rstrip().endswith("-o plot.png"):
                break
        else:
            pytest.fail("".join(said))
        begin = next(number for number, line in enumerate(said) if line.lstrip().startswith("curl "))
        yield process, said[begin:], installation
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(slowed(30))
        process.stdout.close()
        remove_containers_of(installation, engine_url())


@pytest.mark.parametrize("how", ["Ctrl-C", "SIGTERM"])
def test_newcomer(running: tuple[subprocess.Popen[str], list[str], str], clone: Path, how: str) -> None:
    """`make run` makes a private `.env`, prints a command that works when pasted, and ends without a trace."""
    process, command, installation = running
    assert stat.S_IMODE((clone / ".env").stat().st_mode) == 0o600
    pasted = run("bash", "-c", "".join(command), folder=clone)
    assert (pasted.returncode, pasted.stderr) == (0, "")
    picture = Image.open(io.BytesIO((clone / "plot.png").read_bytes()))
    assert picture.format == "PNG"
    assert containers_of(installation, engine_url()) != []
    if how == "Ctrl-C":
        os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the whole group
    else:
        process.terminate()
    process.wait(slowed(40))
    assert containers_of(installation, engine_url()) == []
    assert process.stdout is not None
    assert "Traceback" not in process.stdout.read()
