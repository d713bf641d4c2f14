"""Renders that were kept: the same request of the same key gets the same answer, and no container runs.

What decides is a digest over everything that can change a picture: code, files, options, seed, the image and what runs
it, the limits. Time and chance are not in it: code that asks for either gets what it got the first time, which is why
clients can refuse (`cache: false`, `Cache-Control: no-cache` or `no-store`) and operators have to switch it on.

Each key has entries of its own. Sharing them would save little, and would tell one customer by `X-Figbox-Cache` and by
the clock that another has rendered just this code. Only good renders are kept: failures may be the moment's.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gateway.model.jobs import EnvironmentFacts, Job

#: Of what is digested; another version finds nothing.
VERSION = 1


class CacheUse(StrEnum):
    """What the cache did for a request; the value of `X-Figbox-Cache`."""

    HIT = "hit"
    MISS = "miss"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client says of the cache.

    Attributes:
        look: Whether a kept render will do.
        keep: Whether a new one may be kept.
    """

    look: bool = True
    keep: bool = True


def wish_of(cache_control: list[str], *, allowed: bool) -> Wish:
    """Return what a request says of the cache.

    Args:
        cache_control: Its `Cache-Control` fields (RFC 9111, 5.2.1); `no-cache` wants a new render, which may be kept.
        allowed: Its option `cache`.
    """
    directives = {part.strip().lower().partition("=")[0] for field in cache_control for part in field.split(",")}
    if not allowed or "no-store" in directives:
        return Wish(look=False, keep=False)
    return Wish(look="no-cache" not in directives and "max-age" not in directives)


def entry_key(holder: str, job: Job, facts: EnvironmentFacts) -> bytes:
    """Return the digest that stands for a request: equal where the response must be.

    Args:
        holder: Name of the key.
        job: What is asked for, with its limits.
        facts: What it runs in.
    """
    limits = facts.limits.lowered(job.wall_limit_s, job.memory_limit_bytes)
    parts = {
        "version": VERSION,
        "holder": holder,
        "image": facts.image_id,
        "runtime": facts.runtime,
        "limits": dataclasses.asdict(limits),
        "code": job.code,
        "files": [
            [file.name, hashlib.sha256(file.data).hexdigest()] for file in sorted(job.files, key=lambda file: file.name)
        ],
        "options": {**dataclasses.asdict(job.options), "rc": sorted(job.options.rc.items())},
        "seed": job.seed,
        "collect": job.collect,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).digest()
