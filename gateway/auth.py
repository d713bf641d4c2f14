"""Who may ask: API keys, compared as digests in constant time.

`python -m gateway.auth NAME` prints a new key for a client and the line to put into the keys file.
The key is shown once and stored nowhere: the file holds its SHA-256 only. (A random 256-bit key needs no
slow hash: there is nothing to guess.)
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import sys
from typing import TYPE_CHECKING

from gateway.errors import StartError, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.settings import Settings

HEADER = "X-API-Key"

#: Name under which the key from `API_KEY` appears in logs and metrics.
DEFAULT_NAME = "default"

_LINE = re.compile(r"(?P<name>[A-Za-z0-9._-]{1,64}):(?P<digest>[0-9a-f]{64})")


class Keyring:
    """The digests of all keys, by the name of their holder."""

    def __init__(self, digests: Mapping[str, bytes]) -> None:
        self._digests = dict(digests)

    def __len__(self) -> int:
        return len(self._digests)

    def authenticate(self, values: Sequence[str]) -> str:
        """Return the name of the holder of the one key given.

        Every stored key is compared, whichever fits, so the time taken tells nothing.

        Args:
            values: All values of the `X-API-Key` header, as aiohttp decodes them (surrogate escapes).

        Raises:
            Unauthorized: None or several were given, or it is not one of ours.
        """
        given = values[0] if len(values) == 1 else ""
        digest = _digest(given.encode("utf-8", "surrogateescape"))
        holder = None
        for name, known in self._digests.items():
            if hmac.compare_digest(digest, known):
                holder = name
        if holder is None or not given:
            raise Unauthorized("Unauthorized")
        return holder


def load_keyring(settings: Settings) -> Keyring:
    """Collect the keys of `API_KEY` and of the keys file.

    Raises:
        StartError: The file can't be read, or a line of it is not `name:sha256`.
    """
    digests: dict[str, bytes] = {}
    if settings.api_key is not None:
        digests[DEFAULT_NAME] = _digest(settings.api_key.get_secret_value().encode())
    if settings.api_keys_file is not None:
        try:
            lines = settings.api_keys_file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise StartError(f"FIGBOX_API_KEYS_FILE can't be read: {settings.api_keys_file}") from error
        for number, line in enumerate(lines, 1):
            if not line.strip() or line.startswith("#"):
                continue
            match = _LINE.fullmatch(line.strip())
            if match is None or match["name"] in digests:
                raise StartError(f"FIGBOX_API_KEYS_FILE line {number} is not a new `name:sha256`")
            digests[match["name"]] = bytes.fromhex(match["digest"])
    if not digests:
        raise StartError("no API key is configured: set API_KEY or FIGBOX_API_KEYS_FILE")
    return Keyring(digests)


def _digest(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()


def main(arguments: Sequence[str]) -> int:
    """Make a key for the holder named in `arguments`; return the exit status."""
    if len(arguments) != 1 or _LINE.fullmatch(f"{arguments[0]}:{'0' * 64}") is None:
        sys.stderr.write("usage: python -m gateway.auth NAME   (letters, digits, dot, dash, underscore)\n")
        return 2
    key = secrets.token_urlsafe(32)
    sys.stdout.write(f"key:  {key}\nline: {arguments[0]}:{_digest(key.encode()).hex()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
