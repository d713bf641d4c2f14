"""How a command gets to its service: address, key, and failures in one sentence."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from figbox.cli.exits import ServiceProblem
from figbox.cli.terminal import one_line
from figbox.client import DEFAULT_TIMEOUT_S, DEFAULT_URL, AsyncClient
from figbox.errors import FigboxError, Refused, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable

    from figbox.retries import Retries

KEY_VARIABLE = "FIGBOX_API_KEY"

#: A key file can be a gateway's `.env`, with its key under this name.
KEY_SETTING = "API_KEY="

#: Longest key file that is read, in bytes: a wrong path may lead to anything.
KEY_FILE_LIMIT = 64 * 1024

SOURCES = {
    ParameterSource.COMMANDLINE: "by flag",
    ParameterSource.ENVIRONMENT: "from the environment",
    ParameterSource.DEFAULT_MAP: "from pyproject.toml",
    ParameterSource.DEFAULT: "by default",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """Where to ask, and with which key.

    Attributes:
        url_source: Who says so, in words.
        key: None where none was given.
        key_source: Where it comes from, in words.
    """

    url: str
    url_source: str
    key: str | None
    key_source: str

    def client(self, retries: Retries, timeout: float = DEFAULT_TIMEOUT_S) -> AsyncClient:
        """Return a client; raises click.UsageError when address or key can't be right."""
        try:
            return AsyncClient(self.url, self.key, retries=retries, timeout=timeout)
        except ValueError as error:
            raise click.UsageError(str(error)) from error

    def require_key(self) -> None:
        """Raise click.UsageError when there is no key."""
        if self.key is None:
            raise click.UsageError(f"no key: set {KEY_VARIABLE}, or name a file that holds it with --key-file")


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command the options for its connection."""
    url = click.option(
        "--url",
        envvar="FIGBOX_URL",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        help="Address of the service.",
    )
    key_file = click.option(
        "--key-file",
        envvar="FIGBOX_KEY_FILE",
        type=click.Path(path_type=Path),
        show_envvar=True,
        help=f"File with the key, alone or after {KEY_SETTING} as in a gateway's .env. Without it, {KEY_VARIABLE}.",
    )
    return url(key_file(command))


def find_connection(context: click.Context) -> Connection:
    """Return the connection that a command's options and the environment say.

    Raises:
        click.UsageError: The key file can't be used.
    """
    key_file: Path | None = context.params["key_file"]
    file_source = context.get_parameter_source("key_file")
    key = os.environ.get(KEY_VARIABLE, "").strip() or None
    key_source = KEY_VARIABLE if key is not None else "none"
    if key_file is not None and (key is None or file_source is ParameterSource.COMMANDLINE):
        key, key_source = read_key(key_file), str(key_file)
    source = context.get_parameter_source("url")
    return Connection(context.params["url"], SOURCES.get(source, "") if source else "", key, key_source)


def read_key(path: Path) -> str:
    """Return the key in a file: its only line, or the value of its line `API_KEY=`.

    Raises:
        click.UsageError: There is no such file, or no such line in it; nothing of it is quoted.
    """
    try:
        with path.open("rb") as file:
            data = file.read(KEY_FILE_LIMIT + 1)
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"key file {path} can't be read: {getattr(error, 'strerror', 'not text')}") from error
    if len(data) > KEY_FILE_LIMIT:
        raise click.UsageError(f"key file {path} is too long to be one")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    settings = [line.removeprefix(KEY_SETTING).strip("'\"") for line in lines if line.startswith(KEY_SETTING)]
    found = settings[-1:] or lines
    if len(found) != 1 or not found[0] or (not settings and "=" in found[0].rstrip("=")):
        raise click.UsageError(f"key file {path} holds neither a key alone nor a line {KEY_SETTING}…")
    return found[0]


def explained(error: FigboxError, connection: Connection) -> ServiceProblem:
    """Return an error of the service as the sentence that ends a command."""
    text = one_line(describe(error))
    if isinstance(error, Unauthorized):
        text = f"{connection.url} doesn't accept the key ({connection.key_source}): {text}"
    return ServiceProblem(text)


def describe(error: Exception) -> str:
    """Return what an error says, option by option where it is about options."""
    if isinstance(error, Refused) and error.errors:
        return "; ".join(f"{fault.option}: {fault.message}" for fault in error.errors)
    return str(error)
