"""The file that names environments beside `default`: an image each, and what is different from the settings.

    [environments.science]
    image = "figbox-runner-science:latest"
    pool_size = 1
    memory_limit_mib = 1536

A key is a setting's own name, has that setting's bounds, and where it is left out the setting itself holds. Only the
pool is nobody's heir: it has one container unless something else is said, and none where memory is short.
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, create_model

from gateway.model.errors import StartError
from gateway.model.jobs import DEFAULT_ENVIRONMENT, ENVIRONMENT_PATTERN, KiB
from gateway.settings import LauncherSettings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

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

#: Environments of one file at most: each has a pool, and is looked at when the service starts.
ENVIRONMENTS_LIMIT = 16

#: Bytes of the file at most.
FILE_LIMIT = 64 * KiB

_CONFIG = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


def _own(name: str) -> tuple[Any, None]:
    """Return the definition of a key: the setting's type and bounds, or nothing."""
    field = LauncherSettings.model_fields[name]
    return Annotated[(field.annotation | None, *field.metadata)], None  # type: ignore[operator]  # likewise


_Table: Any = create_model(  # type: ignore[call-overload]  # types that are made aren't known to it
    "Environment",
    __config__=_CONFIG,
    image=(Annotated[str, Field(min_length=1)], ...),
    **{name: _own(name) for name in OWN_SETTINGS},
)
_Name = Annotated[str, StringConstraints(pattern=ENVIRONMENT_PATTERN)]


class _File(BaseModel):
    model_config = _CONFIG

    environments: Annotated[dict[_Name, _Table], Field(max_length=ENVIRONMENTS_LIMIT)]


def settings_of_environments(settings: LauncherSettings) -> Mapping[str, LauncherSettings]:
    """Return the settings of every environment by its name, `default` first.

    Raises:
        StartError: The file can't be read or says something wrong; the text names it, and no value.
    """
    if settings.environments_file is None:
        return {DEFAULT_ENVIRONMENT: settings}
    tables = read_environments(settings.environments_file)
    return {
        DEFAULT_ENVIRONMENT: settings,
        **{name: settings.model_copy(update={"pool_size": None, **own}) for name, own in tables.items()},
    }


def read_environments(path: Path) -> dict[str, dict[str, Any]]:
    """Return what a file says of each environment, checked; raises as `settings_of_environments`."""
    try:
        with path.open("rb") as file:
            content = file.read(FILE_LIMIT + 1)
        if len(content) > FILE_LIMIT:
            raise StartError(f"{path}: more than {FILE_LIMIT // KiB} KiB")
        document = tomllib.loads(content.decode())
        tables = _File.model_validate(document).environments
    except OSError as error:
        raise StartError(f"FIGBOX_ENVIRONMENTS_FILE can't be read: {error.strerror} ({path})") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]
        raise StartError(f"bad environments in {path}: " + "; ".join(faults)) from error
    except ValueError as error:  # of TOML and of UTF-8: line and column, none of the text
        raise StartError(f"{path} is not TOML: {error}") from error
    if DEFAULT_ENVIRONMENT in tables:
        raise StartError(
            f"bad environments in {path}: {DEFAULT_ENVIRONMENT} is what FIGBOX_IMAGE and the other settings say"
        )
    return {name: table.model_dump(exclude_none=True) for name, table in tables.items()}
