"""How many cores and how much memory a rate needs, with p99 below a bound."""

from __future__ import annotations

import itertools
import math
from functools import cache

from benchmarks.report import number, table
from benchmarks.scaling.model.balancer import BalancerSpec
from benchmarks.scaling.model.cluster import ClusterSpec
from benchmarks.scaling.model.outcomes import Outcomes, count
from benchmarks.scaling.scenario import BURSTS, LEAD_S, MIX, costs, host, rate_of, simulate, streams
from gateway.launcher.sizing import IDLE_BYTES
from gateway.model.jobs import Limits, MiB

CORES = (2, 4, 8, 16, 32)

#: What is wanted: pictures a second, and the bound of p99.
RATE, P99_S = 10.0, 1.0

SECONDS = 320.0
STEP = 0.05

#: Memory of the gateway with its workers (docs/operations.md, "Memory"), and of engine and system, in MiB.
GATEWAY_MIB, SYSTEM_MIB = 1090, 512

#: Share of an engine's memory that containers may have (`gateway/launcher/sizing.py`).
CONTAINERS_SHARE = 7 / 8


def memory_mib(cores: int) -> int:
    """Return the memory of a host with the default settings: the formula of the page."""
    spec = host(cores)
    containers = spec.limits.running * Limits().memory_limit_bytes + (spec.pool + spec.makers) * IDLE_BYTES
    return math.ceil(max(containers / MiB / CONTAINERS_SHARE, containers / MiB + GATEWAY_MIB + SYSTEM_MIB))


@cache
def outcomes(hosts: int, cores: int, rate: float, *, bursty: bool = False) -> Outcomes:
    """Return what becomes of a rate of requests on hosts behind a balancer."""
    spec = ClusterSpec(hosts, host(cores, of_key=1 << 30), BalancerSpec("least connections"))
    sent = streams(rate, MIX, keys=1, bursts=BURSTS if bursty else None)
    return count(simulate(spec, sent, SECONDS), LEAD_S)


def meets(found: Outcomes) -> bool:
    """Tell whether that is what is wanted."""
    return not found.refused and found.p99_s < P99_S


@cache
def best_load(cores: int) -> float:
    """Return the highest load of one host, in steps, with which p99 is below the bound."""
    loads = itertools.takewhile(
        lambda load: meets(outcomes(1, cores, rate_of(load, cores, MIX))),
        (round(STEP * step, 2) for step in range(4, round(1 / STEP))),
    )
    return max(loads, default=0.0)


@cache
def hosts_needed(cores: int, *, bursty: bool) -> int:
    """Return the fewest hosts that draw `RATE` pictures a second as wanted."""
    fewest = math.ceil(RATE * costs().mean_job_s / cores)
    return next(n for n in itertools.count(fewest) if meets(outcomes(n, cores, RATE, bursty=bursty)))


def text() -> str:
    """Return what a host does alone, and how many are needed."""
    alone: list[tuple[object, ...]] = []
    for cores in CORES:
        load = best_load(cores)
        rate = rate_of(load, cores, MIX)
        day = f"{86400 * rate / 1000:.0f} k"
        most = number(cores / costs().mean_job_s)
        alone.append((cores, most, load, number(rate), day, number(memory_mib(cores) / 1024)))
    wanted: list[tuple[object, ...]] = []
    for cores in CORES:
        hosts, bursty = (hosts_needed(cores, bursty=bursty) for bursty in (False, True))
        found = outcomes(hosts, cores, RATE)
        load = RATE * costs().mean_job_s / (hosts * cores)
        memory = number(hosts * memory_mib(cores) / 1024)
        sizes = (cores, hosts, hosts * cores, memory)
        wanted.append((*sizes, number(load, 2), number(found.p50_s, 2), number(found.p99_s, 2), bursty, bursty * cores))
    return "\n".join(
        [
            table(
                f"One host: highest load in steps of {STEP} with p99 below {P99_S:g} s",
                ("cores", "a second at most", "load", "a second", "a day", "memory GiB"),
                alone,
            ),
            table(
                f"{RATE:g} pictures a second with p99 below {P99_S:g} s, least connections",
                ("cores a host", "hosts", "cores", "memory GiB", "load", "p50 s", "p99 s", "in bursts: hosts", "cores"),
                wanted,
            ),
        ]
    )
