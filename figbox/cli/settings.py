"""Settings from `[tool.figbox]` of the project's pyproject.toml, as defaults below flags and environment.

Keys are the long flags without their dashes. The file may belong to a project that isn't trusted, so it can't contain
the API key, and its paths can't leave its folder.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from figbox.files import is_anybodys

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE = "pyproject.toml"
TABLE = "tool.figbox"

#: Keys whose values are paths, relative to the file.
PATHS = frozenset({"contact-sheet", "data", "junit", "key-file", "output", "report", "summary"})

#: Tables that have a reader of their own: `figbox.check.config`.
TABLES = frozenset({"check"})

#: Keys that a project can't set, since what they start runs on this machine, outside of any sandbox.
OF_THE_MACHINE = frozenset({"local", "home"})

#: Names that the API key could have.
SECRETS = frozenset({"api-key", "api_key", "key"})


@dataclass(frozen=True, slots=True)
class Project:
    """A project's settings: the file, and its table."""

    path: Path
    values: Mapping[str, Any]


def find_project(start: Path) -> Project | None:
    """Return the settings of the nearest pyproject.toml with our table, in a folder or one above it.

    One that another user has put into a folder like `/tmp` doesn't count: it names the service that the key goes to.

    Raises:
        click.UsageError: The file can't be read.
    """
    for folder in (start, *start.parents):
        path = folder / FILE
        if not path.is_file() or is_anybodys(path):
            continue
        try:
            table = tomllib.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise click.UsageError(f"{path} can't be read: {error}") from error
        for name in TABLE.split("."):
            table = table.get(name) if isinstance(table, dict) else None  # type: ignore[assignment]
        if isinstance(table, dict):
            return Project(path, table)
    return None


def defaults(commands: Mapping[str, click.Command], project: Project) -> dict[str, dict[str, Any]]:
    """Return the project's settings as click's `default_map`.

    Raises:
        click.UsageError: A key is unknown, or its value is wrong.
    """
    known: set[str] = set()
    found: dict[str, dict[str, Any]] = {}
    for name, command in commands.items():
        found[name] = {}
        for option in (parameter for parameter in command.params if isinstance(parameter, click.Option)):
            # The option's long flags, each with the value that it stands for.
            keys = {text.removeprefix("--"): True for text in option.opts if text.startswith("--")}
            keys |= {text.removeprefix("--"): False for text in option.secondary_opts}
            known |= set(keys) - OF_THE_MACHINE
            given = [key for key in keys if key in project.values]
            if len(given) > 1:
                raise _wrong(project, given[1], f"contradicts {given[0]!r}")
            if given and option.name is not None:
                found[name][option.name] = _value(project, given[0], option, keys[given[0]])
    for key in project.values:
        if key in SECRETS:
            raise _wrong(project, key, "the key must not be in a project's file: use FIGBOX_API_KEY or key-file")
        if key in OF_THE_MACHINE:
            reason = f"a project can't start a service on this machine: use --{key} or FIGBOX_{key.upper()}"
            raise _wrong(project, key, reason)
        if key not in known and key not in TABLES:
            raise _wrong(project, key, f"unknown; the keys are {', '.join(sorted(known))}")
    return found


def _value(project: Project, key: str, option: click.Option, stands_for: bool) -> Any:  # noqa: FBT001
    value = project.values[key]
    if option.is_flag:
        if not isinstance(value, bool):
            raise _wrong(project, key, "must be true or false")
        return value if stands_for else not value
    if isinstance(value, dict):
        if key != "rc":
            raise _wrong(project, key, "can't be a table")
        return list(value.items())
    values = value if isinstance(value, list) else [value]
    if any(isinstance(element, bool | list | dict) for element in values):
        raise _wrong(project, key, "can't have this value")
    if key in PATHS:
        values = [_path(project, key, element) for element in values]
    if option.multiple:
        return values
    if len(values) != 1:
        raise _wrong(project, key, "must have one value")
    return values[0]


def _path(project: Project, key: str, value: object) -> str:
    """Return a path, relative to the file, as an absolute one."""
    if not isinstance(value, str):
        raise _wrong(project, key, "must be a path")
    folder = project.path.parent.resolve()
    path = (folder / value).resolve()
    if not path.is_relative_to(folder):
        raise _wrong(project, key, "leads out of the project's folder")
    return str(path)


def _wrong(project: Project, key: str, reason: str) -> click.UsageError:
    return click.UsageError(f"{project.path}: [{TABLE}] {key}: {reason}")
