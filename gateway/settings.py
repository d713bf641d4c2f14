"""The service's settings: environment variables, then `.env`, then the defaults here.

`LauncherSettings` are what making containers needs, `Settings` those of the whole gateway, which include them, and
`LauncherProcessSettings` those of a launcher in a process of its own.

Every field has a unit, both bounds and a meaning. A bad value stops the start and is named.
"""

from __future__ import annotations

import hashlib
import os
import platform
import pwd
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings

from gateway.environments import described, read_environments
from gateway.model.errors import StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, START_LIMIT_S, KiB, Limits, MiB
from gateway.startup.addresses import base_url, header_fields, origin, path_prefix
from gateway.startup.shared_settings import SharedSettings
from gateway.startup.sources import SOURCES
from gateway.startup.variables import check_names

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = Path(__file__).resolve().parent.parent

#: Bytes of a unix socket's path. Source: unix(7), `sun_path` less its final zero.
SOCKET_PATH_LIMIT = 107

#: A user by number or by name. Source: useradd(8), "CAVEATS".
_USER = r"([0-9]{1,10}|[a-z_][a-z0-9_-]{0,31})"

S = TypeVar("S", bound="LauncherSettings")


class LauncherSettings(BaseSettings):
    """What making containers needs: the engine, the limits of a job, the pool, and the shutdown."""

    model_config = SOURCES

    # What renders.
    image: str = Field("figbox-runner:latest", alias="FIGBOX_IMAGE", min_length=1, description="Runner image")
    environments_file: Path | None = Field(
        None,
        alias="FIGBOX_ENVIRONMENTS_FILE",
        description="TOML file with further environments, each with an image and limits; see docs/environments.md",
    )
    runtime: str | None = Field(
        None,
        alias="FIGBOX_RUNTIME",
        pattern=r"^[a-zA-Z0-9._-]+$",
        description="OCI runtime, by the engine's name for it (`runsc` is gVisor); unset: the engine's default",
    )
    docker_host: str | None = Field(
        None,
        alias="DOCKER_HOST",
        description="Engine's socket, as `unix:///path`; unset: that of the Docker CLI's current context",
    )
    engine_timeout_s: float = Field(
        20.0, alias="FIGBOX_ENGINE_TIMEOUT_S", ge=0.5, le=300, description="Longest time of one engine call, in seconds"
    )
    installation: str | None = Field(
        None,
        alias="FIGBOX_INSTALLATION",
        pattern=r"^[a-zA-Z0-9._-]{1,64}$",
        description="Name that marks this installation's containers; must stay the same across restarts and be unique "
        "on the engine. Unset: derived from host, folder and address",
    )

    # What one job may use.
    wall_limit_s: float = Field(
        30.0,
        alias="FIGBOX_WALL_LIMIT_S",
        ge=0.1,
        le=600,
        description="Longest time of a job, in seconds from when a container gets it",
    )
    memory_limit_mib: int = Field(
        1024,
        alias="FIGBOX_MEMORY_LIMIT_MIB",
        ge=128,
        le=65536,
        description="Memory of one job, in MiB; there is no swap",
    )
    tmpfs_limit_mib: int = Field(
        64, alias="FIGBOX_TMPFS_LIMIT_MIB", ge=4, le=4096, description="Size of a job's working directory, in MiB"
    )
    tmpfs_inodes: int = Field(
        4096, alias="FIGBOX_TMPFS_INODES", ge=64, le=1_000_000, description="Most files in a job's working directory"
    )
    pids_limit: int = Field(
        64, alias="FIGBOX_PIDS_LIMIT", ge=32, le=4096, description="Most processes and threads of one job"
    )
    cpus: float = Field(1.0, alias="FIGBOX_CPUS", ge=0.1, le=64, description="Processor cores of one job")
    output_limit_mib: int = Field(
        16,
        alias="FIGBOX_OUTPUT_LIMIT_MIB",
        ge=1,
        le=256,
        description="Most output of one job, pictures and text together, in MiB",
    )
    pixel_limit_mpx: int = Field(
        50, alias="FIGBOX_PIXEL_LIMIT_MPX", ge=1, le=1000, description="Most pixels of a picture, in millions"
    )

    # How many at once.
    running_limit: int | None = Field(
        None,
        alias="FIGBOX_RUNNING_LIMIT",
        ge=1,
        le=1024,
        description="Most jobs that run at once; unset: the engine's cores, as far as its memory allows",
    )

    # The warm pool.
    warm_start: Literal["auto", "snapshot", "import"] = Field(
        "auto",
        alias="FIGBOX_WARM_START",
        description="How warm containers get Matplotlib: `import`, each imports it; `snapshot`, each starts from a "
        "snapshot that has it; `auto`, the fastest way that works",
    )
    pool_size: int | None = Field(
        None,
        alias="FIGBOX_POOL_SIZE",
        ge=0,
        le=1024,
        description="Warm containers kept waiting; unset: as many as jobs run at once, as far as memory allows",
    )
    pool_makers: int = Field(
        2, alias="FIGBOX_POOL_MAKERS", ge=1, le=16, description="Most warm containers that are made at the same time"
    )
    pool_idle_s: float = Field(
        600.0,
        alias="FIGBOX_POOL_IDLE_S",
        ge=1,
        le=86400,
        description="Longest time that a warm container waits before it is replaced, in seconds",
    )
    start_limit_s: float = Field(
        START_LIMIT_S,
        alias="FIGBOX_START_LIMIT_S",
        ge=5,
        le=3600,
        description="Longest time from the start of a container, or of a worker, until it is ready, and that a "
        "container of a self-test may take, in seconds; slow hosts need more",
    )
    memory_budget_mib: int | None = Field(
        None,
        alias="FIGBOX_MEMORY_BUDGET_MIB",
        ge=128,
        le=16_777_216,
        description="Memory of all containers together, in MiB; unset: seven eighths of the engine's memory",
    )

    # Strays.
    sweep_period_s: float = Field(
        60.0,
        alias="FIGBOX_SWEEP_PERIOD_S",
        ge=1,
        le=86400,
        description="Time between searches for stray containers, in seconds",
    )

    # The self-test.
    selftest_period_s: float = Field(
        3600.0,
        alias="FIGBOX_SELFTEST_PERIOD_S",
        ge=60,
        le=7 * 86400,
        description="Time between self-tests of the sandbox, in seconds",
    )

    # The process itself.
    memory_mib: int = Field(
        640,
        alias="FIGBOX_MEMORY_MIB",
        ge=64,
        le=1_048_576,
        description="Memory of the gateway's process, in MiB, and of a launcher's in a process of its own: requests "
        "and answers wait, or are refused, before they exceed it; see docs/operations.md",
    )

    # The shutdown.
    grace_s: float = Field(
        35.0,
        alias="FIGBOX_GRACE_S",
        ge=0,
        le=3600,
        description="Longest time that running jobs get to finish at shutdown, in seconds",
    )

    # The log.
    debug: bool = Field(False, alias="DEBUG", description="Log readable lines with more detail, instead of JSON")

    @field_validator("docker_host")
    @classmethod
    def _only_unix_sockets(cls, value: str | None) -> str | None:
        """Refuse engines on a network: without TLS they expose the host, and attach streams need a local socket."""
        if value is not None and not value.startswith("unix://"):
            raise ValueError("only unix:// sockets are supported")
        return value

    @property
    def limits(self) -> Limits:
        """The limits of one job, in base units."""
        return Limits(
            wall_limit_s=self.wall_limit_s,
            memory_limit_bytes=self.memory_limit_mib * MiB,
            tmpfs_limit_bytes=self.tmpfs_limit_mib * MiB,
            tmpfs_inodes=self.tmpfs_inodes,
            pids_limit=self.pids_limit,
            cpus=self.cpus,
            output_limit_bytes=self.output_limit_mib * MiB,
            pixel_limit=self.pixel_limit_mpx * 1_000_000,
        )

    @cached_property
    def environments(self) -> Mapping[str, LauncherSettings]:
        """The settings of every environment by its name; the first, `default`, has these.

        Raises:
            StartError: The file of environments is wrong; the text says where, and quotes no value.
        """
        found = {DEFAULT_ENVIRONMENT: self}
        if self.environments_file is not None:
            for name, own in read_environments(self.environments_file, LauncherSettings.model_fields).items():
                found[name] = self.model_copy(update={"pool_size": None, **own})
        return found

    @property
    def installation_name(self) -> str:
        """The label value that tells our containers from all others on the engine; the same after a restart."""
        if self.installation is not None:
            return self.installation
        identity = f"{platform.node()}|{ROOT}|{self._address}"
        return hashlib.sha256(identity.encode()).hexdigest()[:16]

    @property
    def _address(self) -> str:
        """Where this process listens, which two processes of one host can't share."""
        raise NotImplementedError


