"""`make clean` removes what this checkout made, and nothing else."""

from __future__ import annotations

import io
import socket
import sys
import tarfile
from typing import TYPE_CHECKING

import pytest

from bootstrap import clean
from bootstrap.steps import SetupError, Steps
from gateway.launcher.engine.specification import LABEL_INSTALLATION
from gateway.launcher.snapshot.keeper import LABEL_KEY, LABEL_MADE, LABEL_OWNER
from tests.support import runtimes
from tests.support.live import ROOT, engine_client, free_port
from tests.support.second_engine import EngineSetup, SecondEngine, second_engine

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import docker

pytestmark = pytest.mark.engine

TAG, GATEWAY_TAG = "figbox-test-clean:latest", "figbox-test-clean-gateway:latest"
OURS = (
    "ours",
    "ours.selftest",
    "ours.selftest.science",
    "ours.by-hand.selftest",
    "ours.by-hand.selftest.science",
    "ours.snapshot.default",
)
OTHERS = ("ours2", "ours2.selftest", "ours.staging", "ours.staging.selftest", "theirs.ours", "ours2.snapshot.default")


@pytest.fixture(scope="module")
def engine() -> Iterator[SecondEngine]:
    """Return an engine of the tests' own: the names of base images are the same on every engine."""
    runtimes.need_root()
    with second_engine(EngineSetup()) as running:
        yield running


@pytest.fixture
def checkout(tmp_path: Path, engine: SecondEngine, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a checkout that looks used, with the environment's variables pointing at it."""
    for name in clean.CACHES:
        (tmp_path / name / "bin").mkdir(parents=True)
    (tmp_path / ".env").write_text("API_KEY=kept\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("DOCKER_HOST", engine.url)
    monkeypatch.setenv("FIGBOX_INSTALLATION", "ours")
    monkeypatch.setenv("PORT", str(free_port()))
    return tmp_path


@pytest.fixture
def client(engine: SecondEngine) -> Iterator[docker.APIClient]:
    """Return a client of that engine."""
    with engine_client(engine.url) as client:
        yield client


def make_image(client: docker.APIClient, name: str, **labels: str) -> None:
    """Make an image with nothing in it."""
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    changes = ["CMD /nothing", *(f"LABEL {key.replace('_', '.', 1).replace('_', '-')}={labels[key]}" for key in labels)]
    repository, _, tag = name.partition(":")
    client.import_image_from_data(empty.getvalue(), repository=repository, tag=tag, changes=changes)


def make_snapshot(client: docker.APIClient, name: str, base: str, owner: str) -> None:
    """Make an image as a launcher makes one with a snapshot: of a container of another image."""
    container = client.create_container(base)["Id"]
    repository, _, tag = name.partition(":")
    labels = {LABEL_KEY: "k", LABEL_MADE: "1", LABEL_OWNER: owner}
    client.commit(container, repository, tag, changes=[f"LABEL {key}={value}" for key, value in labels.items()])
    client.remove_container(container)


def test_what_was_made_here_is_removed(checkout: Path, client: docker.APIClient) -> None:
    """Containers of the installation, images, snapshots and folders go; `.env` and what others made stay."""
    make_image(client, TAG, figbox_tag=TAG)
    make_image(client, "figbox-test-clean-science:latest", figbox_runner_tag=TAG)
    make_image(client, GATEWAY_TAG, figbox_tag=GATEWAY_TAG)
    make_image(client, clean.BASE_TAG)
    make_image(client, "figbox-runner:other", figbox_tag="figbox-runner:other")
    make_snapshot(client, "figbox-snapshot:1", "figbox-runner:other", "ours.snapshot.default")
    make_snapshot(client, "figbox-snapshot:2", TAG, "theirs.snapshot.default")
    make_snapshot(client, "figbox-snapshot:3", "figbox-test-clean-science:latest", "ours.snapshot.science")
    make_snapshot(client, "figbox-snapshot:theirs", "figbox-runner:other", "ours2.snapshot.default")
    made = {
        name: client.create_container("figbox-runner:other", labels={LABEL_INSTALLATION: name})["Id"]
        for name in OURS + OTHERS
    }
    output = io.StringIO()
    clean.clean(Steps(output=output), checkout, (TAG, GATEWAY_TAG))
    left = {row["Id"] for row in client.containers(all=True)}
    assert left == {made[name] for name in OTHERS}, output.getvalue()
    tags = {tag for row in client.images(all=True) for tag in row["RepoTags"] or ("no tag",)}
    assert tags == {"figbox-runner:other", "figbox-snapshot:theirs"}, output.getvalue()
    assert [path.name for path in checkout.iterdir()] == [".env"]


def test_an_image_in_use_is_kept(checkout: Path, client: docker.APIClient) -> None:
    """An image that a container still uses stays, and the command says so."""
    make_image(client, TAG, figbox_tag=TAG)
    container = client.create_container(TAG)["Id"]
    output = io.StringIO()
    clean.clean(Steps(output=output), checkout, (TAG,))
    assert "kept: it is in use" in output.getvalue()
    client.remove_container(container)
    client.remove_image(TAG)


def test_beside_a_gateway_nothing_is_removed(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where something listens on the gateway's port, the command says so and removes nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PORT", str(server.getsockname()[1]))
        with pytest.raises(SetupError, match="stop it first"):
            clean.clean(Steps(output=io.StringIO()), checkout, (TAG,))
    assert {path.name for path in checkout.iterdir()} == {".env", *clean.CACHES}
