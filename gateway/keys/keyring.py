"""Who may ask, and what each may have: API keys, compared as digests in constant time.

A key is 256 random bits, so its digest needs no slow hash: there is nothing to guess. Where keys come from
is the business of `gateway.keys.live_keyring`, how they are made that of `gateway.keys`.
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

#: Name under which the key from `API_KEY` appears in logs and metrics.
DEFAULT_NAME = "default"


@dataclass(frozen=True, slots=True)
class KeyPolicy:
    """What the holder of one key may have, beside what holds for everybody; None means nothing beside that.

    Attributes:
        requests_per_minute: Requests answered in any minute, whatever the answer.
        concurrent_jobs: Jobs in the house, running and waiting together; takes the place of the common share.
        compute_seconds_per_minute: Processor seconds its jobs may use in any minute.
        wall_limit_s: Seconds one job may take, where less than for everybody.
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
    """One key as we know it.

    Attributes:
        digest: Its SHA-256.
        policy: What its holder may have.
    """

    digest: bytes = field(repr=False)
    policy: KeyPolicy = KeyPolicy()


@dataclass(frozen=True, slots=True)
class Holder:
    """Who was let in: the name of a key, never the key."""

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

    def authenticate(self, values: Sequence[str]) -> Holder:
        """Return the holder of the one key given.

        Every stored key is compared, whichever fits, so the time taken tells nothing.

        Args:
            values: All values of the `X-API-Key` header, as aiohttp decodes them (surrogate escapes).

        Raises:
            Unauthorized: None or several were given, or it is not one of ours.
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
