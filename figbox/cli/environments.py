"""`figbox environments`: the environments that code can be rendered in."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from figbox.cli.batch.data import MiB
from figbox.cli.connection import Connection, connection_options, explained, find_connection
from figbox.cli.terminal import one_line
from figbox.errors import FigboxError
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Mapping

    from figbox.model import Environment


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@connection_options
@click.pass_context
def environments(context: click.Context, /, *, as_json: bool, **_: object) -> int:
    """List the environments of the service, with their packages."""
    connection = find_connection(context)
    connection.require_key()
    connection = connection.opened(context)
    found = asyncio.run(_ask(connection))
    if as_json:
        click.echo(json.dumps({"environments": [asdict(environment) for environment in found]}, indent=2))
    else:
        click.echo("\n\n".join(_text(environment) for environment in found))
    return 0


async def _ask(connection: Connection) -> tuple[Environment, ...]:
    async with connection.client(Retries()) as client:
        try:
            return await client.environments()
        except FigboxError as error:
            raise explained(error, connection) from error


def _text(environment: Environment) -> str:
    rows = {
        "image": environment.image,
        "versions": _pairs(environment.versions),
        "limits": _pairs(dict(_with_unit(name, value) for name, value in environment.limits.items())),
        "packages": ", ".join(f"{package.name} {package.version}" for package in environment.packages),
    }
    return "\n".join([one_line(environment.name), *(f"  {name:<9} {one_line(text)}" for name, text in rows.items())])


def _with_unit(name: str, value: object) -> tuple[str, object]:
    """Return a limit for people, with the unit from its name."""
    if name.endswith("_bytes") and isinstance(value, int):
        return name.removesuffix("_bytes"), f"{value / MiB:g} MiB"
    if name.endswith("_s") and isinstance(value, int | float):
        return name.removesuffix("_s"), f"{value:g} s"
    return name, value


def _pairs(values: Mapping[str, object]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
