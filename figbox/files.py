"""Writing a file in one step."""

from __future__ import annotations

import secrets
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def replace_file(path: Path, data: bytes) -> None:
    """Write a temporary file and rename it: a reader sees the old file or the new one, and links aren't followed.

    Raises:
        OSError: It can't be written; the old file is as it was.
    """
    temporary = path.with_name(f".figbox-{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as file:
            file.write(data)
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
