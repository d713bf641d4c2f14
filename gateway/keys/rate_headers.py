"""What a key has left, as `RateLimit-Policy` and `RateLimit` header fields.

Source: draft-ietf-httpapi-ratelimit-headers-11 (May 2026), sections 3 and 4; values are Structured Fields, RFC 9651.
The draft's registry has no unit for processor time, so ours carries the project's name: `figbox-cpu-seconds`; without
a unit it would be read as requests. `Retry-After` may name an earlier moment than the window of a quota that isn't used
up, which the draft advises against: a full queue has nothing to do with quotas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gateway.keys.budgets import Quota

POLICY = "RateLimit-Policy"
LIMIT = "RateLimit"


def rate_headers(quotas: Sequence[Quota]) -> dict[str, str]:
    """Return the two header fields, or none without quotas, since the draft doesn't allow empty ones."""
    if not quotas:
        return {}
    return {POLICY: ", ".join(map(_policy, quotas)), LIMIT: ", ".join(map(_limit, quotas))}


def _policy(quota: Quota) -> str:
    window = "" if quota.window_s is None else f";w={quota.window_s}"
    return f'"{quota.name}";q={quota.allowance};qu="{quota.unit}"{window}'


def _limit(quota: Quota) -> str:
    window = "" if quota.more_in_s is None else f";t={quota.more_in_s}"
    return f'"{quota.name}";r={quota.remaining}{window}'
