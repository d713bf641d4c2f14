"""What is watched: an engine of its own with nothing else on it, and on that a launcher and a gateway of many keys."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.soak.readings import files_in
from tests.support.live import engine_client
from tests.support.machine import slowed
from tests.support.second_engine import SecondEngine, second_engine
from tests.support.split import LiveSplit, live_split

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Clients of each kind; each has a key.
WORKERS, RUDE, HOSTILE = 12, 3, 1
CANARY = "canary"

#: What a key may do: as much as it needs, and less than a flood would take.
LIMITS = "requests_per_minute = 600\nconcurrent_jobs = 4\ncompute_seconds_per_minute = 60\n"

#: Short times, so that much of what is done now and then is done often.
SETTINGS = {
    "FIGBOX_WALL_LIMIT_S": min(600, slowed(30)),
    "FIGBOX_MEMORY_LIMIT_MIB": 512,
    "FIGBOX_TMPFS_LIMIT_MIB": 32,
    "FIGBOX_RUNNING_LIMIT": 4,
    "FIGBOX_POOL_SIZE": 3,
    "FIGBOX_POOL_IDLE_S": 120,
    "FIGBOX_SWEEP_PERIOD_S": 10,
    "FIGBOX_SELFTEST_PERIOD_S": 300,
    "FIGBOX_BODY_TIMEOUT_S": 5,
    "FIGBOX_HEAD_TIMEOUT_S": 5,
    "FIGBOX_CACHE_MIB": 16,
    # A machine that has much else to do is slow, not wrong.
    "FIGBOX_START_LIMIT_S": slowed(120),
    "FIGBOX_ENGINE_TIMEOUT_S": min(300, slowed(60)),
}


@dataclass(frozen=True, slots=True)
class Service:
    """A running service.

    Attributes:
        keys: Of clients, by name.
        temporary: Folder in which gateway and launcher make their temporary files.
    """

    engine: SecondEngine
    split: LiveSplit
    keys: dict[str, str]
    temporary: Path

    def logged_kib(self) -> float:
        """Return what both have logged so far."""
        logs = (self.split.gateway.log, self.split.launcher.log)
        return sum(log.stat().st_size for log in logs) / 1024

    def disk(self) -> tuple[int, float]:
        """Return the files in the engine's folder, and the MiB that they take."""
        return files_in(Path(self.engine.configuration.parent, "data"))


@contextmanager
def running(folder: Path, warm_start: str) -> Iterator[Service]:
    """Run a service; nothing of it stays.

    Args:
        folder: For logs and temporary files.
        warm_start: `FIGBOX_WARM_START`.
    """
    keys = {name: secrets.token_hex(16) for name in names()}
    keys_file = folder / "keys.toml"
    keys_file.write_text(_tables(keys), "utf-8")
    temporary = folder / "tmp"
    temporary.mkdir()
    settings: dict[str, object] = {
        **SETTINGS,
        "API_KEY": "",
        "FIGBOX_API_KEYS_FILE": keys_file,
        "FIGBOX_CACHE_FILE": folder / "renders.sqlite3",
        "FIGBOX_WARM_START": warm_start,
        "TMPDIR": temporary,
    }
    with second_engine(with_image=True) as engine, live_split(folder, docker_host=engine.url, **settings) as split:
        yield Service(engine, split, keys, temporary)


def names() -> list[str]:
    """Return the names of all clients."""
    kinds = {"worker": WORKERS, "rude": RUDE, "hostile": HOSTILE}
    return [f"{kind}-{number}" for kind, count in kinds.items() for number in range(count)] + [CANARY]


async def settle(service: Service, limit_s: float) -> dict[str, float]:
    """Wait until no job runs and the pool is full; return how many containers there are, and how many should be."""
    gateway = service.split.gateway
    found: dict[str, float] = {}
    async with asyncio.timeout(limit_s):
        while True:
            named = ("jobs_running", "jobs_waiting", "pool_making", "pool_removing", "pool_idle", "pool_size")
            found = {name: await gateway.metric(f"figbox_{name}") for name in named}
            if found["pool_idle"] == found["pool_size"] and not any(found[name] for name in named[:4]):
                return {"containers": len(await asyncio.to_thread(gateway.containers)), "warm": found["pool_idle"]}
            await asyncio.sleep(0.2)


def objects(engine: SecondEngine) -> dict[str, int]:
    """Return the numbers of what an engine has."""
    with engine_client(engine.url) as client:
        return {
            "containers": len(client.containers(all=True)),
            "images": len(client.images(all=True)),
            "volumes": len(client.volumes()["Volumes"] or ()),
            "networks": len(client.networks()),
        }


def _tables(keys: dict[str, str]) -> str:
    digests = {name: hashlib.sha256(key.encode()).hexdigest() for name, key in keys.items()}
    return "".join(f'[keys.{name}]\nsha256 = "{digest}"\n{LIMITS}\n' for name, digest in digests.items())
