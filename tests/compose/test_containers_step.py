"""`make run` on macOS is the set-up's step `containers`: here with the engine's socket mounted alone, as there."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.fakes import KEY
from tests.support import compose
from tests.support.checkout import copy_checkout
from tests.support.command import run
from tests.support.deployment import LIMIT_S, compose_environment
from tests.support.live import containers_of, engine_url, remove_containers_of
from tests.support.machine import slowed

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.engine, pytest.mark.compose]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], dict[str, str]]]:
    """Return the running step, and the environment it was started with."""
    clone = copy_checkout(tmp_path / "clone")
    command = compose.ensure()
    own = compose_environment(
        FIGBOX_WARM_START="import",
        FIGBOX_ENGINE_FOLDER=engine_url().removeprefix("unix://"),
        FIGBOX_ENGINE_TARGET="/run/engine/docker.sock",
        PATH=f"{Path(command[0]).parent}:{os.environ['PATH']}" if "/" in command[0] else os.environ["PATH"],
    )
    with (tmp_path / "output").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "bootstrap", "containers"],
            cwd=clone,
            env=own,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process, own
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(slowed(30))
        down = [*command, "down", "--volumes", "--timeout", str(slowed(60))]
        run(*down, folder=clone, env=own, limit_s=LIMIT_S)
        remove_containers_of(own["COMPOSE_PROJECT_NAME"], engine_url())


def test_it_serves_and_ends(started: tuple[subprocess.Popen[bytes], dict[str, str]], tmp_path: Path) -> None:
    """One command sets up and serves in both containers, and the signal of Ctrl-C ends them with all jobs'."""
    process, environment = started
    address = f"http://127.0.0.1:{environment['PORT']}/v1/render?format=png"
    request = ["--data", "plt.plot([1, 2])", "-H", f"X-API-Key: {KEY}", "-H", "Content-Type: text/x-python"]
    retries = ["--retry", "60", "--retry-all-errors", "--retry-delay", "2", "--max-time", str(slowed(200))]
    done = run("curl", "-sSf", *retries, *request, "-o", str(tmp_path / "plot.png"), address, limit_s=LIMIT_S)
    assert done.returncode == 0, (tmp_path / "output").read_text()
    assert (tmp_path / "plot.png").read_bytes().startswith(b"\x89PNG")
    process.send_signal(signal.SIGINT)
    process.wait(slowed(120))
    assert containers_of(environment["COMPOSE_PROJECT_NAME"], engine_url()) == []
