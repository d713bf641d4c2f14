"""How a command reaches its service: address, key, a service of its own, and errors in one sentence."""

from __future__ import annotations

import difflib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
from click.core import ParameterSource

from figbox.cli.exits import ServiceProblem
from figbox.cli.home import find_home
from figbox.cli.home.clone import home_option
from figbox.cli.home.local import local_service
from figbox.cli.key_file import KEY_SETTING, read_key
from figbox.cli.terminal import one_line
from figbox.client import DEFAULT_TIMEOUT_S, DEFAULT_URL, AsyncClient, is_loopback
from figbox.errors import FigboxError, Refused, Unauthorized, Unreachable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from figbox.retries import Retries

KEY_VARIABLE = "FIGBOX_API_KEY"
KEY_FILE_VARIABLE = "FIGBOX_KEY_FILE"
URL_VARIABLE = "FIGBOX_URL"
LOCAL_VARIABLE = "FIGBOX_LOCAL"

#: The environment that every service has.
DEFAULT_ENVIRONMENT = "default"

LOCAL_SOURCE = "started for this command"

#: What there is to do where no service runs.
START = 'where no service runs, eval "$(figbox up)" starts one, and sets address and key'

#: How alike two names of variables are, from 0 to 1, that one may be meant by the other: without its middle word, say.
LIKENESS = 0.8

SOURCES = {
    ParameterSource.COMMANDLINE: "by flag",
    ParameterSource.ENVIRONMENT: "from the environment",
    ParameterSource.DEFAULT_MAP: "from pyproject.toml",
    ParameterSource.DEFAULT: "by default",
}


