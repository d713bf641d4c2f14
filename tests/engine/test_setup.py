"""The set-up against real engines: the image is built once, rebuilt when its inputs change, and leaves nothing."""

from __future__ import annotations

import io
import os
import shutil
import tempfile
import uuid
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import docker
import pytest
from docker.errors import APIError

from bootstrap import dockerd, engine
from bootstrap.images import image
from bootstrap.steps import SetupError, Steps
from gateway.launcher.snapshot.keeper import LABEL_KEY, REPOSITORY
from tests.support.machine import slowed
from tests.support.snapshots import created

if TYPE_CHECKING:
    from collections.abc import Iterator

    from docker import DockerClient

pytestmark = pytest.mark.engine

DOCKERFILE = """\
ARG BASE_IMAGE=python:3.13-slim-trixie
FROM ${BASE_IMAGE} AS first
COPY made.py /made.py
RUN ["python3", "/made.py"]
FROM ${BASE_IMAGE}
COPY --from=first /made /made
"""
PROGRAM = "open('/made', 'w').write('{text}')\n"


@pytest.fixture
def client() -> Iterator[DockerClient]:
    """Return a client of the engine that the set-up would use."""
    with closing(docker.DockerClient(base_url=engine.meant().url)) as client:
        yield client


@pytest.fixture
def recipe(tmp_path: Path, client: DockerClient) -> Iterator[image.Recipe]:
    """Return a small image of two stages on the base image that is there, with a tag of its own."""
    folder = tmp_path / "image"
    folder.mkdir()
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "made.py").write_text(PROGRAM.format(text=uuid.uuid4()))
    (folder / "requirements.txt").write_text("# nothing\n")
    recipe = image.Recipe(folder, tmp_path / "cache", f"figbox-test-{uuid.uuid4().hex[:12]}:latest")
    yield recipe
    with suppress(APIError):
        client.images.remove(recipe.tag)


def of_tag(client: DockerClient, tag: str) -> list[str]:
    """Give the ids of all images the set-up made for a tag, tagged or not."""
    return [str(found.id) for found in client.images.list(filters={"label": f"{image.TAG_LABEL}={tag}"})]


def test_image_is_built_once_and_replaced_when_changed(recipe: image.Recipe, client: DockerClient) -> None:
    """The second time nothing is built; a changed file gives a new image, and the old one is gone with its snapshot."""
    output = io.StringIO()
    steps = Steps(output=output)
    image.ensure(steps, recipe)
    first = client.images.get(recipe.tag).id
    image.ensure(steps, recipe)
    assert "unchanged" in output.getvalue()
    assert client.images.get(recipe.tag).id == first
    with created(client.api, recipe.tag, command="none") as container_id:
        client.api.commit(container_id, REPOSITORY, uuid.uuid4().hex, changes=[f"LABEL {LABEL_KEY}=0"])
    assert len(of_tag(client, recipe.tag)) == 2
    (recipe.folder / "made.py").write_text(PROGRAM.format(text=uuid.uuid4()))
    image.ensure(steps, recipe)
    second = client.images.get(recipe.tag).id
    assert second != first
    assert of_tag(client, recipe.tag) == [second]


def test_a_failing_build_says_why_and_keeps_the_old_image(recipe: image.Recipe, client: DockerClient) -> None:
    """The program's own words are shown, no traceback of ours; what was built before stays in use."""
    steps = Steps(output=io.StringIO())
    image.ensure(steps, recipe)
    before = client.images.get(recipe.tag).id
    (recipe.folder / "made.py").write_text("raise SystemExit('the font is missing')\n")
    with pytest.raises(SetupError, match=r"(?s)the font is missing.*couldn't be built"):
        image.ensure(steps, recipe)
    assert client.images.get(recipe.tag).id == before
    assert not [
        found
        for found in client.containers.list(all=True, ignore_removed=True)
        if "/made.py" in str(found.attrs["Args"])
    ]


def test_the_build_has_no_network(recipe: image.Recipe) -> None:
    """A build step that looks for a network interface finds the loopback alone."""
    program = "import socket; names = [n for _, n in socket.if_nameindex()]; assert not set(names) - {'lo'}, names\n"
    (recipe.folder / "made.py").write_text(program + PROGRAM.format(text="alone"))
    image.ensure(Steps(output=io.StringIO()), recipe)


@pytest.fixture
def second_engine() -> Iterator[dockerd.Daemon]:
    """Return an engine of our own that isn't started yet, beside the one in use: own socket, data and process file."""
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip("only root can start a second engine, and only where dockerd is installed")
    with tempfile.TemporaryDirectory(prefix="fb", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        daemon = dockerd.Daemon(
            socket=folder / "docker.sock",
            run_folder=folder,
            log=folder / "log",
            arguments=(
                f"--data-root={folder}/data",
                f"--exec-root={folder}/exec",
                f"--pidfile={folder}/docker.pid",
                "--bridge=none",
                "--iptables=false",
            ),
        )
        yield daemon


def test_an_engine_is_started_where_none_answers(second_engine: dockerd.Daemon) -> None:
    """The daemon is started by hand in a session of its own, despite a stale process file; once, not twice."""
    process_file = second_engine.run_folder / "docker.pid"
    process_file.write_text(str(os.getpid()))  # the id lives again, under another program
    output = io.StringIO()
    steps = Steps(output=output)
    process = dockerd.start(steps, second_engine)
    assert process is not None
    try:
        assert int(process_file.read_text()) == process.pid
        assert os.getsid(process.pid) != os.getsid(0)
        assert dockerd.own(second_engine.socket) == process.pid
        assert "removing" in output.getvalue()
        assert dockerd.start(steps, second_engine) is None
        assert output.getvalue().count("starting dockerd") == 1
    finally:
        process.terminate()
        process.wait(timeout=slowed(20))


def test_an_engine_that_ends_at_once_is_told(second_engine: dockerd.Daemon) -> None:
    """What dockerd said last is shown, with the place of its log, without waiting for the deadline."""
    broken = dockerd.Daemon(
        socket=second_engine.socket,
        run_folder=second_engine.run_folder,
        log=second_engine.log,
        arguments=("--no-such-option",),
    )
    with pytest.raises(SetupError, match=r"(?s)no-such-option.*ended at once"):
        dockerd.start(Steps(output=io.StringIO()), broken)
