"""What the dashboard shows, row by row."""

from __future__ import annotations

from tools.dashboard.model import BLUE, GREEN, RED, YELLOW, Panel, Query, Row

#: The gateways that are chosen.
OF = 'instance=~"$instance"'

#: In steps that are right for the time that is shown.
WINDOW = "[$__rate_interval]"

YES_NO = {1: ("yes", GREEN), 0: ("no", RED)}
RED_BELOW_ONE = ((None, RED), (1, GREEN))


def rate(metric: str, by: str = "", where: str = "") -> str:
    """Return the rate of a counter, summed over all gateways or by some labels."""
    labels = f"{OF}, {where}" if where else OF
    summed = f"sum by ({by})" if by else "sum"
    return f"{summed} (rate({metric}{{{labels}}}{WINDOW}))"


def quantile(part: float, histogram: str, by: str = "", where: str = "") -> str:
    """Return a quantile of a histogram over all gateways."""
    return f"histogram_quantile({part}, {rate(f'{histogram}_bucket', ', '.join(filter(None, ('le', by))), where)})"


def share(of: str, whole: str) -> str:
    """Return a part of a whole; 0 where there is nothing."""
    return f"{of} / ({whole} > 0) or vector(0)"


def quantiles(histogram: str) -> tuple[Query, ...]:
    """Return the median and two quantiles of those who wait longest."""
    return tuple(Query(quantile(part, histogram), f"p{part * 100:g}") for part in (0.5, 0.9, 0.99))


def gauge(metric: str, function: str = "sum", by: str = "") -> str:
    """Return a gauge over all gateways."""
    return f"{function}{f' by ({by})' if by else ''} ({metric}{{{OF}}})"


OVERLOAD = share(
    rate("figbox_requests_total", where='outcome=~"queue-full|queue-timeout"'), rate("figbox_requests_total")
)

GLANCE = Row(
    "At a glance",
    (
        Panel(
            "Ready",
            "Whether a render would work now, on every gateway that is chosen. If not, ask that gateway for /readyz.",
            "none",
            (Query(gauge("figbox_ready", "min")),),
            "stat",
            3,
            4,
            RED_BELOW_ONE,
            YES_NO,
        ),
        Panel(
            "Sandbox holds",
            "Whether the last self-test held everywhere. A gateway whose sandbox doesn't hold runs no job.",
            "none",
            (Query(gauge("figbox_sandbox_holds", "min")),),
            "stat",
            3,
            4,
            RED_BELOW_ONE,
            YES_NO,
        ),
        Panel(
            "Self-test",
            "Time since the oldest last self-test. It is repeated every hour unless FIGBOX_SELFTEST_PERIOD_S differs.",
            "s",
            (Query(gauge("figbox_self_test_age_seconds", "max")),),
            "stat",
            3,
            4,
            ((None, GREEN), (7800, YELLOW)),
        ),
        Panel(
            "Jobs a second",
            "Jobs that ran, whatever came of them.",
            "reqps",
            (Query(rate("figbox_environment_jobs_total")),),
            "stat",
            3,
            4,
            ((None, BLUE),),
        ),
        Panel(
            "p99",
            "99 of 100 jobs were done within this time, from the request's head to the result. Red is what FigboxSlow "
            "asks about.",
            "s",
            (Query(quantile(0.99, "figbox_request_seconds")),),
            "stat",
            3,
            4,
            ((None, GREEN), (5, YELLOW), (15, RED)),
        ),
        Panel(
            "Refused as full",
            "Share of requests that were refused because the queue was full or they waited too long in it.",
            "percentunit",
            (Query(OVERLOAD),),
            "stat",
            3,
            4,
            ((None, GREEN), (0.02, YELLOW), (0.2, RED)),
        ),
        Panel(
            "Warm starts",
            "Share of jobs that found a warm container.",
            "percentunit",
            (
                Query(
                    share(
                        rate("figbox_pool_events_total", where='event="warm"'),
                        rate("figbox_pool_events_total", where='event=~"warm|cold"'),
                    )
                ),
            ),
            "stat",
            3,
            4,
            ((None, RED), (0.5, YELLOW), (0.8, GREEN)),
        ),
        Panel(
            "Version",
            "The versions that run; more than one only during an update.",
            "none",
            (Query(gauge("figbox_build_info", "count", "version"), "{{version}}"),),
            "stat",
            3,
            4,
            ((None, BLUE),),
        ),
    ),
)

