"""The project's images: built by the engine without network, from files all prepared on the host.

What the image was made from is written into its labels, so the engine itself remembers it: a second run
compares one hash and asks nobody. Runs under the virtual environment's Python, for it needs Docker's SDK.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import docker
import requests
from docker.errors import APIError, DockerException, ImageNotFound

from bootstrap.images import base, context, wheels
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from docker import DockerClient
    from docker.models.images import Image

    from bootstrap.steps import Steps

DEFAULT_TAG = "figbox-runner:latest"
GATEWAY_TAG = "figbox-gateway:latest"
GATEWAY_PARTS = (
    "gateway",
    "gateway-image",
    "requirements/gateway.txt",
    "runner-image/build",
    "runner-image/seccomp.json",
)
"""What the gateway's image is made of, besides its packages."""

REGISTRY_BASE = "python:3.13-slim-trixie"
PULL_SILENCE_S = 20.0
"""How long a pull may be silent, in seconds; an engine that reaches no registry mostly says so at once."""

BUILD_SILENCE_S = 900.0
"""How long a build may be silent, in seconds; a step prints nothing until it ends."""

INPUTS_LABEL = "figbox.inputs"
BASE_LABEL = "figbox.base"
BASE_ID_LABEL = "figbox.base-id"
TAG_LABEL = "figbox.tag"
VERSION = 1
"""Raise it when the same files would be built into another image."""

ARCHITECTURES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}
LOG_TAIL_LINES = 15
REASON_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is to be built, and where intermediate results are kept; by default the runner image."""

    folder: Path
    """Holds the Dockerfile, what it copies, and the lock with the hashes of the wheels."""
    cache: Path
    tag: str = DEFAULT_TAG
    what: str = "runner image"
    parts: tuple[str, ...] = ()
    """Files and folders that the image is made of; none means the whole folder."""
    dockerfile: str = "Dockerfile"
    lock: str = "requirements.txt"

    def inputs(self, architecture: str, base_image: str, base_id: str) -> str:
        """Give one hash over all that goes into the image."""
        own = base.recipe_hash(architecture) if base_image == base.TAG else ""
        parts = [
            VERSION,
            wheels.VERSION,
            context.digest(self.folder, self.parts),
            architecture,
            base_image,
            base_id,
            own,
        ]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def gateway(root: Path, cache: Path, tag: str = GATEWAY_TAG) -> Recipe:
    """Give the recipe of the gateway's image, which is the launcher's too.

    Args:
        root: The repository.
        cache: Where intermediate results of all images are kept.
        tag: Its name.
    """
    return Recipe(
        folder=root,
        cache=cache / "gateway",  # wheels of another lock in the same folder would be removed
        tag=tag,
        what="gateway image",
        parts=GATEWAY_PARTS,
        dockerfile="gateway-image/Dockerfile",
        lock="requirements/gateway.txt",
    )


def ensure(steps: Steps, recipe: Recipe, *, refresh_base: bool = False) -> None:
    """Build an image unless the engine holds one made from the same inputs.

    Args:
        steps: Where to say it.
        recipe: What to build.
        refresh_base: First pull or make the base image again, for the distribution's security updates.

    Raises:
        SetupError: Something is missing or failed; says what to do.
    """
    with engine_faults_told():
        client = docker.from_env(timeout=BUILD_SILENCE_S)
        with contextlib.closing(client):
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
def engine_faults_told() -> Iterator[None]:
    """Turn what the engine does wrong into a sentence for the user."""
    try:
        yield
    except (DockerException, requests.RequestException) as exc:
        explanation = exc.explanation if isinstance(exc, APIError) else exc
        raise SetupError(
            f"The engine failed ({explanation}); see `make doctor` and the engine's log, and start again."
        ) from exc


def architecture_of(client: DockerClient) -> str:
    """Give the engine's processor, as wheels name it."""
    name = str(client.info()["Architecture"])
    if name not in ARCHITECTURES:
        raise SetupError(f"The engine's processor ({name}) isn't supported; use an x86_64 or aarch64 one.")
    return ARCHITECTURES[name]


def find(client: DockerClient, name: str) -> Image | None:
    """Give an image by its tag or digest, if the engine has it."""
    try:
        return client.images.get(name)
    except ImageNotFound:
        return None


