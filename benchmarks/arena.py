"""Everything that stands ready while the measurements are made, and how it comes and goes."""

from __future__ import annotations

import itertools
import random
import secrets
import tempfile
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import engine_view
from benchmarks.contenders.contender import RenderFailed
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
    """The contenders, all running at once, so that rounds can be interleaved.

    Attributes:
        image: Runner image of all contenders that use one.
        docker_host: `DOCKER_HOST`, or None.
        folder: For whatever a part writes; removed at the end.
        engine: For what the benchmark itself asks.
        engine_info: The engine's answer to `docker info`.
        lots: Draws the order of contenders, seeded.
        figbox: On the engine's default runtime, each container importing for itself.
        forked: The same with runners forked by a template; None where this host can't.
        further: Figbox on every other runtime.
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
    forked: Figbox | None
    further: list[Figbox]
    lots: random.Random = field(default_factory=lambda: random.Random(SEED))
    _numbers: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def gateways(self) -> list[Figbox]:
        """Figbox in all its forms."""
        return [self.figbox, *([self.forked] if self.forked else []), *self.further]

    @property
    def contenders(self) -> list[Contender]:
        """All, in the order of the tables."""
        return [self.naked, self.docker_run, self.in_process, *self.gateways]

    def shuffled(self, contenders: list[Contender]) -> list[Contender]:
        """Return contenders in an order drawn by lot: none always follows the same other one."""
        return self.lots.sample(contenders, len(contenders))

    def another_figbox(self, name: str, **settings: str) -> AbstractAsyncContextManager[Figbox]:
        """Run one more gateway, with settings of its own."""
        return run_figbox(name, self.image, self.folder / f"gateway-{next(self._numbers)}", settings)

    async def settle(self) -> None:
        """Wait until every contender is at rest."""
        for contender in self.contenders:
            await contender.settle()


@asynccontextmanager
async def open_arena(image: str, docker_host: str | None, *, one_runtime: bool) -> AsyncIterator[Arena]:
    """Start every contender; end all of them, and make sure that no container stays.

    Args:
        image: Runner image.
        docker_host: `DOCKER_HOST`, or None.
        one_runtime: Whether the engine's further runtimes are left out.
    """
    async with AsyncExitStack() as stack:
        engine = engine_view.connect(docker_host)
        stack.callback(engine.close)
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="figbox-bench-")))
        info = engine.info()
        label = f"bench-{secrets.token_hex(6)}"
        stack.callback(_sweep, engine, label)
        gateways = []
        further = [] if one_runtime else engine_view.further_runtimes(info)
        for number, runtime in enumerate((None, *further)):
            settings = {"FIGBOX_RUNTIME": runtime} if runtime else {}
            name = f"figbox {runtime or info.get('DefaultRuntime')}"
            running = run_figbox(name, image, folder / f"runtime-{number}", settings)
            gateway = await stack.enter_async_context(running)
            gateways.append(gateway)
        forked = run_figbox(f"{gateways[0].name} forked", image, folder / "forked", {"FIGBOX_WARM_START": "fork"})
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
            forked=await _enter_if_possible(stack, forked),
            further=gateways[1:],
        )


async def _enter_if_possible(stack: AsyncExitStack, gateway: AbstractAsyncContextManager[Figbox]) -> Figbox | None:
    """Return a gateway, or None and the reason on stdout where it can't be started."""
    try:
        return await stack.enter_async_context(gateway)
    except RenderFailed as error:
        print(f"left out: {error}")
        return None


def _sweep(engine: docker.APIClient, installation: str) -> None:
    left = engine_view.remove_leftovers(engine, installation)
    if left:
        print(f"removed {left} containers that were left over")
