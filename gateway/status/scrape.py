"""Read what a running gateway says of itself: its metrics, and why it isn't ready if it isn't.

Anything may listen where a gateway is looked for: what is read is bounded in size and time, and nothing of it is
believed to be harmless to show.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import math
import os
import socket
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from gateway.settings import Settings
from gateway.startup.variables import read_env_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

#: Seconds for one response, and bytes of it that are read.
TIME_LIMIT_S = 5.0
SIZE_LIMIT = 4 << 20

#: More than any value of a gateway's, in bytes or seconds; NaN isn't less.
VALUE_LIMIT = 1e15

#: Addresses to listen on that mean every address, and one of them to connect to.
_LOOPBACK = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "::1"}  # a server's address, as it is written in settings


class NoGateway(Exception):
    """There is nothing to show; the text says why, in one sentence."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where something is asked for.

    Attributes:
        host: Name or address; None with a socket.
        port: Its port.
        path: What is asked for.
        socket: Path of a unix socket; None for TCP.
    """

    host: str | None
    port: int
    path: str
    socket: str | None = None

    def __str__(self) -> str:
        """Return it as people write it."""
        host = f"[{self.host}]" if self.host is not None and ":" in self.host else self.host
        return f"{self.socket or f'http://{host}:{self.port}'}{self.path if self.socket is None else ''}"


@dataclass(frozen=True, slots=True)
class Scrape:
    """The metrics at one moment.

    Attributes:
        at: When they were read, by `time.monotonic`.
        series: The labels and the value of each series, by its name.
    """

    at: float
    series: Mapping[str, Sequence[tuple[Mapping[str, str], float]]]

    def value(self, name: str) -> float | None:
        """Return the value of a series without labels; None if it isn't there."""
        return next((value for _, value in self.series.get(name, ())), None)

    def by(self, name: str, label: str) -> dict[str, float]:
        """Return the values of a metric by one of its labels, summed over the others."""
        found: dict[str, float] = {}
        for labels, value in self.series.get(name, ()):
            found[labels.get(label, "")] = found.get(labels.get(label, ""), 0.0) + value
        return found

    def buckets(self, name: str, **wanted: str) -> dict[float, float]:
        """Return how many observations of a histogram are at most as large as each of its bounds."""
        rows = self.series.get(f"{name}_bucket", ())
        return {
            float(labels["le"]): value for labels, value in rows if "le" in labels and wanted.items() <= labels.items()
        }


@dataclass(frozen=True, slots=True)
class Readiness:
    """What `/readyz` says.

    Attributes:
        reason: Why a render would fail now; None if it wouldn't.
        warm_starts: Why runners of an environment import although a snapshot is wanted, by environment.
    """

    reason: str | None
    warm_starts: Mapping[str, str]


def places(env_file: Path = Path(".env")) -> tuple[Place, Place]:
    """Return where this folder's gateway has its metrics, and its `/readyz`.

    Raises:
        NoGateway: It has no metrics, or the settings can't be read.
        StartError: The file can't be read.
    """
    given = {**read_env_file(env_file), **{name: value for name, value in os.environ.items() if value}}

    def setting(field: str) -> str:
        info = Settings.model_fields[field]
        return given.get(str(info.alias)) or ("" if info.default is None else str(info.default))

    ports = []
    for field in ("metrics_port", "port"):
        text = setting(field)
        if not text.isdecimal() or int(text) >= 1 << 16:
            raise NoGateway(f"{Settings.model_fields[field].alias} is no port")
        ports.append(int(text))
    if not ports[0]:
        raise NoGateway("FIGBOX_METRICS_PORT is 0: the gateway has no metrics to read")
    prefix, unix = setting("path_prefix").rstrip("/"), setting("http_socket").removeprefix("unix://")
    hosts = [_LOOPBACK.get(host, host) for host in (setting("metrics_host"), setting("host"))]
    return Place(hosts[0], ports[0], "/metrics"), Place(hosts[1], ports[1], f"{prefix}/readyz", unix or None)


def place_of(url: str) -> Place:
    """Return the place that a URL names.

    Raises:
        NoGateway: It names none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or http.client.HTTP_PORT
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "http" or not parts.hostname:
        raise NoGateway("the URL must be one such as http://127.0.0.1:5151/metrics")
    return Place(parts.hostname, port, parts.path or "/metrics")


def scrape(place: Place) -> Scrape:
    """Read the metrics.

    Raises:
        NoGateway: No gateway has them there.
    """
    _, body = ask(place)
    series: dict[str, list[tuple[Mapping[str, str], float]]] = {}
    try:
        for family in text_string_to_metric_families(body.decode()):
            for sample in family.samples:
                if abs(sample.value) < VALUE_LIMIT and not math.isnan(float(sample.labels.get("le", 0))):
                    series.setdefault(sample.name, []).append((sample.labels, sample.value))
    except (ValueError, KeyError, IndexError) as error:
        raise NoGateway(f"what answers at {place} has no metrics") from error
    if "figbox_requests_total" not in series:
        raise NoGateway(f"what answers at {place} is no gateway of Figbox")
    return Scrape(time.monotonic(), series)


def ask_ready(place: Place) -> Readiness | None:
    """Return what `/readyz` says; None if nothing does."""
    try:
        status, body = ask(place)
        document = json.loads(body)
    except (NoGateway, ValueError, RecursionError):
        return None
    if not isinstance(document, dict):
        return None
    said = document.get("warm_start")
    ways = said.items() if isinstance(said, dict) else ()
    reasons = {str(name): str(how["reason"]) for name, how in ways if isinstance(how, dict) and how.get("reason")}
    is_ready = status == http.HTTPStatus.OK
    return Readiness(None if is_ready else str(document.get("error") or f"it says {status}"), reasons)


def ask(place: Place) -> tuple[int, bytes]:
    """Return the status and the body of a response.

    Raises:
        NoGateway: There is none, or it is too large or too slow.
    """
    ends_at = time.monotonic() + TIME_LIMIT_S
    connection = _connection(place)
    try:
        connection.connect()
        # The connection's own time limit is for each piece that comes, and a head may come in pieces for ever.
        with _cutting(connection.sock, TIME_LIMIT_S):
            connection.request("GET", place.path)
            response = connection.getresponse()
            body = b""
            while len(body) <= SIZE_LIMIT and (piece := response.read1(1 << 16)):
                body += piece
        if len(body) > SIZE_LIMIT or time.monotonic() > ends_at:
            raise NoGateway(f"what answers at {place} is too large or too slow to be a gateway of Figbox")
    except OSError as error:
        raise NoGateway(f"no gateway answers at {place}: {error.strerror or 'it took too long'}") from error
    except http.client.HTTPException as error:
        raise NoGateway(f"what answers at {place} is no gateway of Figbox") from error
    finally:
        connection.close()
    return response.status, body


@contextlib.contextmanager
def _cutting(connection: socket.socket, limit_s: float) -> Iterator[None]:
    """Cut a connection after so many seconds, unless the block has ended."""

    def cut() -> None:
        with contextlib.suppress(OSError):  # the other end has closed it
            connection.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(limit_s, cut)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def _connection(place: Place) -> http.client.HTTPConnection:
    if place.socket is not None:
        return _UnixConnection(place.socket)
    return http.client.HTTPConnection(place.host or "", place.port, timeout=TIME_LIMIT_S)


class _UnixConnection(http.client.HTTPConnection):
    """A connection over a unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIME_LIMIT_S)
        self._path = path

    def connect(self) -> None:
        """Connect."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(TIME_LIMIT_S)
        self.sock.connect(self._path)
