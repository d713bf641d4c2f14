"""Two ways to bring a container to where it waits for its job.

Either the container's process 1 imports Matplotlib by itself (`ContainerMaker`), or it is a stub, and its runner is
forked by a template that has imported already (`ForkingMaker`). What the container is, who removes it and when, and
everything above is the same for both.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import random
from typing import TYPE_CHECKING, Any

from loguru import logger

from gateway.launcher.container import Container
from gateway.launcher.engine.specification import STUB, UID_FIRST, UID_LAST, Sandbox
from gateway.launcher.fork.call_filter import read_call_filter
from gateway.launcher.fork.comparison import Process, ProcessGone
from gateway.launcher.fork.template import CanNotFork, ForkedRunner, TemplateFailed, TemplateLink, open_link
from gateway.launcher.runner.conversation import StreamEnded, open_conversation
from gateway.launcher.runner.frames import MalformedReply
from gateway.model.errors import ContainerLost, EngineError, EngineUnavailable, NameTaken, StartError

if TYPE_CHECKING:
    from gateway.launcher.engine.docker_engine import Engine, Launched

#: How many names are tried before a maker gives up; with 40,000 uids one is enough but for rare chance.
NAME_TRIES = 8

#: Seconds between looks at a process that is about to execute its program.
LOOK_PERIOD_S = 0.002


class ContainerMaker:
    """Makes containers by the engine's create, attach and start, and the runner's own import.

    Args:
        engine: Where they live.
        sandbox: What they are.
        start_limit_s: Seconds from start to ready.
    """

    def __init__(self, engine: Engine, sandbox: Sandbox, start_limit_s: float) -> None:
        self._engine = engine
        self._sandbox = sandbox
        self._start_limit_s = start_limit_s
        self._names: set[str] = set()

    async def open(self) -> None:
        """Prepare for making; here there is nothing to prepare."""

    async def aclose(self) -> None:
        """Give up what `open` prepared."""

    @property
    def lowers_memory(self) -> bool:
        """Whether `lower_memory` is worth trying."""
        return self._sandbox.lowers_memory

    async def lower_memory(self, container: Container, memory_limit_bytes: int) -> bool:
        """Bring a container's memory limit down; see `Maker.lower_memory`."""
        return await self._engine.lower_memory(container.container_id, memory_limit_bytes)

    async def make(self, memory_limit_bytes: int | None = None) -> Container:
        """Return a ready container; see `Maker.make`."""
        for _ in range(NAME_TRIES):
            uid = random.randint(UID_FIRST, UID_LAST)  # noqa: S311 - spreads, protects nothing
            # The engine allows a name once: so a uid is never shared, not even with another gateway's containers.
            name = f"figbox-{uid}"
            if name in self._names:
                continue
            with contextlib.suppress(NameTaken):
                return await self._make(uid, name, self._sandbox.with_memory(memory_limit_bytes))
        raise EngineUnavailable("no free container name was found")

    async def remove(self, container: Container) -> None:
        """Kill and remove; see `Maker.remove`."""
        await self._engine.remove(container.container_id)

    def owns(self, name: str) -> bool:
        """Tell whether a name is in use here, from before its container exists until it is gone."""
        return name in self._names

    def forget(self, container: Container) -> None:
        """Give the name free."""
        self._names.discard(container.name)

    async def _make(self, uid: int, name: str, sandbox: Sandbox) -> Container:
        async with contextlib.AsyncExitStack() as undo:
            self._names.add(name)
            undo.callback(self._names.discard, name)
            launched = await self._engine.launch(self._config(sandbox, uid), name)
            undo.callback(launched.stream.close)
            undo.push_async_callback(self._remove_quietly, launched.container_id)
            conversation = await open_conversation(launched.stream)
            undo.callback(conversation.close)
            forked = await self._begin_runner(launched, uid, undo)
            try:
                async with asyncio.timeout(self._start_limit_s):
                    await conversation.wait_ready()
            except (TimeoutError, StreamEnded, MalformedReply) as error:
                raise ContainerLost(f"a runner did not become ready: {type(error).__name__}") from error
            if forked is not None:
                await asyncio.to_thread(forked.judge)
            undo.pop_all()
            return Container(launched.container_id, name, conversation, forked)

    def _config(self, sandbox: Sandbox, uid: int) -> dict[str, Any]:
        """Return the create body."""
        return sandbox.job_config(uid)

    async def _begin_runner(
        self,
        launched: Launched,  # noqa: ARG002 - process 1 is the runner, and has begun
        uid: int,  # noqa: ARG002
        undo: contextlib.AsyncExitStack,  # noqa: ARG002
    ) -> ForkedRunner | None:
        """Begin the runner of a started container; None where its process 1 is the runner."""
        return None

    async def _remove_quietly(self, container_id: str) -> None:
        with contextlib.suppress(EngineError):
            await self._engine.remove(container_id)


