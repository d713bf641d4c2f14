"""`figbox doctor`: whether rendering would work from here, and if not, why."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import click

from figbox.cli.connection import Connection, connection_options, describe, find_connection
from figbox.cli.exits import ExitStatus
from figbox.cli.terminal import one_line
from figbox.errors import FigboxError, RenderFailed
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from figbox.client import AsyncClient

#: Drawn to see whether drawing works; needs nothing but Matplotlib.
SAMPLE = "import matplotlib.pyplot as plt\nplt.plot([1, 3, 2])\n"

#: Seconds between two looks while waiting.
PERIOD_S = 1.0

#: Seconds that one answer may take here.
TIMEOUT_S = 60.0


class Finding(Exception):
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
    """Check that the service is reachable and ready, takes the key, and renders."""
    connection = find_connection(context)
    return asyncio.run(_examine(connection, time.monotonic() + wait))


async def _examine(connection: Connection, end: float) -> int:
    click.echo(f"note   address: {one_line(connection.url)} ({connection.url_source})")
    click.echo(f"note   key: {one_line(connection.key_source)}")
    async with connection.client(Retries(budget_s=0), TIMEOUT_S) as client:
        if client.url.startswith("http:") and not client.is_loopback:
            click.echo("note   key and scripts go there unencrypted: everybody on the way can read them")
        while not (await _is_ready(client)) and time.monotonic() < end:  # noqa: ASYNC110 - it is not ours to signal
            await asyncio.sleep(PERIOD_S)
        try:
            async for finding in _findings(client, connection):
                click.echo(f"ok     {one_line(finding)}")
        except (Finding, FigboxError) as error:
            click.echo(f"FAULT  {one_line(describe(error))}")
            return ExitStatus.SERVICE
    return ExitStatus.RENDERED


async def _is_ready(client: AsyncClient) -> bool:
    """Tell whether the service says that it could render."""
    try:
        return bool(await client.ready())
    except FigboxError:
        return False


async def _findings(client: AsyncClient, connection: Connection) -> AsyncIterator[str]:
    """Return what is well, one by one; raise at the first that isn't."""
    readiness = await client.ready()
    yield "the service answers"
    if not readiness:
        raise Finding(f"it is not ready: {readiness.reason}")
    yield "it is ready"
    if connection.key is None:
        raise Finding("there is no key to try: set FIGBOX_API_KEY or name a file with --key-file")
    environments = await client.environments()
    yield f"it takes the key; environments: {', '.join(environment.name for environment in environments)}"
    began = time.monotonic()
    try:
        picture = (await client.render(SAMPLE)).picture
    except (RenderFailed, ValueError) as error:
        raise Finding(f"a plain plot can't be rendered: {error}") from error
    yield f"it renders: {len(picture.data)} bytes of {picture.format} in {time.monotonic() - began:.2f} s"
