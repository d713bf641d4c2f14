"""Revoking a key on all nodes at once, by the server that they share, whatever their copies of the keys file have.

A revocation names a key by a text that only holders of the nodes' secret can make, from the key's digest: it doesn't
tell the key, and nobody else can revoke one. A node asks for all of them `PROBE_PERIOD_S` after the last time. What it
has seen it remembers as long as it runs, whether or not the server does, and tells the server again what its own file
still has. The server forgets a revocation `KEPT_S` after the last node told it so: then no node's file has the key.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from loguru import logger

from gateway.shared.shared_server import PROBE_LIMIT_S

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gateway.keys.live_keyring import LiveKeyring
    from gateway.shared.shared_server import SharedServer

#: Most revocations that are kept at the same time.
REVOCATIONS_LIMIT: Final = 10_000

#: Seconds for which the server keeps a revocation that no node needs, and after which one that does tells it again.
KEPT_S: Final = 7 * 86_400
RENEWED_AFTER_S: Final = 86_400

#: Characters of what a revocation is called. Whatever else is there is no node's, and removed.
ID_CHARACTERS: Final = 32

_SCRIPT: Final = f"""
-- KEYS 1: revocations, each with the second in which it was last told. 2: written each time, since a server that is
-- full, or a copy of another, answers what only reads. ARGV: revocations that the caller tells. Returns all, one after
-- the other, as one text: a list of 10,000 would take the caller's parser long.
local now = tonumber(redis.call('TIME')[1])
redis.call('SET', KEYS[2], now, 'EX', 60)
local count = redis.pcall('HLEN', KEYS[1])
if type(count) ~= 'number' or count > {REVOCATIONS_LIMIT} then redis.call('DEL', KEYS[1]) end
for _, id in ipairs(ARGV) do
  local told = tonumber(redis.call('HGET', KEYS[1], id) or 0) or 0
  if told < now - {RENEWED_AFTER_S} or told > now then
    redis.call('HSET', KEYS[1], id, now)
    redis.call('EXPIRE', KEYS[1], {KEPT_S})
  end
end
local kept, all = {{}}, redis.call('HGETALL', KEYS[1])
for i = 1, #all, 2 do
  if #all[i] ~= {ID_CHARACTERS} or (tonumber(all[i + 1]) or 0) < now - {KEPT_S} then
    redis.call('HDEL', KEYS[1], all[i])
  else
    kept[#kept + 1] = all[i]
  end
end
return table.concat(kept)
"""


class RevocationList:
    """The revocations on the shared server."""

    def __init__(self, server: SharedServer) -> None:
        self._server = server
        self._script = server.script(_SCRIPT)

    def id_of(self, digest: bytes) -> str:
        """Return what the revocation of the key with this digest is called."""
        return self._server.name("revoked", digest)

    async def exchange(self, told: Iterable[str], limit_s: float = PROBE_LIMIT_S) -> frozenset[str]:
        """Tell the server revocations, and return all that it has; also a probe of the server.

        Raises:
            SharedServerGone: It can't be asked.
        """
        return await self._script.run(["revoked", "probe"], [*told], _read, limit_s=limit_s, probe=True)


class Revocations:
    """Keeps a node's keyring up to date.

    Args:
        revoked: Of all nodes.
        keyring: Of this one.
    """

    def __init__(self, revoked: RevocationList, keyring: LiveKeyring) -> None:
        self._list = revoked
        self._keyring = keyring
        self._digests: frozenset[bytes] = frozenset()
        self._by_id: dict[str, bytes] = {}

    async def exchange(self) -> None:
        """Refuse what others have revoked, and tell the server what it may have forgotten; also a probe.

        Raises:
            SharedServerGone: It can't be asked; what was refused stays refused.
        """
        digests = frozenset(self._keyring.digests.values())
        if digests != self._digests:
            self._digests, self._by_id = digests, {self._list.id_of(digest): digest for digest in digests}
        told = [name for name, digest in self._by_id.items() if digest in self._keyring.revoked]
        found = await self._list.exchange(told)
        fresh = {self._by_id[name] for name in found & self._by_id.keys()} - self._keyring.revoked
        if fresh:
            self._keyring.revoked |= fresh
            for name, digest in self._keyring.digests.items():
                if digest in fresh:
                    logger.info("key revoked on all nodes", key=name)


def _read(reply: object) -> frozenset[str]:
    if not isinstance(reply, bytes) or len(reply) % ID_CHARACTERS:
        raise ValueError("revocations one after the other were expected")
    text = reply.decode("latin-1")
    return frozenset(text[at : at + ID_CHARACTERS] for at in range(0, len(text), ID_CHARACTERS))
