"""Which clone of Figbox is the home.

It is never taken from a project's files or from the working directory: what is started from the home has this user's
rights, and a project may be a stranger's.
"""

from __future__ import annotations

import json
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

import click

VARIABLE = "FIGBOX_HOME"

#: What a clone has and an installed package doesn't.
PARTS = ("bootstrap/__main__.py", "gateway/__main__.py", "runner-image")

#: The folder that the package `figbox` is in: of a clone, or `site-packages`.
PACKAGE_FOLDER = Path(__file__).resolve().parents[3]

#: The option for it, of each command that needs it.
home_option = click.option(
    "--home",
    envvar=VARIABLE,
    type=click.Path(path_type=Path),
    show_envvar=True,
    help="Clone of Figbox whose programs are started.  [default: the one that figbox was installed from]",
)

ADVICE = f"name a clone by --home or {VARIABLE}"


def find_home(named: Path | None) -> Path:
    """Return the clone with the gateway and the recipes of images, as an absolute path.

    Args:
        named: The clone, by `--home` or `FIGBOX_HOME`; None for the one that this package runs in or was installed
            from.

    Raises:
        click.UsageError: There is none, or what was named is none.
    """
    if named is not None:
        if not is_clone(named):
            raise click.UsageError(f"{named} is not a clone of Figbox: {_missing(named)} is missing")
        return named.resolve()
    for folder in (PACKAGE_FOLDER, installed_from()):
        if folder is not None and is_clone(folder):
            return folder.resolve()
    source = installed_from()
    if source is not None:
        raise click.UsageError(f"{source}, from which figbox was installed, is no longer a clone of Figbox: {ADVICE}")
    raise click.UsageError(f"figbox wasn't installed from a clone of Figbox on this machine: {ADVICE}")


def is_clone(folder: Path) -> bool:
    """Tell whether a folder is a clone of Figbox."""
    return not _missing(folder)


def installed_from() -> Path | None:
    """Return the local folder that pip installed this package from; None if it came from elsewhere.

    Source: PEP 610 and the PyPA specification "Recording the Direct URL Origin of installed distributions".
    """
    try:
        text = distribution("figbox").read_text("direct_url.json")
        entry = json.loads(text) if text else {}
        if "dir_info" not in entry:  # an archive, a repository, or an index
            return None
        address = urlsplit(str(entry["url"]))
    except (PackageNotFoundError, ValueError, TypeError, KeyError):
        return None
    if address.scheme != "file":
        return None
    return Path(url2pathname(address.path))


def _missing(folder: Path) -> str:
    """Return the first part of a clone that a folder hasn't; empty if it has all."""
    return next((part for part in PARTS if not (folder / part).exists()), "")
