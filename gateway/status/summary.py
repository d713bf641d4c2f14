"""What an operator wants to know of a gateway, from two scrapes of its metrics."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway.observability.metrics import STAGES
from gateway.status.scrape import Scrape

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.status.scrape import Readiness

#: Most allowances of keys that are shown.
ALLOWANCES_LIMIT = 6

#: Why a gateway isn't ready of which only the metrics can be read.
UNTOLD = "its /readyz can't be read here, which says why"


@dataclass(frozen=True, slots=True)
class Level:
    """How much there is of something.

    Attributes:
        name: Of what.
        now: How much.
        limit: How much there may be; None if that is not known.
        is_memory: Whether it is in bytes.
    """

    name: str
    now: float
    limit: float | None
    is_memory: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """How often something happened.

    Attributes:
        name: What.
        lately: How often between the two scrapes; None if there was one only.
        total: How often since the start of the gateway.
    """

    name: str
    lately: int | None
    total: int


@dataclass(frozen=True, slots=True)
class Latency:
    """How long something took.

    Attributes:
        name: What.
        p50_s: Seconds that half of it took at most; None if it never happened.
        p99_s: Seconds that 99 of 100 took at most.
    """

    name: str
    p50_s: float | None
    p99_s: float | None


@dataclass(frozen=True, slots=True)
class EnvironmentStatus:
    """How an environment is.

    Attributes:
        name: Its name.
        start: How its containers start: `snapshot` or `import`.
        reason: Why they import although a snapshot is wanted; None if they needn't, or nothing says it.
        jobs: How many it ran.
    """

    name: str
    start: str
    reason: str | None
    jobs: int


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a key has left of an allowance."""

    key: str
    budget: str
    left: float
    allowance: float


@dataclass(frozen=True, slots=True)
class Status:
    """How a gateway is.

    Attributes:
        version: Of Figbox.
        up_s: Seconds since its start; None if it doesn't say.
        not_ready: Why a render would fail now; None if it wouldn't.
        self_test_age_s: Seconds since the last self-test; None before the first.
        self_test_period_s: Seconds between two.
        levels: What there is of each thing.
        environments: How each is.
        lately_s: Seconds between the two scrapes; None if there was one only.
        outcomes: How requests ended, those that are refused included.
        refusals: What was refused before a key was known.
        troubles: What should never happen.
        jobs: How many the latencies are of.
        latencies_lately: Whether they are those between the two scrapes, and not those since the start.
        latencies: Of the stages, and of whole requests.
        allowances: What is left of the scarcest allowances of keys.
    """

    version: str
    up_s: float | None
    not_ready: str | None
    self_test_age_s: float | None
    self_test_period_s: float | None
    levels: list[Level]
    environments: list[EnvironmentStatus]
    lately_s: float | None
    outcomes: list[Count]
    refusals: list[Count]
    troubles: list[Count]
    jobs: int
    latencies_lately: bool
    latencies: list[Latency]
    allowances: list[Allowance]


def summarize(earlier: Scrape | None, now: Scrape, ready: Readiness | None) -> Status:
    """Return how a gateway is.

    Args:
        earlier: A scrape before; None if there is none.
        now: The last scrape.
        ready: What `/readyz` says; None if it can't be read.
    """
    before = _same_process(earlier, now)
    began = now.value("process_start_time_seconds")
    jobs, latencies_lately, latencies = _latencies(before if earlier is not None else None, now)
    return Status(
        version=next(iter(now.by("figbox_build_info", "version")), "of unknown version"),
        up_s=max(0.0, time.time() - began) if began is not None else None,
        not_ready=_not_ready(now, ready),
        self_test_age_s=now.value("figbox_self_test_age_seconds"),
        self_test_period_s=now.value("figbox_self_test_period_seconds"),
        levels=_levels(now),
        environments=_environments(now, ready.warm_starts if ready is not None else {}),
        lately_s=now.at - earlier.at if earlier is not None else None,
        outcomes=[*_counts(before, now, "figbox_requests_total", "outcome"), *_kept(before, now)],
        refusals=_counts(before, now, "figbox_refusals_total", "reason"),
        troubles=_troubles(before, now),
        jobs=jobs,
        latencies_lately=latencies_lately,
        latencies=latencies,
        allowances=_allowances(now),
    )


def _same_process(earlier: Scrape | None, now: Scrape) -> Scrape | None:
    """Return the earlier scrape, or an empty one if the gateway has started anew since: it counts from zero again."""
    if earlier is None:
        return None
    started = [scrape.value("process_start_time_seconds") for scrape in (earlier, now)]
    return earlier if started[0] == started[1] else Scrape(earlier.at, {})


def _not_ready(now: Scrape, ready: Readiness | None) -> str | None:
    is_ready = now.value("figbox_ready")
    if is_ready is None:
        return "it is starting"
    if is_ready:
        return None
    return ready.reason if ready is not None and ready.reason else UNTOLD


