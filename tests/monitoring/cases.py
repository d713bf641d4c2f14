"""For each alert: series by which it fires and resolves, minute by minute.

A gauge is written as its values for so many minutes each, a counter as what it grows by in each minute of such a time.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

#: The labels of every series that Prometheus scrapes.
OF = 'job="figbox", instance="a:5151"'

#: The same, as an alert has them.
LABELS = {"job": "figbox", "instance": "a:5151"}


#: Those of series of the balancer.
OF_BALANCER = 'job="figbox-balancer", instance="b:8405"'

BALANCER_LABELS = {"job": "figbox-balancer", "instance": "b:8405"}


def gauge(*spans: tuple[int, float | str]) -> str:
    """Return the values of a gauge; `_` is a value that is missing."""
    return " ".join(f"{value}" for minutes, value in spans for _ in range(minutes))


def counter(*spans: tuple[int, float]) -> str:
    """Return the values of a counter that grows by so much in each minute."""
    steps = (step for minutes, step in spans for _ in range(minutes))
    return " ".join(f"{value:g}" for value in itertools.accumulate(steps, initial=0.0))


@dataclass(frozen=True)
class Case:
    """How one alert comes and goes.

    Attributes:
        alert: Its name.
        series: Values by selector; `{}` stands for the common labels.
        fires: Minutes at which it fires.
        quiet: Minutes at which it doesn't: before, while `for` isn't over, and after.
        labels: Of the alert, besides the common ones or in their place.
        without: Common labels that it doesn't have.
    """

    alert: str
    series: dict[str, str]
    fires: Iterable[int]
    quiet: Iterable[int]
    labels: dict[str, str] = field(default_factory=dict)
    without: tuple[str, ...] = ()


def labelled(metric: str, labels: str = "") -> str:
    """Return a series with the common labels and others."""
    return f"{metric}{{{', '.join(filter(None, (OF, labels)))}}}"


def requests(**outcomes: str) -> dict[str, str]:
    """Return the counters of requests by outcome, with dashes for underscores."""
    return {
        labelled("figbox_requests_total", f'outcome="{outcome.replace("_", "-")}"'): values
        for outcome, values in outcomes.items()
    }


def falls(alert: str, metric: str, fires: int, *, early: int) -> Case:
    """Return the case of a gauge that is 0 from minute 10 to 40."""
    values = gauge((10, 1), (30, 0), (30, 1))
    return Case(alert, {labelled(metric): values}, (fires, 39), (5, early, 41, 60))


def at_balancer(metric: str, labels: str) -> str:
    """Return a series of the balancer with other labels."""
    return f"{metric}{{{OF_BALANCER}, {labels}}}"


def balancer_answers(**codes: str) -> dict[str, str]:
    """Return the balancer's counters of answers by kind, such as `nodes_2xx`: a backend and a status.

    Those of nodes begin with `by`, as in `by_nodes_5xx`.
    """
    found = {}
    for name, values in codes.items():
        proxy, code = name.removeprefix("by_").split("_")
        of, more = ("server", ', server="node1"') if name.startswith("by_") else ("backend", "")
        labels = f'proxy="{proxy}", code="{code}"{more}'
        found[at_balancer(f"haproxy_{of}_http_responses_total", labels)] = values
    return found


def waiting(queue: str, requests_a_minute: str) -> dict[str, str]:
    """Return the balancer's queue, and the counter of requests that come."""
    return {
        at_balancer("haproxy_backend_current_queue", 'proxy="nodes"'): queue,
        at_balancer("haproxy_backend_http_requests_total", 'proxy="nodes"'): requests_a_minute,
    }


UP = labelled("figbox_engine_up")
SECONDS_BUCKET = "figbox_request_seconds_bucket"

