"""Removal of what the set-up and the gateway of this checkout made, but neither of the engine nor of `.env`."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import urllib.parse
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from bootstrap import engine
from bootstrap.doctor import host, snapshots
from bootstrap.doctor.image import TAG_LABEL
from bootstrap.steps import SetupError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from bootstrap.steps import Steps

INSTALLATION_LABEL = "figbox.installation"

#: What may follow the installation's name in the labels of containers of the self-test and of those that make
#: snapshots, and what follows it in the labels of images with snapshots.
OTHER_CONTAINERS = r"(\.by-hand)?((\.selftest(\.[a-z0-9._-]+)?)|\.snapshot\.[a-z0-9._-]+)?"
SNAPSHOTS = r"\.snapshot\.[a-z0-9._-]+"

SNAPSHOT_OWNER_LABEL = "figbox.snapshot.owner"
RUNNER_LABEL = "figbox.runner-tag"
BASE_TAG = "figbox-base:trixie"
CACHES = (".venv", ".figbox", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis")
PROBE_TIMEOUT_S = 2.0


def clean(steps: Steps, root: Path, tags: Sequence[str]) -> None:
    """Remove containers, images of these tags, the virtual environment and caches of the checkout at `root`.

    Raises:
        SetupError: Its gateway is still running.
    """
    _refuse_beside_gateway(root)
    try:
        address = engine.meant()
        engine.ping(address.socket)
    except (SetupError, engine.EngineSilentError) as error:
        steps.say("engine", f"can't be asked, so containers and images are left alone ({error})")
    else:
        installation = _installation(steps, root)
        if installation is not None:
            _remove_containers(steps, address.socket, installation)
        _remove_images(steps, address.socket, _snapshots(address.socket, installation, tags))
        _remove_images(steps, address.socket, _built(address.socket, tags))
    for name in CACHES:
        if (root / name).is_dir():
            shutil.rmtree(root / name)
            steps.say("folder", f"{name} removed")
    steps.say("clean", "done; .env and the engine are kept")


def sweep(steps: Steps, installation: str) -> None:
    """Remove the containers of an installation whose gateway was killed.

    Raises:
        SetupError: The engine can't be asked.
    """
    address = engine.meant()
    try:
        _remove_containers(steps, address.socket, installation)
    except engine.EngineSilentError as error:
        raise SetupError(f"The engine at {address.socket} can't be asked for containers ({error}).") from error


def _refuse_beside_gateway(root: Path) -> None:
    name, port = host.address(root)
    try:
        socket.create_connection((name, int(port)), timeout=PROBE_TIMEOUT_S).close()
    except (OSError, ValueError, OverflowError):
        return
    raise SetupError(f"Something, probably the gateway, listens on {name}:{port}: stop it first.")


def _installation(steps: Steps, root: Path) -> str | None:
    """Return the name that this checkout's gateway gives to what it makes; None if there is none."""
    python = root / ".venv" / "bin" / "python"
    if not python.exists():
        return None  # without it this checkout can't have started a gateway
    code = "from gateway.settings import load_settings; print(load_settings().installation_name)"
    done = subprocess.run([python, "-c", code], cwd=root, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        steps.say("containers", "left alone, because this checkout's settings can't be read")
        return None
    return done.stdout.strip()


def _remove_containers(steps: Steps, path: Path, installation: str) -> None:
    ours = re.compile(re.escape(installation) + OTHER_CONTAINERS)
    for container in _listed(path, "/containers/json?all=1", {"label": [INSTALLATION_LABEL]}):
        if ours.fullmatch(container["Labels"][INSTALLATION_LABEL]):
            status, _ = engine.request(path, "DELETE", f"/containers/{container['Id']}?force=1")
            steps.say("container", f"{container['Id'][:12]} " + _removal(status))


def _snapshots(path: Path, installation: str | None, tags: Sequence[str]) -> Iterator[str]:
    """Yield the images with snapshots that this checkout's gateway made, or any gateway of this checkout's images.

    An image with a snapshot has the labels of the image that it is made from.
    """
    ours = re.compile(re.escape(installation or "") + SNAPSHOTS)
    images_of_ours = {f"{label}={tag}" for label in (RUNNER_LABEL, TAG_LABEL) for tag in tags}
    for image in _listed(path, "/images/json?all=0", {"label": [snapshots.LABEL]}):
        labels = image["Labels"]
        made_here = installation is not None and ours.fullmatch(labels.get(SNAPSHOT_OWNER_LABEL, ""))
        if made_here or images_of_ours & {f"{label}={labels.get(label)}" for label in (RUNNER_LABEL, TAG_LABEL)}:
            yield image["Id"]


def _built(path: Path, tags: Sequence[str]) -> Iterator[str]:
    """Yield the images of these tags and those that others are made from, which come last: the engine keeps them."""
    labels = [f"{label}={tag}" for label in (RUNNER_LABEL, TAG_LABEL) for tag in tags]
    for wanted in (*({"label": [label]} for label in labels), {"reference": [BASE_TAG]}):
        yield from (image["Id"] for image in _listed(path, "/images/json?all=0", wanted))


def _remove_images(steps: Steps, path: Path, images: Iterable[str]) -> None:
    for image in dict.fromkeys(images):
        status, _ = engine.request(path, "DELETE", f"/images/{image}")  # without force, so one in use stays
        steps.say("image", f"{image[:19]} " + _removal(status))


def _listed(path: Path, what: str, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
    query = urllib.parse.urlencode({"filters": json.dumps(filters)})
    return list(engine.ask(path, f"{what}&{query}"))


def _removal(status: int) -> str:
    if status in {HTTPStatus.OK, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND}:
        return "removed"
    return "kept: it is in use" if status == HTTPStatus.CONFLICT else f"kept: the engine answered {status}"
