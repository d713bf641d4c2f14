"""`figbox compare`: what changed between two renders, in words."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any, cast

import click
from rich.console import Console
from rich.text import Text

from figbox.cli.batch.data import DATA_LIMIT_MIB, MiB, named_files
from figbox.cli.batch.run import PATIENCE_S
from figbox.cli.batch.scripts import STDIN
from figbox.cli.batch.sides import DataFiles, Side, documents, read_side
from figbox.cli.connection import connection_options, explained, find_connection
from figbox.cli.exits import ComparisonProblem, ExitStatus
from figbox.cli.terminal import one_line
from figbox.cli.values import picture_options
from figbox.comparison import Change, ChangeKind, Comparison, Verdict
from figbox.comparison import compare as compared
from figbox.errors import BadDocument, FigboxError
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Sequence

    from figbox.comparison import Place
    from figbox.options import Options

#: Changes that are shown, if the user doesn't say.
MOST = 20

#: Seed of scripts, if the user doesn't say: both are to draw the same random numbers.
SEED = 0

#: Options of a render that the command has.
OPTIONS = (
    *("format", "dpi", "width", "height", "bbox_inches", "transparent", "style", "rc"),
    *("figures", "environment", "timeout_s", "memory_mib", "seed"),
)

APPEARED = frozenset(
    {ChangeKind.FIGURE_ADDED, ChangeKind.AXES_ADDED, ChangeKind.ARTIST_ADDED, ChangeKind.FINDING_APPEARED}
)
WENT = frozenset(
    {ChangeKind.FIGURE_REMOVED, ChangeKind.AXES_REMOVED, ChangeKind.ARTIST_REMOVED, ChangeKind.FINDING_GONE}
)


@click.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@click.option("-n", "--most", type=click.IntRange(1), default=MOST, show_default=True, help="Changes to show.")
@picture_options
@click.option("--figures", type=click.Choice(["current", "all"]), default="all", help="Which figures of scripts.")
@click.option("-e", "--environment", help="Name of one of `figbox environments`, for scripts.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1), metavar="SECONDS", help="Time limit of a script.")
@click.option("--memory", "memory_mib", type=click.IntRange(64), metavar="MIB", help="Memory limit of a script.")
@click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=SEED, show_default=True, help="Seed of random numbers."
)
@click.option("--data", multiple=True, metavar="PATH", help="Data file or folder to send with scripts.")
@click.option("--no-data", is_flag=True, help="Don't send the data files beside a script.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with boxes to mark in both pictures.")
@click.option("-v", "--verbose", is_flag=True, help="Also show where the changes are.")
@connection_options
@click.pass_context
def compare(
    context: click.Context, /, before: str, after: str, *, most: int, as_json: bool, verbose: bool, **given: Any
) -> int:
    """Say what changed from A to B, in the order of what matters.

    A and B are documents of /v1/render saved as JSON, as `figbox render --document` does, or its archives, or scripts,
    which are rendered with the same options and seed; - is standard input. The exit status is 0 if nothing changed, 1
    if something did, and 2 if nothing can be said.
    """
    if before == after == STDIN:
        raise click.UsageError("standard input can be one of the two")
    data_files = DataFiles(
        beside=not given["no_data"], named=named_files(given["data"]), limit_bytes=DATA_LIMIT_MIB * MiB
    )
    sides = [read_side(text, data_files) for text in (before, after)]
    options = cast("Options", {"describe": "data", **{name: given[name] for name in OPTIONS}})
    found = _compared(sides, _documents(context, sides, options))
    if as_json:
        click.echo(json.dumps({"before": sides[0].shown, "after": sides[1].shown, **found.as_json()}, indent=2))
    else:
        _show(found, most, verbose=verbose)
    if found.verdict is Verdict.UNKNOWN:
        raise ComparisonProblem("the two can't be compared")
    return ExitStatus.CHANGED if found.verdict is Verdict.CHANGED else 0


def _documents(context: click.Context, sides: Sequence[Side], options: Options) -> list[Any]:
    """Return what is compared, asking the service if a side is a script."""
    if all(side.code is None for side in sides):
        return [side.document for side in sides]
    connection = find_connection(context)
    connection.require_key()
    connection = connection.opened(context, [options.get("environment")])

    async def ask() -> list[Any]:
        async with connection.client(Retries(budget_s=PATIENCE_S)) as client:
            return await documents(sides, client, options)

    try:
        return asyncio.run(ask())
    except FigboxError as error:
        raise explained(error, connection) from error


def _compared(sides: Sequence[Side], both: Sequence[Any]) -> Comparison:
    try:
        return compared(*both, names=(sides[0].shown, sides[1].shown))
    except BadDocument as error:
        raise ComparisonProblem(one_line(str(error))) from error


def _show(found: Comparison, most: int, *, verbose: bool) -> None:
    """Print the changes for people, and what is to be known besides."""
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    for change in found.changes[:most]:
        mark, style = _mark(change)
        console.print(Text.assemble((f"{mark} ", style), one_line(change.sentence)))
        if verbose:
            console.print(Text(f"    {_where(change.before)} -> {_where(change.after)}", style="dim"))
    if more := max(0, len(found.changes) - most) + found.changes_left_out:
        console.print(Text(f"And {more} more."))
    for note in found.notes:
        console.print(Text(f"note: {one_line(note)}", style="dim"))
    if found.verdict is Verdict.SAME:
        console.print(Text("Nothing changed."))


def _mark(change: Change) -> tuple[str, str]:
    if change.kind in APPEARED:
        return "+", "green"
    return ("-", "red") if change.kind in WENT else ("~", "yellow")


def _where(place: Place | None) -> str:
    """Return a place as numbers of figure and axes, and its box: left, top, width, height."""
    if place is None:
        return "nowhere"
    text = f"figure {place.figure}"
    if place.axes is not None:
        text += f", axes {place.axes}"
    if place.box is not None:
        box = place.box
        text += f", {box.x:g} {box.y:g} {box.width:g} {box.height:g}"
    return text
