"""The command's exit statuses, and the errors that lead to them."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitStatus(IntEnum):
    """The exit status, for scripts that call `figbox`; the help of the command says what each means.

    `figbox compare` has the statuses of `diff`: 1 is that something changed, and 2 that it can't be said.
    """

    RENDERED = 0
    SCRIPT_FAILED = 1
    CHANGED = 1
    SAME = 0
    USAGE = 2
    SERVICE = 3
    INTERRUPTED = 130  # 128 + SIGINT, as in shells


class ScriptProblem(Exception):
    """A script can't be sent, or its pictures can't be written; other scripts aren't affected."""


class ComparisonProblem(click.ClickException):
    """Two sides can't be compared; ends the command."""

    exit_code = ExitStatus.USAGE


class ServiceProblem(click.ClickException):
    """The service failed; ends the command."""

    exit_code = ExitStatus.SERVICE
