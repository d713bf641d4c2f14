"""Keeps an environment's snapshot: finds one that fits, or makes one, tries it, and makes it anew every day.

Meanwhile jobs are served by runners that import; a snapshot that can't be made, or fails its trial, changes nothing
but speed. Where restoring fails later, the maker falls back to imports by itself and tells the keeper.

An image with a snapshot has its whole story in its labels, so a launcher that was killed leaves nothing that the next
one can't use or remove. Installations on one engine share snapshots: what one has made the others find, and each
removes its own, and what nobody has renewed for days.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import math
import secrets
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from loguru import logger

from gateway.launcher.snapshot.saving import NoSnapshot, save
from gateway.launcher.snapshot.trial import try_out
from gateway.launcher.snapshot.warm_start import WarmStart
from gateway.model.errors import EngineError, StartError
from gateway.model.jobs import Limits

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.launcher.engine.docker_engine import DockerEngine
    from gateway.launcher.engine.engine import EngineFacts, FoundImage
    from gateway.launcher.engine.specification import Sandbox
    from gateway.launcher.maker import ContainerMaker

#: Labels of images with snapshots: what it depends on; when it was made, in seconds since 1970; and the installation
#: and environment that made it, which remove it. It holds nothing of theirs.
LABEL_KEY = "figbox.snapshot"
LABEL_MADE = "figbox.snapshot.made"
LABEL_OWNER = "figbox.snapshot.owner"

#: Repository of those images.
REPOSITORY = "figbox-snapshot"

#: Raise it when older snapshots no longer fit.
VERSION = 1

#: Seconds after which a snapshot is made anew, so that one layout of memory isn't used for ever; and after which one is
#: removed that nobody renews.
AGE_LIMIT_S = 24 * 3600.0
FORGOTTEN_S = 3 * AGE_LIMIT_S

#: Containers restored to try a new snapshot, and one that has been tried before. Half of all restores failed where a
#: mapping was forgotten that gVisor makes.
NEW_TRIALS = 4
KEPT_TRIALS = 1

#: Seconds until the next attempt where no snapshot could be made or used; and after a failure of the engine or of
#: restores, where each pause after one that cost much is twice as long as the one before, up to the former.
FAILED_PAUSE_S = 3600.0
RETRY_PAUSE_S = 30.0

#: Seconds between attempts to remove images that containers still use.
REMOVE_PAUSE_S = 60.0

#: Attempts to remove an image whose containers are just being removed, and seconds between them.
REMOVE_TRIES = 5
REMOVE_TRY_PAUSE_S = 0.5

#: Appended to the installation's name for the keeper's own containers, which the sweep for strays leaves alone.
SNAPSHOT_SUFFIX = ".snapshot"

MAKING = "a snapshot is being made"


def key_of(sandbox: Sandbox, facts: EngineFacts) -> str:
    """Return a digest of what a snapshot depends on and the launcher knows: image, specification, runtime, engine.

    What a job may use and how long a container may wait aren't part of it, since nothing in memory depends on that.
    Kernel release, vdso and processor are in the snapshot itself, and compared at each restore.
    """
    plain = replace(sandbox, installation="", instance="", snapshot_id=None, limits=Limits(), idle_limit_s=0.0)
    parts = [VERSION, plain.saving_config(0), facts.version, facts.runtime_versions]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class SnapshotKeeper:
    """Keeps the snapshot of one environment.

    Args:
        engine: Keeps the images, and runs the containers.
        sandbox: What jobs get.
        facts: The engine's.
        environment: Its name.
        maker: Told which snapshot to use; None for imports.
        turn: Held while a snapshot is made or tried, by one keeper of the launcher at a time.
        on_change: Called when there is another snapshot to start from.
    """

    def __init__(
        self,
        engine: DockerEngine,
        sandbox: Sandbox,
        facts: EngineFacts,
        *,
        environment: str,
        maker: ContainerMaker,
        turn: asyncio.Lock,
        on_change: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._owner = f"{sandbox.installation}{SNAPSHOT_SUFFIX}.{environment}"
        self._sandbox = replace(sandbox, installation=self._owner)
        self._key = key_of(sandbox, facts)
        self._environment = environment
        self._maker = maker
        self._turn = turn
        self._on_change = on_change
        self._made_at = 0.0
        self._in_use_since = 0.0
        #: Whether the last attempt came to making one, which costs much; and how many of those failed in a row through
        #: the engine, or were taken out of use soon.
        self._makes = False
        self._setbacks = 0
        #: Images from which runners couldn't be restored, though they had passed their trial.
        self._bad: set[str] = set()
        self._failed = asyncio.Event()
        self._changed = asyncio.Event()
        self.state = WarmStart(environment, "import", MAKING)
        maker.on_restore_failed = self._note_failure

    async def obtain(self) -> None:
        """Find or make a snapshot, try it, and let the maker use it.

        Raises:
            NoSnapshot: There is none that can be used.
            EngineError: The engine failed.
        """
        async with self._turn:
            began = time.monotonic()
            self._makes = False
            for stray in await self._engine.find(self._owner):  # of a launcher that was killed
                await self._engine.remove(stray.container_id)
            if await self._use_kept(began):
                return
            self._makes = True
            made_at = int(time.time())  # rounded up it would be in the future
            labels = {LABEL_KEY: self._key, LABEL_MADE: str(made_at), LABEL_OWNER: self._owner}
            image_id = await save(self._engine, self._sandbox, f"{REPOSITORY}:{secrets.token_hex(8)}", labels)
            try:
                await try_out(self._engine, self._sandbox, image_id, NEW_TRIALS)
            except BaseException:
                await self._discard(image_id)
                raise
            self._use(image_id, made_at, "made", began)

    async def insist(self) -> None:
        """Obtain a snapshot before any job is accepted.

        Raises:
            StartError: There is none that can be used.
            EngineError: The engine failed.
        """
        try:
            await self.obtain()
        except NoSnapshot as error:
            raise StartError(
                f"no snapshot can be used here: {error}; set FIGBOX_WARM_START=auto (see docs/snapshot.md)"
            ) from error

    async def keep_fresh(self) -> None:
        """Obtain a snapshot, and another one when it has grown old or fails, for ever."""
        # Not a task group, which doesn't pass on a second cancellation, when cleaning up takes too long.
        await asyncio.gather(self._renew_for_ever(), self._remove_others_for_ever())

    # Renewing

    async def _renew_for_ever(self) -> None:
        while True:
            pause_s = self._left_s()
            if self._maker.snapshot_id is None or pause_s <= 0:
                pause_s = await self._renew()
            self._failed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(1.0, pause_s)):
                    await self._failed.wait()
                await asyncio.sleep(self._retry_pause_s())

    def _left_s(self) -> float:
        """Return the seconds until the present snapshot is too old; not more than that, whatever the clock says."""
        return min(AGE_LIMIT_S, self._made_at + AGE_LIMIT_S - time.time())

    async def _renew(self) -> float:
        """Try to obtain a snapshot; return the seconds until the next attempt."""
        try:
            await self.obtain()
        except NoSnapshot as error:
            self._setbacks = 0
            self._fall_back(str(error))
            return FAILED_PAUSE_S
        except EngineError as error:
            pause_s = self._retry_pause_s()
            self._setbacks += self._makes
            self._fall_back(f"the engine failed: {error}", error.cause)
            return pause_s
        except Exception as error:  # noqa: BLE001 - a bug of ours: jobs don't need snapshots, and it must be heard of
            self._fall_back("an internal error", f"{type(error).__name__}: {error}")
            return FAILED_PAUSE_S
        return self._left_s()

    def _retry_pause_s(self) -> float:
        return min(FAILED_PAUSE_S, RETRY_PAUSE_S * 2.0 ** min(self._setbacks, 10))

    def _use(self, image_id: str, made_at: float, how: str, began: float) -> None:
        self._maker.snapshot_id = image_id
        self._made_at = made_at
        self._in_use_since = time.monotonic()
        self.state = WarmStart(self._environment, "snapshot", None)
        took_s = round(time.monotonic() - began, 1)
        logger.info("snapshot in use", environment=self._environment, image=image_id, how=how, took_s=took_s)
        self._changed.set()
        self._on_change()

    def _fall_back(self, reason: str, cause: str | None = None) -> None:
        """Let runners import; one that is in use stays, however old."""
        if self._maker.snapshot_id is not None:
            logger.warning("snapshot not renewed", environment=self._environment, reason=reason, cause=cause)
            return
        if self.state.reason != reason:
            logger.warning("no snapshot: runners import", environment=self._environment, reason=reason, cause=cause)
        self.state = WarmStart(self._environment, "import", reason)

    def _note_failure(self, reason: str) -> None:
        """Take the snapshot out of use, since containers don't start from it any more, and look for another."""
        if self._maker.snapshot_id is not None:
            self._bad.add(self._maker.snapshot_id)
        self._maker.snapshot_id = None
        self._made_at = 0.0
        lasted = time.monotonic() - self._in_use_since > FAILED_PAUSE_S
        self._setbacks = 0 if lasted else self._setbacks + 1
        self._fall_back(reason)
        self._failed.set()

    # Images

    async def _use_kept(self, began: float) -> bool:
        """Use the newest snapshot that fits and isn't too old; tell whether there is one and it is good."""
        now = time.time()
        fitting = [
            image
            for image in await self._engine.find_images(LABEL_KEY, self._key)
            if 0 <= now - _made_at(image) < AGE_LIMIT_S and image.image_id not in self._bad
        ]
        newest = max(fitting, key=_made_at, default=None)
        if newest is None:
            return False
        try:
            await try_out(self._engine, self._sandbox, newest.image_id, KEPT_TRIALS)
        except NoSnapshot as error:
            logger.warning("kept snapshot not used", environment=self._environment, reason=str(error))
            await self._discard(newest.image_id)
            return False
        self._use(newest.image_id, _made_at(newest), "kept", began)
        return True

    async def _discard(self, image_id: str) -> None:
        """Remove an image whose containers may just be being removed."""
        with contextlib.suppress(EngineError):
            for _ in range(REMOVE_TRIES):
                if await self._engine.remove_image(image_id):
                    return
                await asyncio.sleep(REMOVE_TRY_PAUSE_S)

    async def _remove_others_for_ever(self) -> None:
        """Remove what each new snapshot replaces, once no container uses it any more."""
        while True:
            await self._changed.wait()
            if await self._remove_others():
                self._changed.clear()
            else:
                await asyncio.sleep(REMOVE_PAUSE_S)

    async def _remove_others(self) -> bool:
        """Remove our own but the one in use, and those that nobody renews; tell whether all of these are gone."""
        gone = True
        try:
            async with self._turn:  # one that is being tried isn't in use yet
                for image in await self._engine.find_images(LABEL_KEY):
                    ours = image.labels.get(LABEL_OWNER) == self._owner
                    forgotten = time.time() - _made_at(image) > FORGOTTEN_S
                    if image.image_id != self._maker.snapshot_id and (ours or forgotten):
                        gone = await self._engine.remove_image(image.image_id) and gone
        except EngineError:
            return False
        return gone


def _made_at(image: FoundImage) -> float:
    """Return when a snapshot was made, in seconds since 1970; 0 if its label doesn't say."""
    try:
        made_at = float(image.labels[LABEL_MADE])
    except (LookupError, ValueError):
        return 0.0
    return made_at if math.isfinite(made_at) else 0.0
