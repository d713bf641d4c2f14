"""The command's exit statuses, for scripts that call it, and the errors that lead there."""

from __future__ import annotations

from enum import IntEnum

import click


class ExitStatus(IntEnum):
    """What a script that calls `figbox` learns from its exit status; the smallest that says all is not used."""

    RENDERED = 0
    SCRIPT_FAILED = 1
    """At least one script failed, and the service did its part for all of them."""
    USAGE = 2
    """Wrong arguments or settings; nothing was sent."""
    SERVICE = 3
    """The service couldn't be reached, stayed busy, refused key or options, or broke: some scripts weren't rendered."""
    INTERRUPTED = 130
    """By Ctrl-C: 128 + SIGINT, as shells have it."""


class ScriptProblem(Exception):
    """A script that can't be sent, or whose pictures can't be kept; concerns that script alone."""


class ServiceProblem(click.ClickException):
    """The service doesn't do its part; ends the command."""

    exit_code = ExitStatus.SERVICE
