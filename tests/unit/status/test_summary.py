"""What the command makes of a gateway's metrics."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from gateway.model.results import Outcome, Result, Stages, Usage
from gateway.observability.metrics import SECONDS, Metrics
from gateway.status.scrape import Readiness, Scrape
from gateway.status.summary import UNTOLD, Count, quantile, summarize

if TYPE_CHECKING:
    from collections.abc import Sequence

LATENT = Stages(queue_ms=1, acquire_ms=20, run_ms=400, check_ms=3, warm=True)


def scraped(metrics: Metrics, at: float = 0.0) -> Scrape:
    """Return the metrics as the command reads them."""
    series: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(generate_latest(metrics.registry).decode()):
        for sample in family.samples:
            series.setdefault(sample.name, []).append((sample.labels, sample.value))
    return Scrape(at, series)


def counted(metrics: Metrics, outcome: Outcome = Outcome.OK, seconds: float = 0.5) -> Metrics:
    """Count a job."""
    result = Result(outcome, stages=LATENT, usage=Usage(0.1, 1 << 20))
    metrics.count_job(result, "default", way="snapshot", total_s=seconds)
    return metrics


def test_what_happened_between_and_in_all() -> None:
    """Counts are those between two scrapes and those since the start; what never happened isn't there."""
    metrics = counted(Metrics())
    metrics.count_refusal("unauthorized")
    earlier = scraped(metrics, 10)
    counted(counted(metrics), Outcome.PROGRAM_ERROR)
    metrics.count_kept()
    metrics.count_request("queue-full")
    metrics.count_pool_event("failed")
    status = summarize(earlier, scraped(metrics, 14), None)
    assert status.lately_s == 4
    assert status.outcomes == [
        Count("ok", 2, 3),
        Count("program_error", 1, 1),
        Count("queue-full", 1, 1),
        Count("(from the cache)", 1, 1),
    ]
    assert status.refusals == [Count("unauthorized", 0, 1)]
    assert status.troubles == [Count("containers failed", 1, 1)]
    assert (status.jobs, status.latencies_lately) == (2, True)


def test_one_look_has_only_what_is_since_the_start() -> None:
    """Without an earlier scrape nothing is said of what happened lately."""
    status = summarize(None, scraped(counted(Metrics())), None)
    assert (status.lately_s, status.outcomes) == (None, [Count("ok", None, 1)])
    assert (status.jobs, status.latencies_lately) == (1, False)


def test_latencies_are_since_the_start_where_nothing_happened_lately() -> None:
    """Without a job between the scrapes, the latencies are of all jobs."""
    metrics = counted(Metrics())
    status = summarize(scraped(metrics), scraped(metrics, 5), None)
    assert (status.jobs, status.latencies_lately) == (1, False)
    run = next(latency for latency in status.latencies if latency.name == "run")
    assert run.p50_s is not None
    assert 0.25 < run.p50_s < 0.5


def test_gateway_that_started_anew_counts_from_zero() -> None:
    """After a restart between the scrapes, all that the new process counted happened in between."""
    before = scraped(counted(counted(Metrics())))
    started = dict(before.series, process_start_time_seconds=[({}, 1.0)])
    status = summarize(Scrape(0.0, started), scraped(counted(Metrics()), 5), None)
    assert status.outcomes == [Count("ok", 1, 1)]


def test_reasons() -> None:
    """Readiness is the metrics'; the reason is that of `/readyz`, or it is said that there is none to be had."""
    metrics = Metrics()
    assert summarize(None, scraped(metrics), None).not_ready == "it is starting"
    is_ready = [False]
    metrics.watch("figbox_ready", "x", lambda: is_ready[0])
    assert summarize(None, scraped(metrics), Readiness("no engine", {})).not_ready == "no engine"
    assert summarize(None, scraped(metrics), None).not_ready == UNTOLD
    is_ready[0] = True
    assert summarize(None, scraped(metrics), Readiness("too late", {})).not_ready is None


def test_gauges() -> None:
    """Levels stand beside their limits; environments have how they start, and why not otherwise; keys are few."""
    metrics = Metrics()
    metrics.watch("figbox_jobs_running", "x", lambda: 1)
    metrics.watch("figbox_jobs_running_limit", "x", lambda: 2)
    metrics.watch_each("figbox_snapshot_starts", "x", ("environment",), lambda: {("b",): 0, ("a",): 1})
    table = {"figbox_key_allowance": "x", "figbox_key_left": "x"}
    rows = {(f"key-{number}", "requests"): (10, number) for number in range(11)}
    metrics.watch_table(table, ("key", "budget"), lambda: rows)
    status = summarize(None, scraped(metrics), Readiness(None, {"b": "too big"}))
    level = status.levels[0]
    assert (level.name, level.now, level.limit) == ("running", 1, 2)
    assert [(each.name, each.start, each.reason) for each in status.environments] == [
        ("a", "snapshot", None),
        ("b", "import", "too big"),
    ]
    assert [each.key for each in status.allowances] == [f"key-{number}" for number in range(6)]
    assert status.up_s is not None
    assert status.up_s < time.time()


@given(st.lists(st.floats(0, 100), min_size=1, max_size=50), st.sampled_from([0.5, 0.9, 0.99]))
def test_quantiles_are_in_the_right_bucket(seconds: Sequence[float], share: float) -> None:
    """The estimate is between the bounds of the bucket in which the exact quantile is."""
    bounds = [*SECONDS, math.inf]
    buckets = {bound: float(sum(each <= bound for each in seconds)) for bound in bounds}
    exact = sorted(seconds)[math.ceil(share * len(seconds)) - 1]
    above = next(bound for bound in bounds if exact <= bound)
    below = max([0.0, *(bound for bound in bounds if bound < above)])
    found = quantile(share, buckets)
    assert found is not None
    assert below <= found <= min(above, SECONDS[-1]) + 1e-9


@pytest.mark.parametrize("buckets", [{}, {1.0: 0.0, math.inf: 0.0}])
def test_nothing_has_no_quantile(buckets: dict[float, float]) -> None:
    """Without an observation there is none."""
    assert quantile(0.5, buckets) is None
