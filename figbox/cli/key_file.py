"""The key in a file: alone, or as a gateway's `.env` has it.

A `.env` is read by the library that reads the gateway's.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import click
from dotenv import dotenv_values

if TYPE_CHECKING:
    from pathlib import Path

#: A key file can be a gateway's `.env`, where the key follows this.
KEY_SETTING = "API_KEY="

#: The setting by which a `.env` names another file.
FILE_NAME = "api_key_file"

#: Longest key file that is read, in bytes, since a wrong path may lead to any file.
KEY_FILE_LIMIT = 64 * 1024


def read_key(path: Path) -> str:
    """Return the key in a file: its only line, or the value of its setting `API_KEY`.

    Raises:
        click.UsageError: The file can't be read or doesn't have such a line; its text isn't quoted.
    """
    try:
        with path.open("rb") as file:
            data = file.read(KEY_FILE_LIMIT + 1)
        text = data.decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"key file {path} can't be read: {getattr(error, 'strerror', 'not text')}") from error
    if len(data) > KEY_FILE_LIMIT:
        raise click.UsageError(f"key file {path} is too long")
    settings = {name.lower(): value for name, value in dotenv_values(stream=io.StringIO(text)).items()}
    name = KEY_SETTING.removesuffix("=").lower()
    key = settings.get(name)
    if key:
        return key.strip()
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if len(lines) == 1 and name not in settings and "=" not in lines[0].rstrip("="):
        return lines[0]
    if settings.get(FILE_NAME):
        raise click.UsageError(f"key file {path} names another file, by {FILE_NAME.upper()}: name that one")
    raise click.UsageError(f"key file {path} has neither a single line with the key nor a line {KEY_SETTING}…")
