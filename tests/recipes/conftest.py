"""The sample repository of `examples/ci`, services that draw its figures, and an image that draws them otherwise."""

from __future__ import annotations

import io
import os
import secrets
import shutil
import tarfile
from typing import TYPE_CHECKING

import pytest

from tests.client.conftest import write
from tests.documents.pages import ROOT
from tests.fakes import KEY
from tests.recipes.sample import Sample
from tests.support.command import command_folder, environment
from tests.support.live import IMAGE, WARM_START, engine_client, engine_url, live_gateway

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

#: Where an image has what Matplotlib draws by if nothing else is said.
RC_FOLDER = "/opt/figbox/site/matplotlib/mpl-data"

#: What the next image draws otherwise: a little, as a release of Matplotlib does.
NEW_RC = b"\naxes.titlesize: x-large\n"

#: The environment of a service that has the next image.
NEXT = "next"


@pytest.fixture(scope="session")
def next_image() -> Iterator[str]:
    """Return the name of an image that is the runner's, but for one setting of Matplotlib."""
    tag = f"figbox-runner-next:test-{secrets.token_hex(4)}"
    with engine_client() as client:
        container = client.create_container(IMAGE, user="0:0")["Id"]
        try:
            stream, _ = client.get_archive(container, f"{RC_FOLDER}/matplotlibrc")
            with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
                member = archive.getmembers()[0]
                file = archive.extractfile(member)
                assert file is not None
                after = file.read() + NEW_RC
            packed = io.BytesIO()
            with tarfile.open(fileobj=packed, mode="w") as archive:
                member.size = len(after)
                archive.addfile(member, io.BytesIO(after))
            client.put_archive(container, RC_FOLDER, packed.getvalue())
            repository, _, name = tag.partition(":")
            client.commit(container, repository=repository, tag=name, changes=["USER 20000:20000"])
        finally:
            client.remove_container(container)
        yield tag
        client.remove_image(tag)


@pytest.fixture(scope="session")
def service(next_image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, str]]:
    """Run a service that has both images; return the variables by which commands reach it."""
    folder = tmp_path_factory.mktemp("service")
    file = write(folder / "environments.toml", f'[environments.{NEXT}]\nimage = "{next_image}"\npool_size = 1\n')
    with live_gateway(folder, FIGBOX_ENVIRONMENTS_FILE=file) as running:
        yield {"FIGBOX_URL": running.url, "FIGBOX_API_KEY": KEY}


@pytest.fixture
def variables(tmp_path: Path) -> dict[str, str]:
    """Return the environment of a user who has the command, an engine and this clone, and no service."""
    made = environment(
        command_folder(tmp_path / "bin"),
        FIGBOX_HOME=str(ROOT),
        FIGBOX_WARM_START=WARM_START,
        DOCKER_HOST=engine_url(),
        XDG_STATE_HOME=str(tmp_path / "state"),
        GIT_CONFIG_GLOBAL=os.devnull,
        GIT_CONFIG_SYSTEM=os.devnull,
    )
    return {name: value for name, value in made.items() if name not in {"FIGBOX_API_KEY", "GITHUB_ACTIONS"}}


@pytest.fixture(params=["service", "local"])
def sample(request: pytest.FixtureRequest, tmp_path: Path, variables: dict[str, str], next_image: str) -> Sample:
    """Return a copy of the sample repository, with the service, and again with one for each command alone."""
    folder = tmp_path / "sample"
    shutil.copytree(ROOT / "examples" / "ci", folder)
    if request.param == "service":
        made = Sample(folder, {**variables, **request.getfixturevalue("service")}, ("--environment", NEXT))
    else:
        made = Sample(folder, {**variables, "FIGBOX_LOCAL": "1"}, (), {"FIGBOX_IMAGE": next_image})
    made.git("init", "-q")
    made.commit("Begin")
    return made
