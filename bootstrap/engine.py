"""The container engine: which one is meant, whether it answers, and questions to it, without Docker's SDK.

Source: docker context files, as the Docker CLI writes them (`config.json`, `contexts/meta/<sha256 of name>`);
Docker Engine API, `GET /_ping`, `/version`, `/info`.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bootstrap.steps import SetupError

DEFAULT_SOCKET = Path("/var/run/docker.sock")
PING_TIMEOUT_S = 20.0
"""Long, because a socket that systemd listens on answers only when the engine behind it has started."""

ANSWER_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Address:
    """An engine's unix socket, and who named it."""

    socket: Path
    named_by: str
    """`DOCKER_HOST`, `the Docker context NAME`, or empty for the default."""

    @property
    def url(self) -> str:
        """The address as DOCKER_HOST takes it."""
        return f"unix://{self.socket}"


class EngineSilentError(Exception):
    """Nothing answers at a socket; says why, in the middle of a sentence."""

    def __init__(self, reason: str, *, absent: bool = False) -> None:
        """Keep the reason.

        Args:
            reason: Why there is no answer.
            absent: Nobody is there at all, so an engine may be started; False if one is there but silent.
        """
        super().__init__(reason)
        self.absent = absent


def meant(environment: dict[str, str] | None = None) -> Address:
    """Find out which engine the user means, by the Docker CLI's own rules.

    Args:
        environment: Variables to look into; None is the process's. `DOCKER_HOST` wins, then `DOCKER_CONTEXT`,
            then the current context of the CLI's configuration, then the default socket.

    Raises:
        SetupError: Another transport than a unix socket is meant, or the context can't be read.
    """
    variables = os.environ if environment is None else environment
    if variables.get("DOCKER_HOST"):
        return Address(_socket_of(variables["DOCKER_HOST"], "DOCKER_HOST"), "DOCKER_HOST")
    folder = Path(variables.get("DOCKER_CONFIG") or Path.home() / ".docker")
    context = variables.get("DOCKER_CONTEXT") or _current_context(folder)
    if context in {"", "default"}:
        return Address(DEFAULT_SOCKET, "")
    named_by = f"the Docker context {context}"
    meta = folder / "contexts" / "meta" / hashlib.sha256(context.encode()).hexdigest() / "meta.json"
    try:
        host = json.loads(meta.read_text())["Endpoints"]["docker"]["Host"]
    except (OSError, ValueError, KeyError, TypeError) as exc:
        raise SetupError(
            f"The Docker context {context} can't be read from {meta}; choose another with `docker context use default`."
        ) from exc
    return Address(_socket_of(str(host), named_by), named_by)


def _current_context(folder: Path) -> str:
    try:
        return str(json.loads((folder / "config.json").read_text()).get("currentContext", ""))
    except (OSError, ValueError, AttributeError):
        return ""


def _socket_of(url: str, named_by: str) -> Path:
    scheme, _, path = url.partition("://")
    if scheme != "unix" or not path.startswith("/"):
        raise SetupError(
            f"{named_by} names {url}, but only an engine on this host, behind a unix socket, is supported: "
            f"set DOCKER_HOST=unix:///path/to/docker.sock."
        )
    return Path(path)


class _SocketConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def request(path: Path, method: str, what: str, timeout_s: float = ANSWER_TIMEOUT_S) -> tuple[int, bytes]:
    """Send a request without a body to the engine at a socket, and give the status and body of its answer.

    Raises:
        EngineSilentError: There is no answer.
    """
    connection = _SocketConnection(path, timeout_s)
    try:
        connection.request(method, what)
        response = connection.getresponse()
        body = response.read()
    except PermissionError as exc:
        raise EngineSilentError("this user may not open it") from exc
    except FileNotFoundError as exc:
        raise EngineSilentError("there is no such socket", absent=True) from exc
    except ConnectionRefusedError as exc:
        raise EngineSilentError("nobody listens on it", absent=True) from exc
    except TimeoutError as exc:
        raise EngineSilentError(f"no answer within {timeout_s:g} s") from exc
    except (OSError, http.client.HTTPException) as exc:
        raise EngineSilentError(f"it doesn't answer as an engine does ({type(exc).__name__})") from exc
    finally:
        connection.close()
    return response.status, body


def _get(path: Path, what: str, timeout_s: float = ANSWER_TIMEOUT_S) -> bytes:
    status, body = request(path, "GET", what, timeout_s)
    if status != http.HTTPStatus.OK:
        raise EngineSilentError(f"it answers {status} to GET {what}")
    return body


def ping(path: Path, timeout_s: float = PING_TIMEOUT_S) -> None:
    """Return if an engine answers at this socket.

    Raises:
        EngineSilentError: None does.
    """
    _get(path, "/_ping", timeout_s)


def answers(path: Path) -> bool:
    """Tell whether an engine answers at this socket."""
    try:
        ping(path)
    except EngineSilentError:
        return False
    return True


def ask(path: Path, what: str) -> Any:
    """Get an engine's JSON answer to a question that changes nothing, e.g. `/info`.

    Raises:
        EngineSilentError: No answer, or not JSON.
    """
    try:
        return json.loads(_get(path, what))
    except ValueError as exc:
        raise EngineSilentError(f"its answer to {what} isn't JSON") from exc
