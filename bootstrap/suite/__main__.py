"""`python -m bootstrap.suite [OPTION…] -- PYTEST'S ARGUMENTS`; `figbox pytest` calls it."""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

from bootstrap import commands
from bootstrap.steps import STARTED_VARIABLE, SetupError, Steps
from bootstrap.suite import container, project

#: How results of steps begin that did nothing; each run of a suite would say them.
NOTHING_DONE = ("unchanged", "responds at")

#: pytest's exit status for wrong arguments, which is ours, too.
USAGE = 4


class QuietSteps(Steps):
    """Prints steps that did something, to standard error: standard output is the suite's."""

    def __init__(self) -> None:
        super().__init__(output=sys.stderr)

    def say(self, what: str, result: str) -> None:
        """Print one step, unless it did nothing."""
        if not result.startswith(NOTHING_DONE):
            super().say(what, result)


def parse(arguments: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the options, and what follows `--`."""
    parser = argparse.ArgumentParser(prog="bootstrap.suite")
    parser.add_argument("--folder", type=Path, required=True, help="the working directory, in the project")
    parser.add_argument("--project", type=Path, help="the project; default: what the working directory is in")
    parser.add_argument("--mount", type=Path, action="append", default=[], help="a folder that the suite needs, too")
    parser.add_argument("--with", dest="packages", action="append", default=[], help="a requirement, or a file of them")
    parser.add_argument("--env", action="append", default=[], help="NAME or NAME=VALUE, an environment variable")
    parser.add_argument("--network", action="store_true", help="with network")
    parser.add_argument("--memory", type=int, default=4096, help="limit of memory in MiB")
    at = arguments.index("--") if "--" in arguments else len(arguments)
    return parser.parse_args(arguments[:at]), arguments[at + 1 :]


def main(arguments: list[str]) -> int:
    """Run a suite; return an exit status only if that fails."""
    options, for_pytest = parse(arguments)
    steps = QuietSteps()
    try:
        mounts = project.mounts(options.folder, options.project, options.mount)
        project.refuse_outside(for_pytest, options.folder, mounts)
        with contextlib.redirect_stdout(sys.stderr):
            _go_on_in_the_environment(steps, arguments)
            command = _prepared(steps, options, mounts)
    except SetupError as error:
        print(error, file=sys.stderr)
        return USAGE
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    command += for_pytest
    os.environ.pop(STARTED_VARIABLE, None)
    return _become(command)


def _go_on_in_the_environment(steps: Steps, arguments: list[str]) -> None:
    """Become the virtual environment's Python, unless this is it; only that can build images."""
    if Path(sys.prefix).resolve() == commands.VENV.folder.resolve():
        return
    with commands.alone(steps):
        commands.VENV.ensure(steps)
    _become([str(commands.VENV.python), "-m", "bootstrap.suite", *arguments])


def _become(command: list[str]) -> NoReturn:
    os.execv(command[0], command)  # noqa: S606 - without a shell


def _prepared(steps: Steps, options: argparse.Namespace, mounts: list[Path]) -> list[str]:
    """Make what is missing; return the command that runs the suite, but for pytest's arguments."""
    from bootstrap.suite import images, packages  # noqa: PLC0415 - needs the virtual environment

    with commands.alone(steps):
        address = commands.reach_engine(steps)
        image, architecture = images.ensure(steps, commands.ROOT, commands.CACHE, commands.runner_tag())
        more = packages.Cache(commands.CACHE / "suite", images.locks(commands.ROOT), architecture).ensure(
            steps, options.packages, options.folder
        )
    wanted = container.Wanted(
        image=image,
        folder=options.folder,
        mounts=(*mounts, project.temporary_folder()),
        packages=more,
        variables=tuple(options.env),
        network=options.network,
        memory_mib=options.memory,
    )
    return container.command(wanted, container.who(address.socket))


if __name__ == "__main__":
    os.chdir(commands.ROOT)
    sys.exit(main(sys.argv[1:]))
