"""The machine's size and the versions in use, without the machine's name."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.model.jobs import KiB, MiB
from gateway.settings import ROOT

if TYPE_CHECKING:
    from benchmarks.arena import Arena

#: A program that returns the runner's versions in its error.
VERSIONS_PROGRAM = """\
import platform, matplotlib
raise RuntimeError(f"{platform.python_version()} {matplotlib.__version__}")
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """What the numbers were measured on."""

    cores: int
    processor: str
    memory_mib: int
    kernel: str
    engine: str
    runtimes: list[str]
    cgroup_version: str
    python: str
    matplotlib: str
    runner_python: str
    runner_matplotlib: str
    commit: str
    load_before: float


async def describe_machine(arena: Arena) -> Machine:
    """Ask the kernel, the engine, the runner and git."""
    info = arena.engine_info
    runner = (await arena.figbox.ask(VERSIONS_PROGRAM)).body.decode().rpartition("RuntimeError: ")[2]
    runner_python, runner_matplotlib, *_ = [*runner.split(maxsplit=1), "unknown", "unknown"]
    return Machine(
        cores=os.cpu_count() or 1,
        processor=describe_processor(),
        memory_mib=int((_first_value(Path("/proc/meminfo"), "MemTotal") or "0").split()[0]) * KiB // MiB,
        kernel=platform.release(),
        engine=str(info.get("ServerVersion")),
        runtimes=[gateway.name.removeprefix("figbox ") for gateway in arena.gateways],
        cgroup_version=str(info.get("CgroupVersion") or "1"),
        python=platform.python_version(),
        matplotlib=version("matplotlib"),
        runner_python=runner_python,
        runner_matplotlib=runner_matplotlib.split("\\n", maxsplit=1)[0].split('"', maxsplit=1)[0],
        commit=_commit(),
        load_before=round(os.getloadavg()[0], 2),
    )


def describe_processor() -> str:
    """Return the processor's name, or at least its kind."""
    return _first_value(Path("/proc/cpuinfo"), "model name") or platform.machine()


def _first_value(file: Path, name: str) -> str | None:
    for line in file.read_text("utf-8").splitlines():
        key, _, value = line.partition(":")
        if key.strip() == name:
            return value.strip()
    return None


def _commit() -> str:
    """Return the commit, with a mark if the product has changed since, or `unknown` outside a clone."""
    try:
        commit = _git("rev-parse", "--short=12", "HEAD")
        changed = _git("status", "--porcelain", "--", "gateway", "runner-image", "benchmarks", "requirements")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return f"{commit}, changed" if changed else commit


def _git(*arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True, timeout=30)
    return done.stdout.strip()
