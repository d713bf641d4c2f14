"""The endpoints below `/v1`, and the description of all of them. Each is a list of named steps."""

from __future__ import annotations

import json
import time
from functools import cache
from typing import TYPE_CHECKING

from aiohttp import hdrs, web

from gateway.cache.lookup import Order, fulfil
from gateway.cache.policy import CacheUse, wish_of
from gateway.description import docs_page
from gateway.description.openapi import describe
from gateway.handlers import SERVICES
from gateway.model.errors import NotReady
from gateway.model.jobs import Outcome
from gateway.server.middleware import REQUEST_ID
from gateway.v1.request.caps import check_caps
from gateway.v1.request.dispatch import read_submission
from gateway.v1.response.accept import choose_forms, form_for, parse_accept
from gateway.v1.response.documents import EnvironmentDocument, EnvironmentsDocument, PackageDocument
from gateway.v1.response.failures import failure_response
from gateway.v1.response.rendering import Rendering, limits_document, sha256
from gateway.v1.response.response import answer

if TYPE_CHECKING:
    from gateway.model.jobs import EnvironmentFacts, Limits, Result

RENDER = "/v1/render"
ENVIRONMENTS = "/v1/environments"

CACHE_HEADER = "X-Figbox-Cache"


async def render(request: web.Request) -> web.Response:
    """`POST /v1/render`: run the code and answer with what it drew, in the form the client takes."""
    services = request.app[SERVICES]
    began = time.perf_counter()
    holder = services.serving.enter(request)
    submission = await read_submission(request, services.settings)
    options = submission.options
    forms = choose_forms(parse_accept(request.headers.getall(hdrs.ACCEPT, ())), options)
    environments = services.environments()
    limits = check_caps(options, holder.policy, environments, services.serving.limits)
    facts = environments.get(options.environment)
    wish = wish_of(request.headers.getall(hdrs.CACHE_CONTROL, []), allowed=options.cache)
    result, use = await fulfil(services, Order(holder, submission.job(), facts, limits, wish, began))
    if result.outcome is not Outcome.OK:
        response = failure_response(result, request[REQUEST_ID])
    else:
        code_sha256 = sha256(submission.code.encode())
        cached = use is CacheUse.HIT
        rendering = Rendering(result, limits, options.environment, facts, code_sha256, cached)
        form = form_for(forms, len(rendering.pictures))
        known = request.headers.getall(hdrs.IF_NONE_MATCH, ())
        response = await answer(rendering, form, request[REQUEST_ID], known)
    response.headers[CACHE_HEADER] = use.value
    response.headers["Server-Timing"] = _server_timing(result, use, began)
    return response


async def environments(request: web.Request) -> web.Response:
    """`GET /v1/environments`: what code can be run in, and what the key that asks may use there."""
    services = request.app[SERVICES]
    holder = services.serving.enter(request)
    found = services.environments()
    if not found:
        raise NotReady(services.not_ready() or "the environments are not known yet")
    document = EnvironmentsDocument(
        environments=[
            _environment_document(facts, holder.policy.lowered(facts.limits)) for _, facts in sorted(found.items())
        ]
    )
    return web.json_response(body=document.model_dump_json().encode())


def _server_timing(result: Result, use: CacheUse, began: float) -> str:
    if use is CacheUse.HIT:
        return f"cache;dur={(time.perf_counter() - began) * 1000:.1f}"
    return result.stages.server_timing()


def _environment_document(facts: EnvironmentFacts, limits: Limits) -> EnvironmentDocument:
    return EnvironmentDocument(
        name=facts.name,
        image=facts.image_id,
        runtime=facts.runtime,
        versions=dict(facts.versions),
        packages=[
            PackageDocument(name=name, version=facts.packages[name])
            for name in sorted(facts.packages, key=str.casefold)
        ],
        limits=limits_document(limits),
    )


async def openapi(_: web.Request) -> web.Response:
    """`GET /openapi.json`: what can be asked, for programs."""
    return web.Response(body=_openapi_body(), content_type="application/json")


async def docs(_: web.Request) -> web.Response:
    """`GET /docs`: the same for people."""
    return web.Response(
        text=_docs_body(), content_type="text/html", headers={"Content-Security-Policy": docs_page.POLICY}
    )


@cache
def _openapi_body() -> bytes:
    return json.dumps(describe()).encode()


@cache
def _docs_body() -> str:
    return docs_page.render_page(describe())


ROUTES = (
    (hdrs.METH_POST, RENDER, render),
    (hdrs.METH_GET, ENVIRONMENTS, environments),
    (hdrs.METH_GET, "/openapi.json", openapi),
    (hdrs.METH_GET, "/docs", docs),
)
