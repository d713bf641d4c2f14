"""What reports the state of the service: endpoints for clients and balancers, and gauges for Prometheus."""

from __future__ import annotations

import heapq
import platform
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway import __version__
from gateway.context import CONTEXT
from gateway.model.errors import NotReady
from gateway.model.jobs import MiB

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gateway.context import Context
    from gateway.keys.budgets import Quota
    from gateway.render_service import RenderService
    from gateway.server.connections import Edge

LIVE = "Matplotlib Graph Render API is live!"

#: Keys that have gauges: those that have used most of what they may have. There may be thousands.
KEYS_LIMIT = 20


async def live(_: web.Request) -> web.Response:
    """`GET /`: one line that says the service is live."""
    return web.Response(text=LIVE)


async def healthz(_: web.Request) -> web.Response:
    """`GET /healthz`: the process runs, whether or not it can render."""
    return web.json_response({"status": "ok"})


async def readyz(request: web.Request) -> web.Response:
    """`GET /readyz`: 200 if a render would work now, else 503 and the reason."""
    context = request.app[CONTEXT]
    verdict = context.service.launcher.verdict
    warm_starts = {
        each.environment: {"way": each.way} | ({"reason": each.reason} if each.reason else {})
        for each in context.service.launcher.warm_starts
    }
    self_test: dict[str, bool | int] = {} if verdict is None else {"holds": verdict.holds, "age_s": verdict.age_s()}
    if context.not_ready is not None:
        raise NotReady(context.not_ready, self_test or None)
    shared = context.sharing.state if context.sharing is not None else None
    details = {"self_test": self_test, "warm_start": warm_starts, "shared": shared}
    return web.json_response({"status": "ready"} | {name: value for name, value in details.items() if value})


ROUTES = ((hdrs.METH_GET, "/", live), (hdrs.METH_GET, "/healthz", healthz), (hdrs.METH_GET, "/readyz", readyz))


def add_gauges(context: Context, edge: Edge) -> None:
    """Add the gauges of the whole service: what there is of everything now, and how much there may be.

    Args:
        context: The service and its settings.
        edge: What the connections of the public listener share.
    """
    settings, service = context.settings, context.service
    admission, memory, keyring, watch = service.admission, service.memory, service.keyring, service.metrics.watch
    watch("figbox_ready", "Whether a render would work now", lambda: context.not_ready is None)
    watch("figbox_keys", "Keys that are let in", lambda: len(keyring))
    watch("figbox_keys_file_good", "Whether the keys file can be used", lambda: keyring.is_good)
    watch("figbox_jobs_running", "Jobs that hold a place", lambda: admission.running_count)
    watch("figbox_jobs_running_limit", "Places for jobs", lambda: admission.running_limit)
    watch("figbox_jobs_waiting", "Jobs in the queue", lambda: admission.waiting_count)
    watch("figbox_jobs_waiting_limit", "Most jobs in the queue", lambda: admission.queue_limit)
    watch("figbox_body_bytes", "Memory that bodies hold", lambda: memory.bodies.held_bytes)
    watch("figbox_body_bytes_limit", "Most memory that bodies hold", lambda: memory.bodies.total_bytes)
    watch("figbox_answer_bytes", "Memory that jobs and answers hold", lambda: memory.answers.held_bytes)
    watch("figbox_answer_bytes_limit", "Most memory that jobs and answers hold", lambda: memory.answers.total_bytes)
    watch("figbox_memory_limit_bytes", "Most memory of the process", lambda: settings.memory_mib * MiB)
    watch("figbox_connections", "Connections open to the public listener", lambda: edge.connection_count)
    watch("figbox_connections_limit", "Most connections open at once", lambda: edge.limits.connections)
    service.metrics.watch_each(
        "figbox_shared_up",
        "Whether this node asks the server that nodes share; none without one",
        (),
        lambda: {} if context.sharing is None else {(): context.sharing.server.is_up},
    )
    _add_labelled_gauges(service)


def _add_labelled_gauges(service: RenderService) -> None:
    launcher, watch_each = service.launcher, service.metrics.watch_each

    watch_each(
        "figbox_build_info",
        "Versions of what runs here; always 1",
        ("version", "python"),
        lambda: {(__version__, platform.python_version()): 1},
    )
    watch_each(
        "figbox_environment_info",
        "Image and runtime of each environment; always 1",
        ("environment", "image", "runtime"),
        lambda: {(facts.name, facts.image_id, facts.runtime): 1 for facts in launcher.environments.values()},
    )
    watch_each(
        "figbox_snapshot_starts",
        "Whether containers start from a snapshot",
        ("environment",),
        lambda: {(each.environment,): each.way == "snapshot" for each in launcher.warm_starts},
    )
    watch_each(
        "figbox_snapshot_missing",
        "Whether containers import although a snapshot is wanted",
        ("environment",),
        lambda: {(each.environment,): each.reason is not None for each in launcher.warm_starts},
    )
    watch_each(
        "figbox_self_test_age_seconds",
        "Seconds since the end of the last self-test; none before the first",
        (),
        lambda: {} if launcher.verdict is None else {(): launcher.verdict.age_s()},
    )
    service.metrics.watch_table(
        {
            "figbox_key_allowance": "Allowance of a key, of those that have least left",
            "figbox_key_left": "What is left of an allowance of a key",
        },
        ("key", "budget"),
        lambda: {
            names: (quota.allowance, quota.remaining) for names, quota in scarcest_quotas(service, KEYS_LIMIT).items()
        },
    )


def scarcest_quotas(service: RenderService, limit: int) -> Mapping[tuple[str, ...], Quota]:
    """Return the allowances of the keys that have used most of theirs, by the names of key and allowance.

    Args:
        service: Knows the keys, by name only.
        limit: Most keys; those that have used nothing within the last minute are left out.
    """
    found = (service.keyring.holder(name) for name in service.budgets.names | service.admission.keys)
    used = {holder: part for holder in found if holder is not None and (part := service.part_used(holder))}
    scarcest = sorted(heapq.nlargest(limit, used, key=lambda holder: used[holder]), key=lambda holder: holder.name)
    return {(holder.name, quota.name): quota for holder in scarcest for quota in service.quotas(holder)}
