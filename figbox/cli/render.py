"""`figbox render`: scripts in, pictures out."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from figbox.cli.batch.data import DATA_LIMIT_MIB, MiB, named_files
from figbox.cli.batch.outputs import OutputFolder
from figbox.cli.batch.results import exit_status
from figbox.cli.batch.run import Batch
from figbox.cli.batch.scripts import STDIN, find_scripts
from figbox.cli.batch.sent import RunOptions
from figbox.cli.connection import connection_options, find_connection
from figbox.cli.report import report
from figbox.cli.reporter import Reporter
from figbox.cli.values import if_any, picture_options, sending_options
from figbox.options import Options
from figbox.retries import Retries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import PurePosixPath

    from figbox.cli.batch.results import Result
    from figbox.cli.batch.scripts import Script


class StandardOutput:
    """Takes the only picture of `-o -`."""

    def write(self, _: Script, __: PurePosixPath, data: bytes) -> None:
        """Write the picture."""
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


@click.command()
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option("-o", "--output", required=True, metavar="DIR", help="Folder for the pictures; - is standard output.")
@picture_options
@click.option("--figures", type=click.Choice(["current", "all"]), help="Which figures of a script to save.")
@click.option("-e", "--environment", help="Name of one of `figbox environments`.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1), metavar="SECONDS", help="Time limit of a script.")
@click.option("--memory", "memory_mib", type=click.IntRange(64), metavar="MIB", help="Memory limit of a script.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="Seed of random numbers.")
@click.option(
    "--describe",
    type=click.Choice(["none", "summary", "full", "data"]),
    help="Say what each figure shows, in the report, and what a reader would stumble over.",
)
@click.option(
    "--embed-alt-text/--no-embed-alt-text",
    default=None,
    help="Whether png, svg and pdf files have an alternative text of their figure.",
)
@click.option(
    "--fail-on",
    multiple=True,
    callback=if_any,
    metavar="FINDING",
    help="Fail on a finding, or on a severity (error, warning, note) and all that is worse; can be repeated.",
)
@click.option("--cache/--no-cache", default=None, help="Whether pictures may come from the service's cache.")
@click.option("--data", multiple=True, metavar="PATH", help="Data file or folder to send with every script.")
@click.option("--no-data", is_flag=True, help="Don't send the data files beside a script.")
@click.option(
    "--data-limit",
    type=click.FloatRange(0),
    default=DATA_LIMIT_MIB,
    show_default=True,
    metavar="MIB",
    help="Largest size of a script's data files together.",
)
@click.option("--files", "keep_files", is_flag=True, help="Keep files that a script writes, in NAME.files.")
@click.option(
    "--document", is_flag=True, help="Keep what is said of a script's figures in NAME.json, for figbox compare."
)
@click.option("--exclude", multiple=True, metavar="PATTERN", help="Scripts to leave out, such as 'helpers/*'.")
@sending_options
@click.option("--json", "as_json", is_flag=True, help="Write a report to standard output.")
@click.option("-v", "--verbose", is_flag=True, help="Also show scripts' output and warnings.")
@click.option("-q", "--quiet", is_flag=True, help="Only show failures and the summary.")
@connection_options
@click.pass_context
def render(context: click.Context, /, paths: tuple[str, ...], output: str, **given: Any) -> int:
    """Render scripts: files, folders (every *.py below them), patterns, or - for standard input.

    The pictures of plots/a.py are DIR/a.png, DIR/a-2.png and so on; the layout below a folder is kept. A file beside
    the script, or in a folder there, is sent along if the script's text contains its name, or imports it.
    """
    connection = find_connection(context)
    connection.require_key()
    folder = Path(output) if output != STDIN else None
    scripts = find_scripts(paths, exclude=given["exclude"], output=folder)
    if folder is None:
        _check_standard_output(scripts, given)
    elif folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is not a folder")
    options = {name: given[name] for name in Options.__annotations__ if name in given}
    if given["document"] and options.get("describe") is None:
        options["describe"] = "data"
    wanted = RunOptions(
        options=cast("Options", options),
        formats=given["format"],
        keep_files=given["keep_files"],
        document=given["document"],
        beside=not given["no_data"],
        named=named_files(given["data"]),
        data_limit_bytes=int(given["data_limit"] * MiB),
    )
    sink = OutputFolder(folder, scripts, wanted.formats) if folder is not None else StandardOutput()
    connection = connection.opened(context, [given["environment"]])
    began = time.monotonic()
    with Reporter(len(scripts), quiet=given["quiet"], verbose=given["verbose"]) as reporter:
        if connection.url_source != "by flag":
            reporter.say(f"service: {connection.url} ({connection.url_source})")

        async def run() -> list[Result]:
            retries = Retries(budget_s=given["patience"])
            async with connection.client(Retries(budget_s=0)) as client:
                return await Batch(client, wanted, sink, reporter, retries, given["jobs"]).run(scripts)

        results = asyncio.run(run())
    seconds = time.monotonic() - began
    reporter.summary(results, seconds)
    if given["as_json"]:
        click.echo(json.dumps(report(connection.url, results, seconds), indent=2))
    return exit_status(results)


def _check_standard_output(scripts: Sequence[Script], given: dict[str, Any]) -> None:
    """Raise click.UsageError unless there will be one picture, and standard output isn't a terminal."""
    if len(scripts) != 1 or len(given["format"]) != 1 or given["figures"] == "all" or given["keep_files"]:
        raise click.UsageError("standard output is for one picture: one script, one format, its current figure")
    if given["document"]:
        raise click.UsageError("standard output is for one picture: a document needs a folder")
    if given["as_json"]:
        raise click.UsageError("standard output can't be used for both a picture and a report")
    if sys.stdout.isatty():
        raise click.UsageError("a picture can't be written to a terminal: redirect the output, or name a folder")
