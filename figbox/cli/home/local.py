"""`--local`: a service for one command alone."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

import click

from figbox.cli.home.gateway import START_LIMIT_S, start
from figbox.cli.home.setting_up import ENVIRONMENTS_VARIABLE, set_up
from figbox.cli.home.state import free_place, require_linux

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

#: Seconds that a command waits at its end until the containers are removed; the service goes on with that by itself.
END_LIMIT_S = 30.0


@contextlib.contextmanager
def local_service(home: Path, environments: Sequence[str] = ()) -> Iterator[tuple[str, str]]:
    """Run a service; yield its address and its key.

    It ends with this process, however that ends: when the kernel closes the pipe between the two.

    Args:
        home: The clone that it is started from.
        environments: What it offers besides `default`, unless `FIGBOX_ENVIRONMENTS_FILE` says that.

    Raises:
        click.UsageError: Services can't be started on this system.
        ServiceProblem: It can't be started; the text says why.
    """
    require_linux()
    if os.environ.get(ENVIRONMENTS_VARIABLE):
        environments = ()
    set_up(home, environments, start_engine=False)
    with free_place(home) as (place, lock):
        place.clear()
        key = place.new_key()
        gateway = start(home, place, environments=environments, with_us=True, inherited=(lock,))
        try:
            gateway.wait_ready(START_LIMIT_S)
            yield gateway.url, key
        finally:
            if gateway.end(END_LIMIT_S):
                place.key_file.unlink(missing_ok=True)
            else:
                click.echo(f"the service is still removing its containers; its log is {place.log}", err=True)
