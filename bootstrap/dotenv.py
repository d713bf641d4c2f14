"""The `.env` file: made once with a random key, never touched again."""

from __future__ import annotations

import os
import secrets
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from bootstrap.steps import Steps

KEY_BYTES = 32
CONTENT = """\
# Settings of this checkout's gateway; made once by the set-up, yours to change. The documentation lists all of them.
# The key that clients send as X-API-Key. It allows running code in your sandbox, so keep it secret.
API_KEY={key}
"""


def ensure(steps: Steps, path: Path) -> None:
    """Create the file with a random 256-bit key, readable by its owner only; keep an existing one.

    Nothing is made where a file with a key is named: two keys would stop the gateway.
    """
    if os.environ.get("API_KEY_FILE") and not path.exists():
        steps.say(path.name, "not needed: API_KEY_FILE names a file with the key")
        return
    try:
        # O_EXCL: two set-ups at once can't both write it, and a link in its place isn't followed.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        steps.say(path.name, "kept")
        if path.is_file() and stat.S_IMODE(path.stat().st_mode) & (stat.S_IRWXG | stat.S_IRWXO):
            steps.say(path.name, f"WARNING: others can read the key in it; run `chmod 600 {path.name}`")
        return
    with os.fdopen(descriptor, "w") as file:
        file.write(CONTENT.format(key=secrets.token_urlsafe(KEY_BYTES)))
    steps.say(path.name, "created with a random API_KEY, readable only by you")


def value(path: Path, name: str) -> str:
    """Return a setting as the gateway reads it: from the environment, else from `.env`, else empty."""
    if os.environ.get(name):
        return os.environ[name]
    try:
        lines = path.read_text().splitlines()
    except (OSError, UnicodeDecodeError):
        return ""
    for line in lines:
        key, _, text = line.partition("=")
        if key.strip() == name:
            return text.strip().strip("'\"")
    return ""
