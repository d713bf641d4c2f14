"""Writing a file in one step."""

from __future__ import annotations

import secrets
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
