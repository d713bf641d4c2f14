"""`python -m tests.monitoring.picture`: load a service for a while, with mishaps, and draw the dashboard of that time.

It needs an engine with the runner image, and takes a quarter of an hour. The picture in docs/monitoring.md is its
result: the panels' own queries, answered by a real Prometheus that scraped a real service and the HAProxy before it,
drawn by that service. Clients come through HAProxy, but for a flood that fills the gateway's own queue.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import signal
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp

from tests.cluster.balancer import Balancer, Node, balancer
from tests.fakes import KEY
from tests.monitoring.rules import BALANCER, GATEWAYS, ROOT, hurried
from tests.support.cut_socket import CutSocket, cut_socket
from tests.support.keys_file import write_keys
from tests.support.live import LiveGateway, engine_url, free_port
from tests.support.prometheus import running
from tests.support.split import live_split
from tools.dashboard.picture import Span, collect, draw

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

PICTURE = ROOT / "docs" / "pictures" / "monitoring" / "dashboard.png"

#: Seconds between scrapes.
SCRAPE_S = 5

KEYS = {"ann": "a" * 40, "bob": "b" * 40, "script": "c" * 40}

QUICK = "plt.plot(np.sin(np.linspace(0, 9, 200)))"
USUAL = "rng = np.random.default_rng(1)\nplt.hist2d(*rng.normal(size=(2, 200_000)), bins=80)\nplt.colorbar()"
LARGE = "fig, axes = plt.subplots(3, 3, dpi=150)\nfor ax in axes.flat: ax.plot(np.random.rand(3000))"
PATIENT = "import time\ntime.sleep(3)\nplt.plot([1, 2])"
WRONG = ("1/0", "import nothing_such", "pass", "import os\nos._exit(3)")


def code(chance: random.Random) -> str:
    """Return what clients send, most of it good."""
    return chance.choices([QUICK, USUAL, LARGE, PATIENT, chance.choice(WRONG)], [50, 25, 10, 5, 10])[0]


async def client(haproxy: Balancer, key: str, pause_s: float, chance: random.Random) -> None:
    """Send jobs one after the other, for ever."""
    while True:
        with suppress(aiohttp.ClientError, TimeoutError):
            await haproxy.render(code(chance), key=key)
        await asyncio.sleep(chance.expovariate(1 / pause_s))


async def flood(gateway: LiveGateway, seconds: float) -> None:
    """Ask for more than there is room for."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while True:
                await asyncio.gather(*(gateway.render(PATIENT, key=KEYS["script"]) for _ in range(12)))
                await asyncio.sleep(1)


async def strangers(gateway: LiveGateway, seconds: float) -> None:
    """Ask without a right key."""
    for _ in range(int(seconds * 2)):
        await gateway.render(QUICK, key="x" * 40)
        await asyncio.sleep(0.5)


async def at(minute: float, minutes: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do something at a part of the whole time, of which there are twelve."""
    await asyncio.sleep(minute / 12 * minutes * 60)
    await work()


async def load(haproxy: Balancer, gateway: LiveGateway, engine: CutSocket, keys_file: Path, minutes: float) -> None:
    """Have clients work for so many minutes, and let things go wrong."""
    await gateway.until_ready()
    await haproxy.until("node1", "UP")

    async def cut() -> None:
        engine.cut()
        try:
            await asyncio.sleep(40)
        finally:
            engine.mend()

    def write_keys_file(text: str) -> None:
        keys_file.write_text(text)
        gateway.process.send_signal(signal.SIGHUP)

    good = await asyncio.to_thread(keys_file.read_text)

    async def spoil() -> None:
        for text in ("[keys\n", good):
            write_keys_file(text)
            await asyncio.sleep(40)

    chance = random.Random(15)  # noqa: S311 - the same load every time
    clients = [("ann", 2.0), ("ann", 4.0), ("bob", 3.0), ("script", 5.0)]
    with suppress(TimeoutError):
        async with asyncio.timeout(minutes * 60), asyncio.TaskGroup() as group:
            for name, pause_s in clients:
                group.create_task(client(haproxy, KEYS[name], pause_s, chance))
            group.create_task(at(3, minutes, lambda: flood(gateway, minutes * 5)))
            group.create_task(at(6, minutes, cut))
            group.create_task(at(8, minutes, lambda: strangers(gateway, 50)))
            group.create_task(at(10, minutes, spoil))


def main() -> int:
    """Load, draw, and say where the picture is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=12)
    parser.add_argument("--output", type=Path, default=PICTURE)
    parser.add_argument("--data", type=Path, help="keep what Prometheus answered in this file")
    given = parser.parse_args()
    port, agent_port = free_port(), free_port()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        keys_file = write_keys(folder / "keys.toml", KEYS)
        keys_file.write_text(keys_file.read_text() + "requests_per_minute = 20\n")
        short = Path(tempfile.mkdtemp(prefix="fb-", dir="/tmp"))
        engine = stack.enter_context(cut_socket(short, engine_url().removeprefix("unix://")))
        settings = {
            "FIGBOX_METRICS_PORT": port,
            "FIGBOX_AGENT_PORT": agent_port,
            "FIGBOX_API_KEYS_FILE": keys_file,
            "FIGBOX_RUNNING_LIMIT": 2,
            "FIGBOX_POOL_SIZE": 2,
            "FIGBOX_QUEUE_LIMIT": 4,
            "FIGBOX_SELFTEST_PERIOD_S": 120,
            "FIGBOX_WARM_START": "auto",
            "FIGBOX_REQUESTS_PER_MINUTE": 60,
        }
        split = stack.enter_context(live_split(folder, docker_host=engine.url, **settings))
        node = Node(int(split.gateway.url.rpartition(":")[2]), agent_port)
        haproxy = stack.enter_context(balancer(folder, [node], **{"maxconn 6": "maxconn 2"}))
        configuration = hurried(folder, {GATEWAYS: f"127.0.0.1:{port}", BALANCER: haproxy.metrics}, 4 * SCRAPE_S)
        configuration["global"] = {"scrape_interval": f"{SCRAPE_S}s", "evaluation_interval": f"{SCRAPE_S}s"}
        configuration["rule_files"] = []
        prometheus = stack.enter_context(running(folder, configuration))
        asyncio.run(load(haproxy, split.gateway, engine, keys_file, given.minutes))
        asyncio.run(split.gateway.until_ready())
        given.output.parent.mkdir(parents=True, exist_ok=True)
        document = collect(prometheus.url, Span.until_now(given.minutes * 60))
        if given.data is not None:
            given.data.write_bytes(document)
        given.output.write_bytes(draw(document, split.gateway.url, KEY))
    sys.stdout.write(f"{given.output}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
