"""The file that names environments beside `default`: the image of each, and what differs from the settings.

    [environments.science]
    image = "figbox-runner-science:latest"
    pool_size = 1
    memory_limit_mib = 1536

A key is a setting's own name and has that setting's bounds; what is left out is as in the settings. `pool_size` alone
is not inherited: an environment has one warm container unless its table says otherwise, and none where memory is short.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import ConfigDict, Field, StringConstraints, ValidationError, create_model

from gateway.model.errors import StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, ENVIRONMENT_PATTERN, KiB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pydantic.fields import FieldInfo

#: Settings that an environment can have for itself, besides its image.
OWN_SETTINGS = (
    "runtime",
    "pool_size",
    "wall_limit_s",
    "memory_limit_mib",
    "tmpfs_limit_mib",
    "tmpfs_inodes",
    "pids_limit",
    "cpus",
    "output_limit_mib",
    "pixel_limit_mpx",
)

#: Most environments of one file: each has a pool, and is examined when the service starts.
ENVIRONMENTS_LIMIT = 16

#: Longest file, in bytes.
FILE_LIMIT = 64 * KiB

_CONFIG = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)
_Name = Annotated[str, StringConstraints(pattern=ENVIRONMENT_PATTERN)]


def read_environments(path: Path, settings: Mapping[str, FieldInfo]) -> dict[str, dict[str, Any]]:
    """Return what a file says of each environment, checked.

    Args:
        path: The file.
        settings: The fields of the settings, for types and bounds.

    Raises:
        StartError: The file can't be read or is wrong; the text says where, and quotes no value.
    """
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            raise StartError(f"{path}: more than {FILE_LIMIT // KiB} KiB")
        tables = _file_model(settings).model_validate(tomllib.loads(content.decode())).environments
    except OSError as error:
        raise StartError(f"FIGBOX_ENVIRONMENTS_FILE can't be read: {error.strerror} ({path})") from error
    except ValidationError as error:
        raise StartError(f"bad environments in {path}: {described(error)}") from error
    except ValueError as error:  # of TOML and of UTF-8: line and column, none of the text
        raise StartError(f"{path} is not TOML: {error}") from error
    if DEFAULT_ENVIRONMENT in tables:
        raise StartError(
            f"bad environments in {path}: {DEFAULT_ENVIRONMENT} is what FIGBOX_IMAGE and the other settings say"
        )
    return {name: table.model_dump(exclude_none=True) for name, table in tables.items()}


def described(error: ValidationError) -> str:
    """Return the place and message of each mistake that a validation found, without values."""
    return "; ".join(f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors())


def _file_model(settings: Mapping[str, FieldInfo]) -> Any:
    own: dict[str, Any] = {
        name: (Annotated[(settings[name].annotation | None, *settings[name].metadata)], None)  # type: ignore[operator]
        for name in OWN_SETTINGS
    }
    table = create_model("Environment", __config__=_CONFIG, image=(Annotated[str, Field(min_length=1)], ...), **own)
    tables = Annotated[dict[_Name, table], Field(max_length=ENVIRONMENTS_LIMIT)]  # type: ignore[valid-type]
    return create_model("_File", __config__=_CONFIG, environments=(tables, ...))
