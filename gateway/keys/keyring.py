"""API keys: who may ask, and what each may have. Keys are compared as digests in constant time.

A key is 256 random bits, so its digest needs no slow hash: it can't be guessed; `gateway.keys.strength` finds those
that can. They are read by `gateway.keys.live_keyring`, and made by `python -m gateway.keys`
(`gateway/keys/__main__.py`).
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.model.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.model.jobs import Limits

HEADER = "X-API-Key"

#: Name of the key from `API_KEY` in the log.
DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """The limits of one key beside those of all keys; None means that there is no further limit.

    Attributes:
        requests_per_minute: Requests in any minute, whatever their responses, instead of the common allowance.
        concurrent_jobs: Jobs running and waiting together, instead of the common share.
        compute_seconds_per_minute: Processor seconds its jobs may use in any minute.
        wall_limit_s: Seconds one job may take, if less than for all.
        memory_limit_bytes: Memory of one job, likewise.
    """

    requests_per_minute: int | None = None
    concurrent_jobs: int | None = None
    compute_seconds_per_minute: int | None = None
    wall_limit_s: float | None = None
    memory_limit_bytes: int | None = None

    def lowered(self, limits: Limits) -> Limits:
        """Return what a job of the holder may use at most, of what jobs may use at all."""
        return limits.lowered(self.wall_limit_s, self.memory_limit_bytes)


@dataclass(frozen=True, slots=True)
class Key:
    """One key.

    Attributes:
        digest: Its SHA-256.
        policy: Its limits.
    """

    digest: bytes = field(repr=False)
    policy: KeyPolicy = KeyPolicy()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who sent a request: the name of a key, never the key."""

    name: str
    policy: KeyPolicy = KeyPolicy()


class Keyring:
    """All keys, by the name of their holder."""

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = dict(keys)

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def names(self) -> frozenset[str]:
        """Names of all holders."""
        return frozenset(self._keys)

    @property
    def digests(self) -> Mapping[str, bytes]:
        """What is kept of each key, by its name."""
        return {name: key.digest for name, key in self._keys.items()}

    def authenticate(self, values: Sequence[str]) -> Holder:
        """Return the holder of the one key given.

        Every stored key is compared, whichever matches, so the time this takes reveals nothing.

        Args:
            values: All values of the `X-API-Key` header, as aiohttp decodes them (surrogate escapes).

        Raises:
            Unauthorized: None or several were given, or an unknown one.
        """
        given = values[0] if len(values) == 1 else ""
        digest = digest_of(given.encode("utf-8", "surrogateescape"))
        holder = None
        for name, key in self._keys.items():
            if hmac.compare_digest(digest, key.digest):
                holder = Holder(name, key.policy)
        if holder is None or not given:
            raise Unauthorized("Unauthorized")
        return holder


def digest_of(key: bytes) -> bytes:
    """Return what is kept of a key."""
    return hashlib.sha256(key).digest()
