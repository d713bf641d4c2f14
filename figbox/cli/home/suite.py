"""`figbox pytest`: a project's own pytest suite in the pinned renderer, by the programs of the home."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import click

from figbox.cli.home.clone import find_home, home_option
from figbox.cli.home.setting_up import python


@click.command(
    name="pytest",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
    options_metavar="[OPTIONS]",
)
@home_option
@click.option(
    "--project",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="The folder that the suite sees and can write. Default: the repository that the working directory is in.",
)
@click.option("--mount", "mounts", multiple=True, metavar="DIR", help="Another folder that it sees and can write.")
@click.option(
    "--with",
    "packages",
    multiple=True,
    metavar="REQUIREMENT",
    help="What the suite imports besides: a requirement as pip takes it, a file of them, or '.' for the project.",
)
@click.option("--env", "variables", multiple=True, metavar="NAME[=VALUE]", help="A variable of the environment.")
@click.option("--network", is_flag=True, help="With network, for instance for baselines at an address.")
@click.option("--memory", type=click.IntRange(min=64), metavar="MIB", help="Limit of memory in MiB. Default: 4096.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[--] [PYTEST'S ARGUMENTS…]")
def suite(home: Path | None, arguments: tuple[str, ...], **given: object) -> NoReturn:
    """Run a pytest suite in the pinned renderer.

    It is for suites that were written for pytest-mpl, and for code that you trust: the image has the Python, the
    Matplotlib and the fonts that figures are rendered with, and pytest, pytest-mpl and pytest-xdist. Options,
    baselines, results and the exit status are pytest's. The project is mounted at its own path; there is no network.
    """
    if os.name != "posix":
        raise click.UsageError("`figbox pytest` needs Linux or macOS; on Windows, run it in WSL")
    folder = find_home(home)
    command = [str(python(folder)), "-m", "bootstrap.suite", f"--folder={Path.cwd()}"]
    for name, option in (("mounts", "mount"), ("packages", "with"), ("variables", "env")):
        command += [f"--{option}={value}" for value in _several(given[name])]
    command += [f"--{name}={given[name]}" for name in ("project", "memory") if given[name] is not None]
    command += ["--network"] if given["network"] else []
    os.chdir(folder)
    # Become it, so that signals, the terminal and the exit status are the suite's own.
    os.execv(command[0], [*command, "--", *arguments])  # noqa: S606 - without a shell


def _several(value: object) -> tuple[str, ...]:
    return value if isinstance(value, tuple) else ()
