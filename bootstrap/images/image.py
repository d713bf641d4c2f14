"""The project's images: built in the engine without network, from files that were all prepared on the host.

An image's labels hold a hash of what it was made from, so a second run only compares that. This module runs under the
virtual environment's Python, since it needs Docker's SDK.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from bootstrap.doctor import snapshots
from bootstrap.images import base, context, programs, wheels
from bootstrap.images.assembler import assemble
from bootstrap.images.dockerfile import read
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from docker import DockerClient
    from docker.models.images import Image

    from bootstrap.steps import Steps

DEFAULT_TAG = "figbox-runner:latest"

#: What the gateway's image is made of, besides its packages.
GATEWAY_PARTS = (
    "gateway",
    "gateway-image",
    "requirements/gateway.txt",
    "runner-image/build",
)

REGISTRY_BASE = "python:3.13-slim-trixie"

#: How long a pull may be silent, in seconds; an engine that can't reach the registry mostly says so at once.
PULL_SILENCE_S = 20.0

#: How long a build may be silent, in seconds; a step prints nothing until it ends.
BUILD_SILENCE_S = 900.0

INPUTS_LABEL = "figbox.inputs"
BASE_LABEL = "figbox.base"
BASE_ID_LABEL = "figbox.base-id"
TAG_LABEL = "figbox.tag"

#: Raise it when the same files would be built into another image.
VERSION = 2

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
REASON_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is to be built, by default the runner image.

    Attributes:
        folder: Holds the Dockerfile, what it copies, and the lock with the hashes of the wheels.
        cache: Where fetched packages are kept.
        parts: Files and folders that the image is made of; empty for the whole folder.
    """

    folder: Path
    cache: Path
    tag: str = DEFAULT_TAG
    what: str = "runner image"
    parts: tuple[str, ...] = ()
    dockerfile: str = "Dockerfile"
    lock: str = "requirements.txt"

    def inputs(self, architecture: str, base_image: str, base_id: str) -> str:
        """Return a hash of everything that goes into the image."""
        own = base.recipe_hash(architecture) if base_image == base.TAG else ""
        files = context.digest(self.folder, self.parts)
        parts = [VERSION, wheels.VERSION, files, architecture, base_image, base_id, own]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def gateway(root: Path, cache: Path, tag: str) -> Recipe:
    """Return the recipe of the image of gateway and launcher, from the repository's files."""
    return Recipe(
        folder=root,
        cache=cache / "gateway",  # a cache holds the wheels of one lock
        tag=tag,
        what="gateway image",
        parts=GATEWAY_PARTS,
        dockerfile="gateway-image/Dockerfile",
        lock="requirements/gateway.txt",
    )


def ensure(steps: Steps, recipe: Recipe, *, refresh_base: bool = False) -> None:
    """Build an image unless the engine has one made from the same inputs.

    Args:
        steps: Where to report.
        recipe: What to build.
        refresh_base: Pull or make the base image again first, for the distribution's security updates.

    Raises:
        SetupError: Something is missing or failed; says what to do.
    """
    with engine_client() as client:
        architecture = architecture_of(client)
        present = find(client, recipe.tag)
        if present is not None and not refresh_base and is_current(client, present, recipe, architecture):
            steps.say(recipe.what, f"unchanged ({recipe.tag}, {short(present)})")
            return
        built = _build(steps, client, recipe, architecture, refresh_base=refresh_base)
        remove_replaced(client, recipe.tag)
        steps.say(recipe.what, f"built {recipe.tag} ({short(built)})")
        for line in layers(client, recipe.tag):
            print(f"           {line}")


@contextlib.contextmanager
def engine_client() -> Iterator[DockerClient]:
    """Yield a client for builds; turn the engine's errors into a sentence for the user."""
    try:
        with contextlib.closing(docker.from_env(timeout=BUILD_SILENCE_S)) as client:
            yield client
    except (DockerException, requests.RequestException) as error:
        explanation = error.explanation if isinstance(error, APIError) else error
        raise SetupError(
            f"The engine failed ({explanation}); see `make doctor` and the engine's log, and start again."
        ) from error


def architecture_of(client: DockerClient) -> str:
    """Return the engine's processor architecture, as wheels name it."""
    name = str(client.info()["Architecture"])
    if name not in ARCHITECTURES:
        raise SetupError(f"The engine's processor ({name}) isn't supported; use an x86_64 or aarch64 one.")
    return ARCHITECTURES[name]


def find(client: DockerClient, name: str) -> Image | None:
    """Return an image by its tag or digest, if the engine has it."""
    try:
        return client.images.get(name)
    except ImageNotFound:
        return None


def is_current(client: DockerClient, image: Image, recipe: Recipe, architecture: str) -> bool:
    """Tell whether an image was made from the present inputs."""
    base_image = image.labels.get(BASE_LABEL, "")
    base_id = image.labels.get(BASE_ID_LABEL, "")
    wanted = recipe.inputs(architecture, base_image, base_id)
    local = find(client, base_image) if base_image else None
    base_changed = local is not None and local.id != base_id  # a base image that was pruned doesn't matter
    return image.labels.get(INPUTS_LABEL) == wanted and not base_changed


