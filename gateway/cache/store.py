"""A bounded store of bytes by key on disk: an SQLite database that evicts what was used longest ago.

Everything here blocks; `gateway.cache.renders` calls it from a thread. Entries may be lost at any time: a broken file
is replaced, and without a usable file nothing is kept. SQLite comes with Python; its write-ahead log makes writes cheap
and crashes harmless, and lets a second process share the file.

Source: sqlite.org/wal.html, sqlite.org/pragma.html.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import time
from typing import TYPE_CHECKING

from loguru import logger

from gateway.model.errors import StartError
from gateway.model.jobs import MiB
from gateway.observability.logs import LogGate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import TypeVar

    T = TypeVar("T")

#: Of the tables; a file of another version is replaced.
SCHEMA_VERSION = 1

#: Seconds to wait while another process writes.
BUSY_S = 1.0

#: Bytes that an entry takes beside its value: its row, its index, half a page.
ENTRY_COST = 2560

#: The write-ahead log is truncated to this size after each checkpoint.
JOURNAL_LIMIT = 4 * MiB

#: The largest share of the store that one entry may take.
LARGEST_SHARE = 1 / 4

_SCHEMA = f"""
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA journal_mode = WAL;
CREATE TABLE IF NOT EXISTS entries (
    key BLOB PRIMARY KEY,
    size INTEGER NOT NULL,
    used INTEGER NOT NULL,
    digest BLOB NOT NULL,
    value BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS entries_by_use ON entries (used, size);
PRAGMA user_version = {SCHEMA_VERSION};
"""


class CacheStore:
    """A bounded store of bytes.

    Args:
        path: Of the database; created with its folder if missing, readable by our user only.
        limit_bytes: The largest total size of all entries.

    Raises:
        StartError: The file can't be created.
    """

    def __init__(self, path: Path, limit_bytes: int) -> None:
        self._path = path
        self._limit_bytes = limit_bytes
        self._connection: sqlite3.Connection | None = None
        self._complaints = LogGate()
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise StartError(f"FIGBOX_CACHE_FILE can't be used: {path}: {error}") from error
        except sqlite3.DatabaseError as error:
            self._replace(error)
        self._guarded(self._shrink, None)

    def get(self, key: bytes) -> bytes | None:
        """Return the value kept under a key, or None, and note that it was used."""
        return self._guarded(lambda connection: _get(connection, key), None)

    def put(self, key: bytes, value: bytes) -> bool:
        """Keep a value; return whether it was kept."""
        if len(value) + ENTRY_COST > self._limit_bytes * LARGEST_SHARE:
            return False
        return self._guarded(lambda connection: self._put(connection, key, value), False)

    def close(self) -> None:
        """Close the database; the next call would open it again."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        # Create the file first: SQLite would let others read it, and gives its log the same mode.
        os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        # All calls come from one thread, but not from the one that made this object.
        connection = sqlite3.connect(self._path, timeout=BUSY_S, isolation_level=None, check_same_thread=False)
        try:
            _check_version(connection)
            connection.executescript(_SCHEMA)
            connection.execute("PRAGMA synchronous = NORMAL")
            connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}")
        except BaseException:
            connection.close()
            raise
        self._connection = connection
        return connection

    def _replace(self, error: Exception) -> None:
        """Replace a broken file with an empty one."""
        logger.warning("cache is broken and made anew", reason=str(error))
        self.close()
        for ending in ("", "-wal", "-shm"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(f"{self._path}{ending}")  # noqa: PTH108 - a suffix after the suffix
        self._open()

    def _guarded(self, work: Callable[[sqlite3.Connection], T], otherwise: T) -> T:
        """Return what `work` returns, or `otherwise` if the file can't be used: no render fails because of it."""
        try:
            return work(self._connection or self._open())
        except sqlite3.OperationalError as error:  # locked, full, unreadable: may succeed next time
            self._complain("cache can't be used", error)
        except sqlite3.DatabaseError as error:
            try:
                self._replace(error)
            except (OSError, sqlite3.Error) as failure:
                self._complain("cache can't be made anew", failure)
        except OSError as error:
            self._complain("cache can't be used", error)
        return otherwise

    def _complain(self, event: str, error: Exception) -> None:
        if self._complaints.passes() is not None:
            logger.warning(event, reason=str(error))

    def _put(self, connection: sqlite3.Connection, key: bytes, value: bytes) -> bool:
        with connection:  # ends the transaction, whether or not it succeeds
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(
                "INSERT OR REPLACE INTO entries (key, size, used, digest, value) VALUES (?, ?, ?, ?, ?)",
                (key, len(value) + ENTRY_COST, time.time_ns(), _digest(key, value), value),
            )
            self._evict(connection)
        return True

    def _evict(self, connection: sqlite3.Connection) -> None:
        """Remove what was used longest ago until the rest fits; only the index is read."""
        total = connection.execute("SELECT coalesce(sum(size), 0) FROM entries").fetchone()[0]
        while total > self._limit_bytes:
            used, size = connection.execute("SELECT used, size FROM entries ORDER BY used, size LIMIT 1").fetchone()
            gone = connection.execute("DELETE FROM entries WHERE used = ? AND size = ?", (used, size)).rowcount
            total -= size * gone

    def _shrink(self, connection: sqlite3.Connection) -> None:
        """Shrink a file that was made with a larger limit."""
        with connection:
            connection.execute("BEGIN IMMEDIATE")
            self._evict(connection)
        connection.executescript("PRAGMA incremental_vacuum")  # `execute` would stop after one page


def _check_version(connection: sqlite3.Connection) -> None:
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version not in (0, SCHEMA_VERSION):
        raise sqlite3.DatabaseError(f"its version is {version}")


def _get(connection: sqlite3.Connection, key: bytes) -> bytes | None:
    row = connection.execute("SELECT digest, value FROM entries WHERE key = ?", (key,)).fetchone()
    if row is None:
        return None
    digest, value = row
    if digest != _digest(key, value):
        connection.execute("DELETE FROM entries WHERE key = ?", (key,))
        logger.warning("cache entry is broken and removed")
        return None
    connection.execute("UPDATE entries SET used = ? WHERE key = ?", (time.time_ns(), key))
    return bytes(value)


def _digest(key: bytes, value: bytes) -> bytes:
    """Return the digest that detects damaged entries, and entries under a wrong key."""
    return hashlib.sha256(key + value).digest()
