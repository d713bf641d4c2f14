"""Whether figures are made of what the lock says, which can be told without a service, but for the image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from figbox.check.accepted import AcceptedPictures
from figbox.check.config import find_config
from figbox.check.errors import CheckError
from figbox.check.lock import NAME, read_lock
from figbox.cli.check.flow import DATA_LIMIT_BYTES
from figbox.cli.check.halves import Half, Preparation, Side
from figbox.cli.check.settled import is_as_accepted
from figbox.cli.check.sources import find_sources, locked_sources, project_paths
from figbox.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Options that want a check, whatever is in the lock.
WANTING = ("base", "draw_all", "as_json", "junit", "summary", "report", "contact_sheet", "watch")


def needs_no_check(paths: Sequence[str], given: Mapping[str, Any]) -> bool:
    """Tell, also people, whether there is nothing to draw, and nothing else is wanted of a check.

    Args:
        paths: As the command line has them.
        given: Its options.

    Raises:
        click.UsageError: See `is_as_locked`.
    """
    if any(given.get(name) for name in WANTING) or not is_as_locked(paths, given["exclude"]):
        return False
    click.echo("nothing to draw: code, data and options are those of figbox.lock", err=True)
    return True


def is_as_locked(paths: Sequence[str], exclude: Sequence[str]) -> bool:
    """Tell whether code, data and options of all figures are those of the lock, and the accepted pictures are there.

    A source that draws nothing is in no lock, so that it can't be told with one.

    Args:
        paths: As the command line has them; none for what the configuration includes.
        exclude: Patterns for what is left out, besides those of the configuration.

    Raises:
        click.UsageError: A path, or a file of the project, can't be used.
    """
    try:
        config = find_config(Path.cwd())
        named = project_paths(config.root, paths)
        left_out = (*config.exclude, *exclude)
        sources = find_sources(config.root, named or config.include, left_out, config.root / config.folder)
        lock = read_lock(config.root / NAME)
    except CheckError as error:
        raise click.UsageError(one_line(str(error))) from error
    if not sources or locked_sources(lock, named) != set(sources):
        return False
    accepted = AcceptedPictures(config.root / config.folder) if config.pictures else None
    preparation = Preparation(config, [Half(Side.AFTER, config.root, sources, "")], DATA_LIMIT_BYTES)
    for name, source in sources.items():
        known = lock.of_source(name)
        if not is_as_accepted(preparation, source, known, known[0].image, accepted):
            return False
    return True
