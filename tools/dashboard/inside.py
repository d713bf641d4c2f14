"""Rows about what is inside: containers, engine, keys, memory, and what jobs and strangers use."""

from __future__ import annotations

from tools.dashboard.model import GREEN, RED, YELLOW, Panel, Query, Row
from tools.dashboard.queries import OF, RED_BELOW_ONE, WINDOW, YES_NO, gauge, quantile, quantiles, rate, rates

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
            rates("figbox_pool_events_total", "event", 'event=~"failed|spoilt|remove_failed|aged"'),
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
            rates("figbox_requests_total", "outcome", 'outcome=~"rate-exceeded|budget-exceeded|key-share-exceeded"'),
            stacked=True,
        ),
        Panel(
            "Refused before a key was known",
            "What strangers do: no right key, nonsense, slow or too many connections.",
            "reqps",
            rates("figbox_refusals_total", "reason"),
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
        Panel(
            "Shared server",
            "The Redis of several nodes, if there is one. While a node can't ask it, that node goes on by itself.",
            "none",
            (
                Query(
                    f"{gauge('figbox_shared_up', 'min', 'instance')} or on () "
                    "label_replace(vector(1), 'instance', 'no server is shared', '', '')",
                    "{{instance}}",
                ),
            ),
            "state-timeline",
            8,
            5,
            RED_BELOW_ONE,
            {1: ("in use", GREEN), 0: ("gone", RED)},
        ),
        Panel(
            "Failed calls of the shared server",
            "A call that takes a fifth of a second has failed, too. After the first the node stops asking for a while.",
            "reqps",
            rates("figbox_shared_failures_total", "reason"),
            height=5,
        ),
        Panel(
            "Time of its calls",
            "What each request waits for: usually a thousandth of a second.",
            "s",
            quantiles("figbox_shared_call_seconds"),
            height=5,
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
            rates("figbox_hostile_cpu_seconds_total", "work"),
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

ROWS = (POOL, ENGINE, KEYS, SATURATION, WORK)
