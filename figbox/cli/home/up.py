"""`figbox up` and `figbox down`: a service on this machine that stays until it is ended."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import sys
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import click

from figbox.cli.connection import DEFAULT_ENVIRONMENT, KEY_FILE_VARIABLE, KEY_VARIABLE, URL_VARIABLE
from figbox.cli.exits import ServiceProblem
from figbox.cli.home.clone import find_home, home_option
from figbox.cli.home.gateway import START_LIMIT_S, not_ready, start, until_ready
from figbox.cli.home.setting_up import ENVIRONMENTS_VARIABLE, set_up, sweep
from figbox.cli.home.state import Place, Record, place, require_linux
from figbox.cli.terminal import one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from figbox.cli.home.gateway import Gateway

NAME = "up"

#: Seconds that a service may take to end, with the jobs that run.
END_LIMIT_S = 90.0

#: Seconds that a service may take to end once its jobs aren't waited for any more.
INSIST_LIMIT_S = 30.0

#: How each line of the output begins, by format.
FORMATS = {"shell": "export ", "env": ""}


@click.command()
@click.option(
    "-e",
    "--environment",
    "environments",
    multiple=True,
    metavar="NAME",
    help="Environment of the clone to build and offer besides the default one, such as science; can be repeated.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port on 127.0.0.1.  [default: a free one]")
@click.option(
    "--timeout",
    type=click.FloatRange(1),
    default=START_LIMIT_S,
    show_default=True,
    metavar="SECONDS",
    help="How long the service may take to be ready; the set-up isn't counted.",
)
@click.option(
    "--format",
    "output",
    type=click.Choice(list(FORMATS)),
    default="shell",
    show_default=True,
    help="shell prints lines for eval; env leaves out the export, for $GITHUB_ENV.",
)
@home_option
def up(environments: tuple[str, ...], port: int | None, timeout: float, output: str, home: Path | None) -> int:
    """Start a service on this machine, unless it runs already, and print how to reach it.

    It stays until `figbox down`. What is missing for it is set up first: virtual environment, engine, images. Let the
    shell read the output: eval "$(figbox up)"
    """
    require_linux()
    environments = tuple(dict.fromkeys(name for name in environments if name != DEFAULT_ENVIRONMENT))
    if environments and os.environ.get(ENVIRONMENTS_VARIABLE):
        raise click.UsageError(f"--environment and {ENVIRONMENTS_VARIABLE} exclude each other")
    home = find_home(home)
    mine = place(home, NAME)
    with _held(mine):
        record = _running(mine)
        if record is None:
            record = _start(home, mine, port, environments, timeout)
        else:
            _check(record, port, environments)
            _wait_for(record, timeout)
    _show(record.url, mine, output)
    return 0


@click.command()
@home_option
def down(home: Path | None) -> int:
    """End the service of `figbox up`, once its running jobs have finished; it's fine if there is none."""
    require_linux()
    # The clone may be gone by now.
    home = find_home(home) if home is None else home.resolve()
    mine = place(home, NAME)
    with _held(mine):
        record = mine.recorded()
        if record is None:
            click.echo(f"no service of {home} runs", err=True)
        elif record.process.runs:
            _end(record)
            click.echo(f"the service of {home} has ended", err=True)
        else:
            click.echo(f"the service of {home} had died", err=True)
            _sweep(home, mine)
        mine.clear()
    return 0


@contextlib.contextmanager
def _held(mine: Place) -> Iterator[None]:
    """Hold a place; wait for another command that does."""
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(mine.locked(wait=False))
        except BlockingIOError:
            click.echo("waiting for another `figbox up` or `figbox down`", err=True)
            stack.enter_context(mine.locked(wait=True))
        yield


def _running(mine: Place) -> Record | None:
    """Return the service that runs; None if none does. One whose start was broken off is ended."""
    record = mine.recorded()
    if record is None:
        return None
    if not record.process.runs:
        click.echo("the service of an earlier `figbox up` has died; starting another", err=True)
        return None
    if not record.url:
        _end(record)
        return None
    return record


def _start(home: Path, mine: Place, port: int | None, environments: Sequence[str], limit_s: float) -> Record:
    """Set up what is missing, start a service and wait until it is ready; on a failure leave nothing."""
    click.echo(f"starting a service from {home}", err=True)
    set_up(home, environments, start_engine=True)
    mine.clear()
    mine.new_key()
    with contextlib.ExitStack() as undo:
        undo.callback(mine.clear)
        gateway = start(home, mine, port=port or 0, environments=environments)
        undo.callback(_give_up, gateway)
        begun = Record(gateway.identity, "", tuple(environments))
        mine.record(begun)  # so that it is found should this command be killed
        gateway.wait_ready(limit_s)
        record = replace(begun, url=gateway.url)
        mine.record(record)
        undo.pop_all()
    return record


def _give_up(gateway: Gateway) -> None:
    """End a service that isn't wanted any more, by force if it must be; the next one removes what that leaves."""
    if not gateway.end(END_LIMIT_S):
        gateway.process.kill()
        gateway.process.wait()


def _check(record: Record, port: int | None, environments: Sequence[str]) -> None:
    """Raise click.UsageError unless the service that runs is as the options want it."""
    running = urlsplit(record.url).port
    if port not in {None, running}:
        raise click.UsageError(f"the service runs on port {running} already: run `figbox down` first")
    missing = [name for name in environments if name not in record.environments]
    if missing:
        raise click.UsageError(f"the service that runs doesn't offer {', '.join(missing)}: run `figbox down` first")


def _wait_for(record: Record, limit_s: float) -> None:
    """Wait until the service that runs is ready; raise ServiceProblem if it isn't in time."""
    if reason := not_ready(record.url):
        click.echo(one_line(f"the service runs, but isn't ready: {reason}; waiting for it"), err=True)
    reason = until_ready(record.url, limit_s, lambda: record.process.runs)
    if reason:
        raise ServiceProblem(
            one_line(f"the service runs, but isn't ready after {limit_s:g} s: {reason} (`figbox down` ends it)")
        )


def _end(record: Record) -> None:
    """End a service: with its running jobs at first, and without them if they take too long."""
    for limit_s in (END_LIMIT_S, INSIST_LIMIT_S):
        record.process.signal(signal.SIGTERM)
        if record.process.ends_within(limit_s):
            return
    raise ServiceProblem(f"the service, process {record.process.pid}, doesn't end")


def _sweep(home: Path, mine: Place) -> None:
    try:
        sweep(home, mine.installation)
    except ServiceProblem as problem:
        click.echo(f"its containers may be left: {problem.message}", err=True)


def _show(url: str, mine: Place, output: str) -> None:
    """Print how to reach a service; on a terminal, say what to do with that."""
    quote = shlex.quote if output == "shell" else str
    for name, value in ((URL_VARIABLE, url), (KEY_FILE_VARIABLE, str(mine.key_file))):
        click.echo(f"{FORMATS[output]}{name}={quote(value)}")
    if sys.stdout.isatty():
        click.echo('Let the shell read these: eval "$(figbox up)"', err=True)
    if os.environ.get(KEY_VARIABLE):
        click.echo(f"{KEY_VARIABLE} is set, and comes before a key file: unset it", err=True)