OUTCOMES = Row(
    "Throughput and outcomes",
    (
        Panel(
            "Requests by how they ended",
            "Outcomes of jobs (`ok`, `program_error`, …) and refusals (`queue-full`, …). What guests' code does wrong "
            "isn't an error of the service; `internal-error`, `container-lost` and `engine-unavailable` are.",
            "reqps",
            (Query(rate("figbox_requests_total", "outcome"), "{{outcome}}"),),
            width=12,
            stacked=True,
        ),
        Panel(
            "Responses by status",
            "All responses of the public listener, bad requests and health checks included.",
            "reqps",
            (Query(rate("figbox_responses_total", "status"), "{{status}}"),),
            width=6,
            stacked=True,
        ),
        Panel(
            "Errors of the service",
            "Internal errors, and jobs that were lost with their container or refused for want of an engine. It should "
            "be flat at zero.",
            "reqps",
            (
                Query(rate("figbox_internal_errors_total"), "internal errors"),
                Query(
                    rate(
                        "figbox_requests_total",
                        "outcome",
                        'outcome=~"internal-error|container-lost|engine-unavailable"',
                    ),
                    "{{outcome}}",
                ),
            ),
            width=6,
        ),
        Panel(
            "Jobs by environment",
            "Where jobs ran.",
            "reqps",
            (Query(rate("figbox_environment_jobs_total", "environment"), "{{environment}}"),),
            stacked=True,
        ),
        Panel(
            "Jobs by gateway",
            "How evenly the load is spread.",
            "reqps",
            (Query(rate("figbox_environment_jobs_total", "instance"), "{{instance}}"),),
            stacked=True,
        ),
        Panel(
            "From the cache",
            "Requests that were served without a job. Zero where the cache is off.",
            "reqps",
            (Query(rate("figbox_cache_hits_total"), "hits"),),
        ),
    ),
)

