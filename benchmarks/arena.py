"""The contenders and what else runs during the measurements, from start to end."""

from __future__ import annotations

import itertools
import secrets
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from benchmarks import engine_view
from benchmarks.contenders.docker_run import DockerRun
from benchmarks.contenders.figbox import Figbox, run_figbox
from benchmarks.contenders.in_process import InProcess, run_in_process
from benchmarks.contenders.naked import Naked
from benchmarks.plan import SEED

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from contextlib import AbstractAsyncContextManager

    import docker

    from benchmarks.contenders.contender import Contender


@dataclass(slots=True)
class Arena:
    """The contenders, all running at once, so that they can take turns.

    Attributes:
        docker_host: `DOCKER_HOST`, or None.
        folder: For files of the parts; removed at the end.
        engine: Client for the benchmark's own requests.
        figbox: On the engine's default runtime.
        others: Figbox on every other runtime.
    """

    image: str
    docker_host: str | None
    folder: Path
    engine: docker.APIClient
    engine_info: dict[str, Any]
    naked: Naked
    docker_run: DockerRun
    in_process: InProcess
    figbox: Figbox
    others: list[Figbox]
    random: Random = field(default_factory=lambda: Random(SEED))
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def gateways(self) -> list[Figbox]:
        """All Figboxes."""
        return [self.figbox, *self.others]

    @property
    def contenders(self) -> list[Contender]:
        """All contenders, in the order of the tables."""
        return [self.naked, self.docker_run, self.in_process, *self.gateways]

    def shuffled(self, contenders: list[Contender]) -> list[Contender]:
        """Return contenders in a random order, so that they don't always follow the same one."""
        return self.random.sample(contenders, len(contenders))

    def another_figbox(self, name: str, **settings: str) -> AbstractAsyncContextManager[Figbox]:
        """Run another gateway, with its own settings."""
        return run_figbox(name, self.image, self.folder / f"gateway-{next(self._numbers)}", settings)

    async def settle(self) -> None:
        """Wait until every contender is at rest."""
        for contender in self.contenders:
            await contender.settle()


@asynccontextmanager
async def open_arena(image: str, docker_host: str | None, *, one_runtime: bool) -> AsyncIterator[Arena]:
    """Start all contenders, on the engine's further runtimes too unless told otherwise; end them at the end."""
    async with AsyncExitStack() as stack:
        engine = engine_view.connect(docker_host)
        stack.callback(engine.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="figbox-bench-")))
        info = engine.info()
        label = f"bench-{secrets.token_hex(6)}"
        stack.callback(engine_view.remove_leftovers, engine, label)
        gateways = []
        others = [] if one_runtime else engine_view.other_runtimes(info)
        for number, runtime in enumerate((None, *others)):
            settings = {"FIGBOX_RUNTIME": runtime} if runtime else {}
            name = f"figbox {runtime or info.get('DefaultRuntime')}"
            running = run_figbox(name, image, folder / f"runtime-{number}", settings)
            gateway = await stack.enter_async_context(running)
            gateways.append(gateway)
        yield Arena(
            image=image,
            docker_host=docker_host,
            folder=folder,
            engine=engine,
            engine_info=info,
            naked=Naked(folder),
            docker_run=DockerRun(image, label, engine),
            in_process=await stack.enter_async_context(run_in_process(folder)),
            figbox=gateways[0],
            others=gateways[1:],
        )
