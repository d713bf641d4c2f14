"""The metrics of a gateway, as Prometheus reads them."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from prometheus_client import generate_latest

import figbox
import gateway
from gateway.launcher import pool
from gateway.model.results import Outcome, Result, Stages
from gateway.observability import metrics
from gateway.observability.metrics import Metrics
from gateway.server.problems import PROBLEMS
from gateway.worker import worker_pool

ROOT = Path(__file__).resolve().parents[3]


def value(counted: Metrics, name: str, **labels: str) -> float | None:
    """Return the value of a series, or None if it isn't there."""
    return counted.registry.get_sample_value(name, labels)


@pytest.mark.parametrize("outcome", [*Outcome, *metrics.UNSERVED])
def test_every_end_begins_at_zero(outcome: str) -> None:
    """The first request that ends in some way is an increase, since the series was there before."""
    assert value(Metrics(), "figbox_requests_total", outcome=outcome) == 0


def test_known_labels_begin_at_zero() -> None:
    """So do refusals, events of the pool, and ends of workers."""
    counted = Metrics()
    assert {value(counted, "figbox_refusals_total", reason=reason) for reason in metrics.REFUSALS} == {0}
    assert {value(counted, "figbox_pool_events_total", event=event) for event in metrics.POOL_EVENTS} == {0}
    assert value(counted, "figbox_workers_ended_total", work="check", reason="lost") == 0
    assert value(counted, "figbox_stage_seconds_count", stage="queue") == 0
    assert value(counted, "figbox_internal_errors_total") == 0


def test_labels_are_those_that_are_counted() -> None:
    """What begins at zero are the slugs of problems, the pool's events and the workers' ends."""
    slugs = {problem.slug for problem in PROBLEMS.values()}
    assert set(metrics.UNSERVED) - {"client-gone"} <= slugs
    assert set(metrics.WORKER_ENDS) == {worker_pool.DEADLINE, worker_pool.MEMORY, worker_pool.LOST}
    documented = str(pool.Pool.__doc__)
    assert [event for event in metrics.POOL_EVENTS if f'"{event}"' not in documented] == []


@pytest.mark.parametrize(("warm", "start"), [(True, "warm"), (False, "cold")])
def test_start_of_a_job_is_counted(warm: bool, start: str) -> None:  # noqa: FBT001
    """A job is counted by its environment, by whether a container waited, and by how containers start there."""
    counted = Metrics()
    result = Result(Outcome.OK, stages=Stages(queue_ms=500, run_ms=250, warm=warm))
    counted.count_job(result, "science", way="snapshot", total_s=0.8)
    name = "figbox_job_starts_total"
    assert value(counted, name, environment="science", start=start, way="snapshot") == 1
    assert value(counted, "figbox_request_seconds_sum") == 0.8
    assert value(counted, "figbox_stage_seconds_sum", stage="queue") == 0.5


def test_series_of_a_labelled_gauge_come_and_go() -> None:
    """A gauge with labels has what is read at each time, and a name of any characters breaks no line."""
    counted = Metrics()
    now: dict[tuple[str, ...], float] = {('a"b\n', "jobs"): 3}
    counted.watch_each("figbox_key_left", "Left", ("key", "budget"), lambda: now)
    assert b'figbox_key_left{budget="jobs",key="a\\"b\\n"} 3.0' in generate_latest(counted.registry)
    now.clear()
    assert b"figbox_key_left{" not in generate_latest(counted.registry)


def test_gauges_of_one_table_are_read_together() -> None:
    """What is costly to find, such as the scarcest keys, is found once for all gauges that tell of it."""
    counted = Metrics()
    reads = []

    def read() -> dict[tuple[str, ...], tuple[float, float]]:
        reads.append(None)
        return {("a",): (5, 3)}

    counted.watch_table({"figbox_a": "A", "figbox_b": "B"}, ("key",), read)
    reads.clear()
    text = generate_latest(counted.registry)
    assert b'figbox_a{key="a"} 5.0' in text
    assert b'figbox_b{key="a"} 3.0' in text
    assert len(reads) == 1


def test_version_is_the_project_s() -> None:
    """Gateway, client and project have one version."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert gateway.__version__ == figbox.__version__ == project["version"]
