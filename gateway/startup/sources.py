"""Where settings come from: the environment, then `.env`; the same for every part of the service."""

from __future__ import annotations

from pydantic_settings import SettingsConfigDict

#: Of each class of settings. An error quotes no value, since it may be a secret.
SOURCES = SettingsConfigDict(
    env_file=".env",
    env_file_encoding="utf-8",
    env_ignore_empty=True,
    extra="ignore",
    frozen=True,
    populate_by_name=True,
    hide_input_in_errors=True,
)
