"""Results of earlier jobs, kept on disk."""

from __future__ import annotations

import asyncio
import hashlib
import struct
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from loguru import logger

from gateway.cache.store import CacheStore
from gateway.model.codec import MalformedDocument, build, encode, parse, schema_of
from gateway.model.results import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeVar

    from gateway.cache.shared_renders import SharedRenders

    T = TypeVar("T")

_LENGTH = struct.Struct(">I")


class RenderCache:
    """Results by the digest of their requests.

    Args:
        path: Of the database.
        limit_bytes: The largest total size of all results.
        shared: What other nodes keep, too; asked for what isn't here.

    Raises:
        StartError: The file can't be created.
    """

    def __init__(self, path: Path, limit_bytes: int, shared: SharedRenders | None = None) -> None:
        # A thread keeps the event loop free of disk access; one is enough, since a database has only one writer.
        self._thread = ThreadPoolExecutor(1, "cache")
        self._store = CacheStore(path, limit_bytes)
        self._schema = schema_of(Result).encode()
        self._shared = shared

    async def get(self, key: bytes) -> Result | None:
        """Return the result kept under a key, here or by another node, or None."""
        versioned = self._versioned(key)
        found = await self._in_thread(lambda: self._read(self._store.get(versioned)))
        if found is not None or self._shared is None:
            return found
        value = await self._shared.get(versioned)
        found = await self._in_thread(lambda: self._read(value))
        if value is not None and found is not None:
            await self._in_thread(lambda: self._store.put(versioned, value))
        return found

    async def put(self, key: bytes, result: Result) -> None:
        """Keep a result if it is a success; other nodes get what this one keeps."""
        if result.outcome is not Outcome.OK:
            return
        versioned = self._versioned(key)

        def keep() -> bytes | None:
            value = pack(result)
            return value if self._store.put(versioned, value) else None

        value = await self._in_thread(keep)
        if value is not None and self._shared is not None:
            self._shared.put(versioned, value)

    async def aclose(self) -> None:
        """Close the database."""
        await self._in_thread(self._store.close)
        self._thread.shutdown()

    @staticmethod
    def _read(value: bytes | None) -> Result | None:
        try:
            return None if value is None else unpack(value)
        except MalformedDocument as error:
            logger.warning("cache entry can't be read", reason=str(error))
            return None

    def _versioned(self, key: bytes) -> bytes:
        """Return a key that differs for each version of `Result`."""
        return hashlib.sha256(self._schema + key).digest()

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def pack(result: Result) -> bytes:
    """Return a result as bytes."""
    document, data = encode(result)
    return b"".join((_LENGTH.pack(len(document)), document, *data))


def unpack(value: bytes) -> Result:
    """Return the result that `pack` made bytes of.

    Raises:
        MalformedDocument: It didn't.
    """
    if len(value) < _LENGTH.size:
        raise MalformedDocument("it is too short")
    end = _LENGTH.size + _LENGTH.unpack_from(value)[0]
    return build(Result, parse(value[_LENGTH.size : end]), memoryview(value)[end:])  # copied once
