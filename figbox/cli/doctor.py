"""`figbox doctor`: whether rendering works from here, and if not, why."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import click

from figbox.cli.connection import Connection, connection_options, describe, find_connection, missing_key
from figbox.cli.exits import ExitStatus
from figbox.cli.terminal import one_line
from figbox.errors import FigboxError, RenderFailed, Unreachable
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from figbox.client import AsyncClient

#: Drawn to see whether drawing works; it only needs Matplotlib.
SAMPLE = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\n"

#: Seconds between two checks while waiting.
PERIOD_S = 1.0

#: Seconds that a response may take.
TIMEOUT_S = 60.0


class Problem(Exception):
    """Something is wrong; the text says what."""


@click.command()
@click.option(
    "--wait",
    type=click.FloatRange(0),
    default=0.0,
    metavar="SECONDS",
    help="How long to wait for a service that is starting.",
)
@connection_options
@click.pass_context
def doctor(context: click.Context, /, *, wait: float, **_: object) -> int:
    """Check that the service can be reached, is ready, accepts the key, and renders."""
    connection = find_connection(context).opened(context)
    return asyncio.run(_examine(connection, time.monotonic() + wait))


async def _examine(connection: Connection, end: float) -> int:
    click.echo(f"note   address: {one_line(connection.url)} ({connection.url_source})")
    click.echo(f"note   key: {one_line(connection.key_source)}")
    async with connection.client(Retries(budget_s=0), TIMEOUT_S) as client:
        if client.url.startswith("http:") and not client.is_loopback:
            click.echo("note   key and scripts are sent unencrypted, readable by anyone on the network path")
        while not (await _is_ready(client)) and time.monotonic() < end:  # noqa: ASYNC110 - the service can't signal
            await asyncio.sleep(PERIOD_S)
        try:
            async for success in _checks(client, connection):
                click.echo(f"ok     {one_line(success)}")
        except (Problem, FigboxError) as error:
            click.echo(f"ERROR  {one_line(describe(error))}")
            for advice in connection.start() if isinstance(error, Unreachable) else ():
                click.echo(f"note   {advice}")
            return ExitStatus.SERVICE
    return ExitStatus.RENDERED


async def _is_ready(client: AsyncClient) -> bool:
    """Tell whether the service is reachable and ready."""
    try:
        return bool(await client.ready())
    except FigboxError:
        return False


async def _checks(client: AsyncClient, connection: Connection) -> AsyncIterator[str]:
    """Yield what works, one by one; raise at the first thing that doesn't."""
    readiness = await client.ready()
    yield "the service can be reached"
    if not readiness:
        raise Problem(f"it is not ready: {readiness.reason}")
    yield "it is ready"
    if connection.key is None:
        raise Problem(missing_key())
    environments = await client.environments()
    yield f"it accepts the key; environments: {', '.join(environment.name for environment in environments)}"
    began = time.monotonic()
    try:
        picture = (await client.render(SAMPLE)).picture
    except (RenderFailed, ValueError) as error:
        raise Problem(f"a simple plot can't be rendered: {error}") from error
    yield f"it renders: {len(picture.data)} bytes of {picture.format} in {time.monotonic() - began:.2f} s"
