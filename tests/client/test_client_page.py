"""docs/client.md lists the client's errors, exit statuses, options and settings."""

from __future__ import annotations

import re

import click

import figbox
from figbox.cli import COMMANDS
from figbox.cli.exits import ExitStatus
from tests.support.documents import CLIENT, section


def rows(heading: str) -> list[list[str]]:
    """Return the cells of the tables below a heading, without heads and rulers."""
    lines = [line for line in section(CLIENT, heading).splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if not line.startswith("| ---")]


def test_every_error_has_its_row() -> None:
    """The table has exactly the classes below `FigboxError`."""
    listed = {row[0].strip("`") for row in rows("In Python")} - {"Error"}
    errors = {name for name in figbox.__all__ if issubclass(getattr(figbox, name), figbox.FigboxError)}
    assert listed == errors - {"FigboxError"}


def test_every_attribute_of_an_error_is_named() -> None:
    """The section names what a caller can read from an error."""
    text = section(CLIENT, "In Python")
    failure = figbox.RenderFailed("no", outcome="killed")
    for error in (
        failure,
        figbox.Refused("no", status=400),
        figbox.Busy("no", status=429, retry_after_s=None),
        figbox.Unreachable("no"),
    ):
        for name in vars(error):
            assert f"`{name}`" in text, name


def test_every_exit_status_has_its_row() -> None:
    """The table has the numbers that scripts rely on."""
    assert [row[0] for row in rows("How it goes on")[1:]] == [str(status.value) for status in ExitStatus]


def test_every_flag_on_the_page_exists() -> None:
    """The page only names flags that the command has."""
    flags = {
        text
        for command in COMMANDS.values()
        for option in command.params
        if isinstance(option, click.Option)
        for text in (*option.opts, *option.secondary_opts)
    }
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", CLIENT.read_text("utf-8"))) - {"--help"}
    assert named <= flags