class ForkingMaker(ContainerMaker):
    """Makes containers whose runner is forked by a template; see `gateway.launcher.fork.template`.

    Call `open` before the first make, and `aclose` at the end. A template that ends is replaced at the next make.

    Args:
        engine: Where they live.
        sandbox: What they are.
        start_limit_s: Seconds from start to ready, of a container and of the template.
    """

    def __init__(self, engine: Engine, sandbox: Sandbox, start_limit_s: float) -> None:
        super().__init__(engine, sandbox, start_limit_s)
        self._templates = itertools.count(1)
        self._template_name = ""
        self._template_id: str | None = None
        self._link: TemplateLink | None = None
        self._starting = asyncio.Lock()
        self._runners: dict[int, ForkedRunner] = {}

    async def open(self) -> None:
        """Start the template, and try it on one container.

        Raises:
            StartError: It can't be done on this host; the text says why.
            EngineError: The engine can't be reached.
        """
        try:
            container = await self.make()
        except CanNotFork as error:
            await self.aclose()
            raise StartError(
                f"runners can't be forked here: {error}; set FIGBOX_WARM_START=import (see docs/fork.md)"
            ) from error
        container.conversation.close()
        try:
            await self.remove(container)
        finally:
            self.forget(container)

    async def aclose(self) -> None:
        """End the template."""
        link, self._link = self._link, None
        if link is not None:
            link.close()
        await self._remove_template()

    def forget(self, container: Container) -> None:
        """Give name and runner free."""
        super().forget(container)
        if container.forked is not None:
            self._let_go(container.forked)

    def _config(self, sandbox: Sandbox, uid: int) -> dict[str, Any]:
        return sandbox.stub_config(uid)

    async def _begin_runner(self, launched: Launched, uid: int, undo: contextlib.AsyncExitStack) -> ForkedRunner | None:
        stub = await self._find_stub(launched.container_id)
        undo.callback(stub.close)
        link = await self._ensure_template(stub)
        forked = await ForkedRunner.fork(link, stub, uid=uid, idle_limit_s=self._sandbox.idle_limit_s)
        self._runners[forked.runner.process_id] = forked
        undo.callback(self._let_go, forked)
        asyncio.get_running_loop().add_reader(forked.runner.handle, self._notice_end, forked)
        return forked

    async def _find_stub(self, container_id: str) -> Process:
        process_id = await self._engine.process_id(container_id)
        try:
            stub = Process(process_id)
        except ProcessGone as error:
            raise TemplateFailed("a container ended early, or its processes can't be seen from here") from error
        # The id was the engine's word a moment ago; what we hold now must still be that container's.
        if container_id not in (stub.read("cgroup") or ""):
            stub.close()
            raise CanNotFork("a container's processes can't be seen from here")
        try:
            await self._wait_for_program(stub)
        except BaseException:
            stub.close()
            raise
        return stub

    async def _wait_for_program(self, stub: Process) -> None:
        """Wait until the runtime has made way for the stub: it answers `start` a moment before it executes it."""
        program = "\0".join(STUB)
        try:
            async with asyncio.timeout(self._start_limit_s):
                while not (stub.read("cmdline") or "").startswith(program):  # noqa: ASYNC110 - the kernel tells nobody
                    await asyncio.sleep(LOOK_PERIOD_S)
        except (TimeoutError, ProcessGone) as error:
            raise ContainerLost("a container's process 1 did not begin") from error

    async def _ensure_template(self, stub: Process) -> TemplateLink:
        """Return the running template, started and told the filter of `stub` where there is none."""
        async with self._starting:
            if self._link is not None and not self._link.lost.done():
                return self._link
            await self._remove_template()
            try:
                call_filter = await asyncio.to_thread(read_call_filter, stub.process_id)
            except ProcessLookupError as error:
                raise TemplateFailed("a container ended early") from error
            except OSError as error:
                raise CanNotFork(f"a container's system call filter can't be read: {error.strerror}") from error
            # Never a name twice: an engine that failed may still know the last one, which is the sweep's by then.
            self._template_name = f"figbox-template-{self._sandbox.instance}-{next(self._templates)}"
            self._names.add(self._template_name)
            launched = await self._engine.launch(self._sandbox.template_config(), self._template_name)
            self._template_id = launched.container_id
            link = await open_link(launched.stream)
            link.on_end = self._note_exit
            try:
                async with asyncio.timeout(self._start_limit_s):
                    await link.ready
            except (TimeoutError, TemplateFailed) as error:
                link.close()
                raise TemplateFailed("the template did not become ready") from error
            link.tell_filter(call_filter)
            self._link = link
            logger.info("template ready", container=self._template_name)
            return link

    async def _remove_template(self) -> None:
        self._names.discard(self._template_name)
        container_id, self._template_id = self._template_id, None
        if container_id is not None:
            await self._remove_quietly(container_id)

    def _note_exit(self, process_id: int, exit_code: int) -> None:
        forked = self._runners.get(process_id)
        if forked is not None:
            forked.note_exit(exit_code)

    def _notice_end(self, forked: ForkedRunner) -> None:
        """End the container whose runner has ended: the stub would hold it open."""
        asyncio.get_running_loop().remove_reader(forked.runner.handle)
        forked.stub.kill()

    def _let_go(self, forked: ForkedRunner) -> None:
        if self._runners.pop(forked.runner.process_id, None) is not None:
            asyncio.get_running_loop().remove_reader(forked.runner.handle)
            forked.close()
