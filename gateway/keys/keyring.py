"""API keys: who may ask, and what each may have. How long finding a key takes reveals nothing about any.

A key is 256 random bits, so its digest needs no slow hash: it can't be guessed; `gateway.keys.strength` finds those
that can. They are read by `gateway.keys.live_keyring`, and made by `python -m gateway.keys`
(`gateway/keys/__main__.py`).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gateway.model.errors import Unauthorized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from gateway.model.jobs import Limits

HEADER = "X-API-Key"

#: Name of the key from `API_KEY` in the log.
DEFAULT_NAME = "default"

#: Bytes of a ring's secret, and of what it is looked up by.
_BLIND_BYTES = 32


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
    """All keys, by the name of their holder.

    A key is looked up by its digest, hashed again with a secret that only this ring has. So a request costs the same
    whether there is one key or ten thousand, and nobody can choose what the comparisons of a look-up begin with.
    """

    def __init__(self, keys: Mapping[str, Key]) -> None:
        self._keys = dict(keys)
        self._secret = secrets.token_bytes(_BLIND_BYTES)
        #: What is kept of each key, by its name.
        self.digests: Mapping[str, bytes] = {name: key.digest for name, key in self._keys.items()}
        self._names = {self._blinded(key.digest): name for name, key in self._keys.items()}

    def __len__(self) -> int:
        return len(self._keys)

    @property
    def names(self) -> frozenset[str]:
        """Names of all holders."""
        return frozenset(self._keys)

    def holder(self, name: str) -> Holder | None:
        """Return the holder of a name, or None if there is no such key any more."""
        key = self._keys.get(name)
        return None if key is None else Holder(name, key.policy)

    def authenticate(self, values: Sequence[str]) -> Holder:
        """Return the holder of the one key given.

        Args:
            values: All values of the `X-API-Key` header, as aiohttp decodes them (surrogate escapes).

        Raises:
            Unauthorized: None or several were given, or an unknown one.
        """
        given = values[0] if len(values) == 1 else ""
        digest = digest_of(given.encode("utf-8", "surrogateescape"))
        name = self._names.get(self._blinded(digest))
        if name is None or not given or not hmac.compare_digest(digest, self._keys[name].digest):
            raise Unauthorized("Unauthorized")
        return Holder(name, self._keys[name].policy)

    def _blinded(self, digest: bytes) -> bytes:
        return hashlib.blake2b(digest, key=self._secret, digest_size=_BLIND_BYTES).digest()


def digest_of(key: bytes) -> bytes:
    """Return what is kept of a key."""
    return hashlib.sha256(key).digest()
