"""Get the result of an admitted job: from the cache, or by running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cache.policy import CacheUse, entry_key

if TYPE_CHECKING:
    from gateway.cache.policy import CacheDirectives
    from gateway.cache.renders import RenderCache
    from gateway.keys.keyring import Holder
    from gateway.model.jobs import Job
    from gateway.model.results import Result
    from gateway.render_service import RenderService, Timing


async def find_or_run(
    renders: RenderCache | None,
    service: RenderService,
    holder: Holder,
    job: Job,
    *,
    directives: CacheDirectives,
    timing: Timing,
) -> tuple[Result, CacheUse]:
    """Return the result of a job, as `RenderService.run` does, but without running it if a kept result will do.

    Args:
        renders: The cache; None runs every job.
        service: Runs the job.
        holder: Whose job it is.
        job: What to draw, with its limits.
        directives: What the client allows.
        timing: Of the request.
    """
    if renders is None or not (directives.read or directives.keep):
        return await service.run(holder, job, timing), CacheUse.OFF
    key = entry_key(holder.name, job, service.environment(job.environment))
    kept = await renders.get(key) if directives.read else None
    if kept is not None:
        service.report_cache_hit(holder, kept, timing)
        return kept, CacheUse.HIT
    result = await service.run(holder, job, timing)
    await renders.put(key, result)
    return result, CacheUse.MISS
