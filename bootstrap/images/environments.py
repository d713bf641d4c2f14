"""Images of environments: the runner image with more packages, each from a lock of its own.

They are built as the runner image is: wheels fetched on the host, no network in the build, a hash of the inputs in a
label. Packages of the runner image are left out, since its layers are shared.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bootstrap import dotenv
from bootstrap.images import context, image, wheels
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from docker import DockerClient

    from bootstrap.steps import Steps

#: Tag of the runner image that an environment's image was made from.
RUNNER_LABEL = "figbox.runner-tag"

RUNNER_ID_LABEL = "figbox.runner-id"

#: Raise it when the same files would be built into another image.
VERSION = 2

#: Names of environments that have a lock; they become part of an image's name.
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,62}")


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is to be built.

    Attributes:
        folder: Holds the Dockerfile and the locks, NAME.txt each.
        own: Files of that folder that go into the image besides.
    """

    name: str
    folder: Path
    runner: image.Recipe
    own: tuple[str, ...] = ()

    @property
    def lock(self) -> Path:
        """The requirements, with a hash for every file."""
        return self.folder / f"{self.name}.txt"

    @property
    def tag(self) -> str:
        """The image's name."""
        return tag_of(self.runner.tag, self.name)

    @property
    def own_files(self) -> dict[str, Path]:
        """Files that go in besides, by their names for the Dockerfile."""
        return {f"own/{name}": self.folder / name for name in self.own}

    def inputs(self, architecture: str, runner_id: str) -> str:
        """Return a hash of everything that goes into the image."""
        files = [path.read_text("utf-8") for path in (self.folder / "Dockerfile", self.lock, *self.own_files.values())]
        build = context.digest(self.runner.folder / "build")
        parts = [VERSION, wheels.VERSION, *files, build, architecture, runner_id]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def tag_of(runner_tag: str, name: str) -> str:
    """Return the name of an environment's image: the runner image's, with the environment's name in it."""
    repository, colon, tag = runner_tag.rpartition(":")
    if not colon or "/" in tag:  # without a tag; a colon can also precede the port of a registry
        repository, tag = runner_tag, "latest"
    return f"{repository}-{name}:{tag}"


def known(folder: Path) -> list[str]:
    """Return the names of the environments that have a lock."""
    return sorted(path.stem for path in folder.glob("*.txt") if NAME.fullmatch(path.stem))


def configured(folder: Path, root: Path, runner_tag: str) -> list[str]:
    """Return the names of the environments that the gateway's settings ask for and that can be built here.

    Mistakes in the settings are left for the gateway to report.
    """
    named = dotenv.value(root / ".env", "FIGBOX_ENVIRONMENTS_FILE")
    try:
        tables = tomllib.loads((root / named).read_text("utf-8"))["environments"] if named else {}
        wanted = {name: table["image"] for name, table in tables.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return []
    return [name for name in known(folder) if wanted.get(name) == tag_of(runner_tag, name)]


def ensure(steps: Steps, recipes: Iterable[Recipe]) -> None:
    """Build images on top of the runner image, except those that the engine has made from the same inputs.

    Raises:
        SetupError: Something is missing or failed; says what to do.
    """
    for recipe in recipes:
        if not NAME.fullmatch(recipe.name) or not recipe.lock.is_file():
            names = ", ".join(known(recipe.folder)) or "none"
            raise SetupError(
                f"There is no lock for an environment {recipe.name!r} (existing locks: {names}): write "
                f"{recipe.folder.name}/NAME.in and run `make lock`; see docs/environments.md."
            )
        with image.engine_client() as client:
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
    cache = recipe.runner.cache / "environments" / recipe.name
    lock = recipe.runner.folder / "requirements.txt"
    site = wheels.ensure(steps, recipe.lock, architecture, cache, present=lock)
    steps.say(what, f"building {recipe.tag} from {recipe.runner.tag}, without network")
    labels = {
        image.INPUTS_LABEL: inputs,
        image.TAG_LABEL: recipe.tag,
        RUNNER_LABEL: recipe.runner.tag,
        RUNNER_ID_LABEL: str(runner.id),
    }
    built = image.build(
        client,
        f"image of {what}",
        recipe.tag,
        dockerfile=recipe.folder / "Dockerfile",
        arguments={"RUNNER_IMAGE": str(runner.id)},
        files=context.contents(recipe.runner.folder, {"site": site}, ("build",)) | recipe.own_files,
        labels=labels,
    )
    for tag in (recipe.tag, recipe.runner.tag):
        image.remove_replaced(client, tag)
    size = built.attrs["Size"] - runner.attrs["Size"]
    steps.say(what, f"built {recipe.tag} ({image.short(built)}), {size / 1e6:.1f} MB on top of the runner image")
