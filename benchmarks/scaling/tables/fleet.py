"""A thousand hosts on paper: sums over what was measured, and what grows with the number of hosts."""

from __future__ import annotations

import math

from benchmarks.report import number, table
from benchmarks.scaling import shared_costs
from benchmarks.scaling.balancer_costs import BalancerCosts, read
from benchmarks.scaling.live.haproxy import AGENTS, BODY_BYTES, PICTURE_BYTES
from benchmarks.scaling.measured import read as read_measured
from benchmarks.scaling.model.balancer import AGENT_PERIOD_S
from benchmarks.scaling.scenario import MIX, rate_of
from gateway.settings import Settings

FLEETS = (1, 3, 10, 100, 1000)

#: Of each host.
CORES, LOAD = 16, 0.7

#: Load of a thread of HAProxy that leaves room for peaks.
THREAD_LOAD = 0.5

#: How often the same request comes, in the table of the cache.
REPEATS = (2, 10, 100)

#: Seconds between two readings of the metrics. Source: Prometheus' default of `scrape_interval` is a minute; 15 s is in
#: the example configuration that it comes with.
SCRAPE_S = 15


def hit_rate(hosts: int, repeats: int) -> float:
    """Return the share of cache hits if a request comes so often, each time to any host, whose cache is its own.

    The first one on each host is drawn; so many different hosts are expected to see it: n (1 - (1 - 1/n)^k).
    """
    drawn = hosts * (1 - (1 - 1 / hosts) ** repeats)
    return 1 - drawn / repeats


def text() -> str:
    """Return the costs of a balancer and of a shared Redis, and the tables of fleets."""
    costs, shared = read(), shared_costs.read()
    return "\n".join(
        [
            f"HAProxy {costs.version}, one thread, {BODY_BYTES} bytes to a node and {PICTURE_BYTES} back",
            table(
                "Processor time of a request",
                ("what", "microseconds", "a second and thread"),
                [(name, number(us, 0), round(1e6 / us)) for name, us in costs.request_us.items()],
            ),
            _agents(costs),
            table(
                f"Redis {shared.version}, one thread: processor time of a request",
                ("allowances of the key", "microseconds", "a second and thread"),
                [(name, number(us, 0), round(1e6 / us)) for name, us in shared.request_us.items()],
            ),
            _fleets(),
            table(
                "Share of requests that a cache of each host's own serves, %",
                ("hosts", *(f"{repeats} times the same" for repeats in REPEATS)),
                [(hosts, *(number(100 * hit_rate(hosts, repeats)) for repeats in REPEATS)) for hosts in FLEETS],
            ),
        ]
    )


def _agents(costs: BalancerCosts) -> str:
    share = costs.check_us / 1e6 * AGENTS / AGENT_PERIOD_S
    return (
        f"An agent's check: {costs.check_us:.0f} microseconds; {AGENTS} of them every {AGENT_PERIOD_S:g} s: "
        f"{100 * share:.1f} % of a thread. Memory with {AGENTS} nodes: {costs.memory_mib:.0f} MiB"
    )


def _fleets() -> str:
    plain_us = read().request_us[f"{AGENTS} nodes, plain, connections kept"]
    tls_us = read().request_us[f"{AGENTS} nodes, TLS, a connection each"]
    allowance = Settings.model_fields["requests_per_minute"].default
    rows: list[tuple[object, ...]] = []
    for hosts in FLEETS:
        rate = rate_of(LOAD, hosts * CORES, MIX)
        threads = [math.ceil(rate * us / 1e6 / THREAD_LOAD) for us in (plain_us, tls_us)]
        rows.append(
            (
                hosts,
                number(rate, 0),
                number(86400 * rate / 1e6),
                number(rate * 8 * (BODY_BYTES + PICTURE_BYTES) / 1e6, 0),
                *threads,
                *(number(rate * us / 1e4) for us in shared_costs.read().request_us.values()),
                f"{hosts * allowance:,}",
                f"{hosts * read_measured().series:,}",
                number(hosts * read_measured().series / SCRAPE_S, 0),
            )
        )
    head = (
        *("hosts", "a second", "million a day", "Mbit/s"),
        *("threads, plain", "TLS", "Redis %", "with time", "a key a minute", "series", "samples/s"),
    )
    return table(f"Hosts of {CORES} cores at load {LOAD}", head, rows)
