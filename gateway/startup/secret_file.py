"""A secret in a file of its own, as Docker, Kubernetes and systemd hand it over."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from pydantic import SecretStr

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pydantic.fields import FieldInfo

#: Longest file in bytes: a wrong path may lead to any.
SIZE_LIMIT = 4096

#: Secrets that are header fields, with names before their values.
HAVE_NAMES = frozenset({"traces_headers"})

_SETTING = re.compile(r"(?:export\s+)?[A-Za-z_][A-Za-z0-9_]*\s*=\s*[^=\s]")


def read_secret(path: Path, *, has_names: bool = False) -> str:
    """Return the secret that a file has as its only line, without the line's end and spaces around it.

    Args:
        path: Of the file.
        has_names: Whether the secret itself has names before values.

    Raises:
        ValueError: It hasn't, or can't be read; the text is the end of a sentence about the file, and quotes nothing.
    """
    try:
        if path.is_dir():
            raise ValueError("is a folder; the file in it must be named")
        if path.exists() and not path.is_file():
            raise ValueError("is no ordinary file")
        with path.open("rb") as file:
            data = file.read(SIZE_LIMIT + 1)
    except OSError as error:
        raise ValueError(f"can't be read: {error.strerror}") from error
    if len(data) > SIZE_LIMIT:
        raise ValueError(f"has more than {SIZE_LIMIT} bytes: is it the right file?")
    try:
        text = data.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ValueError("is not text") from None
    if not text:
        raise ValueError("is empty")
    if not text.isprintable() or not text.isascii():
        raise ValueError("must have one line of printable ASCII, which is all that an HTTP header can carry")
    if not has_names and _SETTING.match(text):
        raise ValueError("has a name before the value, as .env has; it must have the value alone")
    return text


def with_secrets(fields: Mapping[str, FieldInfo], values: dict[str, Any]) -> dict[str, Any]:
    """Return the values of settings with each secret that is in a file of its own.

    Args:
        fields: All settings; a secret `x` may be in the file that `x_file` names.
        values: What is set, by alias or name.

    Raises:
        ValueError: A file can't be used, or both are set; the text names the settings.
    """
    for name, field in fields.items():
        file = fields.get(f"{name}_file")
        if file is None or SecretStr not in get_args(field.annotation):
            continue
        path = values.get(str(file.alias), values.get(f"{name}_file"))
        if path is None:
            continue
        if values.get(str(field.alias), values.get(name)) is not None:
            raise ValueError(f"both {field.alias} and {file.alias} are set: only one of them can count")
        try:
            values = {**values, str(field.alias): read_secret(Path(path), has_names=name in HAVE_NAMES)}
        except ValueError as error:
            raise ValueError(f"{file.alias}: the file ({path}) {error}") from error
    return values
