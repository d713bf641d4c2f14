"""The image for suites: the runner image with pytest and pytest-mpl, made as an environment's image is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bootstrap.images import environments, image

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.steps import Steps

NAME = "suite"
FOLDER = "suite-image"

#: What the image has besides packages: the program that it runs.
OWN = ("suite.py",)


def ensure(steps: Steps, root: Path, cache: Path, runner_tag: str) -> tuple[str, str]:
    """Build the image, and the runner image below it, unless they are current.

    Returns:
        Its name, and the engine's processor architecture.

    Raises:
        SetupError: Something is missing or failed; says what to do.
    """
    runner = image.Recipe(root / "runner-image", cache, runner_tag)
    image.ensure(steps, runner)
    recipe = environments.Recipe(NAME, root / FOLDER, runner, OWN)
    environments.ensure(steps, [recipe])
    with image.engine_client() as client:
        return recipe.tag, image.architecture_of(client)


def locks(root: Path) -> list[Path]:
    """Return the locks of the packages in the image."""
    return [root / "runner-image" / "requirements.txt", root / FOLDER / f"{NAME}.txt"]
