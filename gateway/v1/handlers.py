"""The endpoints below `/v1`."""

from __future__ import annotations

from dataclasses import asdict
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway.cache.lookup import find_or_run
from gateway.cache.policy import CacheUse, cache_directives
from gateway.context import CONTEXT
from gateway.environments import ENVIRONMENTS_LIMIT
from gateway.model.results import Outcome
from gateway.observability.timing import Timing
from gateway.server.middleware import REQUEST_ID, server_timing
from gateway.server.sending import Answer, send
from gateway.v1.request.dispatch import read_job
from gateway.v1.response.accept import choose_format, choose_forms, form_for, parse_accept
from gateway.v1.response.documents import EnvironmentDocument, EnvironmentsDocument, LimitsDocument, PackageDocument
from gateway.v1.response.failures import respond_to_failure
from gateway.v1.response.objections import find_objections
from gateway.v1.response.rendering import Rendering
from gateway.v1.response.response import respond

if TYPE_CHECKING:
    from gateway.keys.keyring import Holder
    from gateway.memory.byte_budget import Hold
    from gateway.model.jobs import EnvironmentFacts, Limits
    from gateway.render_service import RenderService

RENDER = "/v1/render"
ENVIRONMENTS = "/v1/environments"

CACHE_HEADER = "X-Figbox-Cache"


async def render(request: web.Request) -> web.StreamResponse:
    """`POST /v1/render`: run the code and return what it drew, in a form that the client accepts."""
    context = request.app[CONTEXT]
    service = context.service
    timing = Timing()
    holder = await service.enter(request, timing)
    with service.memory.answers.hold(holder.name) as held:
        answer = await _answer(request, service, holder, timing, held)
        with timing.stage("send"):
            return await send(request, answer, held)


async def _answer(request: web.Request, service: RenderService, holder: Holder, timing: Timing, held: Hold) -> Answer:
    """Return the answer to a request; when it returns, nothing else of the request is kept."""
    context = request.app[CONTEXT]
    with service.intake(holder, timing) as body:
        with service.reading(holder, timing):
            accepted = parse_accept(request.headers.getall(hdrs.ACCEPT, ()))
            work = partial(service.work, holder)
            job, terms = await read_job(request, context.settings, body, work, choose_format(accepted))
        forms = choose_forms(accepted, job.options.formats)
        job = service.bound(holder, job)
        timing.note_job(job)
        facts = service.environment(job.environment)
        directives = cache_directives(request.headers.getall(hdrs.CACHE_CONTROL, []), allowed=terms.allows_cache)
        result, use = await find_or_run(
            context.renders, service, holder, job, directives=directives, timing=timing, answer=held
        )
    paid = partial(service.budgets.charge, holder)
    drawn = result.outcome is Outcome.OK
    objections = await find_objections(result, terms.fail_on, paid) if drawn else None
    if drawn and objections is None:
        rendering = Rendering(job, facts, result, cached=use is CacheUse.HIT)
        form = form_for(forms, len(rendering.pictures))
        answer = await respond(request, rendering, form, paid)
    else:
        answer = await respond_to_failure(result, request[REQUEST_ID], paid, objections)
    answer.response.headers[CACHE_HEADER] = use.value
    stages = {"cache": timing.total_ms()} if use is CacheUse.HIT else result.stages.by_name()
    answer.response.headers["Server-Timing"] = server_timing(stages)
    return answer


async def environments(request: web.Request) -> web.Response:
    """`GET /v1/environments`: list the environments, each with the limits of the key."""
    service = request.app[CONTEXT].service
    holder = await service.enter(request, Timing())
    known = [facts for _, facts in sorted(service.launcher.environments.items())]
    documents = [_environment_document(facts, holder.policy.lowered(facts.limits)) for facts in known]
    return web.json_response(body=EnvironmentsDocument(environments=documents).model_dump_json().encode())


def _environment_document(facts: EnvironmentFacts, limits: Limits) -> EnvironmentDocument:
    return EnvironmentDocument(
        name=facts.name,
        image=facts.image_id,
        runtime=facts.runtime,
        versions=dict(facts.versions),
        packages=_package_documents(tuple(facts.packages.items())),
        limits=LimitsDocument(**asdict(limits)),
    )


@lru_cache(maxsize=ENVIRONMENTS_LIMIT + 1)
def _package_documents(packages: tuple[tuple[str, str], ...]) -> list[PackageDocument]:
    """Return the packages of an environment, sorted; there are hundreds, and they stay the same."""
    ordered = sorted(packages, key=lambda package: package[0].casefold())
    return [PackageDocument(name=name, version=version) for name, version in ordered]


ROUTES = ((hdrs.METH_POST, RENDER, render), (hdrs.METH_GET, ENVIRONMENTS, environments))
