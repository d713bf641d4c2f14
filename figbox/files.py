"""Files: writing one in one step, and whether one can be anybody's."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write a temporary file and rename it: a reader sees the old file or the new one, and links aren't followed.

    Raises:
        OSError: It can't be written; the old file is as it was.
    """
    replace_file_by_parts(path, [data])


def replace_file_by_parts(path: Path, parts: Iterable[bytes]) -> None:
    """Do the same with a file that is made part by part, so that it is never in memory as a whole."""
    temporary = path.with_name(f".figbox-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            for part in parts:
                file.write(part)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise


def is_anybodys(path: Path) -> bool:
    """Tell whether a file is another user's, in a folder such as `/tmp`, where anybody can put one.

    A file of root's isn't; nor is any where files have no owners of this kind, as on Windows.
    """
    if not hasattr(os, "geteuid"):
        return False
    try:
        is_open = path.parent.stat().st_mode & stat.S_IWOTH
        return bool(is_open) and path.lstat().st_uid not in {0, os.geteuid()}
    except OSError:
        return False