def _levels(now: Scrape) -> list[Level]:
    names = {
        "running": ("figbox_jobs_running", "figbox_jobs_running_limit"),
        "waiting": ("figbox_jobs_waiting", "figbox_jobs_waiting_limit"),
        "warm": ("figbox_pool_idle", "figbox_pool_size"),
        "making": ("figbox_pool_making", None),
        "connections": ("figbox_connections", "figbox_connections_limit"),
    }
    memory = {
        "bodies": ("figbox_body_bytes", "figbox_body_bytes_limit"),
        "answers": ("figbox_answer_bytes", "figbox_answer_bytes_limit"),
        "process": ("process_resident_memory_bytes", "figbox_memory_limit_bytes"),
    }
    found = []
    for group, is_memory in ((names, False), (memory, True)):
        for name, (series, limit) in group.items():
            value = now.value(series)
            if value is not None:
                found.append(Level(name, value, now.value(limit) if limit is not None else None, is_memory))
    return found


def _environments(now: Scrape, reasons: Mapping[str, str]) -> list[EnvironmentStatus]:
    jobs = now.by("figbox_environment_jobs_total", "environment")
    starts = now.by("figbox_snapshot_starts", "environment")
    return [
        EnvironmentStatus(name, "snapshot" if by_snapshot else "import", reasons.get(name), int(jobs.get(name, 0)))
        for name, by_snapshot in sorted(starts.items())
    ]


def _counts(before: Scrape | None, now: Scrape, series: str, label: str) -> list[Count]:
    """Return how often each thing happened, the most frequent first, without those that never did."""
    past = before.by(series, label) if before is not None else None
    found = [
        Count(name, _whole(total - past.get(name, 0.0)) if past is not None else None, _whole(total))
        for name, total in now.by(series, label).items()
        if total
    ]
    return sorted(found, key=lambda count: (-count.total, count.name))


def _one_count(before: Scrape | None, now: Scrape, name: str, series: str) -> Count:
    total = sum(value for _, value in now.series.get(series, ()))
    past = sum(value for _, value in before.series.get(series, ())) if before is not None else None
    return Count(name, _whole(total - past) if past is not None else None, _whole(total))


def _kept(before: Scrape | None, now: Scrape) -> list[Count]:
    kept = _one_count(before, now, "(from the cache)", "figbox_cache_hits_total")
    return [kept] if kept.total else []


def _troubles(before: Scrape | None, now: Scrape) -> list[Count]:
    found = [
        _one_count(before, now, "internal errors", "figbox_internal_errors_total"),
        _one_count(before, now, "engine failures", "figbox_engine_failures_total"),
        _one_count(before, now, "workers ended", "figbox_workers_ended_total"),
        _one_count(before, now, "strays removed", "figbox_strays_removed_total"),
        *(
            Count(f"containers {count.name.replace('_', ' ')}", count.lately, count.total)
            for count in _counts(before, now, "figbox_pool_events_total", "event")
            if count.name in {"failed", "remove_failed", "spoilt"}
        ),
    ]
    return [count for count in found if count.total]


def _latencies(before: Scrape | None, now: Scrape) -> tuple[int, bool, list[Latency]]:
    """Return of how many jobs, whether of those between the scrapes, and how long each stage took."""
    recent = _spread(before, now, "figbox_request_seconds") if before is not None else {}
    is_recent = bool(recent.get(math.inf))
    past = before if is_recent else None
    spreads = {stage: _spread(past, now, "figbox_stage_seconds", stage=stage) for stage in STAGES}
    spreads["request"] = _spread(past, now, "figbox_request_seconds")
    latencies = [Latency(name, quantile(0.5, spread), quantile(0.99, spread)) for name, spread in spreads.items()]
    return _whole(spreads["request"].get(math.inf, 0.0)), is_recent, latencies


def _spread(before: Scrape | None, now: Scrape, name: str, **labels: str) -> dict[float, float]:
    past = before.buckets(name, **labels) if before is not None else {}
    return {bound: count - past.get(bound, 0.0) for bound, count in now.buckets(name, **labels).items()}


def quantile(share: float, buckets: Mapping[float, float]) -> float | None:
    """Return what a share of the observations doesn't exceed, as Prometheus estimates it; None without any.

    Within a bucket it lies on the straight line between the bounds. Above the last bound nothing more is known.

    Source: prometheus.io, "Query functions", `histogram_quantile`.
    """
    bounds = sorted(buckets)
    total = buckets[bounds[-1]] if bounds else 0.0
    if total <= 0:
        return None
    rank = share * total
    lower, below = 0.0, 0.0
    for bound in bounds:
        if buckets[bound] >= rank:
            if math.isinf(bound):
                return lower
            return lower + (bound - lower) * (rank - below) / (buckets[bound] - below or 1.0)
        lower, below = bound, buckets[bound]
    return lower


def _allowances(now: Scrape) -> list[Allowance]:
    given = {
        (labels.get("key", ""), labels.get("budget", "")): value
        for labels, value in now.series.get("figbox_key_allowance", ())
    }
    found = [
        Allowance(*name, left=value, allowance=given[name])
        for labels, value in now.series.get("figbox_key_left", ())
        if given.get(name := (labels.get("key", ""), labels.get("budget", "")))
    ]
    scarce = [each for each in found if each.left < each.allowance]
    return sorted(scarce, key=lambda each: (each.left / each.allowance, each.key, each.budget))[:ALLOWANCES_LIMIT]


def _whole(value: float) -> int:
    return int(value) if math.isfinite(value) else 0
