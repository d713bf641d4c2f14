"""Get the result of an admitted job: from the cache, or by running it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.cache.policy import CacheUse, entry_key
from gateway.memory.memory_plan import job_bytes
from gateway.model.jobs import Describe

if TYPE_CHECKING:
    from gateway.cache.policy import CacheDirectives
    from gateway.cache.renders import RenderCache
    from gateway.keys.keyring import Holder
    from gateway.memory.byte_budget import Hold
    from gateway.model.jobs import Job
    from gateway.model.results import Result
    from gateway.observability.timing import Timing
    from gateway.render_service import RenderService


async def find_or_run(
    renders: RenderCache | None,
    service: RenderService,
    holder: Holder,
    job: Job,
    *,
    directives: CacheDirectives,
    timing: Timing,
    answer: Hold,
) -> tuple[Result, CacheUse]:
    """Return the result of a job, as `RenderService.run` does, but without running it if a kept result will do.

    Args:
        renders: The cache; None runs every job.
        service: Runs the job.
        holder: Whose job it is.
        job: What to draw, with its limits.
        directives: What the client allows.
        timing: Of the request.
        answer: As `RenderService.run` needs it; a kept render is read into memory that it holds.
    """
    if renders is None or not (directives.read or directives.keep):
        return await service.run(holder, job, timing, answer), CacheUse.OFF
    facts = service.environment(job.environment)
    key = entry_key(holder.name, job, facts)
    kept = None
    if directives.read:
        with service.reporting(holder, timing):
            await answer.grow(job_bytes(facts.limits.output_limit_bytes, 0))
        with timing.stage("look up"):
            kept = await renders.get(key)
    if kept is not None:
        await service.report_cache_hit(holder, kept, timing)
        return kept, CacheUse.HIT
    answer.shrink(0)
    result = await service.run(holder, job, timing, answer)
    if is_complete(job, result):
        with timing.stage("keep"):
            await renders.put(key, result)
    return result, CacheUse.MISS


def is_complete(job: Job, result: Result) -> bool:
    """Return whether a result has all that its job asks for: that a figure can't be described may be temporary."""
    return job.options.describe is Describe.NONE or all(figure.explanation is not None for figure in result.figures)
