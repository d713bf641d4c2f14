"""How a job that is let in comes to its result: from the cache, or by running."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from loguru import logger

from gateway.cache.policy import CacheUse, Wish, entry_key
from gateway.model.jobs import Stages

if TYPE_CHECKING:
    from gateway.handlers import Services
    from gateway.keys.keyring import Holder
    from gateway.model.jobs import EnvironmentFacts, Job, Limits, Result


@dataclass(frozen=True, slots=True)
class Order:
    """A job that is let in, and what decides whether it must run.

    Attributes:
        holder: Whose it is.
        job: What to draw.
        facts: What it runs in, where that is known.
        limits: What it may use, after everybody's wishes.
        wish: What the client says of the cache.
        began: When the request came, by `time.perf_counter`.
    """

    holder: Holder
    job: Job
    facts: EnvironmentFacts | None
    limits: Limits
    wish: Wish
    began: float


async def fulfil(services: Services, order: Order) -> tuple[Result, CacheUse]:
    """Return what becomes of a job: a kept result where there is one and it will do, else that of a run."""
    renders = services.renders
    if renders is None or order.facts is None or not (order.wish.look or order.wish.keep):
        return await services.serving.run(order.holder, order.job, Stages(), order.began), CacheUse.OFF
    key = entry_key(order.holder.name, order.job, order.facts, order.limits)
    kept = await renders.get(key) if order.wish.look else None
    if kept is not None:
        _report_kept(services, order, kept)
        return kept, CacheUse.HIT
    result = await services.serving.run(order.holder, order.job, Stages(), order.began)
    await renders.put(key, result)
    return result, CacheUse.MISS


def _report_kept(services: Services, order: Order, result: Result) -> None:
    """Count a request that no container ran for, and write its one log line."""
    services.serving.metrics.count_kept()
    logger.info(
        "answered from the cache",
        key=order.holder.name,
        outcome=result.outcome.value,
        total_ms=round((time.perf_counter() - order.began) * 1000, 1),
    )
