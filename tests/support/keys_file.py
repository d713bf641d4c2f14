"""Keys files for live gateways."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def write_keys(path: Path, keys: Mapping[str, str]) -> Path:
    """Write the keys of holders, without limits of their own; return the path."""
    tables = (f'[keys.{name}]\nsha256 = "{hashlib.sha256(key.encode()).hexdigest()}"\n' for name, key in keys.items())
    path.write_text("".join(tables), "utf-8")
    return path
