"""The command's exit statuses, and the errors that lead to them."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitStatus(IntEnum):
    """The exit status, for scripts that call `figbox`; the help of the command says what each means."""

    RENDERED = 0
    SCRIPT_FAILED = 1
    USAGE = 2
    SERVICE = 3
    INTERRUPTED = 130  # 128 + SIGINT, as in shells


class ScriptProblem(Exception):
    """A script can't be sent, or its pictures can't be written; other scripts aren't affected."""


class ServiceProblem(click.ClickException):
    """The service failed; ends the command."""

    exit_code = ExitStatus.SERVICE
