"""The row about HAProxy, which says nothing where none is scraped."""

from __future__ import annotations

from tools.dashboard.model import GREEN, RED, YELLOW, Panel, Query, Row
from tools.dashboard.queries import WINDOW

#: All balancers: the dashboard's variable chooses gateways.
OF = 'job="figbox-balancer"'
NODES = f'{OF}, proxy="nodes"'
FRONTEND = f'{OF}, proxy="figbox"'

#: What large requests get has a backend of its own.
ALL = f'{OF}, proxy=~"nodes|large"'

QUEUE = "haproxy_backend_current_queue"

#: Of backends or of servers, with a selector.
ANSWERS = "haproxy_{}_http_responses_total{{{}}}"


def _failures(of: str) -> str:
    """Return how many answers of backends or servers are 5xx, in a second."""
    selector = f'{ALL}, code="5xx"'
    return f"sum by (instance) (rate({ANSWERS.format(of, selector)}{WINDOW}))"


BALANCER = Row(
    "Balancer",
    (
        Panel(
            "Waiting at the balancer",
            "Requests that no node has a place for yet. A burst is normal; a queue that stays asks for more nodes.",
            "short",
            (Query(f"sum by (instance) ({QUEUE}{{{NODES}}})", "{{instance}}"),),
        ),
        Panel(
            "Time at the balancer",
            "How long requests wait there: those that wait, divided by those that come in a second. "
            "FigboxRequestsWait asks about 5 seconds; after 20 a request is answered 503.",
            "s",
            (
                Query(
                    f"sum by (instance) (avg_over_time({QUEUE}{{{NODES}}}{WINDOW})) / (sum by (instance) "
                    f"(rate(haproxy_backend_http_requests_total{{{NODES}}}{WINDOW})) > 0) or on (instance) "
                    f"0 * sum by (instance) ({QUEUE}{{{NODES}}})",
                    "{{instance}}",
                ),
            ),
        ),
        Panel(
            "Answers of the balancer",
            "What clients get, by status, whether a node or the balancer says it. 4xx are also keys that ask for too "
            "much at once; `other` are clients that hung up.",
            "reqps",
            (
                Query(
                    f"sum by (code) (rate({ANSWERS.format('frontend', FRONTEND)}{WINDOW}))",
                    "{{code}}",
                ),
            ),
            colors={"2xx": GREEN, "5xx": RED},
            stacked=True,
        ),
        Panel(
            "Failed at the balancer",
            "Share of requests that the balancer answers 5xx in a node's place: no node has room, or one was lost. "
            "Lines are those of FigboxRequestsFail and FigboxRequestsFailOften.",
            "percentunit",
            (
                Query(
                    f"({_failures('backend')} - on (instance) {_failures('server')}) "
                    f"/ (sum by (instance) (rate({ANSWERS.format('backend', ALL)}{WINDOW})) > 0) or on (instance) "
                    f"0 * sum by (instance) ({QUEUE}{{{NODES}}})",
                    "{{instance}}",
                ),
            ),
            steps=((None, GREEN), (0.02, YELLOW), (0.2, RED)),
        ),
        Panel(
            "Nodes in rotation",
            "Which nodes get requests, as each balancer sees them.",
            "none",
            (
                Query(
                    f'min by (instance, server) (haproxy_server_status{{{NODES}, state="UP"}})',
                    "{{instance}} {{server}}",
                ),
            ),
            "state-timeline",
            steps=((None, RED), (1, GREEN)),
            words={1: ("in", GREEN), 0: ("out", RED)},
        ),
        Panel(
            "Requests at nodes",
            "Requests that each node has from all balancers, large ones included. Of others it has no more than the "
            "places that each balancer gives it.",
            "short",
            (
                Query(f"sum by (server) (haproxy_server_current_sessions{{{ALL}}})", "{{server}}"),
                Query(f"max (haproxy_server_limit_sessions{{{NODES}}})", "places of a node", dashed=True),
            ),
        ),
    ),
)
