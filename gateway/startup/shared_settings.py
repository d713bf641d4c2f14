"""The settings of what several nodes share, which the gateway and `python -m gateway.keys` read alike."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - pydantic needs it when it makes the fields
from typing import Any, Self
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings

from gateway.startup.secret_file import with_secrets
from gateway.startup.sources import SOURCES

#: Fewest characters of the nodes' secret: 24 random bytes in base64 have 32.
SECRET_LENGTH = 24

#: How the server is reached. Source: IANA's provisional URI schemes `redis` and `rediss`; `unix` is the client's own.
_SCHEMES = frozenset({"redis", "rediss", "unix"})


class SharedSettings(BaseSettings):
    """Where the server is that nodes share, and what they share by it."""

    model_config = SOURCES

    nodes: int = Field(
        1,
        alias="FIGBOX_NODES",
        ge=1,
        le=10_000,
        description="Nodes that serve the same keys: each gives its share of an allowance while they share no server",
    )
    shared_url: SecretStr | None = Field(
        None,
        alias="FIGBOX_SHARED_URL",
        description="Redis by which nodes share allowances and revocations, as `redis://`, `rediss://` (TLS) or "
        "`unix://`, with its password; unset: each node counts for itself",
    )
    shared_url_file: Path | None = Field(
        None,
        alias="FIGBOX_SHARED_URL_FILE",
        description="File with that URL as its only line, such as a mounted secret",
    )
    shared_secret: SecretStr | None = Field(
        None,
        alias="FIGBOX_SHARED_SECRET",
        description="Random text that all nodes have and the Redis has not; needed with it",
    )
    shared_secret_file: Path | None = Field(
        None, alias="FIGBOX_SHARED_SECRET_FILE", description="File with that text as its only line"
    )
    shared_cache_mib: int = Field(
        0,
        alias="FIGBOX_SHARED_CACHE_MIB",
        ge=0,
        le=1_048_576,
        description="Size of the renders that nodes keep for each other in the Redis, in MiB; needs "
        "`FIGBOX_CACHE_MIB`; 0: none",
    )
    shared_cache_s: float = Field(
        86400.0,
        alias="FIGBOX_SHARED_CACHE_S",
        ge=1,
        le=30 * 86400,
        description="Longest time that a render is kept there, in seconds",
    )

    @field_validator("shared_url")
    @classmethod
    def _is_a_servers_url(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _check_url(value.get_secret_value())
        return value

    @field_validator("shared_secret")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < SECRET_LENGTH:
            raise ValueError(f"must have {SECRET_LENGTH} characters or more, at random")
        return value

    @model_validator(mode="before")
    @classmethod
    def _read_secrets(cls, values: dict[str, Any]) -> dict[str, Any]:
        return with_secrets(cls.model_fields, values)

    @model_validator(mode="after")
    def _have_both(self) -> Self:
        if self.shared_url is not None and self.shared_secret is None:
            raise ValueError("FIGBOX_SHARED_URL needs FIGBOX_SHARED_SECRET or FIGBOX_SHARED_SECRET_FILE")
        if self.shared_cache_mib and self.shared_url is None:
            raise ValueError("FIGBOX_SHARED_CACHE_MIB needs FIGBOX_SHARED_URL or FIGBOX_SHARED_URL_FILE")
        return self


def _check_url(url: str) -> None:
    """Refuse a URL that names no server; an error quotes nothing, because the password is in it.

    Raises:
        ValueError: It doesn't; the text says what is wrong.
    """
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
        options = {name for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    except ValueError:
        raise ValueError("is no URL that can be read") from None
    if parts.scheme not in _SCHEMES:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    if (not host) != (parts.scheme == "unix") or (parts.scheme == "unix" and not parts.path):
        raise ValueError("must name a host, or a socket after unix://")
    if any(name != "db" and not name.startswith("ssl_") for name in options):
        raise ValueError("may have no options but db and those that begin with ssl_")
