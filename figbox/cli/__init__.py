"""The command `figbox`."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import click
from click.core import ParameterSource

import figbox
from figbox.cli.check.accept import accept
from figbox.cli.check.command import check
from figbox.cli.compare import compare
from figbox.cli.doctor import doctor
from figbox.cli.environments import environments
from figbox.cli.exits import ExitStatus
from figbox.cli.home.suite import suite
from figbox.cli.home.up import down, up
from figbox.cli.render import render
from figbox.cli.settings import defaults, find_project
from figbox.cli.terminal import complaint

__all__ = ["command", "main"]

COMMANDS: dict[str, click.Command] = {
    "render": render,
    "compare": compare,
    "check": check,
    "accept": accept,
    "environments": environments,
    "doctor": doctor,
}

#: Commands that take nothing from a project's file: a stranger's project says nothing about services of this machine,
#: nor what of the machine its suite sees.
OF_THE_MACHINE: dict[str, click.Command] = {"up": up, "down": down, "pytest": suite}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(figbox.__version__, prog_name="figbox")
@click.pass_context
def command(context: click.Context) -> None:
    """Render Matplotlib scripts through a Figbox service.

    Options can also be set in [tool.figbox] of the nearest pyproject.toml, by their long names, but for those of up,
    down and pytest, --local and --home. A flag takes precedence over the environment, and that over the file.

    \b
    Exit status:
      0    every script was rendered; of compare and check: nothing changed
      1    a script failed; of compare and check: something changed
      2    wrong arguments or settings; nothing was sent; of compare: nothing can be said
      3    the service couldn't be reached, stayed busy, failed, or refused the key or the options
      130  interrupted
    """  # noqa: D301 - \b is click's mark for text that keeps its lines
    project = find_project(Path.cwd())
    if project is not None:
        context.default_map = dict(defaults(COMMANDS, project))


for name, subcommand in (COMMANDS | OF_THE_MACHINE).items():
    command.add_command(subcommand, name)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line and exit with its status."""
    sys.exit(run(arguments))


def run(arguments: list[str] | None = None) -> int:
    """Run the command line; return its exit status."""
    try:
        status = command.main(arguments, prog_name="figbox", standalone_mode=False)
    except click.BadParameter as error:
        source = error.ctx.get_parameter_source(error.param.name or "") if error.ctx and error.param else None
        _show(error)
        if source is ParameterSource.DEFAULT_MAP:
            click.echo("That value is in [tool.figbox] of pyproject.toml.", err=True)
        return ExitStatus.USAGE
    except click.ClickException as error:
        _show(error)
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return ExitStatus.INTERRUPTED
    return int(status or 0)


def _show(error: click.ClickException) -> None:
    """Print an error as click does, but for what a file or a name of others could do in its text."""
    shown = io.StringIO()
    error.show(shown)
    usage, mark, _ = shown.getvalue().partition("Error: ")
    click.echo(f"{usage}{mark}{complaint(error.format_message())}", err=True)
