"""The release's images: built in the engine from a fresh checkout, under names that are gone in the end."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from bootstrap.images import base, context, image, programs, wheels
from bootstrap.steps import SetupError
from tools.release import archives

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from docker import DockerClient
    from docker.models.images import Image

    from bootstrap.steps import Steps
    from tools.release.source import Source

#: The base, made of Debian's packages under a name of its own: a set-up on the same engine goes on with its own.
BASE = f"figbox-release-base:{base.RELEASE}"


def find_base(steps: Steps, client: DockerClient, name: str | None) -> Image:
    """Return the base image that the engine has by now.

    Args:
        steps: Where to report.
        client: The engine's SDK client.
        name: Of one that the engine has; None to make our own, unless it was made before.

    Raises:
        SetupError: There is none of this name, or it can't be made.
    """
    if name is None:
        return base.ensure(steps, client, image.architecture_of(client), image_tag=BASE)
    found = image.find(client, name)
    if found is None:
        raise SetupError(f"The engine has no image {name}: load it, or leave --base out.")
    return found


def recipes(checkout: Path, cache: Path) -> Sequence[image.Recipe]:
    """Return what is built, as `make images` does it, but from a checkout."""
    return [
        image.Recipe(checkout / "runner-image", cache, image.DEFAULT_TAG),
        image.gateway(checkout, cache, "figbox-gateway:latest"),
    ]


def write(
    steps: Steps, client: DockerClient, recipe: image.Recipe, *, base_image: Image, source: Source, target: Path
) -> archives.Written:
    """Build an image, and write it as an archive.

    Args:
        steps: Where to report.
        client: The engine's SDK client.
        recipe: What to build.
        base_image: What to build it on.
        source: What the release is made from.
        target: The archive.

    Raises:
        SetupError: Something couldn't be fetched or built.
    """
    architecture = image.architecture_of(client)
    made = {"site": wheels.ensure(steps, recipe.folder / recipe.lock, architecture, recipe.cache)}
    if (compiled := programs.ensure(steps, recipe.folder, architecture, recipe.cache)) is not None:
        made["programs"] = compiled
    name = recipe.tag.partition(":")[0]
    tag = f"figbox-release-build:{uuid.uuid4().hex}"
    steps.say(recipe.what, f"building {name} {source.version}, without network")
    built = image.build(
        client,
        recipe.what,
        tag,
        dockerfile=recipe.folder / recipe.dockerfile,
        arguments={"BASE_IMAGE": str(base_image.id)},
        files=context.contents(recipe.folder, made, recipe.parts),
        labels={},
    )
    saved = target.with_name(f"{target.name}.saved")
    try:
        with saved.open("wb") as out:
            for piece in built.save(chunk_size=1 << 20):
                out.write(piece)
        return archives.rewrite(
            saved,
            target,
            name=f"{name}:{source.version}",
            labels=_labels(recipe, architecture, base_image, source),
            time=source.time,
            base_layers=base_image.attrs["RootFS"]["Layers"],
        )
    finally:
        saved.unlink(missing_ok=True)
        client.images.remove(tag)


def _labels(recipe: image.Recipe, architecture: str, base_image: Image, source: Source) -> dict[str, str]:
    """Return the labels by which a set-up knows that it needn't build this image, and those that the world reads."""
    return {
        image.BASE_ID_LABEL: str(base_image.id),
        image.BASE_LABEL: base.TAG,
        image.INPUTS_LABEL: recipe.inputs(architecture, base.TAG, str(base_image.id)),
        "org.opencontainers.image.licenses": "MIT",
        "org.opencontainers.image.revision": source.commit,
        "org.opencontainers.image.version": source.version,
    }