@dataclass(frozen=True, slots=True)
class Connection:
    """The service's address and key.

    Attributes:
        url_source: Where the address comes from, in words.
        key: None if it isn't set.
        key_source: Where the key comes from, in words.
        home: The clone that the command's own service is to be started from; None for a service that is there.
    """

    url: str
    url_source: str
    key: str | None
    key_source: str
    home: Path | None = None

    def opened(self, context: click.Context, environments: Iterable[str | None] = ()) -> Connection:
        """Return this, or where the command's own service is, which is started and ends with the command.

        Args:
            context: The command's.
            environments: What the command needs besides the default environment.

        Raises:
            ServiceProblem: It can't be started.
        """
        if self.home is None:
            return self
        wanted = sorted({name for name in environments if name} - {DEFAULT_ENVIRONMENT})
        if not context.params.get("quiet"):
            click.echo(f"starting a service for this command, from {one_line(str(self.home))}", err=True)
        url, key = context.with_resource(local_service(self.home, wanted))
        return Connection(url, LOCAL_SOURCE, key, LOCAL_SOURCE)

    def client(self, retries: Retries, timeout: float = DEFAULT_TIMEOUT_S) -> AsyncClient:
        """Return a client; raise click.UsageError if the address or the key isn't usable."""
        try:
            return AsyncClient(self.url, self.key, retries=retries, timeout=timeout)
        except ValueError as error:
            raise click.UsageError(str(error)) from error

    def require_key(self) -> None:
        """Raise click.UsageError if the key isn't set."""
        if self.key is None and self.home is None:
            raise click.UsageError("; ".join([missing_key(), *self.start()]))

    def start(self) -> list[str]:
        """Return how to get a service, if the address is one of this machine that isn't the command's own."""
        if self.url_source == SOURCES[ParameterSource.DEFAULT]:
            return [*_misspelt(URL_VARIABLE), START]
        return [START] if self.url_source != LOCAL_SOURCE and _is_here(self.url) else []


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for the connection to a command."""
    url = click.option(
        "--url",
        envvar=URL_VARIABLE,
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        help="Address of the service.",
    )
    key_file = click.option(
        "--key-file",
        envvar=KEY_FILE_VARIABLE,
        type=click.Path(path_type=Path),
        show_envvar=True,
        help=f"File with the key, alone or after {KEY_SETTING} as in a gateway's .env. Default: {KEY_VARIABLE}.",
    )
    local = click.option(
        "--local",
        is_flag=True,
        envvar=LOCAL_VARIABLE,
        show_envvar=True,
        help="Start a service on this machine, for this command alone.",
    )
    return url(key_file(local(home_option(command))))


def find_connection(context: click.Context) -> Connection:
    """Return the connection from a command's options and the environment.

    Raises:
        click.UsageError: The key file or the home can't be used, options contradict each other, or only a project's
            file says that the user's key is to be sent elsewhere.
    """
    if _is_local(context):
        return Connection("", LOCAL_SOURCE, None, LOCAL_SOURCE, find_home(context.params["home"]))
    key_file: Path | None = context.params["key_file"]
    file_source = context.get_parameter_source("key_file")
    key = os.environ.get(KEY_VARIABLE, "").strip() or None
    key_source = KEY_VARIABLE if key is not None else "none"
    is_mine = True
    if key_file is not None:
        if key is None or file_source is ParameterSource.COMMANDLINE:
            key, key_source = read_key(key_file), str(key_file)
            is_mine = file_source is not ParameterSource.DEFAULT_MAP
        else:
            key_source += f", which comes before the file {key_file}"
    source = context.get_parameter_source("url")
    url: str = context.params["url"]
    if key is not None and is_mine and source is ParameterSource.DEFAULT_MAP and not _is_here(url):
        raise click.UsageError(
            f"pyproject.toml names the service {one_line(url)}, and your key would go there: if you trust it, set "
            f"{URL_VARIABLE} to it, or give --url"
        )
    return Connection(url, SOURCES.get(source, "") if source else "", key, key_source)


def _is_here(url: str) -> bool:
    """Tell whether an address is one of this machine."""
    try:
        return is_loopback(urlsplit(url).hostname or "")
    except ValueError:  # no address, which is told when it is used
        return False


def _is_local(context: click.Context) -> bool:
    """Tell whether the command gets a service of its own; raise click.UsageError if other options contradict that.

    A flag comes before the environment, and both come before a project's file.
    """
    if not context.params["local"]:
        return False
    flag, variable = ParameterSource.COMMANDLINE, ParameterSource.ENVIRONMENT
    source = context.get_parameter_source("local")
    for name in ("url", "key_file"):
        other = context.get_parameter_source(name)
        option = f"--{name.replace('_', '-')}"
        if source is flag and other is flag:
            raise click.UsageError(f"--local and {option} exclude each other: a service of --local has its own")
        if source is variable and other is flag:
            return False
    if source is variable and context.get_parameter_source("url") is variable:
        raise click.UsageError(f"both {LOCAL_VARIABLE} and FIGBOX_URL are set: unset one, or give --local or --url")
    return True


def explained(error: FigboxError, connection: Connection) -> ServiceProblem:
    """Return an error as the sentence that ends a command."""
    text = one_line(describe(error))
    if isinstance(error, Unauthorized):
        text = f"{connection.url} doesn't accept the key ({one_line(connection.key_source)}): {text}"
    if isinstance(error, Unreachable):
        text = "; ".join([text, *connection.start()])
    return ServiceProblem(text)


def missing_key() -> str:
    """Return what to do about a key that isn't set."""
    text = f"the key is missing: set {KEY_VARIABLE}, or name a file with it by --key-file"
    return "; ".join([text, *_misspelt(KEY_VARIABLE, KEY_FILE_VARIABLE)])


def _misspelt(*names: str) -> list[str]:
    """Return what is set that looks like these variables."""
    found = []
    for variable in sorted(os.environ):
        near = difflib.get_close_matches(variable, names, n=1, cutoff=LIKENESS)
        if near and variable not in (KEY_VARIABLE, KEY_FILE_VARIABLE, URL_VARIABLE):
            found.append(f"{one_line(variable)} is set, but {near[0]} is what figbox reads")
    return found


def describe(error: Exception) -> str:
    """Return an error's text, or what is wrong with each option if it is about options."""
    if isinstance(error, Refused) and error.errors:
        return "; ".join(f"{wrong.option}: {wrong.message}" for wrong in error.errors)
    return str(error)