def is_current(client: DockerClient, image: Image, recipe: Recipe, architecture: str) -> bool:
    """Tell whether an image was made from what is here now."""
    base_image = image.labels.get(BASE_LABEL, "")
    base_id = image.labels.get(BASE_ID_LABEL, "")
    wanted = recipe.inputs(architecture, base_image, base_id)
    local = find(client, base_image) if base_image else None
    base_changed = local is not None and local.id != base_id  # a base that was pruned is no reason to build
    return image.labels.get(INPUTS_LABEL) == wanted and not base_changed


def _build(steps: Steps, client: DockerClient, recipe: Recipe, architecture: str, *, refresh_base: bool) -> Image:
    base_image = _choose_base(steps, client, recipe, architecture, anew=refresh_base)
    base_id = client.images.get(base_image).id
    site = wheels.ensure(steps, recipe.folder / recipe.lock, architecture, recipe.cache)
    steps.say(recipe.what, f"building {recipe.tag} from {base_image}, without network")
    labels = {
        INPUTS_LABEL: recipe.inputs(architecture, base_image, base_id),
        BASE_LABEL: base_image,
        BASE_ID_LABEL: base_id,
        TAG_LABEL: recipe.tag,
    }
    with tempfile.TemporaryFile() as tar:
        context.pack(recipe.folder, site, tar, recipe.parts)
        tar.seek(0)
        events = client.api.build(
            fileobj=tar,
            custom_context=True,
            dockerfile=recipe.dockerfile,
            tag=recipe.tag,
            buildargs={"BASE_IMAGE": base_image},
            labels=labels,
            network_mode="none",
            rm=True,
            forcerm=True,
            decode=True,
        )
        follow(client, events, recipe.what)
    return client.images.get(recipe.tag)


def _choose_base(steps: Steps, client: DockerClient, recipe: Recipe, architecture: str, *, anew: bool) -> str:
    """Give the name of a base image, now in the engine: the one used before, a registry's, or our own."""
    built = find(client, recipe.tag)
    before = built.labels.get(BASE_LABEL) if built is not None else None
    if before == base.TAG:
        base.ensure(steps, client, architecture, anew=anew)
        return base.TAG
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
        except (DockerException, requests.RequestException, OSError) as exc:
            reason = str(getattr(exc, "explanation", None) or exc).strip()
            steps.say("base image", f"no registry gives it ({reason[:REASON_LENGTH]})")
            return False
    return True


def follow(client: DockerClient, events: Iterator[dict[str, Any]], what: str = "runner image") -> None:
    """Follow a build to its end; a failing one's last lines become the error."""
    log: list[str] = []
    try:
        for event in events:
            log += str(event.get("stream", "")).splitlines()
            if "error" in event:
                tail = "\n".join(line for line in log[-LOG_TAIL_LINES:] if line.strip())
                raise SetupError(
                    f"{tail}\nThe {what} couldn't be built ({str(event['error']).strip()}); "
                    f"repair what the lines above say, and start again."
                )
    finally:
        _remove_stages(client, log)


def _remove_stages(client: DockerClient, log: list[str]) -> None:
    """Remove the images of earlier build stages, which a build without BuildKit leaves behind."""
    mentioned = {match[1] for line in log if (match := re.fullmatch(r" ---> ([0-9a-f]{12})", line))}
    for image in client.images.list(filters={"dangling": True}):
        if str(image.id).removeprefix("sha256:")[:12] in mentioned:
            with contextlib.suppress(APIError):
                client.images.remove(str(image.id))


def remove_replaced(client: DockerClient, tag: str) -> None:
    """Remove images that carried this tag before and carry none now; one in use stays until the next time."""
    for old in client.images.list(filters={"dangling": True, "label": f"{TAG_LABEL}={tag}"}):
        with contextlib.suppress(APIError):
            client.images.remove(str(old.id))


def layers(client: DockerClient, tag: str) -> list[str]:
    """Give the size of an image and of each of its layers with what made it, a line each, newest first."""
    history = client.api.history(tag)
    filled = [layer for layer in history if layer["Size"]]
    lines = [f"{sum(layer['Size'] for layer in filled) / 1e6:7.1f} MB in {len(filled)} layers:"]
    for layer in filled:
        made_by = re.sub(r"\s+", " ", re.sub(r"^/bin/sh -c (#\(nop\))?", "", layer["CreatedBy"])).strip()
        lines.append(f"{layer['Size'] / 1e6:7.1f} MB  {(made_by or layer['Comment'])[:90]}")
    return lines


def short(image: Image) -> str:
    """Give the beginning of an image's digest."""
    return str(image.id)[:19]