def _build(steps: Steps, client: DockerClient, recipe: Recipe, architecture: str, *, refresh_base: bool) -> Image:
    base_image = _choose_base(steps, client, recipe, architecture, anew=refresh_base)
    base_id = client.images.get(base_image).id
    made = {"site": wheels.ensure(steps, recipe.folder / recipe.lock, architecture, recipe.cache)}
    if (compiled := programs.ensure(steps, recipe.folder, architecture, recipe.cache)) is not None:
        made["programs"] = compiled
    steps.say(recipe.what, f"building {recipe.tag} from {base_image}, without network")
    labels = {
        INPUTS_LABEL: recipe.inputs(architecture, base_image, base_id),
        BASE_LABEL: base_image,
        BASE_ID_LABEL: base_id,
        TAG_LABEL: recipe.tag,
    }
    return build(
        client,
        recipe.what,
        recipe.tag,
        dockerfile=recipe.folder / recipe.dockerfile,
        arguments={"BASE_IMAGE": base_image},
        files=context.contents(recipe.folder, made, recipe.parts),
        labels=labels,
    )


def build(
    client: DockerClient,
    what: str,
    tag: str,
    *,
    dockerfile: Path,
    arguments: Mapping[str, str],
    files: Mapping[str, Path],
    labels: Mapping[str, str],
) -> Image:
    """Build an image without network.

    Args:
        client: The engine's SDK client.
        what: Names the image in an error.
        tag: The image's name.
        dockerfile: What is to be done.
        arguments: For its ARGs.
        files: What it copies, by the names that it uses.
        labels: For the image.

    Raises:
        SetupError: The Dockerfile has something that isn't read here, or the build failed.
    """
    name = f"{dockerfile.parent.name}/{dockerfile.name}"
    stages = read(dockerfile.read_text("utf-8"), name, arguments)
    assemble(client.api, stages, files, what=what, tag=tag, labels=labels)
    return client.images.get(tag)


def _choose_base(steps: Steps, client: DockerClient, recipe: Recipe, architecture: str, *, anew: bool) -> str:
    """Return the name of a base image that the engine has by now: the one used before, the registry's, or our own."""
    built = find(client, recipe.tag)
    before = built.labels.get(BASE_LABEL) if built is not None else None
    if before != base.TAG:
        if not anew and find(client, REGISTRY_BASE) is not None:
            return REGISTRY_BASE
        if before is None and base.present(client, architecture) is not None:
            return base.TAG
        if _pull(steps, REGISTRY_BASE):
            return REGISTRY_BASE
    base.ensure(steps, client, architecture, anew=anew)
    return base.TAG


def _pull(steps: Steps, name: str) -> bool:
    steps.say("base image", f"pulling {name}")
    impatient = docker.from_env(timeout=PULL_SILENCE_S).api
    repository, _, tag = name.partition(":")
    with contextlib.closing(impatient):
        try:
            for event in impatient.pull(repository, tag=tag, stream=True, decode=True):
                if "error" in event:
                    raise APIError(event["error"])
        except (DockerException, requests.RequestException, OSError) as error:
            reason = str(getattr(error, "explanation", None) or error).strip()
            steps.say("base image", f"it can't be pulled ({reason[:REASON_LENGTH]})")
            return False
    return True


def remove_replaced(client: DockerClient, tag: str) -> None:
    """Remove images that lost this tag to a newer one, with their snapshots; an image in use stays until next time."""
    label = f"{TAG_LABEL}={tag}"
    # Snapshots first, which inherit labels: an image that others are made from isn't listed as dangling.
    made_from = client.images.list(filters={"label": [snapshots.LABEL, label]})
    replaced = [image for image in made_from if _lost_its_names(client, image.attrs.get("Parent"))]
    for old in replaced:
        _remove(client, old)
    for old in client.images.list(filters={"dangling": True, "label": label}):
        _remove(client, old)


def _remove(client: DockerClient, image: Image) -> None:
    with contextlib.suppress(APIError):
        client.images.remove(str(image.id))


def _lost_its_names(client: DockerClient, image_id: str | None) -> bool:
    """Tell whether an image has no name any more; not every engine says which one another was made from."""
    try:
        return bool(image_id) and not client.images.get(image_id).tags
    except ImageNotFound:
        return False


def layers(client: DockerClient, tag: str) -> list[str]:
    """Return lines with the size of an image, and of each layer with the command that made it, newest first."""
    history = client.api.history(tag)
    filled = [layer for layer in history if layer["Size"]]
    lines = [f"{sum(layer['Size'] for layer in filled) / 1e6:7.1f} MB in {len(filled)} layers:"]
    for layer in filled:
        comment = layer["Comment"]
        made_by = re.sub(r"\s+", " ", re.sub(r"^/bin/sh -c (#\(nop\))?", "", layer["CreatedBy"])).strip()
        instructions = comment if comment.startswith(("COPY ", "RUN ")) else made_by or comment
        lines.append(f"{layer['Size'] / 1e6:7.1f} MB  {instructions[:90]}")
    return lines


def short(image: Image) -> str:
    """Return the beginning of an image's digest."""
    return str(image.id)[:19]
