"""Images of environments: the runner image and packages more, each from a lock of its own.

Built as the runner image is: wheels fetched on the host, no network in the build, the inputs' hash in a label. What
the runner image has already is left out, so the two share it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import shutil
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import docker

from bootstrap import dotenv
from bootstrap.images import context, image, wheels
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from docker import DockerClient
    from docker.models.images import Image

    from bootstrap.steps import Steps

RUNNER_LABEL = "figbox.runner-tag"
"""Tag of the runner image that an environment's image was made from."""

RUNNER_ID_LABEL = "figbox.runner-id"
VERSION = 1
"""Raise it when the same files would be built into another image."""

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")
"""What an environment with a lock may be called: it becomes part of an image's name."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is to be built."""

    name: str
    folder: Path
    """Holds the Dockerfile and the locks, NAME.txt each."""
    runner: image.Recipe

    @property
    def lock(self) -> Path:
        """Requirements with a hash for every file."""
        return self.folder / f"{self.name}.txt"

    @property
    def tag(self) -> str:
        """Name of the image."""
        return tag_of(self.runner.tag, self.name)

    def inputs(self, architecture: str, runner_id: str) -> str:
        """Give one hash over all that goes into the image."""
        files = [(self.folder / "Dockerfile").read_text("utf-8"), self.lock.read_text("utf-8")]
        build = context.digest(self.runner.folder / "build")
        parts = [VERSION, wheels.VERSION, *files, build, architecture, runner_id]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def tag_of(runner_tag: str, name: str) -> str:
    """Give the name of an environment's image: the runner image's with the environment's added."""
    repository, colon, tag = runner_tag.rpartition(":")
    if not colon or "/" in tag:  # no tag, or the port of a registry
        repository, tag = runner_tag, "latest"
    return f"{repository}-{name}:{tag}"


def known(folder: Path) -> list[str]:
    """Give the names of the environments that have a lock."""
    return sorted(path.stem for path in folder.glob("*.txt") if NAME.fullmatch(path.stem))


def configured(folder: Path, root: Path, runner_tag: str) -> list[str]:
    """Give the names of the environments that the gateway's settings ask for and that can be built here.

    What is wrong with the settings is the gateway's to say.
    """
    named = dotenv.value(root / ".env", "FIGBOX_ENVIRONMENTS_FILE")
    try:
        tables = tomllib.loads((root / named).read_text("utf-8"))["environments"] if named else {}
        wanted = {name: table["image"] for name, table in tables.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []
    return [name for name in known(folder) if wanted.get(name) == tag_of(runner_tag, name)]


def ensure(steps: Steps, recipes: Iterable[Recipe]) -> None:
    """Build the images of environments unless the engine holds them, made from the same inputs.

    Args:
        steps: Where to say it.
        recipes: What to build; the runner image must be there.

    Raises:
        SetupError: Something is missing or failed; says what to do.
    """
    for recipe in recipes:
        if not NAME.fullmatch(recipe.name) or not recipe.lock.is_file():
            names = ", ".join(known(recipe.folder)) or "none"
            raise SetupError(
                f"There is no lock for an environment {recipe.name!r} (there is {names}): write "
                f"{recipe.folder.name}/NAME.in and run `make lock`; see docs/environments.md."
            )
        with image.engine_faults_told():
            client = docker.from_env(timeout=image.BUILD_SILENCE_S)
            with contextlib.closing(client):
                _ensure(steps, client, recipe)


def _ensure(steps: Steps, client: DockerClient, recipe: Recipe) -> None:
    what = f"environment {recipe.name}"
    runner = client.images.get(recipe.runner.tag)
    architecture = image.architecture_of(client)
    inputs = recipe.inputs(architecture, str(runner.id))
    present = image.find(client, recipe.tag)
    if present is not None and present.labels.get(image.INPUTS_LABEL) == inputs:
        steps.say(what, f"unchanged ({recipe.tag}, {image.short(present)})")
        return
    built = _build(steps, client, recipe, architecture, runner)
    for tag in (recipe.tag, recipe.runner.tag):
        image.remove_replaced(client, tag)
    size = built.attrs["Size"] - runner.attrs["Size"]
    steps.say(what, f"built {recipe.tag} ({image.short(built)}), {size / 1e6:.1f} MB beside the runner image")


def _build(steps: Steps, client: DockerClient, recipe: Recipe, architecture: str, runner: Image) -> Image:
    cache = recipe.runner.cache / "environments" / recipe.name
    present = recipe.runner.folder / "requirements.txt"
    site = wheels.ensure(steps, recipe.lock, architecture, cache, present=present)
    steps.say(f"environment {recipe.name}", f"building {recipe.tag} from {recipe.runner.tag}, without network")
    labels = {
        image.INPUTS_LABEL: recipe.inputs(architecture, str(runner.id)),
        image.TAG_LABEL: recipe.tag,
        RUNNER_LABEL: recipe.runner.tag,
        RUNNER_ID_LABEL: str(runner.id),
    }
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as tar:
        shutil.copy(recipe.folder / "Dockerfile", folder)
        shutil.copytree(recipe.runner.folder / "build", Path(folder, "build"))
        context.pack(Path(folder), site, tar)
        tar.seek(0)
        events = client.api.build(
            fileobj=tar,
            custom_context=True,
            tag=recipe.tag,
            buildargs={"RUNNER_IMAGE": str(runner.id)},
            labels=labels,
            network_mode="none",
            rm=True,
            forcerm=True,
            decode=True,
        )
        image.follow(client, events, f"image of environment {recipe.name}")
    return client.images.get(recipe.tag)
