"""Makes containers, up to where their runner waits for its job."""

from __future__ import annotations

import asyncio
import contextlib
import random
from dataclasses import replace
from typing import TYPE_CHECKING

from loguru import logger

from gateway.launcher.container import Container
from gateway.launcher.engine.specification import UID_FIRST, UID_LAST
from gateway.launcher.runner.conversation import StreamEnded, open_conversation
from gateway.launcher.runner.frames import MalformedReply
from gateway.model.errors import ContainerLost, EngineError, EngineRefused, EngineUnavailable, NameTaken

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.launcher.engine.engine import Engine
    from gateway.launcher.engine.specification import Sandbox

#: Names that are tried before a maker gives up; with 40,000 uids the first one is nearly always free.
NAME_TRIES = 8

#: Restores that fail in a row before a snapshot is no longer used.
RESTORE_TRIES = 3

#: Share of the time from start to ready that a runner gets which is restored, since that takes milliseconds: one that
#: hangs must not keep a job waiting for as long as an import may take.
RESTORE_SHARE = 1 / 3


class ContainerMaker:
    """Makes containers on an engine.

    Args:
        engine: Runs them.
        sandbox: What they are.

    Attributes:
        on_restore_failed: Called with the reason when several runners in a row couldn't be restored.
    """

    def __init__(self, engine: Engine, sandbox: Sandbox) -> None:
        self._engine = engine
        self._sandbox = sandbox
        self._names: set[str] = set()
        self._failed_restores = 0
        self._snapshot_id: str | None = None
        self.on_restore_failed: Callable[[str], None] = lambda _: None

    @property
    def snapshot_id(self) -> str | None:
        """Digest of the image with the snapshot that runners are restored from; None lets them import."""
        return self._snapshot_id

    @snapshot_id.setter
    def snapshot_id(self, snapshot_id: str | None) -> None:
        self._snapshot_id = snapshot_id
        self._failed_restores = 0  # those of another

    @property
    def lowers_memory(self) -> bool:
        """Whether `lower_memory` is worth trying."""
        return self._sandbox.lowers_memory

    async def lower_memory(self, container: Container, memory_limit_bytes: int) -> bool:
        """Lower a container's memory limit; see `Maker.lower_memory`."""
        return await self._engine.lower_memory(container.container_id, memory_limit_bytes)

    async def make(self, memory_limit_bytes: int | None = None) -> Container:
        """Return a ready container; see `Maker.make`. Where a snapshot can't be restored, its runner imports.

        The engine may also be what refuses: an image whose layer is damaged or gone. If it makes no container that
        imports either, then it has failed and nothing is known of the snapshot.
        """
        sandbox = self._sandbox.with_memory(memory_limit_bytes)
        snapshot_id = self.snapshot_id
        if snapshot_id is None:
            return await self._make_surely(sandbox, sandbox.start_limit_s)
        try:
            restored = replace(sandbox, snapshot_id=snapshot_id)
            container = await self._make_surely(restored, sandbox.start_limit_s * RESTORE_SHARE)
        except (ContainerLost, EngineRefused) as error:
            container = await self._make_surely(sandbox, sandbox.start_limit_s)
            self._note_failed_restore(snapshot_id, error)
        else:
            if self.snapshot_id == snapshot_id:
                self._failed_restores = 0
        return container

    def _note_failed_restore(self, snapshot_id: str, error: EngineError) -> None:
        if self.snapshot_id != snapshot_id:
            return  # it has been taken out of use meanwhile
        self._failed_restores += 1
        logger.warning("runner not restored", reason=str(error), cause=error.cause, failures=self._failed_restores)
        if self._failed_restores >= RESTORE_TRIES:
            self._failed_restores = 0
            self.on_restore_failed(str(error))

    async def _make_surely(self, sandbox: Sandbox, start_limit_s: float) -> Container:
        """Make a container, and another one if somebody killed it before it was ready: no job should meet that."""
        try:
            return await self._make_named(sandbox, start_limit_s)
        except ContainerLost as lost:
            if not lost.was_killed:
                raise
            logger.warning("runner killed before it was ready", reason=str(lost), cause=lost.cause)
        return await self._make_named(sandbox, start_limit_s)

    async def _make_named(self, sandbox: Sandbox, start_limit_s: float) -> Container:
        for _ in range(NAME_TRIES):
            uid = random.randint(UID_FIRST, UID_LAST)  # noqa: S311 - spreads, protects nothing
            # The engine allows each name once, so a uid is never shared, even with another gateway's containers.
            name = f"figbox-{uid}"
            if name in self._names:
                continue
            with contextlib.suppress(NameTaken):
                return await self._make(uid, name, sandbox, start_limit_s)
        raise EngineUnavailable("no free container name was found")

    async def remove(self, container: Container) -> None:
        """Kill and remove; see `Maker.remove`."""
        await self._engine.remove(container.container_id)

    def owns(self, name: str) -> bool:
        """Tell whether a name is in use here, which begins before its container exists."""
        return name in self._names

    def forget(self, container: Container) -> None:
        """Free the name."""
        self._names.discard(container.name)

    async def _make(self, uid: int, name: str, sandbox: Sandbox, start_limit_s: float) -> Container:
        async with contextlib.AsyncExitStack() as undo:
            self._names.add(name)
            undo.callback(self._names.discard, name)
            launched = await self._engine.launch(sandbox.job_config(uid), name)
            undo.callback(launched.stream.close)
            undo.push_async_callback(self._remove_quietly, launched.container_id)
            conversation = await open_conversation(launched.stream)
            undo.callback(conversation.close)
            try:
                async with asyncio.timeout(start_limit_s):
                    await conversation.wait_ready()
            except (TimeoutError, StreamEnded, MalformedReply) as error:
                reason = conversation.complaint or type(error).__name__
                was_killed = isinstance(error, StreamEnded) and await self._was_killed(launched.container_id)
                raise ContainerLost(f"a runner did not become ready: {reason}", was_killed=was_killed) from error
            undo.pop_all()
            return Container(launched.container_id, name, conversation)

    async def _was_killed(self, container_id: str) -> bool:
        try:
            state = await self._engine.exit_state(container_id)
        except EngineError:
            return True  # removed, or the engine is gone
        return state.was_killed

    async def _remove_quietly(self, container_id: str) -> None:
        with contextlib.suppress(EngineError):
            await self._engine.remove(container_id)