CASES = (
    falls("FigboxGone", "up", 11, early=10),
    Case(
        "FigboxNotScraped",
        {labelled("up"): gauge((10, 1), (30, "stale"), (10, 1))},
        (30, 39),
        (5, 15, 41),
        without=("instance",),
    ),
    falls("FigboxNotReady", "figbox_ready", 13, early=11),
    falls("FigboxEngineDown", "figbox_engine_up", 12, early=10),
    Case(
        "FigboxSandboxDoesNotHold",
        # At a start nothing is known of either; that isn't a gap.
        {
            labelled("figbox_sandbox_holds"): gauge((5, 0), (10, 1), (10, 0), (20, 1)),
            UP: gauge((5, 0), (40, 1)),
        },
        (15, 24),
        (2, 10, 26, 40),
    ),
    Case(
        "FigboxSelfTestOld",
        {
            labelled("figbox_self_test_age_seconds"): gauge((10, 3599), (30, 7790), (30, 30)),
            labelled("figbox_self_test_period_seconds"): gauge((70, 3600)),
            UP: gauge((70, 1)),
        },
        (),
        (5, 39, 60),
    ),
    Case(
        "FigboxSelfTestOld",
        {
            labelled("figbox_self_test_age_seconds"): gauge((10, 3599), (30, 7900), (30, 30)),
            labelled("figbox_self_test_period_seconds"): gauge((70, 3600)),
            UP: gauge((30, 1), (40, 0)),
        },
        (16, 29),
        (5, 12, 31, 60),
    ),
    Case(
        "FigboxRestarts",
        {labelled("process_start_time_seconds"): gauge((10, 100), (1, 200), (1, 300), (60, 400))},
        (12, 35),
        (5, 11, 50),
    ),
    Case(
        "FigboxInternalErrors",
        {
            labelled("figbox_internal_errors_total"): counter((10, 0), (1, 1), (60, 0)),
            **requests(internal_error=counter((70, 0))),
        },
        (12, 20),
        (5, 30),
    ),
    Case(
        "FigboxInternalErrors",
        {
            labelled("figbox_internal_errors_total"): counter((70, 0)),
            **requests(internal_error=counter((10, 0), (1, 1), (60, 0))),
        },
        (12, 20),
        (5, 30),
    ),
    Case(
        "FigboxVersionsDiffer",
        {
            labelled("figbox_build_info", 'version="1"'): gauge((180, 1)),
            'figbox_build_info{job="figbox", instance="b:5151", version="2"}': gauge((90, 1), (1, "stale")),
        },
        (61, 89),
        (30, 100),
        without=("instance",),
    ),
    falls("FigboxKeysFileBad", "figbox_keys_file_good", 12, early=11),
    falls("FigboxSharedServerGone", "figbox_shared_up", 12, early=11),
    falls("FigboxNoKeys", "figbox_keys", 15, early=14),
    Case(
        "FigboxKeysAtTheirLimits",
        requests(
            ok=counter((180, 80)),
            rate_exceeded=counter((90, 10), (90, 0)),
            budget_exceeded=counter((90, 5), (90, 0)),
            key_share_exceeded=counter((90, 5), (90, 0)),
        ),
        (40, 90),
        (20, 120),
    ),
    Case(
        "FigboxKeysAtTheirLimits",
        requests(ok=counter((90, 98)), rate_exceeded=counter((90, 2)), queue_full=counter((90, 50))),
        (),
        (40, 80),
    ),
    Case(
        "FigboxUnauthorized",
        {
            labelled("figbox_refusals_total", 'reason="unauthorized"'): counter((60, 120), (60, 0)),
            labelled("figbox_refusals_total", 'reason="made-room"'): counter((120, 6000)),
        },
        (25, 60),
        (10, 80),
    ),
    Case(
        "FigboxOverloaded",
        requests(
            ok=counter((120, 90)),
            queue_full=counter((60, 2), (60, 0)),
            queue_timeout=counter((60, 2), (60, 0)),
        ),
        (20, 60),
        (5, 70),
    ),
    Case(
        "FigboxSaturated",
        requests(ok=counter((120, 60)), queue_full=counter((60, 20), (60, 0)), queue_timeout=counter((120, 0))),
        (10, 60),
        (4, 70),
    ),
    Case(
        "FigboxSaturated",
        requests(ok=counter((120, 90)), queue_full=counter((120, 10))),
        (),
        (10, 60),
    ),
    Case(
        "FigboxSlow",
        {
            labelled(SECONDS_BUCKET, 'le="10"'): counter((120, 90)),
            labelled(SECONDS_BUCKET, 'le="30"'): counter((60, 100), (60, 90)),
            labelled(SECONDS_BUCKET, 'le="+Inf"'): counter((60, 100), (60, 90)),
            labelled("figbox_request_seconds_count"): counter((60, 100), (60, 90)),
        },
        (30, 60),
        (10, 90),
    ),
    Case(
        "FigboxSlow",
        {  # a single slow job isn't one in a hundred
            labelled(SECONDS_BUCKET, 'le="10"'): counter((120, 0)),
            labelled(SECONDS_BUCKET, 'le="30"'): counter((120, 1)),
            labelled(SECONDS_BUCKET, 'le="+Inf"'): counter((120, 1)),
            labelled("figbox_request_seconds_count"): counter((120, 1)),
        },
        (),
        (60, 110),
    ),
    Case(
        "FigboxColdStarts",
        {
            labelled("figbox_pool_events_total", 'event="cold"'): counter((90, 3), (90, 0)),
            labelled("figbox_pool_events_total", 'event="warm"'): counter((180, 7)),
            labelled("figbox_jobs_running"): gauge((180, 1)),
            labelled("figbox_jobs_running_limit"): gauge((180, 4)),
            labelled("figbox_pool_size"): gauge((180, 4)),
        },
        (30, 90),
        (10, 120),
    ),
    Case(
        "FigboxColdStarts",
        {  # under full load that is usual
            labelled("figbox_pool_events_total", 'event="cold"'): counter((90, 9)),
            labelled("figbox_pool_events_total", 'event="warm"'): counter((90, 1)),
            labelled("figbox_jobs_running"): gauge((90, 4)),
            labelled("figbox_jobs_running_limit"): gauge((90, 4)),
            labelled("figbox_pool_size"): gauge((90, 4)),
        },
        (),
        (30, 80),
    ),
    Case(
        "FigboxColdStarts",
        {  # without a pool every start is a cold one
            labelled("figbox_pool_events_total", 'event="cold"'): counter((90, 9)),
            labelled("figbox_pool_events_total", 'event="warm"'): counter((90, 0)),
            labelled("figbox_jobs_running"): gauge((90, 0)),
            labelled("figbox_jobs_running_limit"): gauge((90, 4)),
            labelled("figbox_pool_size"): gauge((90, 0)),
        },
        (),
        (30, 80),
    ),
    Case(
        "FigboxPoolEmpty",
        {
            labelled("figbox_pool_idle"): gauge((10, 4), (30, 0), (30, 2)),
            labelled("figbox_pool_size"): gauge((70, 4)),
            labelled("figbox_jobs_running"): gauge((20, 4), (50, 0)),
        },
        (26, 39),
        (15, 22, 45),
    ),
    Case(
        "FigboxSnapshotMissing",
        {labelled("figbox_snapshot_missing", 'environment="default"'): gauge((90, 1), (30, 0))},
        (61, 89),
        (30, 100),
        {"environment": "default"},
    ),
    Case(
        "FigboxMemoryNearFull",
        {
            labelled("figbox_body_bytes"): gauge((30, 95), (30, 10)),
            labelled("figbox_body_bytes_limit"): gauge((60, 100)),
            labelled("figbox_answer_bytes"): gauge((60, 50)),
            labelled("figbox_answer_bytes_limit"): gauge((60, 100)),
        },
        (12, 29),
        (5, 35),
    ),
    Case(
        "FigboxMemoryNearFull",
        {
            labelled("figbox_body_bytes"): gauge((60, 0)),
            labelled("figbox_body_bytes_limit"): gauge((60, 100)),
            labelled("figbox_answer_bytes"): gauge((30, 91), (30, 50)),
            labelled("figbox_answer_bytes_limit"): gauge((60, 100)),
        },
        (12, 29),
        (5, 35),
    ),
    Case(
        "FigboxProcessTooLarge",
        {
            labelled("process_resident_memory_bytes"): gauge((10, 600), (20, 700), (20, 600)),
            labelled("figbox_memory_limit_bytes"): gauge((50, 640)),
        },
        (16, 29),
        (5, 12, 35),
    ),
    Case(
        "FigboxEngineFailures",
        {labelled("figbox_engine_failures_total"): counter((10, 0), (30, 2), (30, 0))},
        (20, 40),
        (5, 12, 55),
    ),
    Case(
        "FigboxContainersNotMade",
        {
            labelled("figbox_pool_events_total", 'event="failed"'): counter((10, 0), (30, 2), (30, 0)),
            labelled("figbox_pool_events_total", 'event="made"'): counter((70, 50)),
        },
        (20, 40),
        (5, 11, 55),
        {"event": "failed"},
    ),
    Case(
        "FigboxJobsEndBadly",
        requests(ok=counter((120, 8)), killed=counter((60, 1), (60, 0)), container_lost=counter((60, 1), (60, 0))),
        (25, 60),
        (5, 90),
    ),
    Case(
        "FigboxJobsEndBadly",
        requests(ok=counter((120, 100)), killed=counter((120, 2)), program_error=counter((120, 300))),
        (),
        (25, 110),
    ),
    Case(
        "FigboxRemovalsFail",
        {labelled("figbox_pool_events_total", 'event="remove_failed"'): counter((10, 0), (1, 1), (60, 0))},
        (12, 35),
        (5, 50),
        {"event": "remove_failed"},
    ),
    Case(
        "FigboxStrays",
        {labelled("figbox_strays_removed_total"): counter((10, 0), (2, 6), (120, 0))},
        (13, 60),
        (5, 80),
    ),
    Case(
        "FigboxWorkersLost",
        {
            labelled("figbox_workers_ended_total", 'work="check", reason="lost"'): counter((10, 0), (1, 1), (120, 0)),
            labelled("figbox_workers_ended_total", 'work="read", reason="deadline"'): counter((130, 5)),
        },
        (12, 60),
        (5, 80),
        {"work": "check", "reason": "lost"},
    ),
    Case(
        "FigboxStrangers",
        {
            labelled("figbox_refusals_total", 'reason="made-room"'): counter((60, 200), (60, 0)),
            labelled("figbox_refusals_total", 'reason="malformed-request"'): counter((60, 200), (60, 0)),
        },
        (25, 60),
        (10, 80),
    ),
    Case(
        "FigboxConnectionsNearFull",
        {
            labelled("figbox_connections"): gauge((30, 500), (30, 100)),
            labelled("figbox_connections_limit"): gauge((60, 512)),
        },
        (12, 29),
        (5, 35),
    ),
    Case(
        "FigboxHostileInput",
        {
            labelled("figbox_workers_ended_total", 'work="read", reason="deadline"'): counter((10, 0), (4, 1), (60, 0)),
            labelled("figbox_workers_ended_total", 'work="check", reason="memory"'): counter((10, 0), (4, 1), (60, 0)),
        },
        (15, 30),
        (5, 60),
    ),
    Case(
        "FigboxHostileWork",
        {
            labelled("figbox_hostile_cpu_seconds_total", 'work="read"'): counter((60, 20), (60, 0)),
            labelled("figbox_hostile_cpu_seconds_total", 'work="check"'): counter((60, 20), (60, 0)),
        },
        (25, 60),
        (10, 80),
    ),
    Case(
        "FigboxBalancerGone",
        {f"up{{{OF_BALANCER}}}": gauge((10, 1), (30, 0), (30, 1))},
        (11, 39),
        (5, 10, 41, 60),
        BALANCER_LABELS,
    ),
    Case(
        "FigboxNodeOut",
        {  # two minutes of an update first, and another node that stays
            at_balancer("haproxy_server_status", 'proxy="nodes", server="node1", state="UP"'): gauge(
                (10, 1), (2, 0), (10, 1), (30, 0), (10, 1)
            ),
            at_balancer("haproxy_server_status", 'proxy="nodes", server="node1", state="DRAIN"'): gauge((62, 0)),
            at_balancer("haproxy_server_status", 'proxy="nodes", server="node2", state="UP"'): gauge((62, 1)),
            # The same node is not reported twice.
            at_balancer("haproxy_server_status", 'proxy="large", server="node1", state="UP"'): gauge((62, 0)),
        },
        (27, 51),
        (5, 11, 20, 26, 53),
        {**BALANCER_LABELS, "proxy": "nodes", "server": "node1", "state": "UP"},
    ),
    Case(
        "FigboxAllNodesOut",
        {at_balancer("haproxy_backend_status", 'proxy="nodes", state="UP"'): gauge((10, 1), (30, 0), (30, 1))},
        (12, 39),
        (5, 11, 41, 60),
        {**BALANCER_LABELS, "proxy": "nodes", "state": "UP"},
    ),
    Case(
        "FigboxRequestsWait",
        waiting(gauge((10, 0), (60, 12), (60, 0)), counter((130, 120))),  # 6 seconds each
        (35, 69),
        (5, 15, 24, 80),
        BALANCER_LABELS,
    ),
    Case(
        "FigboxRequestsWait",
        waiting(gauge((10, 0), (5, 60), (60, 0)), counter((10, 10), (5, 200), (60, 10))),  # a burst
        (),
        (*range(11, 40),),
    ),
    Case(
        "FigboxRequestsWait",
        waiting(gauge((90, 12)), counter((90, 240))),  # 3 seconds each, for ever
        (),
        (20, 60, 90),
    ),
    Case(
        "FigboxRequestsFail",
        balancer_answers(
            nodes_2xx=counter((120, 80)),
            nodes_4xx=counter((120, 10)),
            nodes_5xx=counter((60, 21), (60, 20)),
            by_nodes_5xx=counter((120, 20)),
            large_5xx=counter((60, 3), (60, 0)),
            by_large_5xx=counter((120, 0)),
        ),
        (20, 60),
        (5, 70),
        BALANCER_LABELS,
    ),
    Case(
        "FigboxRequestsFail",
        {  # one failure in a quiet hour isn't a share of anything, and what a key has too much isn't a failure
            **balancer_answers(
                nodes_2xx=counter((90, 0.5)),
                nodes_5xx=counter((30, 0), (1, 1), (59, 0)),
                by_nodes_5xx=counter((90, 0)),
            ),
            at_balancer("haproxy_frontend_http_responses_total", 'proxy="figbox", code="4xx"'): counter((90, 1000)),
        },
        (),
        (31, 35, 40, 60),
    ),
    Case(
        "FigboxRequestsFail",
        {  # nor do they hide one
            **balancer_answers(nodes_2xx=counter((90, 90)), nodes_5xx=counter((90, 10)), by_nodes_5xx=counter((90, 0))),
            at_balancer("haproxy_frontend_http_responses_total", 'proxy="figbox", code="4xx"'): counter((90, 10000)),
            at_balancer("haproxy_frontend_http_responses_total", 'proxy="figbox", code="5xx"'): counter((90, 10)),
        },
        (20, 60),
        (5,),
        BALANCER_LABELS,
    ),
    Case(
        "FigboxRequestsFailOften",
        balancer_answers(
            nodes_2xx=counter((120, 30)), nodes_5xx=counter((60, 10), (60, 0)), by_nodes_5xx=counter((120, 0))
        ),
        (10, 60),
        (4, 70),
        BALANCER_LABELS,
    ),
    Case(
        "FigboxRequestsFailOften",
        balancer_answers(nodes_2xx=counter((120, 90)), nodes_5xx=counter((120, 10)), by_nodes_5xx=counter((120, 0))),
        (),
        (10, 60),
    ),
    *(
        Case(
            alert,
            {  # a client whose code fails gets 500 by a node
                **balancer_answers(nodes_5xx=counter((60, 50)), by_nodes_5xx=counter((60, 50))),
                **balancer_answers(large_5xx=counter((60, 7)), by_large_5xx=counter((60, 7))),
            },
            (),
            (10, 20, 50),
        )
        for alert in ("FigboxRequestsFail", "FigboxRequestsFailOften")
    ),
)
