"""Kept renders that nodes share, on their Redis: bounded in bytes and time, and proved to come from a node.

An entry is a render and a proof that a holder of the nodes' secret has kept it under this very name. Whoever can write
to the server can lose entries, but can't make one that is served. Whoever can read it can see the renders.

Renders have connections of their own, and a breaker of their own, so that large ones delay no decision and a slow
network costs renders only.
"""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Final

from gateway.model.jobs import MiB
from gateway.shared.shared_server import PROBE_LIMIT_S, SharedServerGone

if TYPE_CHECKING:
    from gateway.shared.shared_server import Argument, SharedServer

#: Largest entry in bytes, and the largest share of all that one may take.
ENTRY_LIMIT: Final = 2 * MiB
LARGEST_SHARE: Final = 1 / 4

#: Entries that are being sent at the same time; more are not kept.
SENDING_LIMIT: Final = 2

#: Seconds that sending one may take; no request waits for it.
SEND_LIMIT_S: Final = 2.0

#: Bytes of a proof.
PROOF_BYTES: Final = 32

_PURPOSE: Final = "render"

#: Returns no more than it may, whatever is there.
_GET: Final = """
local value = redis.pcall('GETRANGE', KEYS[1], 0, ARGV[1])
return type(value) == 'string' and value or ''
"""

_PROBE: Final = """
redis.call('SET', KEYS[1], '', 'EX', 60)
return 1
"""

#: Seconds that the index outlives its last change: more than the longest lifetime.
_INDEX_S: Final = 31 * 86_400

#: Entries that one call may remove to make room, and bytes that an entry takes beside its value.
_REMOVED_AT_ONCE: Final = 5000
_ENTRY_COST: Final = 512

#: More bytes than all entries can have.
_BYTES_LIMIT: Final = 2**50

_PUT: Final = f"""
-- KEYS  1 the entry  2 when each entry ends  3 what each takes, and all together under the name ''
-- ARGV  1 the value  2 most bytes of all entries  3 seconds to keep it
for key, kind in pairs({{[KEYS[2]] = 'zset', [KEYS[3]] = 'hash'}}) do
  local found = redis.call('TYPE', key).ok
  if found ~= kind and found ~= 'none' then redis.call('DEL', key) end
end
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local limit, lifetime, cost = tonumber(ARGV[2]), tonumber(ARGV[3]), #ARGV[1] + {_ENTRY_COST}

-- Others may have written anything there: no sum is believed that can't be one, and nothing removed that is no render.
local ours = string.match(KEYS[1], '^.*render:')
local function taken(name)
  local bytes = tonumber(redis.call('HGET', KEYS[3], name) or 0)
  return bytes and bytes >= 0 and bytes < {_BYTES_LIMIT} and bytes or nil
end
local total, removed = taken(''), 0
if not total then
  redis.call('DEL', KEYS[3])
  total = 0
  for _, name in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
    local cost = redis.pcall('STRLEN', name)
    cost = (type(cost) == 'number' and cost or 0) + {_ENTRY_COST}
    redis.call('HSET', KEYS[3], name, cost)
    total = total + cost
  end
end
local function remove(name)
  total = math.max(0, total - (taken(name) or 0))
  removed = removed + 1
  if string.sub(name, 1, #ours) == ours then redis.call('DEL', name) end
  redis.call('ZREM', KEYS[2], name)
  redis.call('HDEL', KEYS[3], name)
end

if taken(KEYS[1]) ~= 0 then remove(KEYS[1]) end
for _, name in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, {_REMOVED_AT_ONCE})) do
  remove(name)
end
while total + cost > limit and removed < {_REMOVED_AT_ONCE} do
  local first = redis.call('ZRANGE', KEYS[2], 0, 0)[1]
  if not first then total = 0 break end
  remove(first)
end
local fits = total + cost <= limit
if fits then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', math.ceil(lifetime * 1000))
  redis.call('ZADD', KEYS[2], now + lifetime, KEYS[1])
  redis.call('HSET', KEYS[3], KEYS[1], cost)
  total = total + cost
end
redis.call('HSET', KEYS[3], '', total)
redis.call('EXPIRE', KEYS[2], {_INDEX_S})
redis.call('EXPIRE', KEYS[3], {_INDEX_S})
return fits and 1 or 0
"""


class SharedRenders:
    """Renders as bytes, by the digests of their requests.

    Args:
        server: Has them; used for nothing else.
        limit_bytes: The largest total size of all.
        lifetime_s: Longest time that one is kept, in seconds.
        entry_limit_bytes: Largest one that this node reads or sends.
    """

    def __init__(
        self, server: SharedServer, limit_bytes: int, lifetime_s: float, entry_limit_bytes: int = ENTRY_LIMIT
    ) -> None:
        self._server = server
        self._limit_bytes = limit_bytes
        self._lifetime_s = lifetime_s
        self._entry_limit_bytes = min(entry_limit_bytes, int(limit_bytes * LARGEST_SHARE))
        self._get = server.script(_GET)
        self._put = server.script(_PUT)
        self._probe = server.script(_PROBE)
        self._sending: set[asyncio.Task[None]] = set()

    async def get(self, key: bytes) -> bytes | None:
        """Return what is kept under a key; None if there is nothing, or nothing that a node has kept there."""
        try:
            entry = await self._get.run([self._name(key)], [self._entry_limit_bytes], _read_bytes)
        except SharedServerGone:
            return None
        if not PROOF_BYTES < len(entry) <= self._entry_limit_bytes:
            return None
        proof, value = entry[:PROOF_BYTES], entry[PROOF_BYTES:]
        return value if hmac.compare_digest(proof, self._proof(key, value)) else None

    def put(self, key: bytes, value: bytes) -> None:
        """Send a render, if it isn't too large and not too many are being sent; nobody waits for it."""
        too_large = len(value) + PROOF_BYTES > self._entry_limit_bytes
        if too_large or not self._server.is_up or len(self._sending) >= SENDING_LIMIT:
            return
        task = asyncio.create_task(self._send(key, value))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def probe(self) -> None:
        """See whether the server takes what is written: one that is full, or a copy of another, only answers readers.

        Raises:
            SharedServerGone: It doesn't.
        """
        await self._probe.run(["probe"], [], _read_flag, limit_s=PROBE_LIMIT_S, probe=True)

    async def aclose(self) -> None:
        """Wait for what is being sent, and close the connections."""
        if self._sending:
            await asyncio.wait(self._sending)
        await self._server.aclose()

    async def _send(self, key: bytes, value: bytes) -> None:
        keys = [self._name(key), "renders", "sizes"]
        arguments: list[Argument] = [self._proof(key, value) + value, self._limit_bytes, self._lifetime_s]
        try:
            await self._put.run(keys, arguments, _read_flag, limit_s=SEND_LIMIT_S)
        except SharedServerGone:
            return

    def _name(self, key: bytes) -> str:
        return f"render:{self._server.name(_PURPOSE, key)}"

    def _proof(self, key: bytes, value: bytes) -> bytes:
        return self._server.tag(f"{_PURPOSE} {key.hex()}", value)


def _read_bytes(reply: object) -> bytes:
    if not isinstance(reply, bytes):
        raise ValueError("bytes were expected")  # noqa: TRY004 - what is wrong is not a type of ours
    return reply


def _read_flag(reply: object) -> bool:
    if reply not in (0, 1):
        raise ValueError("0 or 1 was expected")
    return bool(reply)
