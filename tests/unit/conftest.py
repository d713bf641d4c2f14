"""Fixtures that several unit tests share."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gateway.launcher.sizing import Sizes
from tests.support.launcher_rig import Rig
from tests.support.runner import Reply, RunnerProcess

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator


@pytest.fixture(scope="session")
def config_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Matplotlib's configuration folder for all runners, so that fonts are listed once."""
    return tmp_path_factory.mktemp("mplconfig")


@pytest.fixture
def start(config_dir: Path, tmp_path: Path) -> Iterator[Callable[..., RunnerProcess]]:
    """Start runners with given arguments; those that are left are killed."""
    started: list[RunnerProcess] = []

    def start_runner(*arguments: str) -> RunnerProcess:
        # A folder for each, so that no program sees what another wrote.
        folder = tmp_path / f"work{len(started)}"
        folder.mkdir()
        started.append(RunnerProcess(folder, config_dir, *arguments))
        return started[-1]

    yield start_runner
    for process in started:
        process.close()


@pytest.fixture
def draw(start: Callable[..., RunnerProcess]) -> Callable[..., Reply]:
    """Draw one program in a runner of its own."""

    def draw_job(code: str, *arguments: str, files: dict[str, bytes] | None = None, **options: Any) -> Reply:
        process = start("job", *arguments)
        assert process.read_frame() == (b"R", b"")
        for name, data in (files or {}).items():
            process.send_file(name, data)
        process.send_job(code, **options)
        return process.read_reply()

    return draw_job


@pytest.fixture
def collect(draw: Callable[..., Reply]) -> Callable[..., Reply]:
    """Draw one program and collect everything."""
    return lambda code, *arguments, **options: draw(code, *arguments, collect=True, **options)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a directory with a short name: a socket's path may have 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="fb") as name:
        yield Path(name)


@pytest.fixture
async def rig(folder: Path) -> AsyncIterator[Rig]:
    """Return a server and a client that has found it."""
    rig = Rig(folder / "l.sock")
    await rig.start()
    assert await rig.client.start() == Sizes(2, 4)
    yield rig
    await rig.client.aclose()
    await rig.stop()
