"""Prometheus metrics, for the operator."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.core import GaugeMetricFamily

from gateway.model.results import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from prometheus_client import Metric

    from gateway.model.results import Result

#: Upper bounds in seconds: from a warm response to the longest limits.
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)

#: Upper bounds in bytes of a job's peak memory.
BYTES = tuple(mib * 1024 * 1024 for mib in (64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048))

#: The stages of a job, and the two works on what others have made.
STAGES = ("queue", "acquire", "run", "check")
WORKS = ("read", "check")

#: How requests end that don't become a job's result: a hang-up, and the slugs of `gateway.server.problems`.
UNSERVED = (
    "client-gone",
    "budget-exceeded",
    "key-share-exceeded",
    "rate-exceeded",
    "queue-full",
    "queue-timeout",
    "container-lost",
    "engine-unavailable",
    "shutting-down",
    "internal-error",
)

#: Why connections and requests are refused before a key is known, or cut.
REFUSALS = (
    "unauthorized",
    "malformed-request",
    "head-timeout",
    "head-too-large",
    "too-many-connections",
    "made-room",
    "framing-too-large",
    "response-timeout",
)

#: The events of `Pool.on_event`, and the reasons of `WorkerPool`.
POOL_EVENTS = ("warm", "cold", "made", "failed", "spoilt", "aged", "remove_failed")
WORKER_ENDS = ("deadline", "memory", "lost")

#: Upper bounds in seconds of one call of the shared server: up to its limit.
SHARED_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2)

#: The reasons of `gateway.shared.shared_server`.
SHARED_FAILURES = ("timeout", "connection", "refused", "nonsense")


class Metrics:
    """All metrics of one gateway, in a registry of its own.

    Counters begin at zero for every label value that is known beforehand: Prometheus sees no increase in a series that
    begins with its first event.
    """

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._jobs = Counter(
            "figbox_requests", "Render requests by how they ended", ["outcome"], registry=self.registry
        )
        self._refusals = Counter(
            "figbox_refusals",
            "Connections and requests refused before a key was known",
            ["reason"],
            registry=self.registry,
        )
        self._environments = Counter(
            "figbox_environment_jobs", "Jobs that were run, by environment", ["environment"], registry=self.registry
        )
        self._stages = Histogram(
            "figbox_stage_seconds",
            "Seconds of a job in each stage",
            ["stage"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self._cpu = Histogram(
            "figbox_job_cpu_seconds",
            "Processor seconds of a job's container, start included",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._memory = Histogram(
            "figbox_job_memory_peak_bytes",
            "Peak memory of a job's container",
            buckets=BYTES,
            registry=self.registry,
        )
        self._hostile_cpu = Counter(
            "figbox_hostile_cpu_seconds",
            "Processor seconds of reading bodies and checking pictures",
            ["work"],
            registry=self.registry,
        )
        self._workers = Counter(
            "figbox_workers_ended",
            "Workers that were killed or lost, by what they worked on and why",
            ["work", "reason"],
            registry=self.registry,
        )
        self._kept = Counter(
            "figbox_cache_hits", "Render requests served from the cache, without a job", registry=self.registry
        )
        self._responses = Counter(
            "figbox_responses", "Responses of the public listener, by status", ["status"], registry=self.registry
        )
        self._internal_errors = Counter(
            "figbox_internal_errors", "Defects that came up while a connection was served", registry=self.registry
        )
        self._seconds = Histogram(
            "figbox_request_seconds",
            "Seconds from a request's head to its job's result",
            buckets=SECONDS,
            registry=self.registry,
        )
        self._starts = Counter(
            "figbox_job_starts",
            "Jobs by whether a warm container was there, and how containers of the environment start",
            ["environment", "start", "way"],
            registry=self.registry,
        )
        self._pool = Counter("figbox_pool_events", "What happened in the pool", ["event"], registry=self.registry)
        self._sweeps = Counter("figbox_sweeps", "Searches for strays", registry=self.registry)
        self._strays = Counter("figbox_strays_removed", "Strays removed", registry=self.registry)
        self._engine_failures = Counter("figbox_engine_failures", "Failed engine calls", registry=self.registry)
        self._shared_seconds = Histogram(
            "figbox_shared_call_seconds",
            "Seconds of calls of the server that nodes share",
            buckets=SHARED_SECONDS,
            registry=self.registry,
        )
        self._shared_failures = Counter(
            "figbox_shared_failures",
            "Failed calls of the server that nodes share, by why",
            ["reason"],
            registry=self.registry,
        )
        ProcessCollector(registry=self.registry)
        self._begin_at_zero()

    def _begin_at_zero(self) -> None:
        for outcome in (*Outcome, *UNSERVED):
            self._jobs.labels(outcome)
        for reason in REFUSALS:
            self._refusals.labels(reason)
        for stage in STAGES:
            self._stages.labels(stage)
        for work in WORKS:
            self._hostile_cpu.labels(work)
        for work, reason in product(WORKS, WORKER_ENDS):
            self._workers.labels(work, reason)
        for event in POOL_EVENTS:
            self._pool.labels(event)
        for reason in SHARED_FAILURES:
            self._shared_failures.labels(reason)

    def count_job(self, result: Result, environment: str, *, way: str, total_s: float) -> None:
        """Count a job that ran, its environment, and where its time went.

        Args:
            result: What came of it.
            environment: Where it ran.
            way: How containers of the environment start, as `WarmStart.way` has it.
            total_s: Seconds from its request's head to its result.
        """
        self._jobs.labels(result.outcome.value).inc()
        self._environments.labels(environment).inc()
        self._starts.labels(environment, "warm" if result.stages.warm else "cold", way).inc()
        self._seconds.observe(total_s)
        for stage in STAGES:
            self._stages.labels(stage).observe(getattr(result.stages, f"{stage}_ms") / 1000)
        self.count_hostile_cpu("check", result.check_cpu_s)
        if result.usage is not None:
            self._cpu.observe(result.usage.cpu_s)
            if result.usage.memory_peak_bytes is not None:
                self._memory.observe(result.usage.memory_peak_bytes)

    def count_request(self, outcome: str) -> None:
        """Count a request that ended without a job's result, by the slug of its problem."""
        self._jobs.labels(outcome).inc()

    def count_hostile_cpu(self, work: str, cpu_s: float) -> None:
        """Count processor seconds of work on what others have made: `read` for bodies, `check` for pictures."""
        self._hostile_cpu.labels(work).inc(cpu_s)

    def count_worker_end(self, work: str, reason: str, times: int = 1) -> None:
        """Count workers that ended before their time, for the reasons that `WorkerPool` has; `work` as above."""
        self._workers.labels(work, reason).inc(times)

    def count_kept(self) -> None:
        """Count a request that was served from the cache, also as a success."""
        self._kept.inc()
        self._jobs.labels("ok").inc()

    def count_response(self, status: int) -> None:
        """Count a response of the public listener."""
        self._responses.labels(status).inc()

    def count_internal_error(self) -> None:
        """Count a defect of ours that came up while a connection was served; the log tells which."""
        self._internal_errors.inc()

    def count_refusal(self, reason: str) -> None:
        """Count a refusal before a key was known."""
        self._refusals.labels(reason).inc()

    def count_pool_event(self, event: str, times: int = 1) -> None:
        """Count one of the events that `Pool.on_event` names."""
        self._pool.labels(event).inc(times)

    def count_sweep(self, removed: int, sweeps: int = 1) -> None:
        """Count searches for strays and what they removed."""
        self._sweeps.inc(sweeps)
        self._strays.inc(removed)

    def count_engine_failure(self, times: int = 1) -> None:
        """Count failed calls of the engine."""
        self._engine_failures.inc(times)

    def count_shared_call(self, seconds: float, failure: str | None) -> None:
        """Count a call of the server that nodes share, and why it failed, if it did."""
        self._shared_seconds.observe(seconds)
        if failure is not None:
            self._shared_failures.labels(failure).inc()

    def watch(self, name: str, text: str, read: Callable[[], float]) -> None:
        """Add a gauge whose value is read when metrics are collected."""
        Gauge(name, text, registry=self.registry).set_function(read)

    def watch_each(
        self, name: str, text: str, labels: Sequence[str], read: Callable[[], Mapping[tuple[str, ...], float]]
    ) -> None:
        """Add a gauge with labels; `read` returns its values by those of the labels, and may leave any out."""
        self.watch_table({name: text}, labels, lambda: {key: (value,) for key, value in read().items()})

    def watch_table(
        self,
        gauges: Mapping[str, str],
        labels: Sequence[str],
        read: Callable[[], Mapping[tuple[str, ...], Sequence[float]]],
    ) -> None:
        """Add gauges with the same labels, which are read together.

        Args:
            gauges: Their texts, by name.
            labels: The names of the labels.
            read: Returns a value for each gauge, in their order, by the values of the labels; may leave any out.
        """
        self.registry.register(_Table(gauges, labels, read))


class _Table:
    """Gauges of which series come and go with what is read.

    Source: prometheus_client, "Custom Collectors".
    """

    def __init__(
        self,
        gauges: Mapping[str, str],
        labels: Sequence[str],
        read: Callable[[], Mapping[tuple[str, ...], Sequence[float]]],
    ) -> None:
        self._gauges = gauges
        self._labels = tuple(labels)
        self._read = read

    def collect(self) -> Iterator[Metric]:
        """Yield the gauges with their present values."""
        families = [GaugeMetricFamily(name, text, labels=self._labels) for name, text in self._gauges.items()]
        for key, values in self._read().items():
            for family, value in zip(families, values, strict=True):
                family.add_metric(key, value)
        yield from families