class Settings(SharedSettings, LauncherSettings):
    """All settings of a gateway, validated and frozen."""

    # Who may ask, and where.
    api_key: SecretStr | None = Field(None, alias="API_KEY", description="Key that clients send as `X-API-Key`")
    api_keys_file: Path | None = Field(
        None,
        alias="FIGBOX_API_KEYS_FILE",
        description="File with further keys and the limits of each; `python -m gateway.keys` makes and changes it",
    )
    api_key_file: Path | None = Field(
        None,
        alias="API_KEY_FILE",
        description="File with the key of `API_KEY` as its only line, such as a mounted secret; in place of `API_KEY`",
    )
    host: str = Field("127.0.0.1", alias="HOST", min_length=1, description="Address to listen on")
    port: int = Field(5150, alias="PORT", ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    http_socket: Path | None = Field(
        None,
        alias="FIGBOX_HTTP_SOCKET",
        description="Unix socket to listen on in place of `HOST` and `PORT`, as `unix:///path`; its owner and group "
        "may connect",
    )
    path_prefix: str = Field(
        "",
        alias="FIGBOX_PATH_PREFIX",
        max_length=128,
        description="Path before all others, such as `/figbox` behind a proxy that passes it on; unset: none",
    )
    cors: str = Field(
        "",
        alias="FIGBOX_CORS_ORIGINS",
        description="Origins whose pages may ask from a browser, separated by commas, such as `https://example.org`; "
        "unset: none",
    )
    metrics_host: str = Field(
        "127.0.0.1", alias="FIGBOX_METRICS_HOST", min_length=1, description="Address of the metrics listener"
    )
    metrics_port: int = Field(
        5151, alias="FIGBOX_METRICS_PORT", ge=0, le=65535, description="Port of the metrics listener; 0: no listener"
    )
    agent_host: str = Field(
        "127.0.0.1",
        alias="FIGBOX_AGENT_HOST",
        min_length=1,
        description="Address of the listener that HAProxy's agent check asks",
    )
    agent_port: int = Field(
        0, alias="FIGBOX_AGENT_PORT", ge=0, le=65535, description="Port of that listener; 0: no listener"
    )
    agent_weights: bool = Field(
        default=False,
        alias="FIGBOX_AGENT_WEIGHTS",
        description="Whether it tells the share of free places as weight, for balancers that don't count open requests",
    )

    # Traces.
    traces_endpoint: str | None = Field(
        None,
        alias="FIGBOX_TRACES_ENDPOINT",
        max_length=2048,
        description="Base URL of a collector that takes traces by OTLP over HTTP, such as `http://127.0.0.1:4318`; "
        "unset: no traces. See docs/monitoring.md",
    )
    traces_headers: SecretStr | None = Field(
        None,
        alias="FIGBOX_TRACES_HEADERS",
        description="Header fields for it, such as `authorization=Bearer%20TOKEN`, percent-encoded and separated by "
        "commas",
    )
    traces_headers_file: Path | None = Field(
        None,
        alias="FIGBOX_TRACES_HEADERS_FILE",
        description="File with the value of `FIGBOX_TRACES_HEADERS` as its only line; in place of it",
    )
    traces_ratio: float = Field(
        1.0,
        alias="FIGBOX_TRACES_RATIO",
        ge=0,
        le=1,
        description="Share of the traces to keep of those for which no `traceparent` says whether they are kept",
    )

    # Who makes the containers.
    launcher: str | None = Field(
        None,
        alias="FIGBOX_LAUNCHER",
        description="Socket of a launcher in a process of its own, as `unix:///path`; unset: the gateway makes "
        "containers itself",
    )

    # When it ends.
    end_with_stdin: bool = Field(
        False,
        alias="FIGBOX_END_WITH_STDIN",
        description="End as on SIGTERM when standard input ends, which must be a pipe, a socket or a terminal: for a "
        "parent process that must not leave the gateway behind",
    )

    # What a request may be.
    body_limit_kib: int = Field(
        1024, alias="FIGBOX_BODY_LIMIT_KIB", ge=1, le=65536, description="Largest request body, in KiB"
    )
    files_limit_mib: int = Field(
        10,
        alias="FIGBOX_FILES_LIMIT_MIB",
        ge=1,
        le=64,
        description="Largest body of a request to `/v1/render` that can hold files, in MiB",
    )
    code_limit_kib: int = Field(
        256, alias="FIGBOX_CODE_LIMIT_KIB", ge=1, le=16384, description="Longest code, in KiB of UTF-8"
    )
    body_timeout_s: float = Field(
        10.0,
        alias="FIGBOX_BODY_TIMEOUT_S",
        ge=0.1,
        le=300,
        description="Longest time for a request body to arrive, in seconds",
    )

    # What a connection may do.
    connections_limit: int = Field(
        512, alias="FIGBOX_CONNECTIONS_LIMIT", ge=1, le=100_000, description="Most connections open at once"
    )
    head_timeout_s: float = Field(
        10.0,
        alias="FIGBOX_HEAD_TIMEOUT_S",
        ge=0.1,
        le=300,
        description="Longest time for a request's head to arrive, in seconds",
    )

    # What is kept.
    cache_mib: int = Field(
        0,
        alias="FIGBOX_CACHE_MIB",
        ge=0,
        le=1_048_576,
        description="Size of the cache of `/v1/render`, in MiB; 0: no cache",
    )
    cache_file: Path = Field(
        Path(".figbox/renders.sqlite3"),
        alias="FIGBOX_CACHE_FILE",
        description="File of the cache, on a local disk; made with its folder",
    )

    # Who waits, and how long.
    queue_limit: int = Field(64, alias="FIGBOX_QUEUE_LIMIT", ge=0, le=10_000, description="Most jobs that wait")
    queue_wait_s: float = Field(
        30.0,
        alias="FIGBOX_QUEUE_WAIT_S",
        ge=0.1,
        le=600,
        description="Longest time that a job waits to run, in seconds",
    )
    key_limit: int | None = Field(
        None,
        alias="FIGBOX_KEY_LIMIT",
        ge=1,
        le=10_000,
        description="Most jobs of one key, running and waiting; unset: all with one key, half with several",
    )

    requests_per_minute: int = Field(
        1200,
        alias="FIGBOX_REQUESTS_PER_MINUTE",
        ge=1,
        le=100_000,
        description="Requests of each key in any minute, unless the keys file gives it an allowance of its own",
    )

    @field_validator("launcher")
    @classmethod
    def _is_a_socket(cls, value: str | None) -> str | None:
        if value is not None:
            scheme, _, path = value.partition("://")
            if scheme != "unix":
                raise ValueError("only unix:// sockets are supported")
            _check_socket_path(path)
        return value

    @field_validator("http_socket", mode="before")
    @classmethod
    def _is_a_listeners_socket(cls, value: object) -> object:
        if value is None:
            return None
        path = str(value).removeprefix("unix://")
        _check_socket_path(path)
        return path

    @field_validator("path_prefix")
    @classmethod
    def _is_a_path(cls, value: str) -> str:
        return path_prefix(value)

    @field_validator("traces_endpoint")
    @classmethod
    def _is_a_base_url(cls, value: str | None) -> str | None:
        return base_url(value) if value is not None else None

    @field_validator("traces_headers")
    @classmethod
    def _are_fields(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            header_fields(value.get_secret_value())
        return value

    @field_validator("cors")
    @classmethod
    def _are_origins(cls, value: str) -> str:
        return ",".join(map(origin, filter(None, (part.strip() for part in value.split(",")))))

    @model_validator(mode="after")
    def _shares_what_it_keeps(self) -> Self:
        if self.shared_cache_mib and not self.cache_mib:
            raise ValueError("FIGBOX_SHARED_CACHE_MIB needs FIGBOX_CACHE_MIB")
        return self

    @model_validator(mode="after")
    def _has_a_key(self) -> Self:
        """Refuse to start without any key."""
        empty = self.api_key is None or not self.api_key.get_secret_value().strip()
        if empty and self.api_keys_file is None:
            raise ValueError(
                "API_KEY is not set: put a line API_KEY=... into .env, or name a file by API_KEY_FILE or a keys file"
            )
        if self.api_key is not None and self.api_key.get_secret_value() != self.api_key.get_secret_value().strip():
            raise ValueError("API_KEY has spaces around it, which HTTP removes from a header")
        return self

    @property
    def body_limit_bytes(self) -> int:
        """Largest request body in bytes."""
        return self.body_limit_kib * KiB

    @property
    def files_limit_bytes(self) -> int:
        """Largest request body that can hold files, in bytes."""
        return self.files_limit_mib * MiB

    @property
    def code_limit_bytes(self) -> int:
        """Longest code in bytes of UTF-8."""
        return self.code_limit_kib * KiB

    @property
    def launcher_socket(self) -> Path | None:
        """Socket of the launcher's process; None where containers are made in this one."""
        return Path(self.launcher.removeprefix("unix://")) if self.launcher is not None else None

    @property
    def traces_header_fields(self) -> Mapping[str, str]:
        """Header fields that the collector of traces wants."""
        return header_fields(self.traces_headers.get_secret_value()) if self.traces_headers is not None else {}

    @property
    def cors_origins(self) -> frozenset[str]:
        """The origins whose pages may ask from a browser."""
        return frozenset(filter(None, self.cors.split(",")))

    @property
    def _address(self) -> str:
        return f"{self.host}|{self.port}" if self.http_socket is None else str(self.http_socket)


class LauncherProcessSettings(LauncherSettings):
    """All settings of a launcher in a process of its own (`python -m gateway.launcher`)."""

    socket: Path = Field(
        Path("/run/figbox/launcher.sock"),
        alias="FIGBOX_LAUNCHER_SOCKET",
        description="Only `python -m gateway.launcher`: the socket it listens on, in a directory of its own",
    )
    peers: str | None = Field(
        None,
        alias="FIGBOX_LAUNCHER_PEERS",
        pattern=rf"^{_USER}(,{_USER}){{0,15}}$",
        description="Only `python -m gateway.launcher`: users that may use it, by uid or name, separated by commas; "
        "unset: its own",
    )

    @field_validator("socket")
    @classmethod
    def _is_a_socket(cls, value: Path) -> Path:
        _check_socket_path(str(value))
        return value

    @field_validator("peers")
    @classmethod
    def _exist(cls, value: str | None) -> str | None:
        for name in value.split(",") if value is not None else ():
            _uid_of(name)
        return value

    @property
    def peer_uids(self) -> frozenset[int]:
        """The uids that may use the launcher."""
        return frozenset(map(_uid_of, self.peers.split(","))) if self.peers is not None else frozenset({os.geteuid()})

    @property
    def _address(self) -> str:
        return str(self.socket)


def _uid_of(user: str) -> int:
    if user.isdigit():
        return int(user)
    try:
        return pwd.getpwnam(user).pw_uid
    except KeyError:
        raise ValueError("names a user that this host doesn't have") from None


def _check_socket_path(path: str) -> None:
    if not path.startswith("/") or path.endswith("/"):
        raise ValueError("the socket's path must be absolute")
    if len(os.fsencode(path)) > SOCKET_PATH_LIMIT:
        raise ValueError(f"the socket's path is longer than {SOCKET_PATH_LIMIT} bytes")


def load_settings() -> Settings:
    """Read the gateway's settings from the environment and `.env`; raises as `load`."""
    return load(Settings)


def load(kind: type[S]) -> S:
    """Read settings from the environment and `.env`.

    Raises:
        StartError: A value is missing or out of bounds, or a name is misspelt; the text names each one, and no value.
    """
    check_names(
        str(field.alias) for each in (Settings, LauncherProcessSettings) for field in each.model_fields.values()
    )
    try:
        settings = kind()  # type: ignore[call-arg]  # the values come from the environment
    except ValidationError as error:
        raise StartError(f"bad settings: {described(error)}") from error
    if not (isinstance(settings, Settings) and settings.launcher_socket is not None):  # else the launcher's business
        _ = settings.environments  # read now, so that a mistake in their file stops the start
    return settings
