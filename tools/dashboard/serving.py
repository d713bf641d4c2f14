"""Rows about what clients get: how much, how soon, and what they wait for."""

from __future__ import annotations

from tools.dashboard.model import BLUE, GREEN, RED, YELLOW, Panel, Query, Row
from tools.dashboard.queries import (
    FULL,
    OVERLOAD,
    RED_BELOW_ONE,
    YES_NO,
    gauge,
    quantile,
    quantiles,
    rate,
    rates,
    share,
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
            rates("figbox_requests_total", "outcome"),
            width=12,
            stacked=True,
            colors={"ok": GREEN, "internal-error": RED, "engine-unavailable": RED, "container-lost": RED},
        ),
        Panel(
            "Responses by status",
            "All responses of the public listener, bad requests and health checks included.",
            "reqps",
            rates("figbox_responses_total", "status"),
            width=6,
            stacked=True,
            colors={"200": GREEN, "503": RED},
        ),
        Panel(
            "Errors of the service",
            "Internal errors, and jobs that were lost with their container or refused for want of an engine. It should "
            "be flat at zero.",
            "reqps",
            (
                Query(rate("figbox_internal_errors_total"), "internal errors"),
                *rates(
                    "figbox_requests_total", "outcome", 'outcome=~"internal-error|container-lost|engine-unavailable"'
                ),
            ),
            width=6,
        ),
        Panel(
            "Jobs by environment",
            "Where jobs ran.",
            "reqps",
            rates("figbox_environment_jobs_total", "environment"),
            stacked=True,
        ),
        Panel(
            "Jobs by gateway",
            "How evenly the load is spread.",
            "reqps",
            rates("figbox_environment_jobs_total", "instance"),
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
            rates("figbox_request_seconds_bucket", "le"),
            "heatmap",
            12,
            lowest=None,
        ),
        Panel(
            "Runs by duration",
            "From handing the job over to the end of its reply: guests' code alone.",
            "s",
            rates("figbox_stage_seconds_bucket", "le", 'stage="run"'),
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
            rates("figbox_requests_total", "outcome", FULL),
            stacked=True,
        ),
    ),
)

ROWS = (GLANCE, OUTCOMES, LATENCY, QUEUE)
