"""The keys that are valid now: that of `API_KEY` and those of the keys file, which may change while the gateway runs.

The file is looked at twice a second and on SIGHUP. A change applies to every later request: a new key is accepted and a
revoked one refused within `RELOAD_LIMIT_S`; requests under way are finished. A file that is gone or can't be understood
changes nothing: the keys of the last good one stay, an error is logged at once and then once a minute, and
`figbox_keys_file_good` is 0 until it is repaired.
"""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from loguru import logger

from gateway.keys.keyring import DEFAULT_NAME, Key, Keyring, digest_of
from gateway.keys.keys_file import SIZE_LIMIT, InvalidKeysFile, parse_keys
from gateway.keys.strength import REMEDY, is_guessed, weakness
from gateway.model.errors import StartError, Unauthorized

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from gateway.keys.keyring import Holder
    from gateway.settings import Settings

#: Seconds between looks at the file.
LOOK_PERIOD_S = 0.5

#: Seconds within which a change applies, as the documents promise.
RELOAD_LIMIT_S = 1.0

#: A file changed within so many seconds may change again without a new time stamp (git calls such an entry racy); it is
#: read again until it is older.
RACY_S = 2.0

#: Seconds between reminders that the file is broken.
REMINDER_PERIOD_S = 60.0

SETTING = "FIGBOX_API_KEYS_FILE"


class LiveKeyring:
    """The keys of `API_KEY` and of the last good keys file.

    Args:
        own_key: The key of `API_KEY`, or None.
        file: The keys file, or None.

    Raises:
        StartError: The file is not good at the start, or there is no key at all.
    """

    def __init__(self, own_key: str | None, file: Path | None) -> None:
        self._own_weakness = None if own_key is None else weakness(own_key)
        self._own = {} if own_key is None else {DEFAULT_NAME: Key(digest_of(own_key.encode()))}
        self._file = file
        #: Called after each change of keys, with the new ones.
        self.changed: Callable[[Keyring], None] = lambda _: None
        #: Digests of keys that are refused although the file may still have them.
        self.revoked: frozenset[bytes] = frozenset()
        self._problem: str | None = None
        self._reminded_at = 0.0
        self._stamp: tuple[int, ...] | None = None
        self._data = b""
        self._told = asyncio.Event()
        try:
            self._ring = Keyring(self._own) if file is None else self._keyring_of(self._read(file))
        except OSError as error:
            raise StartError(f"{SETTING} ({file}) can't be read: {error.strerror}") from error
        except InvalidKeysFile as error:
            raise StartError(f"{SETTING} ({file}) can't be used: {error}") from error
        if not self._ring:
            raise StartError(f"no API key is configured: set API_KEY or {SETTING}")

    def __len__(self) -> int:
        return len(self._ring)

    @property
    def is_good(self) -> bool:
        """Whether the keys file could be used when it was last looked at."""
        return self._problem is None

    @property
    def weak_keys(self) -> dict[str, str]:
        """The names of keys that anybody would guess, each with the reason. Of the file only digests are known."""
        weak = {
            name: "it is one of those that are tried first"
            for name, digest in self._ring.digests.items()
            if is_guessed(digest)
        }
        if self._own_weakness is not None:
            weak[DEFAULT_NAME] = self._own_weakness
        return weak

    @property
    def digests(self) -> Mapping[str, bytes]:
        """What is kept of each key, by its name."""
        return self._ring.digests

    def warn_of_weak_keys(self) -> None:
        """Log each key that anybody would guess."""
        for name, reason in self.weak_keys.items():
            logger.warning("weak key", key=name, reason=reason, remedy=REMEDY)

    def holder(self, name: str) -> Holder | None:
        """Return the holder of a name, or None; see `Keyring.holder`."""
        return self._ring.holder(name)

    def authenticate(self, values: Sequence[str]) -> Holder:
        """Return the holder of the one key given; see `Keyring.authenticate`. None has a revoked key."""
        holder = self._ring.authenticate(values)
        if self.revoked and self._ring.digests[holder.name] in self.revoked:
            raise Unauthorized("Unauthorized")
        return holder

    async def watch(self) -> None:
        """Look at the file regularly, and when told to, for ever.

        It is read in a thread, since that takes half a second for 10,000 keys.
        """
        while self._file is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_PERIOD_S):
                    await self._told.wait()
            self._told.clear()
            self._take_over(await asyncio.to_thread(self._find))

    def look_soon(self) -> None:
        """Have the watch look at the file now."""
        self._told.set()

    def look(self) -> None:
        """Load the file if it has changed; not while it is watched."""
        self._take_over(self._find())

    def _find(self) -> Keyring | str | None:
        """Return the keys if the file has changed, what is wrong with it, or None if it is good and as it was."""
        if self._file is None:
            return None
        try:
            if self._stamp is not None and self._stamp == _stamp_of(self._file.stat()):
                return self._problem
            before = self._data
            data = self._read(self._file)
            return None if data == before and self._problem is None else self._keyring_of(data)
        except OSError as error:
            self._stamp = None  # whatever takes its place is read
            return f"it can't be read: {error.strerror}"
        except InvalidKeysFile as error:
            return str(error)

    def _take_over(self, found: Keyring | str | None) -> None:
        """Let the keys found be those that are valid, or complain."""
        if found is None:
            return
        if isinstance(found, str):
            self._complain(found)
            return
        self._problem = None
        self._ring = found
        logger.info("keys reloaded", keys=len(found))
        if not found:
            logger.warning("no key is left: all requests are refused")
        self.warn_of_weak_keys()
        self.changed(found)

    def _read(self, file: Path) -> bytes:
        """Return the file's bytes, and remember its state for the next look."""
        with file.open("rb") as stream:
            stamp = os.fstat(stream.fileno())
            self._data = stream.read(SIZE_LIMIT + 1)
        settled = abs(time.time() - stamp.st_mtime) > RACY_S
        self._stamp = _stamp_of(stamp) if settled else None
        return self._data

    def _keyring_of(self, data: bytes) -> Keyring:
        keys = parse_keys(data)
        for name, key in self._own.items():
            if name in keys:
                raise InvalidKeysFile(f"keys.{name}: this is the name of the key from API_KEY")
            twin = next((other for other in keys if keys[other].digest == key.digest), None)
            if twin is not None:
                raise InvalidKeysFile(f"keys.{twin}.sha256: this is the key from API_KEY")
        return Keyring({**self._own, **keys})

    def _complain(self, problem: str) -> None:
        now = time.monotonic()
        if problem != self._problem or now - self._reminded_at >= REMINDER_PERIOD_S:
            logger.error("keys file is broken, the earlier keys stay valid", fault=problem, keys=len(self._ring))
            self._reminded_at = now
        self._problem = problem


def load_keyring(settings: Settings) -> LiveKeyring:
    """Return the keys of a gateway with these settings; raises as `LiveKeyring` does."""
    own = settings.api_key
    return LiveKeyring(None if own is None else own.get_secret_value(), settings.api_keys_file)


def _stamp_of(state: os.stat_result) -> tuple[int, ...]:
    """Return what changes when a file is written to or replaced."""
    return state.st_dev, state.st_ino, state.st_size, state.st_mtime_ns, state.st_ctime_ns
