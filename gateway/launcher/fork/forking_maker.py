"""Makes containers whose process 1 is a stub, and whose runner is forked by a template that has imported already."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING

from loguru import logger

from gateway.launcher.engine.specification import STUB, Sandbox
from gateway.launcher.fork.call_filter import read_call_filter
from gateway.launcher.fork.comparison import Process, ProcessGone
from gateway.launcher.fork.template import CanNotFork, ForkedRunner, TemplateFailed, TemplateLink, open_link
from gateway.launcher.maker import ContainerMaker
from gateway.model.errors import ContainerLost, StartError

if TYPE_CHECKING:
    import contextlib

    from gateway.launcher.container import Container
    from gateway.launcher.engine.docker_engine import Engine, Launched

#: Seconds between looks at a process that is about to execute its program.
LOOK_PERIOD_S = 0.002


class ForkingMaker(ContainerMaker):
    """Makes containers whose runner is forked by a template; see `gateway.launcher.fork.template`.

    Call `open` before the first make, and `aclose` at the end. A template that ends is replaced at the next make.

    Args:
        engine: Where they live.
        sandbox: What they are.
        start_limit_s: Seconds from start to ready, of a container and of the template.
    """

    def __init__(self, engine: Engine, sandbox: Sandbox, start_limit_s: float) -> None:
        super().__init__(engine, sandbox, start_limit_s, config=Sandbox.stub_config, start_runner=self._begin_runner)
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
        if isinstance(container.forked, ForkedRunner):
            self._let_go(container.forked)

    async def _begin_runner(self, launched: Launched, uid: int, undo: contextlib.AsyncExitStack) -> ForkedRunner:
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
