"""Takes readings of a running service every few seconds."""

from __future__ import annotations

import asyncio
import math
import os
import statistics
import subprocess
import sys
import time
from typing import TYPE_CHECKING

from tests.soak.judgement import Series
from tests.soak.readings import PROC, files_in, held_by, kibibytes, mounts_of
from tests.soak.service import objects
from tests.support.machine import SAMPLE

if TYPE_CHECKING:
    from tests.soak.clients import Answers
    from tests.soak.service import Service

#: Seconds between two readings, and readings of what takes longer to read: one in so many.
PERIOD_S = 3.0
SELDOM = 3

#: Seconds whose bytes of the logs become one reading.
WINDOW_S = 10.0

#: What is read: name, unit, by how much it may grow, and the same as a share. Memory may grow by what allocators keep
#: and what workers come to hold; descriptors and threads by what pools make on demand, each thread with a connection.
#: Go collects garbage when it likes. A container has several mounts, and an engine that has much to do removes it late.
#: What the machine as a whole has is moved by others on it, too; so what a render takes is told, and judged against
#: what a bare Python process takes at the same time.
WATCHED: tuple[tuple[str, str, float, float], ...] = (
    ("gateway, memory (PSS)", "MiB", 12, 0.05),
    ("gateway, resident", "MiB", 24, 0.05),
    ("gateway, descriptors", "", 16, 0),
    ("gateway, threads", "", 12, 0),
    ("gateway, processes", "", 2, 0),
    ("launcher, memory (PSS)", "MiB", 12, 0.05),
    ("launcher, resident", "MiB", 24, 0.05),
    ("launcher, descriptors", "", 16, 0),
    ("launcher, threads", "", 12, 0),
    ("launcher, processes", "", 2, 0),
    ("engine, memory (PSS)", "MiB", 32, 0.25),
    ("engine, descriptors", "", 24, 0),
    ("engine, threads", "", 16, 0),
    ("engine's mounts", "", 20, 0),
    ("containers", "", 3, 0),
    ("images", "", 0, 0),
    ("volumes", "", 0, 0),
    ("networks", "", 0, 0),
    ("files of the engine", "", 64, 0),
    ("disk of the engine", "MiB", 4, 0),
    ("temporary files", "", 4, 0),
    ("memory in tmpfs, whole machine", "MiB", 128, 0.25),
    ("log", "KiB/min", 20, 0.35),
    ("canary", "ms", math.inf, 0),
    ("canary, against a bare process", "", 0.5, 0.5),
)


class Watch:
    """Readings of a service.

    Args:
        service: What is read.
        answers: Has the times of the canary.
    """

    def __init__(self, service: Service, answers: Answers) -> None:
        self._service = service
        self._answers = answers
        self._began = time.monotonic()
        self.series = {name: Series(name, unit, grow, share) for name, unit, grow, share in WATCHED}

    async def read(self) -> None:
        """Take readings until cancelled."""
        number, canaries = 0, self.series["canary"]
        logged, since = self._service.logged_kib(), time.monotonic()
        compared = 0
        while True:
            await asyncio.to_thread(self._read_processes)
            if number % SELDOM == 0:
                await asyncio.to_thread(self._read_stores)
            canaries.points = [(at - self._began, took_ms) for at, took_ms in self._answers.canaries]
            if time.monotonic() - since >= WINDOW_S:
                now, logged_now = time.monotonic(), self._service.logged_kib()
                self._add("log", (logged_now - logged) / (now - since) * 60)
                logged, since = logged_now, now
                if times := [took_ms for _, took_ms in canaries.points[compared:]]:
                    compared = len(canaries.points)
                    bare_ms = await asyncio.to_thread(_bare_process_ms)
                    self._add("canary, against a bare process", statistics.median(times) / bare_ms)
            number += 1
            await asyncio.sleep(PERIOD_S)

    def _add(self, name: str, value: float) -> None:
        self.series[name].points.append((time.monotonic() - self._began, value))

    def _read_processes(self) -> None:
        processes = {
            "gateway": self._service.split.gateway.process.pid,
            "launcher": self._service.split.launcher.process.pid,
            "engine": self._service.engine.process_id,
        }
        for name, pid in processes.items():
            held = held_by(pid)
            self._add(f"{name}, memory (PSS)", held.proportional_mib)
            self._add(f"{name}, descriptors", held.descriptors)
            self._add(f"{name}, threads", held.threads)
            if name != "engine":  # runc comes and goes, and is none of ours
                self._add(f"{name}, resident", held.resident_mib)
                self._add(f"{name}, processes", held.processes)
        self._add("engine's mounts", mounts_of(processes["engine"]))
        self._add("memory in tmpfs, whole machine", kibibytes(PROC / "meminfo")["Shmem"] / 1024)

    def _read_stores(self) -> None:
        for name, count in objects(self._service.engine).items():
            self._add(name, count)
        files, size_mib = self._service.disk()
        self._add("files of the engine", files)
        self._add("disk of the engine", size_mib)
        self._add("temporary files", files_in(self._service.temporary)[0])


def _bare_process_ms() -> float:
    """Return how long a Python process takes that starts, imports a little and counts."""
    began = time.monotonic()
    subprocess.run([sys.executable, "-I", "-c", SAMPLE], check=True)
    return (time.monotonic() - began) * 1000


def load() -> float:
    """Return how many processes want a processor on this machine, as an average of the last minute."""
    return os.getloadavg()[0]
