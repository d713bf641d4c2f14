"""Measure what a job costs a node, and how the node does under load, in one run of ten minutes.

Costs are processor seconds, so that work of others on the machine hardly matters; a waiting time is the lower quartile,
for the same reason. A request is sent when the node has settled. Two gateways take turns: one with warm containers, and
one without, whose every job has its container made while it waits. So the parts of a job's cost can be told from each
other:

    drawing   = with a warm container, from the request to the response
    making    = the same without one, less the drawing
    removing  = without one, from the response on, until nothing is left to do, less what an idle node uses

In between there are windows of load: requests at random times, at several rates, and clients that never pause. So the
costs and the load belong to the same minutes, since the machine is faster in some than in others.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.machine import describe_processor
from benchmarks.plan import SEED
from benchmarks.scaling.live.host import open_host
from benchmarks.scaling.measured import Costs, Measured, Request, Window
from benchmarks.scaling.programs import programs
from benchmarks.statistics import summarize

if TYPE_CHECKING:
    from benchmarks.contenders.figbox import Figbox
    from benchmarks.scaling.live.host import Host

#: The node: its share of the processor, and its settings.
CORES = 1.0
RUNNING, POOL, MAKERS = 2, 2, 2

#: Seconds after a response within which a container is removed; nobody asks the gateway anything meanwhile.
REST_S = 2.0

#: The program whose containers are made and removed to see what that costs.
PROBE = "light"


@dataclass(frozen=True, slots=True)
class Extent:
    """How much is measured.

    Attributes:
        probes: Containers that are made while their job waits, before each window.
        window_s: Seconds during which requests are sent.
        loads: Processor time that the requests of a window need, as a share of the node's.
        clients: Numbers of clients that never pause.
    """

    probes: int = 6
    window_s: float = 90.0
    loads: tuple[float, ...] = (0.4, 0.7, 1.4)
    clients: tuple[int, ...] = (4,)


#: Only shows that everything works.
TINY = Extent(probes=1, window_s=5.0, loads=(0.5,), clients=(2,))


@dataclass(frozen=True, slots=True)
class _Sample:
    """One request to a node at rest.

    Attributes:
        busy_s: Processor seconds until the response.
        rest_s: Those within `REST_S` after it; 0 if nobody waited.
        took_s: Seconds until the response.
        acquire_s: Those that the job waited for a container.
    """

    busy_s: float
    rest_s: float
    took_s: float
    acquire_s: float


async def measure(image: str, extent: Extent) -> Measured:
    """Measure a node with a runner image.

    Raises:
        Unsuitable: The machine doesn't allow it.
        RenderFailed: A program gave no picture.
    """
    sizes = {
        "FIGBOX_RUNNING_LIMIT": str(RUNNING),
        "FIGBOX_POOL_MAKERS": str(MAKERS),
        "FIGBOX_SWEEP_PERIOD_S": "3600",  # once an hour is nothing, but in a sample it would be
    }
    async with (
        open_host(image, CORES) as host,
        host.gateway("warm", {**sizes, "FIGBOX_POOL_SIZE": str(POOL)}) as warm,
        host.gateway("cold", {**sizes, "FIGBOX_POOL_SIZE": "0"}) as cold,
    ):
        random = Random(SEED)
        costing = _Costing(host, warm, cold, extent.probes, random)
        await costing.begin()
        windows = []
        for load, clients in [*((load, 0) for load in extent.loads), *((0.0, clients) for clients in extent.clients)]:
            await costing.round()
            if clients:
                senders: list[list[float]] = [[] for _ in range(clients)]
                loading = _window(host, warm, f"{clients} clients", senders, random=random, until_s=extent.window_s)
            else:
                rate = load * CORES / costing.costs().mean_job_s
                senders = [[at_s] for at_s in _times(rate, extent.window_s, random)]
                loading = _window(host, warm, f"load {load}", senders, random=random)
            windows.append(await loading)
        series = await _count_series(warm)
    return Measured(describe_processor(), CORES, RUNNING, POOL, MAKERS, series, costing.costs(), windows)


def _times(rate: float, seconds: float, random: Random) -> list[float]:
    times, now = [], random.expovariate(rate)
    while now < seconds:
        times.append(now)
        now += random.expovariate(rate)
    return times


async def _count_series(gateway: Figbox) -> int:
    async with gateway.session.get(gateway.metrics_url) as response:
        text = await response.text()
    return sum(not line.startswith("#") for line in text.splitlines())


class _Costing:
    """Samples of what jobs cost, a round at a time.

    Args:
        host: The node.
        warm: Its gateway with warm containers.
        cold: Its gateway without.
        probes: Containers that are made while their job waits, in a round.
        random: For the order.
    """

    def __init__(self, host: Host, warm: Figbox, cold: Figbox, probes: int, random: Random) -> None:
        self._host, self._warm, self._cold = host, warm, cold
        self._turns = [*programs(), *[None] * probes]
        self._random = random
        self._drawn: dict[str, list[_Sample]] = {name: [] for name in programs()}
        self._probed: list[_Sample] = []
        self._idle_s: list[float] = []

    async def begin(self) -> None:
        """Draw once without counting."""
        for gateway in (self._warm, self._cold):
            await self._sample(gateway, PROBE)

    async def round(self) -> None:
        """Draw every program once, in a random order, and the probes in between."""
        for name in self._random.sample(self._turns, len(self._turns)):
            if name is None:
                self._probed.append(await self._sample(self._cold, PROBE, REST_S))
                before = self._host.used()
                await asyncio.sleep(REST_S)
                self._idle_s.append(self._host.used().since(before).all)
            else:
                self._drawn[name].append(await self._sample(self._warm, name))

    def costs(self) -> Costs:
        """Return the medians so far."""
        draw = {name: median(sample.busy_s for sample in samples) for name, samples in self._drawn.items()}
        make_s = median(sample.busy_s for sample in self._probed) - draw[PROBE]
        acquire_s = summarize([sample.acquire_s for sample in self._probed]).p25
        waits = [max(0.0, sample.took_s - sample.busy_s) for samples in self._drawn.values() for sample in samples]
        return Costs(
            make_cpu_s=round(make_s, 4),
            make_wait_s=round(max(0.0, acquire_s - make_s), 4),
            remove_cpu_s=round(median(sample.rest_s for sample in self._probed) - median(self._idle_s), 4),
            draw_cpu_s={name: round(seconds, 4) for name, seconds in draw.items()},
            draw_wait_s=round(summarize(waits).p25, 4),
        )

    async def _sample(self, gateway: Figbox, name: str, rest_s: float = 0.0) -> _Sample:
        await gateway.settle()
        before, began = self._host.used(), time.perf_counter()
        picture = await gateway.render(programs()[name])
        after, took_s = self._host.used(), time.perf_counter() - began
        await asyncio.sleep(rest_s)
        removed_s = self._host.used().since(after).all if rest_s else 0.0
        return _Sample(after.since(before).all, removed_s, took_s, picture.stages_ms["acquire"] / 1000)


async def _window(
    host: Host, gateway: Figbox, name: str, senders: list[list[float]], *, random: Random, until_s: float = 0.0
) -> Window:
    """Let each sender send at its times, or, without any, again and again until a time."""
    await gateway.settle()
    names = sorted(programs())
    before, began = host.used(), time.perf_counter()
    requests: list[Request] = []

    async def send(program: str) -> None:
        sent = time.perf_counter()
        response = await gateway.ask(programs()[program])
        took_s = time.perf_counter() - sent
        requests.append(Request(round(sent - began, 3), program, round(took_s, 3), response.status))

    async def sender(times: list[float]) -> None:
        for at in times:
            await asyncio.sleep(began + at - time.perf_counter())
            await send(random.choice(names))
        while time.perf_counter() - began < until_s:
            await send(random.choice(names))

    async with asyncio.TaskGroup() as group:
        for times in senders:
            group.create_task(sender(times))
    seconds = time.perf_counter() - began
    used = host.used().since(before).all
    requests.sort(key=lambda request: request.at_s)
    clients = len(senders) if until_s else 0
    return Window(name, clients, round(seconds, 2), round(used, 2), requests)
