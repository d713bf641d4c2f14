"""When a kept render may be returned: to the same request of the same key.

The entry's key is a digest of everything that can change a picture: code, files, options, seed, image, runtime and
limits. Code that depends on time or chance gets what it got the first time; that is why clients can refuse
(`cache: false`, `Cache-Control: no-cache` or `no-store`), and why operators have to enable the cache.

API keys never share entries. That would save little, and `X-Figbox-Cache` and the response time would reveal that
another customer has rendered the same code. Failures aren't kept, since they may be temporary.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.model.jobs import EnvironmentFacts, Job

#: Of the digested document; a change makes all earlier entries unreachable.
VERSION = 3


class CacheUse(StrEnum):
    """What the cache did for a request; the value of `X-Figbox-Cache`."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class CacheDirectives:
    """What a client allows.

    Attributes:
        read: Whether it accepts a kept render.
        keep: Whether a new one may be kept.
    """

    read: bool = True
    keep: bool = True


def cache_directives(cache_control: list[str], *, allowed: bool) -> CacheDirectives:
    """Return what a request allows.

    Args:
        cache_control: Its `Cache-Control` fields (RFC 9111, 5.2.1); with `no-cache` a new render may still be kept.
        allowed: Its option `cache`.
    """
    names = {part.strip().lower().partition("=")[0] for field in cache_control for part in field.split(",")}
    if not allowed or "no-store" in names:
        return CacheDirectives(read=False, keep=False)
    return CacheDirectives(read=not names & {"no-cache", "max-age"})


def entry_key(holder: str, job: Job, facts: EnvironmentFacts) -> bytes:
    """Return the digest of a request: equal only if the result may be the same.

    Args:
        holder: Name of the API key.
        job: What to draw, with its limits.
        facts: The environment it runs in.
    """
    parts = {
        "version": VERSION,
        "holder": holder,
        "image": facts.image_id,
        "runtime": facts.runtime,
        "limits": [asdict(facts.limits), job.wall_limit_s, job.memory_limit_bytes],
        "code": job.code,
        "files": sorted([file.name, hashlib.sha256(file.data).hexdigest()] for file in job.files),
        "options": {**asdict(job.options), "rc": sorted(job.options.rc.items())},
        "seed": job.seed,
        "collect": job.collect,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).digest()
