"""How an admitted job comes to its result: from the cache, or by running."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cache.policy import CacheUse, Wish, entry_key

if TYPE_CHECKING:
    from gateway.cache.renders import RenderCache
    from gateway.keys.keyring import Holder
    from gateway.model.jobs import Job
    from gateway.model.results import Result
    from gateway.render_service import RenderService, Timing


async def find_or_run(
    renders: RenderCache | None, service: RenderService, holder: Holder, job: Job, *, wish: Wish, timing: Timing
) -> tuple[Result, CacheUse]:
    """Return the result of a job: a kept one if there is one and it will do, else that of a run.

    Args:
        renders: The cache; None runs every job.
        service: Runs the job.
        holder: Whose job it is.
        job: What to draw, with its limits.
        wish: What the client says of the cache.
        timing: Of the request.

    Raises:
        Busy, EngineError: As `RenderService.run`.
    """
    if renders is None or not (wish.look or wish.keep):
        return await service.run(holder, job, timing), CacheUse.OFF
    key = entry_key(holder.name, job, service.environment(job.environment))
    kept = await renders.get(key) if wish.look else None
    if kept is not None:
        service.report_kept(holder, kept, timing)
        return kept, CacheUse.HIT
    result = await service.run(holder, job, timing)
    await renders.put(key, result)
    return result, CacheUse.MISS
