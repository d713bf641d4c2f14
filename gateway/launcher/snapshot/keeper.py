"""Keeps an environment's snapshot: finds one that fits, or makes one, tries it, and makes it anew every day.

Meanwhile jobs are served by runners that import; a snapshot that can't be made, or fails its trial, changes nothing
but speed. Where restoring fails later, the maker falls back to imports by itself and tells the keeper.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
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

    from gateway.launcher.engine.docker_engine import DockerEngine, EngineFacts, FoundImage
    from gateway.launcher.engine.specification import Sandbox
    from gateway.launcher.maker import ContainerMaker

#: Labels of images with snapshots: what it depends on, and when it was made, in seconds since 1970. Installations on
#: one engine share a snapshot: it holds nothing of theirs.
LABEL_KEY = "figbox.snapshot"
LABEL_MADE = "figbox.snapshot.made"

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

#: Seconds until the next attempt: after a failure of the engine or of restores, and where no snapshot could be made.
RETRY_PAUSE_S = 30.0
FAILED_PAUSE_S = 3600.0

#: Appended to the installation's name for the keeper's own containers, which the sweep for strays leaves alone.
SNAPSHOT_SUFFIX = ".snapshot"

MAKING = "a snapshot is being made"


def key_of(sandbox: Sandbox, facts: EngineFacts) -> str:
    """Return a digest of what a snapshot depends on and the launcher knows: image, specification, runtime, engine.

    What a job may use isn't part of it, since nothing in memory depends on that. Kernel release, vdso and processor are
    in the snapshot itself, and compared at each restore.
    """
    plain = replace(sandbox, installation="", instance="", snapshot_id=None, limits=Limits())
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
        on_change: Called after that has changed.
    """

    def __init__(
        self,
        engine: DockerEngine,
        sandbox: Sandbox,
        facts: EngineFacts,
        *,
        environment: str,
        maker: ContainerMaker,
        on_change: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._sandbox = replace(sandbox, installation=f"{sandbox.installation}{SNAPSHOT_SUFFIX}.{environment}")
        self._key = key_of(sandbox, facts)
        self._environment = environment
        self._maker = maker
        self._on_change = on_change
        self._made_at = 0.0
        self._failed = asyncio.Event()
        self.state = WarmStart(environment, "import", MAKING)
        maker.on_restore_failed = self._note_failure

    async def obtain(self) -> None:
        """Find or make a snapshot, try it, and let the maker use it.

        Raises:
            NoSnapshot: There is none that can be used.
            EngineError: The engine failed.
        """
        began = time.monotonic()
        for stray in await self._engine.find(self._sandbox.installation):  # of a launcher that was killed
            await self._engine.remove(stray.container_id)
        found = await self._find()
        if found is not None:
            try:
                await try_out(self._engine, self._sandbox, found.image_id, KEPT_TRIALS)
            except NoSnapshot as error:
                logger.warning("kept snapshot not used", environment=self._environment, reason=str(error))
                await self._engine.remove_image(found.image_id)
            else:
                self._use(found.image_id, _made_at(found), "kept", began)
                return
        made_at = time.time()
        labels = {LABEL_KEY: self._key, LABEL_MADE: f"{made_at:.0f}"}
        image_id = await save(self._engine, self._sandbox, f"{REPOSITORY}:{secrets.token_hex(8)}", labels)
        try:
            await try_out(self._engine, self._sandbox, image_id, NEW_TRIALS)
        except BaseException:
            with contextlib.suppress(EngineError):
                await self._engine.remove_image(image_id)
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
        await self._remove_others()

    async def keep_fresh(self) -> None:
        """Obtain a snapshot, and another one when it has grown old or fails, for ever."""
        while True:
            pause_s = self._made_at + AGE_LIMIT_S - time.time()
            if self._maker.snapshot_id is None or pause_s <= 0:
                pause_s = await self._renew()
            self._failed.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(1.0, pause_s)):
                    await self._failed.wait()
                await asyncio.sleep(RETRY_PAUSE_S)

    async def _renew(self) -> float:
        """Try to obtain a snapshot; return the seconds until the next attempt."""
        try:
            await self.obtain()
        except NoSnapshot as error:
            self._fall_back(str(error))
            return FAILED_PAUSE_S
        except EngineError as error:
            self._fall_back(f"the engine failed: {error}", error.cause)
            return RETRY_PAUSE_S
        await self._remove_others()
        return self._made_at + AGE_LIMIT_S - time.time()

    def _use(self, image_id: str, made_at: float, how: str, began: float) -> None:
        self._maker.snapshot_id = image_id
        self._made_at = made_at
        self.state = WarmStart(self._environment, "snapshot", None)
        took_s = round(time.monotonic() - began, 1)
        logger.info("snapshot in use", environment=self._environment, image=image_id, how=how, took_s=took_s)
        self._on_change()

    def _fall_back(self, reason: str, cause: str | None = None) -> None:
        """Let runners import; one that is in use stays, however old. The cause is for the log alone."""
        if self._maker.snapshot_id is not None:
            logger.warning("snapshot not renewed", environment=self._environment, reason=reason, cause=cause)
            return
        if self.state.reason != reason:
            logger.warning("no snapshot: runners import", environment=self._environment, reason=reason, cause=cause)
        self.state = WarmStart(self._environment, "import", reason)

    def _note_failure(self, reason: str) -> None:
        """Take the snapshot out of use, since containers don't start from it any more, and look for another."""
        self._maker.snapshot_id = None
        self._made_at = 0.0
        self._fall_back(reason)
        self._failed.set()

    async def _find(self) -> FoundImage | None:
        """Return the newest image with a snapshot that fits and is neither too old nor, by our clock, of the future."""
        found = await self._engine.find_images(LABEL_KEY, self._key)
        fresh = [image for image in found if 0 <= time.time() - _made_at(image) < AGE_LIMIT_S]
        return max(fresh, key=_made_at, default=None)

    async def _remove_others(self) -> None:
        """Remove those that this one replaces, and those that nobody renews; one that a container uses stays."""
        with contextlib.suppress(EngineError):
            for image in await self._engine.find_images(LABEL_KEY):
                age_s = self._made_at - _made_at(image)
                replaced = image.labels[LABEL_KEY] == self._key and age_s > 0
                if image.image_id != self._maker.snapshot_id and (replaced or abs(age_s) > FORGOTTEN_S):
                    await self._engine.remove_image(image.image_id)


def _made_at(image: FoundImage) -> float:
    try:
        return float(image.labels[LABEL_MADE])
    except (LookupError, ValueError):
        return 0.0