LATENCY = Row(
    "Latency",
    (
        Panel(
            "From head to result",
            "Whole requests that ran a job. Guests' own code is part of it.",
            "s",
            quantiles("figbox_request_seconds"),
        ),
        Panel(
            "p99 by stage",
            "Where the slow ones spend their time: in the queue (capacity), getting a container (the engine), running "
            "(guests' code), or being checked (large pictures).",
            "s",
            (Query(quantile(0.99, "figbox_stage_seconds", "stage"), "{{stage}}"),),
        ),
        Panel(
            "Mean by stage",
            "What an average job spends; stacked, the height is what a job takes.",
            "s",
            (
                Query(
                    f"{rate('figbox_stage_seconds_sum', 'stage')} / "
                    f"({rate('figbox_stage_seconds_count', 'stage')} > 0) or 0 * "
                    f"{rate('figbox_stage_seconds_count', 'stage')}",
                    "{{stage}}",
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Requests by duration",
            "Two bands mean two kinds of jobs, or warm and cold starts.",
            "s",
            (Query(rate("figbox_request_seconds_bucket", "le"), "{{le}}"),),
            "heatmap",
            12,
            lowest=None,
        ),
        Panel(
            "Runs by duration",
            "From handing the job over to the end of its reply: guests' code alone.",
            "s",
            (Query(rate("figbox_stage_seconds_bucket", "le", 'stage="run"'), "{{le}}"),),
            "heatmap",
            12,
            lowest=None,
        ),
    ),
)

QUEUE = Row(
    "Queue and places",
    (
        Panel(
            "Running",
            "Jobs that have a place. At the limit all the time, the host is full.",
            "short",
            (
                Query(gauge("figbox_jobs_running"), "running"),
                Query(gauge("figbox_jobs_running_limit"), "places", dashed=True),
            ),
        ),
        Panel(
            "Waiting",
            "Jobs in the queue. At the limit, others are refused.",
            "short",
            (
                Query(gauge("figbox_jobs_waiting"), "waiting"),
                Query(gauge("figbox_jobs_waiting_limit"), "limit", dashed=True),
            ),
        ),
        Panel(
            "Refused as full",
            "Refused because the queue was full, or after waiting too long in it.",
            "reqps",
            (
                Query(
                    rate("figbox_requests_total", "outcome", 'outcome=~"queue-full|queue-timeout"'),
                    "{{outcome}}",
                ),
            ),
            stacked=True,
        ),
    ),
)

POOL = Row(
    "Warm containers",
    (
        Panel(
            "Pool",
            "Warm containers that wait, and those being made and removed. Half of them are kept while jobs run.",
            "short",
            (
                Query(gauge("figbox_pool_idle"), "waiting"),
                Query(gauge("figbox_pool_making"), "being made"),
                Query(gauge("figbox_pool_removing"), "being removed"),
                Query(gauge("figbox_pool_size"), "wanted", dashed=True),
            ),
        ),
        Panel(
            "Starts",
            "Whether a container waited for the job, and how containers of the environment start.",
            "reqps",
            (Query(rate("figbox_job_starts_total", "environment, start, way"), "{{environment}}: {{start}}, {{way}}"),),
            stacked=True,
        ),
        Panel(
            "What went wrong in the pool",
            "Containers that couldn't be made (`failed`), died or spoke while they waited (`spoilt`), or couldn't be "
            "removed (`remove_failed`). All should be zero; `aged` ones were replaced in time.",
            "cps",
            (
                Query(
                    rate("figbox_pool_events_total", "event", 'event=~"failed|spoilt|remove_failed|aged"'),
                    "{{event}}",
                ),
            ),
        ),
        Panel(
            "Start from a snapshot",
            "Environments that import although a snapshot is wanted start more slowly; /readyz says why.",
            "none",
            (Query(gauge("figbox_snapshot_starts", "min", "instance, environment"), "{{instance}} {{environment}}"),),
            "state-timeline",
            12,
            5,
            ((None, YELLOW), (1, GREEN)),
            {1: ("snapshot", GREEN), 0: ("import", YELLOW)},
        ),
        Panel(
            "Waiting for a container",
            "Nearly nothing for a warm one, else what a start takes.",
            "s",
            (
                Query(quantile(0.5, "figbox_stage_seconds", where='stage="acquire"'), "p50"),
                Query(quantile(0.99, "figbox_stage_seconds", where='stage="acquire"'), "p99"),
            ),
            width=12,
            height=5,
        ),
    ),
)

ENGINE = Row(
    "Engine and sandbox",
    (
        Panel(
            "State",
            "Readiness, engine and sandbox of each gateway.",
            "none",
            (
                Query(gauge("figbox_ready", "min", "instance"), "{{instance}} ready"),
                Query(gauge("figbox_engine_up", "min", "instance"), "{{instance}} engine"),
                Query(gauge("figbox_sandbox_holds", "min", "instance"), "{{instance}} sandbox"),
            ),
            "state-timeline",
            12,
            8,
            RED_BELOW_ONE,
            YES_NO,
        ),
        Panel(
            "Self-test",
            "Time since the last self-test. A saw-tooth below the period is right.",
            "s",
            (
                Query(gauge("figbox_self_test_age_seconds", "max", "instance"), "{{instance}}"),
                Query(gauge("figbox_self_test_period_seconds", "min"), "period", dashed=True),
            ),
            width=6,
        ),
        Panel(
            "Failures and strays",
            "Calls that the engine failed, and containers that nobody owned any more and a sweep removed.",
            "cps",
            (
                Query(rate("figbox_engine_failures_total"), "failed calls"),
                Query(rate("figbox_strays_removed_total"), "strays removed"),
                Query(rate("figbox_sweeps_total"), "sweeps"),
            ),
            width=6,
        ),
    ),
)

KEYS = Row(
    "Keys, budgets and refusals",
    (
        Panel(
            "Left of allowances",
            "What the keys that have used most have left: of jobs at once, and of requests and processor seconds in a "
            "minute. Names of keys, never keys.",
            "percentunit",
            (
                Query(
                    f"min by (key, budget) (figbox_key_left{{{OF}}} / figbox_key_allowance{{{OF}}}) or on () "
                    "label_replace(vector(1), 'key', 'no key in use', '', '')",
                    "{{key}} {{budget}}",
                ),
            ),
            highest=1,
        ),
        Panel(
            "Refused by a key's limits",
            "Requests beyond what their key may have. The limits do their work; the log has the names.",
            "reqps",
            (
                Query(
                    rate(
                        "figbox_requests_total",
                        "outcome",
                        'outcome=~"rate-exceeded|budget-exceeded|key-share-exceeded"',
                    ),
                    "{{outcome}}",
                ),
            ),
            stacked=True,
        ),
        Panel(
            "Refused before a key was known",
            "What strangers do: no right key, nonsense, slow or too many connections.",
            "reqps",
            (Query(rate("figbox_refusals_total", "reason"), "{{reason}}"),),
            stacked=True,
        ),
        Panel(
            "Keys",
            "Valid keys. Between gateways of one service they should be equal.",
            "short",
            (Query(gauge("figbox_keys", "max", "instance"), "{{instance}}"),),
            width=12,
            height=5,
        ),
        Panel(
            "Keys file",
            "While it can't be used, the earlier keys stay valid: a revoked key still works.",
            "none",
            (Query(gauge("figbox_keys_file_good", "min", "instance"), "{{instance}}"),),
            "state-timeline",
            12,
            5,
            RED_BELOW_ONE,
            {1: ("good", GREEN), 0: ("can't be used", RED)},
        ),
    ),
)

SATURATION = Row(
    "Saturation",
    (
        Panel(
            "Memory of the process",
            "Of the largest gateway, beside FIGBOX_MEMORY_MIB, which it keeps to; workers and launcher come on top.",
            "bytes",
            (
                Query(gauge("process_resident_memory_bytes", "max"), "resident"),
                Query(gauge("figbox_memory_limit_bytes", "min"), "limit", dashed=True),
            ),
            width=6,
        ),
        Panel(
            "Memory for requests",
            "Used parts of the two budgets. At one, requests wait and slow clients are cut.",
            "percentunit",
            (
                Query(f"max (figbox_body_bytes{{{OF}}} / figbox_body_bytes_limit{{{OF}}})", "bodies"),
                Query(f"max (figbox_answer_bytes{{{OF}}} / figbox_answer_bytes_limit{{{OF}}})", "jobs and answers"),
            ),
            width=6,
            highest=1,
        ),
        Panel(
            "Connections",
            "Open ones. At the limit, those that work for no key make room.",
            "short",
            (
                Query(gauge("figbox_connections"), "open"),
                Query(gauge("figbox_connections_limit"), "limit", dashed=True),
            ),
            width=6,
        ),
        Panel(
            "Processor and descriptors",
            "Cores that the gateway's process uses, of one that it can use; and its share of file descriptors.",
            "percentunit",
            (
                Query(f"max (rate(process_cpu_seconds_total{{{OF}}}{WINDOW}))", "core"),
                Query(f"max (process_open_fds{{{OF}}} / process_max_fds{{{OF}}})", "descriptors"),
            ),
            width=6,
        ),
    ),
)

WORK = Row(
    "Hostile input, and what jobs use",
    (
        Panel(
            "Processor time of hostile input",
            "Cores spent on reading bodies and checking pictures, which keys pay for.",
            "short",
            (Query(rate("figbox_hostile_cpu_seconds_total", "work"), "{{work}}"),),
            width=6,
            stacked=True,
        ),
        Panel(
            "Workers ended",
            "Killed at their deadline or for want of memory: hostile input. `lost`: look into the log.",
            "cps",
            (Query(rate("figbox_workers_ended_total", "work, reason"), "{{work}}: {{reason}}"),),
            width=6,
        ),
        Panel(
            "Processor time of a job",
            "Of its container, start included.",
            "s",
            quantiles("figbox_job_cpu_seconds"),
            width=6,
        ),
        Panel(
            "Peak memory of a job",
            "Near the limit of a job, raise FIGBOX_MEMORY_LIMIT_MIB before clients complain.",
            "bytes",
            quantiles("figbox_job_memory_peak_bytes"),
            width=6,
        ),
    ),
)

ROWS = (GLANCE, OUTCOMES, LATENCY, QUEUE, POOL, ENGINE, KEYS, SATURATION, WORK)
