"""The container engine: which one is meant, whether it answers, and requests to it, without Docker's SDK.

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

#: Why Podman can't be used; the service says the same when it refuses to start on it.
PODMAN = (
    "the engine is Podman, which doesn't hold the sandbox: in a read-only container it leaves /var/tmp, /dev/shm and "
    "/dev/mqueue writable, it bounds no number of files on a tmpfs, and it takes no system call filter from a client; "
    "use Docker Engine 20.10 or newer, rootless if you like"
)

#: Long, because on a socket that systemd listens on, the engine must start before it can answer.
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Address:
    """An engine's unix socket.

    Attributes:
        named_by: `DOCKER_HOST`, `the Docker context NAME`, or empty for the default.
    """

    socket: Path
    named_by: str

    @property
    def url(self) -> str:
        """The address in the form of DOCKER_HOST."""
        return f"unix://{self.socket}"


class EngineSilentError(Exception):
    """An engine doesn't respond at a socket; the text says why and fits into a sentence.

    Attributes:
        absent: Whether nothing listens there at all, so that an engine may be started.
    """

    def __init__(self, reason: str, *, absent: bool = False) -> None:
        super().__init__(reason)
        self.absent = absent


def meant(environment: dict[str, str] | None = None) -> Address:
    """Return the engine that the user means, by the Docker CLI's rules and the process's environment or another.

    `DOCKER_HOST` comes first, then `DOCKER_CONTEXT`, the current context of the CLI's configuration, and the default
    socket.

    Raises:
        SetupError: The engine isn't behind a unix socket, or the context can't be read.
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
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupError(
            f"The Docker context {context} can't be read from {meta}; choose another with `docker context use default`."
        ) from error
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
            f"{named_by} is {url}, but only an engine on this host, behind a unix socket, is supported: "
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


def request(path: Path, method: str, what: str, timeout_s: float = TIMEOUT_S) -> tuple[int, bytes]:
    """Send a request without a body to the engine at a socket; return the response's status and body.

    Raises:
        EngineSilentError: It doesn't respond.
    """
    connection = _SocketConnection(path, timeout_s)
    try:
        connection.request(method, what)
        response = connection.getresponse()
        body = response.read()
    except PermissionError as error:
        raise EngineSilentError("this user may not open it") from error
    except FileNotFoundError as error:
        raise EngineSilentError("there is no such socket", absent=True) from error
    except ConnectionRefusedError as error:
        raise EngineSilentError("nothing listens on it", absent=True) from error
    except TimeoutError as error:
        raise EngineSilentError(f"no answer within {timeout_s:g} s") from error
    except (OSError, http.client.HTTPException) as error:
        raise EngineSilentError(f"what listens there isn't an engine ({type(error).__name__})") from error
    finally:
        connection.close()
    return response.status, body


def _get(path: Path, what: str, timeout_s: float = TIMEOUT_S) -> bytes:
    status, body = request(path, "GET", what, timeout_s)
    if status != http.HTTPStatus.OK:
        raise EngineSilentError(f"it answers {status} to GET {what}")
    return body


def ping(path: Path, timeout_s: float = TIMEOUT_S) -> None:
    """Return once an engine responds at this socket; raise EngineSilentError if it doesn't."""
    _get(path, "/_ping", timeout_s)


def answers(path: Path) -> bool:
    """Tell whether an engine responds at this socket."""
    try:
        ping(path)
    except EngineSilentError:
        return False
    return True


def is_podman(version: dict[str, Any]) -> bool:
    """Tell by its answer to `/version` whether an engine is Podman, behind Docker's API."""
    return any(part.get("Name") == "Podman Engine" for part in version.get("Components") or ())


def ask(path: Path, what: str) -> Any:
    """Return what an engine says, as JSON, about e.g. `/info`.

    Raises:
        EngineSilentError: It doesn't respond, or not in JSON.
    """
    try:
        return json.loads(_get(path, what))
    except ValueError as error:
        raise EngineSilentError(f"its answer to {what} isn't JSON") from error
